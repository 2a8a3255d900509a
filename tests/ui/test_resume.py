"""Resume in the window: what it takes from the form, what it leaves, and that it says so before."""

from __future__ import annotations

from typing import Any

import pytest

from genstudio.families.gpt.learner import GPTLearner
from genstudio.runs import Run
from genstudio.ui.window import MainWindow
from helpers import LONG, TINY
from real_window import press


def train(qtbot: Any, window: MainWindow, **values: Any) -> None:
    window.tabs.setCurrentWidget(window.transformer)
    tab = window.transformer
    tab.setup.choose_data("names")
    tab.setup.form.set_values({**TINY, **values})
    tab.setup.set_plan(1_000_000, None)
    press(qtbot, window, "start")


def test_the_advice_after_a_loss_that_is_not_finite_can_be_followed(
    window: MainWindow, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = GPTLearner.training_step

    def diverging(self: GPTLearner, *arguments: Any) -> Any:
        """With a high rate, the gradient is lost after a few updates."""
        found = dict(step(self, *arguments))
        self.seen = getattr(self, "seen", 0) + 1
        if self.config.learning_rate > 0.1 and self.seen > 5:
            found["train_loss"] = found["train_loss"] * float("nan")
        return found

    monkeypatch.setattr(GPTLearner, "training_step", diverging)
    tab = window.transformer
    train(qtbot, window, learning_rate=0.5)
    qtbot.waitUntil(lambda: tab.state == "stopped", timeout=LONG)
    said = window.banners.shown[0].accessibleName()
    assert "lower learning rate" in said
    kept = Run.open(tab.run_path).info.step

    tab.show_setup(True)
    rate = tab.setup.form.rows["learning_rate"].editor
    rate.lineEdit().setText("0,002")
    assert tab.setup.note.isVisible() and "Learning rate" in tab.setup.note.text()
    press(qtbot, window, "pause")
    qtbot.waitUntil(lambda: tab._progress.step > kept + 20, timeout=LONG)
    press(qtbot, window, "stop")
    qtbot.waitUntil(lambda: tab.state == "stopped", timeout=LONG)
    run = Run.open(tab.run_path)
    assert [dict(change.values) for change in run.changes()] == [{"learning_rate": 0.002}]
    assert run.info.step > kept + 20 and not tab.setup.note.isVisible()
    assert rate.value() == 0.002


def test_what_only_a_new_run_can_have_is_said_and_left(window: MainWindow, qtbot: Any) -> None:
    tab = window.transformer
    train(qtbot, window)
    qtbot.waitUntil(lambda: tab._progress.step > 5, timeout=LONG)
    press(qtbot, window, "stop")
    qtbot.waitUntil(lambda: tab.state == "stopped", timeout=LONG)
    path, step = tab.run_path, Run.open(tab.run_path).info.step

    tab.show_setup(True)
    tab.setup.form.set_values({"layers": 1})
    tab.setup.choose_data("shakespeare")
    note = tab.setup.note
    assert note.isVisible() and "'Dataset', 'Layers'" in note.text() and "Start new" in note.text()
    tab.setup.form.rows["clip"].editor.set_value("abc")
    press(qtbot, window, "pause")
    assert tab.state == "stopped" and tab.setup.form.rows["clip"].editor.hasFocus()
    tab.setup.form.rows["clip"].reset.click()

    press(qtbot, window, "pause")
    qtbot.waitUntil(lambda: tab._progress.step > step + 5, timeout=LONG)
    press(qtbot, window, "stop")
    qtbot.waitUntil(lambda: tab.state == "stopped", timeout=LONG)
    run = Run.open(tab.run_path)
    assert tab.run_path == path and run.info.config["layers"] == TINY["layers"] and not run.changes()
