"""What the GAN tab costs: iterations a second against headless, lateness, redraws, and the milliseconds of each drawing.

python tests/bench/bench_gan_window.py [SECONDS]      every condition in a process of its own
python tests/bench/bench_gan_window.py drawing        what each layer of the plane takes to draw, in processor time
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

RUNS = {
    "ring, default": ("gaussian-ring", {}),
    "digits 8x8": ("digits8", {"conditional": True, "latent": 16}),
}


def headless(data: str, config: str, seconds: float) -> float:
    """Iterations a second of the task alone, previews included."""
    from genstudio.tasks.models import Models
    from genstudio.tasks.train import Train

    job = Train("gan", data, json.loads(config), seconds=3600).run(Models())
    steps, began = 0, 0.0
    for frame in job:
        if "d_loss" in frame.series:
            now = time.monotonic()
            steps += len(frame.series["d_loss"]) if began else 0
            began = began or now
            if now - began >= seconds:
                break
    job.close()
    return steps / (now - began)


def windowed(data: str, config: str, seconds: float) -> dict[str, float]:
    """Iterations a second in the real window with every layer drawn, redraws a second, and how late a 5 ms timer came."""
    from PySide6.QtCore import Qt, QTimer
    from PySide6.QtWidgets import QApplication

    from genstudio.ui import theme
    from genstudio.ui.window import MainWindow

    app = QApplication([])
    theme.apply(app, "light")
    window = MainWindow()
    window.resize(1280, 720)
    window.show()
    late: list[float] = []
    seen: list[tuple[float, int]] = []
    drawn: list[float] = []
    state = {"last": time.perf_counter()}

    def tick() -> None:
        now = time.perf_counter()
        if len(seen) > 20:
            late.append(1000 * (now - state["last"]) - 5)
        state["last"] = now

    def framed(_name: str, frame: object) -> None:
        if "d_loss" in frame.series:  # type: ignore[attr-defined]
            seen.append((time.monotonic(), len(frame.series["d_loss"])))  # type: ignore[attr-defined]
            if len(seen) == 20:
                drawn.clear()
                QTimer.singleShot(int(1000 * seconds), window.close)

    def begin() -> None:
        if window._rest_timer.isActive() or "warm-up" in window.engine.running or not window.gan.setup.data.count():
            QTimer.singleShot(100, begin)
            return
        tab = window.gan
        window.tabs.setCurrentWidget(tab)
        tab.setup.choose_data(data)
        tab.setup.form.set_values(json.loads(config))
        tab.setup.set_plan(None, seconds + 3600)
        tab.start_training()
        stage = tab.panel.stage
        view = stage.plane.view if data == "gaussian-ring" else stage.pictures.samples
        paint = view.paint_figure

        def counted(painter: object, area: object) -> None:
            began = time.thread_time()
            paint(painter, area)
            drawn.append(1000 * (time.thread_time() - began))

        view.paint_figure = counted

    timer = QTimer()
    timer.setTimerType(Qt.TimerType.PreciseTimer)
    timer.setInterval(5)
    timer.timeout.connect(tick)
    window.engine.framed.connect(framed)
    timer.start()
    QTimer.singleShot(0, window.begin)
    QTimer.singleShot(1000, begin)
    app.exec()
    counted_frames, ticks = seen[20:], sorted(late)
    return {
        "steps": sum(n for _, n in counted_frames[1:]) / (counted_frames[-1][0] - counted_frames[0][0]),
        "redraws": len(drawn) / seconds,
        "drawing": median(drawn),
        "p50": ticks[len(ticks) // 2],
        "p99": ticks[int(0.99 * len(ticks))],
        "worst": ticks[-1],
    }


def drawing() -> None:
    """Processor time of one drawing of the plane at its size in a window of 1280 x 720, layer by layer."""
    import numpy as np
    from PySide6.QtCore import QRectF
    from PySide6.QtGui import QPainter, QPixmap
    from PySide6.QtWidgets import QApplication

    from genstudio.events import Plane
    from genstudio.ui import theme
    from genstudio.ui.views.plane import LAYERS, PlaneView

    app = QApplication([])
    theme.apply(app, "light")
    rng = np.random.default_rng(0)
    angle = rng.integers(0, 8, 400) * np.pi / 4
    real = (np.stack([np.cos(angle), np.sin(angle)], 1) + 0.01 * rng.standard_normal((400, 2))).astype(np.float32)
    line = np.linspace(-1.2, 1.2, 20)
    mesh = np.stack(np.meshgrid(line, line), -1) + 0.04 * rng.standard_normal((20, 20, 2))
    fake, push = rng.standard_normal((400, 2)) * 0.7, rng.standard_normal((200, 2))
    extent = (-1.3, 1.3, -1.3, 1.3)
    view = PlaneView()
    view.resize(562, 354)
    view.show_snapshot(Plane("plane", 1, real, fake, extent, rng.random((40, 40)), True, push, mesh))
    canvas = QPixmap(view.size())

    def cost() -> float:
        times = []
        for _ in range(60):
            with QPainter(canvas) as painter:
                began = time.thread_time()
                view.paint_figure(painter, QRectF(view.rect()))
                times.append(1000 * (time.thread_time() - began))
        return median(times)

    print(f"all layers {cost():.2f} ms")
    for name in LAYERS:
        for other in LAYERS:
            view.set_layer(other, other == name)
        print(f"{name:10} {cost():.2f} ms")


def _mode(*arguments: str) -> object:
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "GENSTUDIO_HOME": home}
        environment.setdefault("QT_QPA_PLATFORM", "offscreen")
        command = [sys.executable, str(Path(__file__).resolve()), "--child", *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def table(seconds: float) -> None:
    print(
        f"{'run':14} {'headless':>10} {'window':>10} {'ratio':>6} {'redraws':>8} {'drawing':>8} {'late p50':>9} {'p99':>6}"
    )
    for name, (data, config) in RUNS.items():
        before = float(str(_mode("headless", data, json.dumps(config), str(seconds / 2))))
        shown = _mode("window", data, json.dumps(config), str(seconds))
        after = float(str(_mode("headless", data, json.dumps(config), str(seconds / 2))))
        assert isinstance(shown, dict)
        alone = (before + after) / 2
        print(
            f"{name:14} {alone:8.1f}/s {shown['steps']:8.1f}/s {shown['steps'] / alone:6.2f} {shown['redraws']:6.1f}/s "
            f"{shown['drawing']:6.2f}ms {shown['p50']:7.1f}ms {shown['p99']:6.1f}"
        )


@pytest.mark.bench
@pytest.mark.timeout(1800)
def test_gan_window_costs() -> None:
    table(30.0)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        modes = {"headless": headless, "window": windowed}
        print(json.dumps(modes[sys.argv[2]](sys.argv[3], sys.argv[4], float(sys.argv[5]))))
    elif sys.argv[1:2] == ["drawing"]:
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
        drawing()
    else:
        table(float(sys.argv[1]) if len(sys.argv) > 1 else 30.0)
