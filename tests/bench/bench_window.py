"""What the window costs: steps a second against headless, lateness of the event loop, time to the first picture.

python tests/bench/bench_window.py [SECONDS]      every condition in a process of its own, ratios in one run
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import pytest

sys.path.append(str(Path(__file__).resolve().parents[1]))  # where the helpers are, when started as a program

MODELS = {
    "2 ms a step": {"layers": 1, "heads": 2, "d_model": 32, "context": 32, "batch": 4, "optimizer": "adamw"},
    "20 ms a step": {"layers": 3, "heads": 4, "d_model": 96, "context": 64, "batch": 12, "optimizer": "adamw"},
    "default": {},
}
BARE = """
import sys, time
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QMainWindow
import pyqtgraph
app = QApplication([])
class Plot(pyqtgraph.PlotWidget):
    def paintEvent(self, event):
        super().paintEvent(event)
        QTimer.singleShot(0, app.quit)
window = QMainWindow()
window.setCentralWidget(Plot())
window.resize(1280, 720)
window.show()
app.exec()
"""
OURS = """
import sys, time
from PySide6.QtCore import QTimer
from genstudio.ui import app as starting, window as windows
class Window(windows.MainWindow):
    def paintEvent(self, event):
        super().paintEvent(event)
        assert 'torch' not in sys.modules
        QTimer.singleShot(0, self.close)
    def begin(self):
        pass
starting.MainWindow = Window
starting.run()
"""


def headless(config: str, seconds: float) -> float:
    """Steps a second of the task alone."""
    from genstudio.tasks.models import Models
    from genstudio.tasks.train import Train

    steps, began, ended = [], 0.0, 0.0
    for frame in Train("gpt", "shakespeare", json.loads(config), seconds=seconds).run(Models()):
        if "train_loss" in frame.series:
            began = began or time.monotonic()
            ended = time.monotonic()
            steps.append(len(frame.series["train_loss"]))
    return sum(steps[1:]) / (ended - began)


def windowed(config: str, seconds: float, ticking: bool = True) -> dict[str, float]:
    """Steps a second in the real window, and how late a precise 5 ms timer came, in ms.

    The timer wakes the interface 200 times a second, which costs steps of its own: without it only steps are measured.
    """
    from PySide6.QtCore import Qt, QTimer
    from PySide6.QtWidgets import QApplication

    from real_window import is_ready, shown, until_closed

    app = QApplication([])
    window = shown()
    late: dict[str, list[float]] = {"start": [], "train": []}
    seen: list[tuple[float, int]] = []
    state = {"last": time.perf_counter()}

    def tick() -> None:
        now = time.perf_counter()
        late["train" if len(seen) > 20 else "start"].append(1000 * (now - state["last"]) - 5)
        state["last"] = now

    def framed(_name: str, frame: object) -> None:
        if "train_loss" in frame.series:  # type: ignore[attr-defined]
            seen.append((time.monotonic(), len(frame.series["train_loss"])))  # type: ignore[attr-defined]

    def begin() -> None:
        if not is_ready(window):  # where other programs are at work a start takes longer
            QTimer.singleShot(200, begin)
            return
        setup = window.transformer.setup
        setup.choose_data("shakespeare")
        setup.form.set_values(json.loads(config))
        setup.set_plan(None, seconds + 3600)
        window.transformer.start_training()
        QTimer.singleShot(int(1000 * (seconds + 5.5)), window.close)

    timer = QTimer()
    timer.setTimerType(Qt.TimerType.PreciseTimer)
    timer.setInterval(5)
    timer.timeout.connect(tick)
    window.engine.framed.connect(framed)
    if ticking:
        timer.start()
    QTimer.singleShot(0, window.begin)
    QTimer.singleShot(2500, begin)
    until_closed(app)
    counted = seen[20:]
    if not ticking:
        return {"steps": sum(n for _, n in counted[1:]) / (counted[-1][0] - counted[0][0])}
    ticks = sorted(late["train"])
    return {
        "steps": sum(n for _, n in counted[1:]) / (counted[-1][0] - counted[0][0]),
        "p50": ticks[len(ticks) // 2],
        "p99": ticks[int(0.99 * len(ticks))],
        "worst": ticks[-1],
        "start_worst": max(late["start"]),
    }


def _child(*arguments: str) -> str:
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "GENSTUDIO_HOME": home}
        environment.setdefault("QT_QPA_PLATFORM", "offscreen")
        command = [sys.executable, *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout


def _mode(*arguments: str) -> object:
    return json.loads(_child(str(Path(__file__).resolve()), "--child", *arguments).splitlines()[-1])


def _first_picture(code: str) -> float:
    began = time.monotonic()
    _child("-c", code)
    return time.monotonic() - began


def table(seconds: float) -> None:
    print(
        f"{'model':14} {'headless':>10} {'window':>10} {'ratio':>6} {'late p50':>9} {'p99':>6} {'worst':>6} {'starting':>9}"
    )
    for name, config in MODELS.items():
        before = float(str(_mode("headless", json.dumps(config), str(seconds / 2))))
        shown = _mode("window", json.dumps(config), str(seconds))
        steps = _mode("steps", json.dumps(config), str(seconds))
        after = float(str(_mode("headless", json.dumps(config), str(seconds / 2))))
        assert isinstance(shown, dict) and isinstance(steps, dict)
        alone = (before + after) / 2
        print(
            f"{name:14} {alone:8.1f}/s {steps['steps']:8.1f}/s {steps['steps'] / alone:6.2f} {shown['p50']:7.1f}ms "
            f"{shown['p99']:6.1f} {shown['worst']:6.1f} {shown['start_worst']:7.0f}ms"
        )
    pairs = [(_first_picture(BARE), _first_picture(OURS)) for _ in range(7)]
    bare, ours = (median(column) for column in zip(*pairs, strict=True))
    print(
        f"\nprocess to first picture and out: bare window {bare:.2f} s, genstudio {ours:.2f} s, ratio {ours / bare:.2f}"
    )


@pytest.mark.bench
@pytest.mark.timeout(1800)
def test_window_costs() -> None:
    table(30.0)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        modes = {"headless": headless, "window": windowed, "steps": lambda *a: windowed(*a, ticking=False)}
        result = modes[sys.argv[2]](sys.argv[3], float(sys.argv[4]))
        print(json.dumps(result))
    else:
        table(float(sys.argv[1]) if len(sys.argv) > 1 else 30.0)
