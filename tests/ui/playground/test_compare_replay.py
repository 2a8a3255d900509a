"""Compare two and the replay on a trained model: every number on the pages is read back and worked out again."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QGraphicsView, QWidget
from read_back import drawn

from genstudio.errors import Failure
from genstudio.runs import Run
from genstudio.sampling.choose import SamplingOptions
from genstudio.snapshots.text import NextTokens
from genstudio.tasks.compare import paired
from genstudio.tasks.models import ModelRef
from genstudio.tasks.score import Score
from genstudio.tasks.train import Resume, Train
from genstudio.tasks.write import Generate, NextTokensOf
from genstudio.training import weights
from genstudio.ui import theme
from genstudio.ui.engine import Engine
from genstudio.ui.library import Library
from genstudio.ui.playground import compare_page, replay_page
from genstudio.ui.playground import page as playground_page
from genstudio.ui.playground.compare_page import ComparePage
from genstudio.ui.playground.page import Page
from genstudio.ui.playground.replay_page import ReplayPage
from genstudio.ui.playground.sampler import Sampling
from helpers import LONG, TINY, answer, result, run_task, text_file
from real_window import press

PROMPT = ("the cat sat",)
SAMPLING = Sampling(SamplingOptions(temperature=0.9), 12, 3)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs: one of four checkpoints, and one with other tokens."""
    place = tmp_path_factory.mktemp("pages")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENSTUDIO_HOME", str(place))
        patch.setattr(weights, "is_due", lambda kept, step, maximum: step == 0 and not kept)
        data = str(text_file(place))
        folder = str(answer(run_task(Train("gpt", data, TINY, steps=40, stop_after=10, name="one")), "run"))
        for _ in range(3):
            run_task(Resume(folder, stop_after=10))
        run_task(Train("gpt", data, TINY | {"tokenizer": "byte"}, steps=10, name="bytes"))
    return place


