"""The README's tour and two lessons with the keyboard alone, and the focus seen wherever Tab goes, in light and dark."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QFileDialog, QWidget

from genstudio.tasks.datasets import DuplicateDataset
from genstudio.ui.lessons.keys import NEXT_KEYS, SHOW_KEYS
from genstudio.ui.lessons.lesson import Press
from genstudio.ui.window import MainWindow
from helpers import LONG, TINY, result, text_file

Open = Callable[..., MainWindow]
MOST = 150


class Keys:
    """A person without a mouse: every key goes to what has the focus."""

    def __init__(self, qtbot: Any, window: MainWindow) -> None:
        self.qtbot, self.window = qtbot, window
        window.activateWindow()
        qtbot.waitUntil(lambda: QApplication.activeWindow() is window, timeout=LONG)

    @property
    def at(self) -> Any:
        found = QApplication.focusWidget()
        return self.window if found is None else found

    def press(self, keys: str) -> None:
        for combined in QKeySequence(keys):  # type: ignore[attr-defined]
            QTest.keyClick(self.at, combined.key(), combined.keyboardModifiers())

    def type(self, text: str) -> None:
        QTest.keyClicks(self.at, text)

    def tab_to(self, name: str) -> Any:
        met: set[str] = set()
        for _ in range(MOST):
            if self.at.objectName() == name:
                return self.at
            met.add(self.at.objectName())
            self.press("Tab")
        raise AssertionError(f"Tab does not reach {name}, but {sorted(met)}")

    def until(self, condition: Callable[[], object]) -> None:
        self.qtbot.waitUntil(lambda: bool(condition()), timeout=LONG)


def play(keys: Keys, key: str) -> None:
    """A lesson: buttons that it asks for are reached with Tab, and pressed; the rest is shown by its key."""
    window, player = keys.window, keys.window.player
    player.most = 12
    window.show_lessons()
    card = next(card for card in window.lessons.cards if card.lesson.key == key)
    keys.tab_to(card.objectName())
    keys.press("Return")
    assert player.lesson is not None
    while player.lesson is not None:
        at, step, panel = player.at, player.step, window.lesson_panel
        shown, only = player.control(), step.do[0] if len(step.do) == 1 else None
        if step.question:
            keys.tab_to("lesson_answer_1")
            keys.press("Space")
            assert panel.reveal.isVisible()
        if not player.done and isinstance(only, Press) and isinstance(shown, QAbstractButton) and shown.isVisible():
            keys.tab_to(only.press)
            keys.press("Space")
        elif not player.done and step.do:
            keys.press(SHOW_KEYS)
        keys.until(lambda player=player: player.done or player.note)
        assert not player.note
        keys.press(NEXT_KEYS)
        assert player.lesson is None or player.at == at + 1
    assert key in window.lessons.finished


@pytest.mark.thorough
@pytest.mark.timeout(600)
def test_two_lessons_with_keys_alone(real_models: None, open_window: Open, qtbot: Any) -> None:
    keys = Keys(qtbot, open_window("lessons", "playground"))
    for key in ("04-temperature", "05-attention"):
        play(keys, key)
    assert not keys.window.banners.shown


@pytest.mark.timeout(600)
def test_the_tour_with_keys_alone(open_window: Open, qtbot: Any, tmp_path: Path, monkeypatch: Any) -> None:
    window = open_window("datasets", "transformer", "playground", "runs")
    keys, mine = Keys(qtbot, window), text_file(tmp_path)
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_, **__: ([str(mine)], ""))
    keys.press("Ctrl+O")
    keys.until(window.datasets.importing.start.isEnabled)
    keys.tab_to("import_start")
    keys.press("Return")
    keys.until(lambda: mine.stem in (window.datasets.current or "") and window.datasets.train.isVisible())
    keys.tab_to("train_on_this")
    keys.press("Return")
    tab: Any = window.transformer
    assert window.tabs.currentWidget() is tab
    tab.setup.form.set_values({**TINY, "context": 16})
    tab.setup.set_plan(100_000, None)
    keys.press("Ctrl+Return")
    keys.until(lambda: tab._progress.step > 5)
    keys.press("Ctrl+P")
    keys.until(lambda: tab.pause.text() == "Resume")
    keys.press("Ctrl+4")
    play: Any = window.playground
    assert window.tabs.currentWidget() is play
    keys.until(lambda: play.choice.reference() is not None)
    keys.press("Ctrl+L")
    keys.type("the cat ")
    keys.until(play.writer.generate.isEnabled)
    keys.press("Ctrl+G")
    keys.until(lambda: len(play.document.text()) > 20)
    keys.press("Ctrl+Shift+G")
    keys.press("Ctrl+Shift+L")
    while play.inspectors.title != "Attention":
        keys.press("Down")
    page = play.page("Attention")
    keys.until(lambda: page.heads.snapshot is not None)
    keys.tab_to("heads")
    keys.press("Right")
    assert page.which().head == 1
    keys.press("Ctrl+3")
    keys.press("Ctrl+P")
    keys.until(lambda: tab.pause.text() == "Pause")
    keys.press("Ctrl+.")
    keys.until(lambda: not tab.busy)
    keys.press(f"Ctrl+{list(window.tabs.rooms).index('runs') + 1}")
    runs: Any = window.runs
    keys.until(lambda: runs.model.rowCount() == 1)
    keys.press("Ctrl+F")
    keys.type("gpt")
    keys.tab_to("runs_table")
    keys.until(lambda: runs.selected is not None)
    keys.press("Return")
    assert window.tabs.currentWidget() is tab and tab.run_path
    assert not window.banners.shown


@pytest.mark.thorough
@pytest.mark.timeout(600)
def test_a_network_is_computed_by_hand_and_trained_with_keys_alone(open_window: Open, qtbot: Any) -> None:
    window = open_window("basics")
    keys, tab = Keys(qtbot, window), window.links.trainer("basics")
    tab.setup.choose_data("xor")
    bar = keys.tab_to("basics_explorers")
    while tab.explorers.current != "by_hand":
        keys.press("Right")
    page: Any = tab.explorers.page
    keys.until(lambda: page.network is not None)
    keys.tab_to("by_hand_example")
    keys.press("Up")
    assert page.number.value() == 2
    keys.tab_to("by_hand_next")
    while "Backward, layer 1" not in page.title.text():
        keys.press("Space")
    table = keys.tab_to("by_hand_table")
    row = next(row for row in range(table.rowCount()) if table.item(row, 0).text() == "w₁₁  layer 1")
    while table.currentRow() != row:
        keys.press("Down")
    while table.currentColumn() != 1:
        keys.press("Left" if table.currentColumn() > 1 else "Right")
    keys.press("F2")
    keys.type("2.5")
    keys.press("Return")
    keys.until(lambda: float(table.item(row, 1).text()) == 2.5)
    keys.tab_to(bar.objectName())
    titles = []
    while tab.explorers.current != "depth":
        keys.press("Right")
        titles.append(tab.explorers.current)
    assert titles[:3] == ["activations", "losses", "optimisers"]
    while tab.explorers.current:
        keys.press("Left")
    keys.tab_to("basics_start")
    keys.press("Return")
    keys.until(lambda: tab.step > 20)
    keys.press("Ctrl+.")
    keys.until(lambda: not tab.busy)
    assert not window.banners.shown


@pytest.mark.thorough
@pytest.mark.timeout(900)
def test_a_hidden_history_is_guessed_and_revealed_with_keys_alone(open_window: Open, qtbot: Any) -> None:
    hidden = {"history": "bottleneck", "count": 24, "haplotypes": 8, "length": 6000}
    info = result(DuplicateDataset("hidden-history", "Hidden bottleneck", made_with=hidden))
    window = open_window("gan")
    keys, tab = Keys(qtbot, window), window.gan
    keys.tab_to("model_choice")
    keys.type("Sim")
    assert tab.family.name == "simulator"
    keys.until(lambda: tab.setup.data.findText(info.title, Qt.MatchFlag.MatchContains) >= 0)
    tab.setup.choose_data(info.id)
    small = {"haplotypes": 6, "snps": 12, "regions": 4, "batch": 4, "proposals": 2, "good_enough": 0.5, "pretraining": 3}
    tab.setup.form.set_values({"history": "bottleneck", **small})
    tab.setup.set_plan(1_000, None)
    keys.tab_to("gan_start")
    keys.press("Return")
    keys.until(lambda: tab.step > 3)
    side = tab.panel.side
    keys.tab_to("figure_menu")
    for _ in range(MOST):
        if keys.at is not side.tabBar():
            keys.press("Tab")
    assert keys.at is side.tabBar(), "Tab passes the stage, whose bar is hidden"
    for _ in range(side.count()):
        if side.currentWidget() is not tab.panel.live:
            keys.press("Right")
    reveal = keys.tab_to("setting_reveal")
    assert not reveal.isChecked()
    keys.press("Space")
    assert reveal.isChecked()
    keys.press("Ctrl+.")
    keys.until(lambda: not tab.busy)
    assert not window.banners.shown


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_the_focus_is_seen_wherever_tab_goes(open_window: Open, qtbot: Any, mode: str) -> None:
    window = open_window("lessons", "datasets", "transformer", "runs")
    window.set_theme(mode)
    keys = Keys(qtbot, window)
    unseen: set[str] = set()
    for room in ("lessons", "datasets", "transformer", "runs"):
        window.tabs.show_room(room)
        window.tabs.tabBar().setFocus(Qt.FocusReason.TabFocusReason)
        visited: list[QWidget] = []
        while keys.at not in visited and len(visited) < MOST:
            here = keys.at
            visited.append(here)
            area = QRect(here.mapTo(window, here.rect().topLeft()), here.size()).adjusted(-3, -3, 3, 3)
            pictures = [window.grab(area).toImage()]
            keys.press("Tab")
            pictures.append(window.grab(area).toImage())
            if pictures[0] == pictures[1]:
                unseen.add(f"{room}: {type(here).__name__} {here.objectName()}")
        assert len(visited) > 5, room
    assert not unseen, sorted(unseen)
