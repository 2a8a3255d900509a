"""Word2Vec and BERT in the real window, from Start to a page of the Playground and a race of fine-tuning against scratch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QLabel

from genstudio.runs import Run
from genstudio.ui.window import MainWindow

LONG = 120_000
BERT = {
    "layers": 1, "heads": 2, "d_model": 16, "context": 16, "batch": 8, "tokenizer": "char", "evaluate_every": 10, "warmup": 2,
}  # fmt: skip


def train(qtbot: Any, window: MainWindow, family: str, data: str, values: dict[str, Any], steps: int) -> Any:
    """Choose all of it in the set-up, press Start, and wait for the end: the tab."""
    tab = window.transformer
    window.tabs.setCurrentWidget(tab)
    window.train_on(data, family)
    assert tab.setup.family.name == family and tab.setup.data.currentData() == data
    tab.setup.form.set_values(values)
    tab.setup.set_plan(steps, None)
    press(qtbot, tab.start)
    qtbot.waitUntil(lambda: tab.state == "stopped" and tab.info is not None and tab.info.step == steps, timeout=LONG)
    return tab


def press(qtbot: Any, button: QAbstractButton) -> None:
    assert button.isEnabled() and button.isVisible()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def page(qtbot: Any, window: MainWindow, run: str, title: str) -> Any:
    """A page of the Playground with the model of a run."""
    play = window.playground
    window.tabs.setCurrentWidget(play)
    play.choose(run)
    qtbot.waitUntil(lambda: play.reference() is not None and play.reference().run == run, timeout=LONG)
    play.inspectors.open(title)
    return play.page(title)


def settle(qtbot: Any, shown: Any, there: Callable[[], bool]) -> None:
    qtbot.waitUntil(lambda: not shown._jobs and not shown._waiting and there(), timeout=LONG)


def test_words_and_gaps_from_start_to_playground_and_a_race(open_window: Callable[..., MainWindow], qtbot: Any) -> None:
    window = open_window("transformer", "playground")
    tab = train(qtbot, window, "word2vec", "analogies", {"dimension": 8, "batch": 64, "evaluate_every": 10}, 20)
    lines = tab.panel.charts.views["analogies"]
    for name in ("analogy_accuracy", "told_apart", "baseline_told_apart"):
        assert len(lines.points(name)[0]) and 0 <= lines.points(name)[1][-1] <= 1
    assert tab.summary.look.text() == "Explore its words"
    press(qtbot, tab.summary.look)
    play = window.playground
    qtbot.waitUntil(lambda: play.reference() is not None and play.reference().run == tab.run_path, timeout=LONG)
    qtbot.waitUntil(lambda: play.inspectors.current is not None and play.inspectors.current.title == "Word map", timeout=LONG)
    shown = play.page("Word map")
    settle(qtbot, shown, lambda: shown.view.snapshot is not None)
    assert "king" in shown.view.snapshot.names
    shown.search.setText("kingg")
    shown.search.returnPressed.emit()
    said = "'kingg' is not among the"
    qtbot.waitUntil(lambda: any(said in label.text() for label in window.banners.findChildren(QLabel)), timeout=LONG)

    tab = train(qtbot, window, "bert", "name-initials", {**BERT, "task": "pretrain"}, 20)
    before = tab.run_path
    assert "predicted correctly" in tab.summary.words.text()
    assert len(tab.panel.charts.views["accuracy"].points("masked_accuracy")[0])
    shown = page(qtbot, window, before, "Fill the gap")
    window.playground.document.set_text("[MASK]nna")
    settle(qtbot, shown, lambda: bool(shown.bars.bars))
    best = next(iter(shown.bars.table()[1]))
    shown.bars.chosen.emit(int(best[0]))
    qtbot.waitUntil(lambda: window.playground.document.text() == best[1].replace("␣", " ") + "nna", timeout=LONG)

    window.tabs.setCurrentWidget(tab)
    window.train_on("name-initials", "bert")
    tab.setup.form.set_values({**BERT, "task": "classify"})
    tab.setup.set_plan(12, None)
    press(qtbot, tab.compete)
    race = tab.race
    race.set_up.what.setCurrentIndex(race.set_up.what.findData("start"))
    assert [box.isChecked() for box in race.set_up.boxes] == [True, True], "from scratch, and the run that was trained"
    press(qtbot, race.set_up.start)
    qtbot.waitUntil(lambda: len(race.lanes) == 2 and all(lane.state == "finished" for lane in race.lanes), timeout=LONG)
    starts = [Run.open(lane.run).info.config["start"] for lane in race.lanes]
    assert starts == ["", Run.open(before).id]
    assert all(len(race.charts[0].points(str(number))[0]) for number in range(2)), "both on one chart"
    assert "accuracy" in race.headline.text()
    shown = page(qtbot, window, race.lanes[1].run, "Classify")
    shown.text.setText("Anna")
    settle(qtbot, shown, lambda: bool(shown.bars.bars))
    assert shown.outcome.text().startswith("'Anna': ")
