"""The window closed in any state, with nothing in order in any field: what trains is saved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from gan_window import SMALL
from PySide6.QtWidgets import QLineEdit, QWidget

from genstudio.runs import Run
from genstudio.training import checkpoint
from genstudio.training.manifest import verify
from genstudio.ui.numbers import FloatEdit
from genstudio.ui.train.tab import TrainingTab
from genstudio.ui.window import MainWindow
from helpers import LONG, TINY, usually

WRONG = ("", "abc", "nan", "1e999", "-1", "5,00,0", "9" * 400)


def spoil(window: MainWindow, seed: int) -> int:
    """Write what is no number into every field that takes one, and text into every other; how many fields there were."""
    fields = [edit for edit in window.findChildren(QLineEdit) if not edit.isReadOnly()]
    for number, edit in enumerate(fields):
        edit.setText(WRONG[(number + seed) % len(WRONG)])
    return len(fields)


def begin(qtbot: Any, tab: TrainingTab, data: str, values: dict[str, Any]) -> None:
    tab.setup.choose_data(data)
    tab.setup.form.set_values(values)
    tab.setup.set_plan(1_000_000, None)
    tab.setup.seed.set_value(0)
    tab.start_training()
    qtbot.waitUntil(lambda: tab._progress.step > 5, timeout=LONG)


def into(tab: TrainingTab, state: str) -> None:
    """Bring a training into this state."""
    if state == "paused":
        tab.toggle_pause()
    elif state == "halted":
        tab._engine.pause(tab._job)
        tab.on_halted(tab._job)
    elif state == "stages":
        tab.panel.slow.turn_on.click()
    elif state == "saving":
        tab.stop_training()


@usually(
    ("transformer", "gan", "shown"),
    [
        ("running", "paused", "datasets"),
        ("paused", "stages", "gan"),
        ("halted", "running", "playground"),
        ("saving", "saving", "runs"),
    ],
    2,
)
def test_closing_saves_whatever_the_forms_hold(
    window: MainWindow, qtbot: Any, transformer: str, gan: str, shown: str
) -> None:
    tabs = {window.transformer: transformer, window.gan: gan}
    begin(qtbot, window.transformer, "names", TINY)
    begin(qtbot, window.gan, "gaussian-ring", SMALL)
    window.tabs.setCurrentWidget(getattr(window, shown))
    for tab, state in tabs.items():
        into(tab, state)
    assert spoil(window, len(shown)) > 80
    reached = {tab: tab._progress.step for tab in tabs}
    window.close()
    for tab in tabs:
        saved(Path(tab.run_path), reached[tab])


def saved(folder: Path, reached: int) -> None:
    run = Run.open(folder)
    assert run.info.state == "stopped" and run.info.checkpoints[-1] == run.info.step >= reached > 0
    assert not verify(checkpoint.checkpoint_dir(run, run.info.step))


def test_closing_saves_when_remembering_fails(window: MainWindow, qtbot: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    begin(qtbot, window.gan, "gaussian-ring", SMALL)
    with monkeypatch.context() as patch, pytest.raises(ZeroDivisionError):
        patch.setattr(QWidget, "saveGeometry", lambda _self: 1 / 0)
        window.close()
    saved(Path(window.gan.run_path), window.gan._progress.step)


def test_a_window_that_was_closed_with_wrong_fields_opens_again(window: MainWindow, qtbot: Any) -> None:
    spoil(window, 0)
    window.close()
    again = MainWindow()
    numbers = [edit for edit in again.transformer.findChildren(FloatEdit) if edit.problem()]
    assert not numbers and not again.transformer.setup.problems()
    again.close()
    again.deleteLater()
