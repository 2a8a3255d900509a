"""What the GAN tab costs: iterations a second against headless, lateness, redraws, the engine's share, and memory.

python tests/bench/bench_gan_window.py [SECONDS]      every condition in a process of its own, some four minutes
python tests/bench/bench_gan_window.py drawing        what each layer of the plane takes to draw, in processor time
python tests/bench/bench_gan_window.py memory [STEPS] what 10,000 iterations with every view in use add to the memory
python tests/bench/bench_gan_window.py drag [SECONDS] from a move in the latent slice to the new picture, 28x28
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import pytest

sys.path.append(str(Path(__file__).resolve().parents[1]))  # where the helpers are, when started as a program

from genstudio.families.gan.presets import PRESETS

VALUES = {preset.name: dict(preset.values) for preset in PRESETS}
RUNS: dict[str, tuple[str, dict[str, Any]]] = {
    "ring, default": ("gaussian-ring", {}),
    "ring, live": ("gaussian-ring", VALUES["ring-live"]),
    "digits 8x8": ("digits8", {"conditional": True, "latent": 16}),
    "DCGAN 28x28": ("mnist10k", VALUES["mnist"]),
}
SMALL = {"width": 16, "layers": 2, "batch": 16, "latent": 8, "conditional": True, "evaluate_every": 500}
GROWTH = 24.0
"""MB that 8,000 iterations may add. Every number of every chart is kept: 25 series of 8,000 steps are 3 MB, and 3 more
while an array is enlarged; what else is kept (200 moments a channel on the disk, the newest of each view here) has been
there before. The rest is for the allocator."""


def headless(data: str, config: str, seconds: float) -> dict[str, float]:
    """Iterations a second of the task alone, previews included, by the clock and by processor time."""
    from genstudio.tasks.models import Models
    from genstudio.tasks.train import Train

    job = Train("gan", data, json.loads(config), seconds=3600).run(Models())
    steps, began, spent = 0, 0.0, 0.0
    for frame in job:
        if "d_loss" in frame.series:
            now = time.monotonic()
            if began:
                steps += len(frame.series["d_loss"])
            else:
                began, spent = now, time.process_time()
            if now - began >= seconds:
                break
    taken, spent = now - began, time.process_time() - spent
    job.close()
    return {"steps": steps / taken, "per_cpu": steps / spent}


class Spent:
    """Processor time of the engine's thread: in all of a training, and in what is only there to be looked at."""

    def __init__(self) -> None:
        from genstudio.families.gan.learner import GANLearner
        from genstudio.runs import Run
        from genstudio.tasks.train import Training

        self.all = self.showing = 0.0
        preview, record, advance = GANLearner.preview, Run.record, Training.__next__

        def previewed(learner: Any) -> Iterator[Any]:
            looks = preview(learner)
            while (found := self._timed("showing", lambda: next(looks, None))) is not None:
                yield found

        def recorded(run: Any, *told: Any, **how: Any) -> Any:
            return self._timed("showing", lambda: record(run, *told, **how))

        def advanced(job: Any) -> Any:
            return self._timed("all", lambda: advance(job))

        for kind, name, timed in (
            (GANLearner, "preview", previewed), (Run, "record", recorded), (Training, "__next__", advanced),
        ):  # fmt: skip
            setattr(kind, name, timed)

    def _timed(self, what: str, work: Callable[[], Any]) -> Any:
        began = time.thread_time()
        try:
            return work()
        finally:
            setattr(self, what, getattr(self, what) + time.thread_time() - began)