@pytest.fixture
def runs(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    shutil.copytree(home, tmp_path / "here")
    monkeypatch.setenv("GENSTUDIO_HOME", str(tmp_path / "here"))
    return {Run.open(path).info.name: str(path) for path in (tmp_path / "here" / "runs").iterdir()}


@pytest.fixture
def engine(qtbot: Any, qapp: Any) -> Iterator[Engine]:
    theme.apply(qapp, "light")
    engine = Engine()
    yield engine
    engine.close()


@pytest.fixture
def failures() -> list[Failure]:
    return []


def opened(qtbot: Any, page: Page, run: str, failures: list[Failure]) -> None:
    qtbot.addWidget(page)
    if isinstance(page, ComparePage):
        library = Library(page._engine, page)
        page.show_library(library)
        library.refresh_runs()
    page.failed.connect(failures.append)
    page.show_sampling(SAMPLING)  # type: ignore[attr-defined]
    page.resize(600, 620)
    page.show()
    page.look_at(ModelRef(run), PROMPT)


def comparing(qtbot: Any, engine: Engine, runs: dict[str, str], other: str, failures: list[Failure]) -> ComparePage:
    page = ComparePage(engine)
    opened(qtbot, page, runs["one"], failures)
    qtbot.waitUntil(lambda: page.other.reference() is not None, timeout=LONG)
    assert page.other.choose(runs[other])
    return page


def test_both_write_and_are_scored_without_a_press(
    qtbot: Any, engine: Engine, runs: dict[str, str], failures: list[Failure]
) -> None:
    page = comparing(qtbot, engine, runs, "bytes", failures)
    qtbot.waitUntil(lambda: not page.busy("write") and all(page.texts[side].texts for side in "ab"), timeout=LONG)
    written = page.texts["a"].toPlainText()
    page.tabs.setCurrentIndex(3)
    qtbot.waitUntil(lambda: page.numbers.item(0, 2) is not None, timeout=LONG)
    page.tabs.setCurrentIndex(0)
    page._begins.timeout.emit()
    assert not page.busy("write") and page.texts["a"].toPlainText() == written, "nothing has changed: not again"
    assert not failures


def test_both_write_with_one_seed_and_the_difference_is_marked(
    qtbot: Any, engine: Engine, runs: dict[str, str], failures: list[Failure]
) -> None:
    page = comparing(qtbot, engine, runs, "one", failures)
    page.other.checkpoint.setCurrentIndex(page.other.checkpoint.findData(10))
    press(qtbot, page, "compare_write")
    qtbot.waitUntil(lambda: not page.busy("write"), timeout=LONG)

    texts = {}
    for side, which in (("a", "last"), ("b", 10)):
        task = Generate(ModelRef(runs["one"], which), PROMPT, 12, SAMPLING.options, 3)  # type: ignore[arg-type]
        (wanted,) = result(task)
        shown = page.texts[side]
        texts[side] = shown.toPlainText()
        assert texts[side] == wanted.text
        np.testing.assert_allclose(shown.probabilities, np.exp(wanted.chosen.logprobs), atol=1e-6)
    assert "step 40" in page.names["a"].text()
    assert "step 10" in page.names["b"].text()
    differ = next(i for i, (x, y) in enumerate(zip(texts["a"], texts["b"], strict=True)) if x != y)
    assert page.texts["a"].mark == page.texts["b"].mark == differ
    assert f"character {differ + 1}" in page.note.text()
    assert failures == []


def test_both_models_are_named_and_nothing_is_asked_for_once_they_are_chosen(
    qtbot: Any, engine: Engine, runs: dict[str, str], failures: list[Failure]
) -> None:
    page, library = ComparePage(engine), Library(engine)
    qtbot.addWidget(page)
    page.show_library(library)
    page.show()
    library.refresh_runs()
    assert "Train a model" in page.note.text() and page.names["b"].text() == "B: not chosen"
    page.look_at(ModelRef(runs["one"]), PROMPT)
    qtbot.waitUntil(lambda: page.other.reference() is not None, timeout=LONG)
    for name in ("one", "bytes"):
        assert page.other.choose(runs[name])
        assert page.write.isEnabled() and page.note.text() == ""
        assert page.names["b"].text().startswith(f"B: {name}") and "checkpoint" in page.names["b"].text()
    page.other.show_runs(())
    assert not page.write.isEnabled()
    assert page.names["b"].text() == "B: not chosen" and page.note.text() == "Choose model B."
    assert failures == []


def test_the_bars_follow_the_text_and_say_when_tokens_differ(
    qtbot: Any, engine: Engine, runs: dict[str, str], failures: list[Failure]
) -> None:
    page = comparing(qtbot, engine, runs, "bytes", failures)
    page.tabs.setCurrentWidget(page.bars)
    qtbot.waitUntil(lambda: page.bars.snapshot is not None and not page.busy("next"), timeout=LONG)
    header, rows = page.bars.table()
    found = {row[0]: row[1:] for row in rows}
    for column, name in enumerate(("one", "bytes")):
        said = result(NextTokensOf(ModelRef(runs[name]), PROMPT))
        weights = np.exp(said.logits.astype(float))
        for piece, values in found.items():
            if piece in said.pieces:
                chance = weights[[p == piece for p in said.pieces]].sum() / weights.sum()
                assert values[column] == pytest.approx(chance, abs=1e-6)
            else:
                assert np.isnan(values[column])
    assert header[1:3] == ("A", "B")
    assert "compared by their text" in page.bars.summary()
    page.tabs.setCurrentWidget(page._attention_tab)
    qtbot.waitUntil(lambda: len(page.attention.sides) == 2 and not page.busy("attention"), timeout=LONG)
    assert page.attention.difference() is not None, "another vocabulary, but the same letters"
    page.look_at(ModelRef(runs["one"]), ("the Ω",))
    qtbot.waitUntil(lambda: page.attention.difference() is None, timeout=LONG)
    assert "no difference" in page.attention.note()
    assert failures == []


def test_a_model_beside_itself_differs_nowhere(
    qtbot: Any, engine: Engine, runs: dict[str, str], failures: list[Failure]
) -> None:
    page = comparing(qtbot, engine, runs, "one", failures)
    page.tabs.setCurrentWidget(page._attention_tab)
    qtbot.waitUntil(lambda: len(page.attention.sides) == 2, timeout=LONG)
    difference, heads = page.attention.difference(), page.attention.by_head()
    assert difference is not None and heads is not None
    assert not difference.any() and not heads.any()
    press(qtbot, page, "compare_write")
    qtbot.waitUntil(lambda: not page.busy("write"), timeout=LONG)
    assert page.texts["a"].toPlainText() == page.texts["b"].toPlainText()
    assert page.texts["a"].mark is None
    assert "same" in page.note.text()


def test_every_run_in_training_is_offered_and_followed_as_model_b(
    qtbot: Any, engine: Engine, runs: dict[str, str], failures: list[Failure], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(compare_page, "_LIVE_MS", 100)
    monkeypatch.setattr(playground_page, "REST", 0.0)
    begun: list[str] = []

    def heard(frame: Any) -> None:
        begun.extend([frame.run] if frame.run else [])

    jobs = [
        engine.start(Train("gpt", str(text_file(tmp_path)), TINY, steps=1_000_000, name=name), heard, lambda _: None)
        for name in ("left", "right")
    ]
    qtbot.waitUntil(lambda: len(begun) == 2, timeout=LONG)
    page, steps = ComparePage(engine), list[int]()

    def show(found: tuple[NextTokens, NextTokens]) -> None:
        ComparePage._show_next(page, found)
        assert page.bars.snapshot is not None
        steps.append(found[1].step)

    monkeypatch.setattr(page, "_show_next", show)
    opened(qtbot, page, runs["one"], failures)
    library = page.findChild(Library)
    library.set_live(begun)
    qtbot.waitUntil(lambda: all(page.other.model.findData(run) >= 0 for run in begun), timeout=LONG)
    page.tabs.setCurrentWidget(page.bars)
    for run in sorted(page.other.live):
        assert page.other.choose(run, "live")
        assert page.other.reference() == ModelRef(run, "live")
        steps.clear()
        name = Run.open(run).info.name
        qtbot.waitUntil(lambda name=name: len(steps) > 1 and name in page.names["b"].text(), timeout=LONG)
        first = steps[-1]
        qtbot.waitUntil(lambda first=first: steps[-1] > first, timeout=LONG)
    for job in jobs:
        engine.stop(job)
    library.set_live(())
    library.refresh_runs()
    qtbot.waitUntil(lambda: not page.other.live and not page._jobs, timeout=LONG)
    assert page.other.reference() is not None and page.other.reference().which == "last"
    assert failures == []


def test_weights_kept_along_the_way_can_be_model_b(
    qtbot: Any, engine: Engine, runs: dict[str, str], failures: list[Failure]
) -> None:
    page = comparing(qtbot, engine, runs, "one", failures)
    assert 0 not in Run.open(runs["one"]).info.checkpoints
    qtbot.waitUntil(lambda: page.other.checkpoint.findData(0) >= 0, timeout=LONG)
    page.other.checkpoint.setCurrentIndex(page.other.checkpoint.findData(0))
    assert "weights alone" in page.other.checkpoint.currentText()
    page.tabs.setCurrentWidget(page.bars)
    qtbot.waitUntil(lambda: "step 0" in page.names["b"].text() and page.bars.snapshot is not None, timeout=LONG)
    wanted = [result(NextTokensOf(ModelRef(runs["one"], which), PROMPT)) for which in ("last", 0)]
    np.testing.assert_allclose(page.bars.snapshot.b, paired(*wanted, 40).b, atol=1e-5)
    assert failures == []


def test_model_b_is_another_one_at_first(
    qtbot: Any, engine: Engine, runs: dict[str, str], failures: list[Failure]
) -> None:
    page = ComparePage(engine)
    opened(qtbot, page, runs["bytes"], failures)
    qtbot.waitUntil(lambda: page.other.reference() is not None, timeout=LONG)
    assert page.other.reference().run == runs["one"]
    shutil.rmtree(runs["bytes"])
    alone = ComparePage(engine)
    opened(qtbot, alone, runs["one"], failures)
    qtbot.waitUntil(lambda: alone.other.reference() is not None, timeout=LONG)
    assert alone.other.reference() == ModelRef(runs["one"], 10)


def test_heads_are_chosen_by_box_and_by_click(
    qtbot: Any, engine: Engine, runs: dict[str, str], failures: list[Failure]
) -> None:
    page = comparing(qtbot, engine, runs, "one", failures)
    page.other.checkpoint.setCurrentIndex(page.other.checkpoint.findData(10))
    page.tabs.setCurrentWidget(page._attention_tab)
    qtbot.waitUntil(lambda: page.layer.count() == 2 and len(page.attention.sides) == 2, timeout=LONG)
    qtbot.waitUntil(lambda: len(page.attention._boxes) == 4, timeout=LONG)
    heads = page.attention._boxes[3]
    at = QPoint(int(heads.left() + heads.width() * 0.75), int(heads.top() + heads.height() * 0.75))
    qtbot.mouseMove(page.attention, at)
    qtbot.mouseClick(page.attention, Qt.MouseButton.LeftButton, pos=at)
    assert (page.layer.currentIndex(), page.head.currentIndex()) == (1, 1)
    a, b = (page.attention.sides[side].weights[1, 1] for side in "ab")
    np.testing.assert_array_equal(page.attention.difference(), b - a)
    T = len(a)
    by_head = page.attention.by_head()
    assert by_head is not None
    assert by_head[1, 1] == pytest.approx(np.abs(b - a)[np.tril_indices(T)].mean(), rel=1e-5)


def test_a_model_without_attention_says_so_where_attention_would_be(qtbot: Any, engine: Engine) -> None:
    """Nobody asked for it, so no message covers the page; what is pressed for has one."""
    page = ComparePage(engine)
    qtbot.addWidget(page)
    refused = Failure("RunError", "'rnn' cannot be inspected layer by layer.", "Choose another model.")
    assert page.explained("attention", refused) and page.attention.empty == f"{refused.message} {refused.hint}"
    assert not page.explained("write", refused)
    page.other.changed.emit()
    assert page.attention.empty == type(page.attention).empty


def test_the_loss_of_both_on_a_text(qtbot: Any, engine: Engine, runs: dict[str, str], failures: list[Failure]) -> None:
    page = comparing(qtbot, engine, runs, "bytes", failures)
    page.tabs.setCurrentIndex(3)
    page.scored.setPlainText("the cat sat on a mat and ran")
    press(qtbot, page, "compare_score")
    qtbot.waitUntil(lambda: page.numbers.item(4, 2) is not None and not page.busy("score"), timeout=LONG)
    for column, name in enumerate(("one", "bytes")):
        scored = result(Score(ModelRef(runs[name]), page.scored.toPlainText()))
        shown = [float(page.numbers.item(row, column).text()) for row in range(4)]
        assert shown[0] == pytest.approx(-np.nansum(scored.tokens.logprobs) / scored.scored, abs=1e-4)
        assert shown[2] == pytest.approx(scored.nats / np.log(2) / scored.characters, abs=1e-4)
        assert shown[3] == scored.scored
    assert float(page.numbers.item(0, 2).text()) == pytest.approx(
        float(page.numbers.item(0, 1).text()) - float(page.numbers.item(0, 0).text()), abs=2e-4
    )
    page.scored.clear()
    page.look_at(ModelRef(runs["one"]), ())
    press(qtbot, page, "compare_score")
    qtbot.waitUntil(lambda: len(failures) == 1, timeout=LONG)
    assert "no text" in failures[0].message


def replaying(qtbot: Any, engine: Engine, run: str, failures: list[Failure]) -> ReplayPage:
    page = ReplayPage(engine)
    opened(qtbot, page, run, failures)
    qtbot.waitUntil(lambda: "saved steps" in page.storage.text() and not page.busy("saved"), timeout=LONG)
    press(qtbot, page, "replay_start")
    qtbot.waitUntil(lambda: not page.busy("replay"), timeout=LONG)
    return page


def test_the_slider_goes_through_the_saved_steps(
    qtbot: Any, engine: Engine, runs: dict[str, str], failures: list[Failure]
) -> None:
    page = replaying(qtbot, engine, runs["one"], failures)
    assert page.steps() == [0, 10, 20, 30, 40]
    page.slider.setFocus()
    qtbot.keyClick(page.slider, Qt.Key.Key_Home)

    for step in page.steps():
        assert f"step {step} " in page.step.text()
        (wanted,) = result(Generate(ModelRef(runs["one"], step), PROMPT, 12, SAMPLING.options, 3))
        assert page.written.toPlainText() == wanted.text
        bars = result(NextTokensOf(ModelRef(runs["one"], step), PROMPT))
        assert page.next.snapshot is not None
        np.testing.assert_allclose(page.next.snapshot.logits, bars.logits, atol=1e-5)
        assert page.attention.snapshot is not None
        assert page.attention.snapshot.step == page.trajectory.at == step
        qtbot.keyClick(page.slider, Qt.Key.Key_Right)
    assert failures == []


def test_the_chart_of_a_token_is_what_the_steps_say(
    qtbot: Any, engine: Engine, runs: dict[str, str], failures: list[Failure]
) -> None:
    page = replaying(qtbot, engine, runs["one"], failures)
    page.text.setFocus()
    before = page.text.chosen
    assert before is not None
    qtbot.keyClick(page.text, Qt.Key.Key_Left)
    token = page.text.chosen
    assert token == before - 1
    header, rows = page.trajectory.table()
    watched = page._shown.watched
    assert watched is not None
    assert header[1] == watched.pieces[token]
    text = "".join(watched.texts)
    for row in rows:
        scored = result(Score(ModelRef(runs["one"], row[0]), text))
        assert row[1] == pytest.approx(float(np.exp(scored.tokens.logprobs[token])), abs=1e-5)
        page._go_to(row[0])
        assert page.text.probabilities[token] == pytest.approx(row[1])
    page.trajectory.set_log(True)
    drawn(page.trajectory)
    page._point(0)
    assert "no context to predict it from" in page.trajectory.note
    page._point(-1)
    assert page.trajectory.table()[0][1] == watched.pieces[token]


def test_play_runs_to_the_end_and_stops(
    qtbot: Any, engine: Engine, runs: dict[str, str], failures: list[Failure], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay_page, "_PLAY_MS", 1)
    page = replaying(qtbot, engine, runs["one"], failures)
    press(qtbot, page, "replay_play")
    assert page.slider.value() == 0
    qtbot.waitUntil(lambda: page.slider.value() == 4 and not page.play.isChecked(), timeout=LONG)


def test_a_second_replay_works_out_only_what_is_new(
    qtbot: Any, engine: Engine, runs: dict[str, str], failures: list[Failure]
) -> None:
    page = replaying(qtbot, engine, runs["one"], failures)
    first = dict(page._shown.moments)
    shutil.rmtree(Path(runs["one"]) / "checkpoints" / "00000020")
    (Path(runs["one"]) / "checkpoints" / "00000030" / "manifest.json").touch()
    page.look_at(ModelRef(runs["one"]), PROMPT)
    qtbot.waitUntil(lambda: not page.busy("saved"), timeout=LONG)
    press(qtbot, page, "replay_start")
    qtbot.waitUntil(lambda: not page.busy("replay"), timeout=LONG)
    assert page.steps() == [0, 10, 30, 40]
    assert [step for step in page.steps() if page._shown.moments[step] is not first[step]] == [30]


def test_what_is_damaged_is_left_out_and_said(
    qtbot: Any, engine: Engine, runs: dict[str, str], failures: list[Failure]
) -> None:
    (Path(runs["one"]) / "checkpoints" / "00000020" / "model.safetensors").write_bytes(b"x")
    page = replaying(qtbot, engine, runs["one"], failures)
    assert page.steps() == [0, 10, 30, 40]
    assert "step 20" in page.note.text()
    assert failures == []


def test_cancel_keeps_what_there_is_and_the_memory_is_bounded(
    qtbot: Any, engine: Engine, runs: dict[str, str], failures: list[Failure], monkeypatch: pytest.MonkeyPatch
) -> None:
    page = replaying(qtbot, engine, runs["one"], failures)
    one = page._shown.bytes
    monkeypatch.setattr(replay_page, "ROOM", int(2.5 * one))
    for count in range(5):
        page.look_at(ModelRef(runs["one"]), (f"the cat {count % 3 * 'a'}at",))
        qtbot.waitUntil(lambda: not page.busy("saved"), timeout=LONG)
        page.replay()
        if count == 3:
            press(qtbot, page, "replay_stop")
        qtbot.waitUntil(lambda: not page.busy("replay"), timeout=LONG)
    assert sum(held.bytes for held in page._memory.values()) <= 2.5 * one
    assert page._shown in page._memory.values()
    assert failures == []


def test_a_run_that_is_gone_is_a_message(
    qtbot: Any, engine: Engine, runs: dict[str, str], failures: list[Failure]
) -> None:
    page = replaying(qtbot, engine, runs["one"], failures)
    shutil.rmtree(runs["one"])
    press(qtbot, page, "replay_start")
    qtbot.waitUntil(lambda: bool(failures) and not page.busy("replay"), timeout=LONG)
    assert all(not failure.details for failure in failures)


def test_everything_has_a_name_and_can_be_reached(
    qtbot: Any, engine: Engine, runs: dict[str, str], failures: list[Failure]
) -> None:
    for page in (ComparePage(engine), ReplayPage(engine)):
        opened(qtbot, page, runs["one"], failures)
        names = set()
        for index in range(page.tabs.count()):
            page.tabs.setCurrentIndex(index)
            for widget in page.findChildren(QWidget):
                if widget.focusPolicy() & Qt.FocusPolicy.TabFocus and _shown(widget, page):
                    assert widget.accessibleName() or widget.objectName().startswith("qt_"), widget
                    names.add(widget.objectName())
        assert len(names) > 8
        assert "" not in names


def _shown(widget: QWidget, page: Page) -> bool:
    """Whether a person can come to it; the inside of a figure is reached by the figure."""
    return widget.isVisibleTo(page) and not isinstance(widget.parent(), QGraphicsView)
