"""The program told to end from outside, while it trains: what trains is saved, and it ends cleanly."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from gan_window import LONG, SMALL, begin, steps

from genstudio.runs import Run
from genstudio.training import checkpoint
from genstudio.training.manifest import verify
from genstudio.ui.window import MainWindow
from helpers import TINY, usually

PROGRAM = f"""
import signal
import sys
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QMessageBox
from genstudio.ui import app, window

if hasattr(signal, "SIGHUP"):
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # tests may be run by something that ignores it, as nohup does

class Window(window.MainWindow):
    def begin(self):
        super().begin(("transformer", "gan"))
        self.asked = QTimer(self, interval=50)
        self.asked.timeout.connect(self.go)
        self.asked.start()

    def go(self):
        tab = self.transformer
        if tab.state == "idle" and tab.setup.data.count() and self.ready:
            tab.setup.choose_data("names")
            tab.setup.form.set_values({TINY!r})
            tab.setup.set_plan(10**6, None)
            tab.start_training()
            self.gan.setup.length.set_value("")
        elif tab._progress.step > 20:
            self.asked.stop()
            print(tab.run_path, flush=True)
            if "exit" in sys.argv:
                app.QApplication.exit(0)
            if "question" in sys.argv:
                QMessageBox(QMessageBox.Icon.Question, "", "?", QMessageBox.StandardButton.Yes, self).exec()

app.MainWindow = Window
sys.exit(app.run(["genstudio"]))
"""


@pytest.fixture
def program(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """The real program in a process of its own, and the folder of the run that it trains."""
    command = [sys.executable, "-c", PROGRAM, *getattr(request, "param", [])]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ
    ) as process:
        assert process.stdout is not None
        path = process.stdout.readline().strip()
        yield process, Path(path)
        process.kill()


def saved(folder: Path) -> int:
    """The step of the newest checkpoint, which is sound and of the last step that was recorded."""
    run = Run.open(folder)
    step = run.info.step
    assert run.info.state == "stopped" and checkpoint.steps(run)[-1] == step
    assert not verify(checkpoint.checkpoint_dir(run, step))
    return step


def test_a_log_out_saves_and_does_not_end_what_trains(window: MainWindow, qtbot: Any) -> None:
    """The person may still decide against logging out."""
    begin(qtbot, window, "gaussian-ring", SMALL)
    window.engine.save()
    kept = Run.open(window.gan.run_path).info
    assert kept.checkpoints[-1] >= 30
    before = steps(window.gan)[-1]
    qtbot.waitUntil(lambda: steps(window.gan)[-1] > before, timeout=LONG)


@pytest.mark.thorough
@pytest.mark.parametrize("program", [["exit"]], indirect=True)
def test_an_ending_without_the_window_being_closed_saves(program: tuple[subprocess.Popen[str], Path]) -> None:
    process, folder = program
    _, said = process.communicate(timeout=120)
    assert process.returncode == 0, said
    assert "Traceback" not in said and saved(folder) > 20


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot send these signals to another process")
@usually(
    ("program", "name"),
    [(["question"], "SIGHUP"), (["plain"], "SIGTERM")],
    indirect=["program"],
)
def test_a_signal_saves_what_trains(program: tuple[subprocess.Popen[str], Path], name: str) -> None:
    process, folder = program
    process.send_signal(getattr(signal, name))
    _, said = process.communicate(timeout=120)
    assert process.returncode == 0, said
    assert "Traceback" not in said and saved(folder) > 20