def opened(begin: Callable[[Any], object], interval: int = 0, tick: Callable[[], object] | None = None) -> None:
    """Run the window until it closes: `begin(window)` once all is loaded, `tick()` every `interval` milliseconds."""
    from PySide6.QtCore import Qt, QTimer
    from PySide6.QtWidgets import QApplication

    from real_window import is_ready, shown, until_closed

    app = QApplication([])
    window = shown()

    def wait() -> None:
        if not is_ready(window):
            QTimer.singleShot(100, wait)
        else:
            window.tabs.setCurrentWidget(window.gan)
            begin(window)

    timer = QTimer()
    if tick is not None:
        timer.setTimerType(Qt.TimerType.PreciseTimer)
        timer.timeout.connect(tick)
        timer.start(interval)
    QTimer.singleShot(0, window.begin)
    QTimer.singleShot(1000, wait)
    until_closed(app)


def lateness(late: Sequence[float]) -> dict[str, float]:
    """Of milliseconds by which ticks came late."""
    ticks = sorted(late)
    return {"p50": ticks[len(ticks) // 2], "p99": ticks[int(0.99 * len(ticks))], "worst": ticks[-1]}


def say_lateness(late: Mapping[str, Sequence[float]]) -> None:
    """A line for each phase."""
    for phase, ticks in late.items():
        found = lateness(ticks)
        print(f"{phase}: p50 {found['p50']:.1f} ms late, p99 {found['p99']:.1f} ms, worst {found['worst']:.1f} ms of "
              f"{len(ticks)}")  # fmt: skip


def started(window: Any, data: str, config: dict[str, Any]) -> None:
    """Start a training as a person would."""
    tab = window.gan
    tab.setup.choose_data(data)
    tab.setup.form.set_values(config)
    tab.setup.set_plan(None, 7200.0)
    tab.start_training()


def windowed(data: str, config: str, seconds: float) -> dict[str, float]:
    """Iterations a second in the real window with every layer drawn, redraws a second, and how late a 5 ms timer came."""
    from PySide6.QtCore import Qt, QTimer

    spent = Spent()
    late: list[float] = []
    seen: list[tuple[float, int]] = []
    drawn: list[float] = []
    state = {"last": time.perf_counter()}

    def tick() -> None:
        now = time.perf_counter()
        if len(seen) > 20:
            late.append(1000 * (now - state["last"]) - 5)
        state["last"] = now

    def begin(window: Any) -> None:
        started(window, data, json.loads(config))
        pane = window.gan.panel.pane("plane" if data == "gaussian-ring" else "fixed")

        def view() -> Any:
            return pane.view.view if data == "gaussian-ring" else pane.view.samples

        def ended() -> None:
            state["cpu"] = time.process_time() - state["cpu"]
            state["interface"] = time.thread_time() - state["interface"]
            state["all"], state["showing"] = spent.all - state["all"], spent.showing - state["showing"]
            if data == "gaussian-ring":
                assert all(view().layer(name) and view().has_layer(name) for name in DASHBOARD.panes[0].layers)
                assert len(view().snapshot.arrows)
            window.close()

        def framed(_name: str, frame: Any) -> None:
            if "d_loss" in frame.series:
                seen.append((time.monotonic(), len(frame.series["d_loss"])))
                if len(seen) == 20:
                    drawn.clear()
                    state.update(cpu=time.process_time(), interface=time.thread_time())
                    state.update(all=spent.all, showing=spent.showing)
                    QTimer.singleShot(int(1000 * seconds), ended)

        def count() -> None:
            paint = view().paint_figure

            def counted(painter: object, area: object) -> None:
                began = time.thread_time()
                paint(painter, area)
                drawn.append(1000 * (time.thread_time() - began))

            view().paint_figure = counted

        pane.built.connect(count, Qt.ConnectionType.QueuedConnection)
        window.engine.framed.connect(framed)

    from genstudio.families.gan.dashboard import DASHBOARD

    opened(begin, 5, tick)
    counted_frames = seen[20:]
    steps = sum(n for _, n in counted_frames[1:])
    return {
        "steps": steps / (counted_frames[-1][0] - counted_frames[0][0]),
        "per_cpu": steps / state["cpu"],
        "redraws": len(drawn) / seconds,
        "drawing": median(drawn),
        "engine": state["all"] / seconds,
        "showing": state["showing"] / state["all"],
        "interface": state["interface"] / seconds,
        **lateness(late),
    }


def memory(steps: int) -> dict[str, float]:
    """Resident MB at a fifth of the iterations and at all of them, while every page, chart and view is used in turn."""
    from genstudio.ui.memory import memory_bytes

    found: dict[int, float] = {}
    state: dict[str, Any] = {"turn": 0, "window": None}

    def turn() -> None:
        window = state["window"]
        if window is None or not window.gan.run_path:
            return
        panel, state["turn"] = window.gan.panel, state["turn"] + 1
        for place, tabs in enumerate((panel.charts, panel.side, panel.pages, panel.explore.tools)):
            shown = [index for index in range(tabs.count()) if tabs.isTabVisible(index)]
            tabs.setCurrentIndex(shown[(state["turn"] // (1 + 4 * (place == 2))) % len(shown)])
        page = panel.pane("fixed").view
        if page is not None:
            page.which.setCurrentIndex(state["turn"] % 2)
        if page is not None and state["turn"] % 8 == 0:
            page.samples._pick(state["turn"] % 60)
        if panel.explore.space is not None:
            panel.explore.pad._go(*(((state["turn"] * step) % 60 - 30) / 10 for step in (7, 11)))
        if state["turn"] % 40 == 0:
            panel.time.go_to(window.gan._progress.step // 2)
        elif state["turn"] % 40 == 20:
            panel.time.follow()
        reached = window.gan._progress.step
        for mark in (steps // 5, steps):
            if reached >= mark and mark not in found:
                found[mark] = (memory_bytes() or 0) / 1e6
        if reached >= steps:
            window.close()
            state["window"] = None

    def begin(window: Any) -> None:
        started(window, "digits8", SMALL)
        state["window"] = window

    opened(begin, 100, turn)
    before, after = found[steps // 5], found[steps]
    return {"before": before, "after": after, "turns": state["turn"]}


def drag(seconds: float) -> dict[str, float]:
    """Milliseconds from a move in the latent slice to the picture on the screen, of a 28x28 DCGAN trained for a while:
    by the clock, and of processor time on the interface's thread and in all."""
    from PySide6.QtCore import QTimer

    clock: list[float] = []
    interface: list[float] = []
    both: list[float] = []
    state: dict[str, Any] = {}

    def begin(window: Any) -> None:
        started(window, *RUNS["DCGAN 28x28"])
        tab = window.gan
        explore = tab.panel.explore

        def stopped() -> None:
            if tab.state != "stopped":
                QTimer.singleShot(200, stopped)
                return
            tab.panel.pages.setCurrentWidget(explore)
            QTimer.singleShot(3000, prepared)

        def prepared() -> None:
            if explore.space is None or explore.busy("map") or explore.busy("space"):
                QTimer.singleShot(200, prepared)
                return
            paint = explore.picture.paint_figure

            def painted(painter: object, area: object) -> None:
                paint(painter, area)
                if state.get("shown") is not explore.found:
                    state["shown"] = explore.found
                    QTimer.singleShot(0, arrived)

            explore.picture.paint_figure = painted
            state["shown"] = explore.found
            move()

        def move() -> None:
            turn = state["turn"] = state.get("turn", 0) + 1
            state["began"] = (time.perf_counter(), time.thread_time(), time.process_time())
            explore.pad._go(*(((turn * step) % 60 - 30) / 10 for step in (7, 11)))

        def arrived() -> None:
            began = state["began"]
            clock.append(1000 * (time.perf_counter() - began[0]))
            interface.append(1000 * (time.thread_time() - began[1]))
            both.append(1000 * (time.process_time() - began[2]))
            if len(clock) < 60:
                QTimer.singleShot(20, move)
            else:
                window.close()

        QTimer.singleShot(int(1000 * seconds), tab.stop_training)
        QTimer.singleShot(int(1000 * seconds) + 200, stopped)

    opened(begin)
    told = {"clock": clock, "interface": interface, "both": both}
    return {name: median(values) for name, values in told.items()} | {"worst": max(clock)}


def drawing() -> None:
    """Processor time of one drawing of the plane at its size in a window of 1280 x 720, layer by layer."""
    import numpy as np
    from PySide6.QtCore import QRectF
    from PySide6.QtGui import QPainter, QPixmap
    from PySide6.QtWidgets import QApplication

    from genstudio.families.dashboard import LAYERS
    from genstudio.snapshots.samples import Plane
    from genstudio.ui import theme
    from genstudio.ui.views.plane import PlaneView

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


def _mode(*arguments: str) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "GENSTUDIO_HOME": home}
        environment.setdefault("QT_QPA_PLATFORM", "offscreen")
        command = [sys.executable, str(Path(__file__).resolve()), "--child", *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def table(seconds: float) -> None:
    print(
        f"{'run':14} {'headless':>10} {'window':>10} {'ratio':>6} {'per cpu':>8} {'redraws':>8} {'drawing':>8} {'showing':>8} "
        f"{'interface':>9} {'late p50':>9} {'p99':>6} {'worst':>6}"
    )
    for name, (data, config) in RUNS.items():
        before = _mode("headless", data, json.dumps(config), str(seconds / 2))
        shown = _mode("window", data, json.dumps(config), str(seconds))
        after = _mode("headless", data, json.dumps(config), str(seconds / 2))
        alone, alone_cpu = ((before[key] + after[key]) / 2 for key in ("steps", "per_cpu"))
        print(
            f"{name:14} {alone:8.1f}/s {shown['steps']:8.1f}/s {shown['steps'] / alone:6.2f} "
            f"{shown['per_cpu'] / alone_cpu:8.2f} {shown['redraws']:6.1f}/s {shown['drawing']:6.2f}ms "
            f"{shown['showing']:8.1%} {shown['interface']:9.1%} {shown['p50']:7.1f}ms {shown['p99']:6.1f} "
            f"{shown['worst']:6.1f}",
            flush=True,
        )


def grown(steps: int) -> None:
    """Raises AssertionError where memory is not flat."""
    found = _mode("memory", str(steps))
    growth = found["after"] - found["before"]
    print(
        f"memory: {found['before']:.1f} MB after {steps // 5:,} iterations, {found['after']:.1f} MB after {steps:,}: "
        f"{growth:+.1f} MB in {found['turns']:.0f} turns of all views"
    )
    assert growth <= GROWTH


def dragged(seconds: float) -> None:
    found = _mode("drag", str(seconds))
    print(
        f"drag at 28x28: {found['clock']:.1f} ms to the picture (worst {found['worst']:.1f}); processor time "
        f"{found['interface']:.1f} ms of the interface, {found['both']:.1f} ms in all"
    )


@pytest.mark.bench
@pytest.mark.timeout(1800)
def test_gan_window_costs() -> None:
    table(20.0)
    dragged(20.0)


@pytest.mark.bench
@pytest.mark.timeout(1800)
def test_memory_is_flat_with_every_view_in_use() -> None:
    grown(10_000)


def _child(mode: str, *told: str) -> dict[str, float]:
    if mode in ("headless", "window"):
        return {"headless": headless, "window": windowed}[mode](told[0], told[1], float(told[2]))
    return memory(int(told[0])) if mode == "memory" else drag(float(told[0]))


if __name__ == "__main__":
    arguments = sys.argv[1:]
    if arguments[:1] == ["--child"]:
        print(json.dumps(_child(*arguments[1:])))
    elif arguments[:1] == ["drawing"]:
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
        drawing()
    elif arguments[:1] == ["memory"]:
        grown(int(arguments[1]) if len(arguments) > 1 else 10_000)
    elif arguments[:1] == ["drag"]:
        dragged(float(arguments[1]) if len(arguments) > 1 else 20.0)
    else:
        table(float(arguments[0]) if arguments else 20.0)
