"""Lessons drive the real window: each is played to its end by what it highlights, or by Show me; a broken one is noticed."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QRect, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel

from genstudio import families, paths
from genstudio.ui.lessons import player
from genstudio.ui.lessons.conditions import Since, words
from genstudio.ui.lessons.controls import ControlError, equals, find, put, reveal, value
from genstudio.ui.lessons.lesson import ControlHas, Lesson, LessonError, Press, all_lessons, own_folder, read_lesson
from genstudio.ui.lessons.player import Player
from genstudio.ui.window import MainWindow
from helpers import LONG, TINY, usually

Open = Callable[..., MainWindow]
FEW = 12
"""Steps to which trainings are cut."""
SMALL = {"layers": 2, "heads": 2, "d_model": 32, "context": 32, "batch": 4, "evaluate_every": 100}
SPOKEN = {"d_model": 16, "convolutions": 1, "postnet": 0, "batch": 2, "longest": 1.0}
SHIPPED = tuple(file.stem for file in sorted((paths.resources() / "lessons").glob("*.toml")))


def made(folder: Path, text: str, name: str = "mine.toml") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(textwrap.dedent(text), encoding="utf-8")
    return folder / name


def lesson(folder: Path, steps: str) -> Lesson:
    return read_lesson(made(folder, 'title = "A"\nline = "b"\nminutes = 1\n' + textwrap.dedent(steps)))


def do_step(window: MainWindow, qtbot: Any, player: Player, patience: int = LONG) -> None:
    """Do what a step asks for, with the mouse where it highlights a button that is to be pressed; answer; go on."""
    step, panel = player.step, window.lesson_panel
    shown = player.control()
    only = step.do[0] if len(step.do) == 1 else None
    if step.question:
        qtbot.mouseClick(panel.answers[0], Qt.MouseButton.LeftButton)
        assert step.reveal == panel.reveal.text() and panel.reveal.isVisible()
    if not player.done and isinstance(only, Press) and isinstance(shown, QAbstractButton) and shown.isVisible():
        assert shown.objectName() == only.press
        qtbot.mouseClick(shown, Qt.MouseButton.LeftButton)
    elif not player.done and step.do:
        qtbot.mouseClick(panel.show_me, Qt.MouseButton.LeftButton)
    try:
        qtbot.waitUntil(lambda: player.done or bool(player.note), timeout=patience)
    finally:
        assert player.done and not player.note, f"step {player.at + 1}: {player.note} {player.asked()}"
    qtbot.mouseClick(panel.next, Qt.MouseButton.LeftButton)


def play(window: MainWindow, qtbot: Any, key: str, most: int | None) -> None:
    """A lesson from its card to its end; every control that it highlights has to be there, and to be seen unless it is
    waited for."""
    player = window.player
    player.most = most
    window.show_lessons()
    card = next(card for card in window.lessons.cards if card.lesson.key == key)
    qtbot.mouseClick(card, Qt.MouseButton.LeftButton)
    seen = 0
    while player.lesson is not None:
        at, step = player.at, player.step
        seen += bool(step.show) and player.outline.isVisible()
        do_step(window, qtbot, player, LONG if most else 5 * LONG)  # a whole training, on a computer that may be busy
        assert player.lesson is None or player.at == at + 1, f"{key}: step {at + 1} was not passed: {player.asked()}"
    assert key in window.lessons.finished
    assert seen >= len([step for step in card.lesson.step if step.show and not step.skip]) - 2


@pytest.fixture
def small_models() -> Iterator[None]:
    """The presets of GPT, BERT and text to speech, with a model that takes a step in a moment."""
    spoken = families.get("tts").presets
    presets = families.get("gpt").presets + families.get("bert").presets + spoken
    before = [preset.values for preset in presets]
    for preset in presets:
        object.__setattr__(preset, "values", {**preset.values, **(SPOKEN if preset in spoken else SMALL)})
    yield
    for preset, values in zip(presets, before, strict=True):
        object.__setattr__(preset, "values", values)


@pytest.mark.timeout(600)
@pytest.mark.usefixtures("small_models", "real_models")
@usually("keys", [SHIPPED[::8], [key for key in SHIPPED if key not in SHIPPED[::8]]], ids=["some", "the others"])
def test_each_lesson_can_be_played_to_its_end(open_window: Open, qtbot: Any, keys: Sequence[str]) -> None:
    window = open_window("lessons", "playground")
    assert len(SHIPPED) == len(window.lessons.cards)
    for key in keys:
        play(window, qtbot, key, FEW)
    assert not window.banners.shown
    remembered = window.lessons.remembered()
    assert remembered == {"done": sorted(keys)}


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("key", SHIPPED)
def test_each_lesson_uncut(open_window: Open, qtbot: Any, key: str) -> None:
    window = open_window("lessons", "playground")
    play(window, qtbot, key, None)


def test_a_step_that_is_not_done_is_not_passed_and_a_control_that_is_not_there_is_said(
    open_window: Open, qtbot: Any, tmp_path: Path
) -> None:
    """The broken twins of the lessons that ship."""
    window = open_window("lessons")
    player = window.player
    broken = lesson(tmp_path, """
        [[step]]
        text = "This cannot come true."
        room = "transformer"
        show = "start"
        do = [{ put = "shakespeare", in = "dataset_choice" }]
        check = [{ control = "dataset_choice", is = "names" }, { control = "setting_layers", above = 1000 }]
        [[step]]
        text = "This is nowhere."
        room = "transformer"
        show = "no_such_control"
        do = [{ press = "no_such_button" }]
        check = [{ seen = "no_such_control" }]
    """)  # fmt: skip
    player.begin(broken)
    window.lesson_panel.open()
    assert [done for _, done in player.asked()] == [False, False]
    player.show_me()
    for _ in range(3):
        player.next()
        player.advance()
    assert player.at == 0 and not player.passed and not window.lesson_panel.next.isEnabled()
    player._enter(1)
    with pytest.raises(ControlError, match="no_such_control"):
        player.control()
    assert "no_such_control" in player.note and not player.outline.isVisible()
    player.show_me()
    assert "no_such_button" in player.note and not player.passed
    player.end()


def test_the_ring_follows_its_control_and_moves_nothing(open_window: Open, qtbot: Any, tmp_path: Path) -> None:
    window = open_window("lessons", "playground")
    two = lesson(tmp_path, """
        [[step]]
        text = "A setting that is hidden."
        room = "transformer"
        show = "setting_mask"
        [[step]]
        text = "A slider that is folded away."
        room = "playground"
        show = "temperature"
    """)  # fmt: skip
    player = window.player
    for size in ((1280, 692), (960, 560)):
        window.resize(*size)
        player.begin(two)
        window.lesson_panel.open()
        panel = window.lesson_panel
        for at, name in enumerate(("setting_mask", "temperature")):
            QApplication.processEvents()
            target, ring = player.control(), player.outline
            assert target.objectName() == name and target.isVisible()
            qtbot.waitUntil(lambda ring=ring: ring.isVisible() and QRect(ring.geometry()).contains(ring.area()))
            qtbot.waitUntil(lambda ring=ring, target=target: ring.area().height() >= min(target.height(), 16))
            docked = QRect(panel.mapTo(window, panel.rect().topLeft()), panel.size())
            assert not docked.intersects(ring.area()), "the panel hides what it speaks of"
            assert window.rect().contains(docked)
            before = target.geometry()
            ring.hide()
            QApplication.processEvents()
            assert target.geometry() == before
            window.resize(size[0] + 40, size[1] + 30)
            qtbot.waitUntil(lambda ring=ring: QRect(ring.geometry()).contains(ring.area()) and ring.isVisible())
            window.resize(*size)
            if at == 0:
                player.next()
        player.end()
        assert not player.outline.isVisible() and not panel.isVisible()


def test_the_setup_and_the_run_whose_room_it_takes_are_each_brought_into_view(open_window: Open, qtbot: Any) -> None:
    """A training can end before its Start button is brought into view: the button takes the room of what the next step is
    about."""
    window = open_window("transformer")
    window.resize(960, 692)
    tab = window.transformer
    tab.setup.choose_data("names")
    tab.setup.form.set_values(SMALL)
    tab.setup.set_plan(3, None)
    tab.start_training()
    qtbot.waitUntil(lambda: tab.state == "stopped", timeout=LONG)
    for _ in range(2):
        reveal(window, tab.start)
        assert tab.start.isVisible() and not tab.panel.pages.isVisible()
        reveal(window, tab.panel.pages)
        assert tab.panel.pages.isVisible() and not tab.start.isVisible()


def test_a_lesson_turns_to_an_explorer_and_back_to_the_training_that_it_hides(open_window: Open, qtbot: Any) -> None:
    window = open_window("basics")
    tab = window.tabs.page("basics")
    bar = find(window, "basics", "basics_explorers")
    assert bar is tab.explorers and value(bar) == "Training"
    wish = words(window, ControlHas(control="basics_explorers", equals="By hand"), Since(room="basics"))
    assert wish == "Choose 'By hand' in 'Training and explorers'"
    put(bar, "By hand")
    title = words(window, ControlHas(control="by_hand_title", equals="Loss"), Since(room="basics"))
    assert title == "Continue until it says 'Loss'"
    assert value(bar) == "By hand" and equals(bar, "By hand") and tab.explorers.current == "by_hand"
    assert tab.explorers.page.isVisible()
    with pytest.raises(ControlError, match="does not offer 'By foot'"):
        put(bar, "By foot")
    tab.setup.choose_data("class-moons")
    tab.setup.set_plan(3, None)
    tab.start_training()
    qtbot.waitUntil(lambda: tab.state == "stopped", timeout=LONG)
    put(bar, "By hand")
    pane = find(window, "basics", "pane_network")
    assert pane is not None and not pane.isVisible()
    reveal(window, pane)
    assert pane.isVisible() and value(bar) == "Training"


def test_a_teacher_steps_with_space_and_a_remote(open_window: Open, qtbot: Any, tmp_path: Path) -> None:
    window = open_window("lessons", "playground")
    three = lesson(tmp_path, """
        [[step]]
        text = "First."
        room = "playground"
        do = [{ put = 0.5, in = "temperature" }]
        check = [{ control = "temperature", is = 0.5 }]
        question = "Why?"
        answers = ["No", "Yes"]
        right = 2
        reveal = "Because."
        [[step]]
        text = "Second."
        room = "playground"
        [[step]]
        text = "Third."
        room = "playground"
    """)  # fmt: skip
    player, editor = window.player, window.playground.document.editor
    player.begin(three)
    window.lesson_panel.open()
    QTest.keyClick(window, Qt.Key.Key_Space)
    assert not player.done, "without teacher's mode, Space is not a key of the lesson"
    window.lesson_panel.teach(True)
    assert window.look.presenting
    window.tabs.setFocus()
    QTest.keyClick(window, Qt.Key.Key_Space)
    assert player.done and not player.answered
    QTest.keyClick(window, Qt.Key.Key_Space)
    assert player.chosen == {0: 1}
    QTest.keyClick(window, Qt.Key.Key_Space)
    assert player.at == 1
    editor.setFocus()
    QTest.keyClick(editor, Qt.Key.Key_Space)
    assert player.at == 1 and " " in window.playground.document.text()
    QTest.keyClick(editor, Qt.Key.Key_PageDown)
    assert player.at == 2
    QTest.keyClick(editor, Qt.Key.Key_PageUp)
    assert player.at == 1
    player.end()
    assert not window.look.presenting
    QTest.keyClick(editor, Qt.Key.Key_PageDown)


def test_the_key_of_the_next_step_goes_to_the_question_first(open_window: Open, qtbot: Any, tmp_path: Path) -> None:
    window = open_window("lessons")
    two = lesson(tmp_path, """
        [[step]]
        text = "First."
        room = "lessons"
        question = "Why?"
        answers = ["No", "Yes"]
        right = 2
        reveal = "Because."
        [[step]]
        text = "Second."
        room = "lessons"
    """)  # fmt: skip
    player, panel = window.player, window.lesson_panel
    player.begin(two)
    panel.open()
    window.activateWindow()
    panel.end.setFocus()
    panel.step()
    assert player.at == 0 and window.focusWidget() is panel.answers[0]
    panel.answers[1].setFocus()
    QTest.keyClick(panel.answers[1], Qt.Key.Key_Space)
    assert player.answered and window.focusWidget() is panel.next, "not the button back"
    QTest.keyClick(panel.next, Qt.Key.Key_Space)
    assert player.at == 1
    player.end()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("title = ", "not valid TOML"),
        ('title = "A"\nline = "b"\nminutes = 1', "'step': it is missing"),
        ('title = "A"\nline = "b"\nminutes = 1\n[[step]]\ntext = "c"\nshwo = "d"', "Step 1, 'shwo': there is no such key"),
        ('title = "A"\nline = "b"\nminutes = 1\n[[step]]\ntext = "c"\n[[step]]\ntext = "d"\ncheck = [{ is = 1 }]',
         "Step 2, check 1: write one of: control, run"),
        ('title = "A"\nline = "b"\nminutes = 1\n[[step]]\ntext = "c"\ndo = [{ train_for = "long" }]', "'long' is not a length"),
        ('title = "A"\nline = "b"\nminutes = 1\n[[step]]\ntext = "c"\nquestion = "d?"\nanswers = ["e"]', "two to four answers"),
        ('title = "A"\nline = "b"\nminutes = 1\n[[step]]\ntext = "c"\nquestion = "d?"\nanswers = ["e", "f"]\nright = 3',
         "it is 1 to 2"),
        ('title = "A"\nline = "b"\nminutes = 1\n[[step]]\ntext = "c"\ncheck = [{ control = "d" }]', "what the control should"),
    ],
)  # fmt: skip
def test_an_error_in_a_file_is_said_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(LessonError) as error:
        read_lesson(made(tmp_path, text))
    assert said in error.value.message and "mine.toml" in error.value.message and error.value.hint


def test_lessons_of_ones_own_are_listed_and_a_bad_file_is_said(open_window: Open, qtbot: Any) -> None:
    made(own_folder(), 'title = "My lesson"\nline = "b"\nminutes = 2\n[[step]]\ntext = "c"', "good.toml")
    made(own_folder(), "title", "bad.toml")
    assert [one.key for one in all_lessons().lessons] == [*SHIPPED, "own/good"]
    window = open_window("lessons")
    tab = window.lessons
    assert tab.cards[-1].lesson.mine and "My lesson" in tab.cards[-1].accessibleName()
    assert len(tab.problems) == 1 and "bad.toml" in tab.problems[0].text()
    headings = {label.text(): label for label in tab.findChildren(QLabel) if label.objectName().startswith("lessons_subject")}
    assert [card.lesson.subject or "Your lessons" for card in tab.cards] == sorted(
        (card.lesson.subject or "Your lessons" for card in tab.cards), key=list(headings).index
    )
    for card in tab.cards:  # each stands between its heading and the next one
        above = [name for name, label in headings.items() if label.y() < card.y()]
        assert above[-1] == (card.lesson.subject or "Your lessons")
    window.play_lesson("own/good")
    qtbot.mouseClick(window.lesson_panel.next, Qt.MouseButton.LeftButton)
    assert tab.finished == {"own/good"}


@pytest.mark.usefixtures("real_models")
def test_a_lesson_for_any_model_takes_one_that_ships_rather_than_one_that_has_just_begun(
    open_window: Open, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = open_window("lessons", "transformer", "playground")
    tab, choice = window.transformer, window.playground.choice
    tab.setup.form.set_values(TINY)
    tab.setup.set_plan(1_000_000, None)
    tab.start.click()
    qtbot.waitUntil(lambda: tab.state == "running" and tab.step > 0, timeout=LONG)
    tab.pause.click()
    window.tabs.show_room("playground")
    qtbot.waitUntil(lambda: choice.info() is not None and str(choice.info().folder) == tab.run_path, timeout=LONG)
    for enough, included in ((0, False), (10**9, True)):
        monkeypatch.setattr(player, "_LEARNED", enough)
        window.play_lesson("05-attention")
        assert choice.is_included is included
        window.player.end()
    tab.stop.click()
    qtbot.waitUntil(lambda: tab.state == "stopped", timeout=LONG)
