"""The time machine and the latent explorer in the real window, on runs that were really trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gan_window import points
from PIL import Image
from PySide6.QtCore import QPoint, QRectF, Qt
from PySide6.QtWidgets import QAbstractButton, QComboBox, QSlider, QWidget

from genstudio.events import Frame
from genstudio.runs import Run
from genstudio.sampling import latent
from genstudio.snapshots.samples import Pictures, Plane
from genstudio.tasks.models import ModelRef
from genstudio.tasks.sample import Sample
from genstudio.tasks.train import Train
from genstudio.ui.train.panel import RunPanel
from genstudio.ui.window import MainWindow
from helpers import LONG, answer, result, run_task

SMALL = {"width": 12, "layers": 2, "batch": 16, "evaluate_every": 1000}


def opened(qtbot: Any, window: MainWindow, folder: Path, data: str, **values: Any) -> tuple[RunPanel, Run]:
    task = Train("gan", data, {**SMALL, **values}, steps=30, runs_folder=folder)
    run = Run.open(answer(run_task(task), "run"))
    with run.acquire():
        channel = "plane" if data == "gaussian-ring" else "fixed"
        first = run.load_snapshot(channel, run.snapshot_steps(channel)[0])
        for step in range(1, 30, 4):
            run.record(_other(first, step), always=True)
    window.tabs.setCurrentIndex(0)
    window.open_run(str(run.folder))
    qtbot.waitUntil(lambda: window.tabs.currentWidget() is window.gan, timeout=LONG)
    panel = window.gan.panel
    qtbot.waitUntil(lambda: len(panel.time.steps) > 5, timeout=LONG)
    qtbot.waitUntil(lambda: len(panel.charts.views["losses"].points("d_loss")[0]) == 30, timeout=LONG)
    qtbot.waitUntil(lambda: panel.pane(channel).view is not None, timeout=LONG)
    return panel, run


def _other(first: Any, step: int) -> Any:
    """A snapshot of another step that can be told from all others."""
    if isinstance(first, Plane):
        return Plane("plane", step, first.real, first.fake + np.float32(step), first.extent, first.field, first.bounded,
                     first.arrows, first.mesh, first.scores)  # fmt: skip
    return Pictures("fixed", step, np.full_like(first.pixels, step), first.labels, first.classes, first.scores)


def test_scrubbing_shows_what_was_stored_and_moves_everything_together(
    window: MainWindow, qtbot: Any, tmp_path: Path
) -> None:
    panel, run = opened(qtbot, window, tmp_path, "gaussian-ring")
    time, view = panel.time, points(panel).view
    assert time.following and view.snapshot is not None
    time.slider.setFocus()
    qtbot.keyClick(time.slider, Qt.Key.Key_Home)
    for place in range(len(time.steps) - 1):
        step = time.steps[place]
        assert time.step == step
        qtbot.waitUntil(lambda step=step: view.snapshot.step == step, timeout=LONG)
        stored = run.load_snapshot("plane", step)
        assert isinstance(stored, Plane)
        assert (view.snapshot.fake == stored.fake).all() and (view.snapshot.field == stored.field).all()
        shown = panel.pane("scores").view.snapshot
        assert shown is not None and shown.step <= step
        assert panel.charts.views["losses"]._at == step and panel.charts.views["gradients"]._at == step
        steps, values = panel.charts.views["losses"].points("d_loss")
        if step:
            assert panel.charts.values_at(step)["d_loss"] == values[steps == step][0]
            assert "d loss" in time.note.text()
        qtbot.keyClick(time.slider, Qt.Key.Key_Right)
    assert time.following and panel.charts.views["losses"]._at is None
    qtbot.waitUntil(lambda: view.snapshot.step == time.steps[-1], timeout=LONG)

    panel.charts.views["losses"].step_chosen.emit(10)
    assert time.step == min(time.steps, key=lambda step: abs(step - 10))
    panel.charts.views["losses"].hovered.emit(20)
    assert panel.charts.views["opinions"]._at == 20
    panel.charts.views["losses"].hovered.emit(None)
    assert panel.charts.views["opinions"]._at == time.step


def test_a_frame_in_training_waits_while_the_past_is_looked_at(window: MainWindow, qtbot: Any, tmp_path: Path) -> None:
    panel, run = opened(qtbot, window, tmp_path, "gaussian-ring")
    panel.time.slider.setValue(2)
    step = panel.time.steps[2]
    qtbot.waitUntil(lambda: points(panel).view.snapshot.step == step, timeout=LONG)
    newer = _other(run.load_snapshot("plane", step), 99)
    panel.show_frame(Frame(snapshots=(newer,)))
    assert points(panel).view.snapshot.step == step
    qtbot.mouseClick(panel.time.newest, Qt.MouseButton.LeftButton)
    assert points(panel).view.snapshot is newer and panel.time.following
    panel.show_frame(Frame(snapshots=(_other(newer, 100),)))
    assert points(panel).view.snapshot.step == 100


def test_playing_ends_at_the_newest_and_exports_are_written(window: MainWindow, qtbot: Any, tmp_path: Path) -> None:
    panel, run = opened(qtbot, window, tmp_path, "digits8", latent=6, conditional=True)
    time, seen = panel.time, []
    time.moment_shown.connect(lambda moment: seen.append(moment.step))
    time.speed.setCurrentText("Fast")
    qtbot.mouseClick(time.play, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: time.following and not time.play.isChecked(), timeout=LONG)
    assert [step for step in time.steps if step in seen] == list(time.steps)
    out = tmp_path / "film.gif"
    time.write(str(out))
    qtbot.waitUntil(lambda: not time._writing, timeout=LONG)
    with Image.open(out) as image:
        assert image.n_frames == len(run.snapshot_steps("fixed"))


def test_what_is_explored_is_what_the_generator_makes(window: MainWindow, qtbot: Any, tmp_path: Path) -> None:
    panel, run = opened(qtbot, window, tmp_path, "digits8", latent=6, conditional=True)
    page, pad = panel.explore, panel.explore.pad
    panel.pages.setCurrentWidget(page)
    qtbot.waitUntil(lambda: page.found is not None and pad._map is not None, timeout=LONG)
    assert len(pad._map) == 81 and page.space is not None and page.space.size == 6

    def settled() -> bool:
        return page.found is not None and bool((page.found.latents[0] == page.latent()).all())

    box = pad.box(QRectF(pad.rect()))
    at = QPoint(round(box.left() + 0.75 * box.width()), round(box.top() + 0.25 * box.height()))
    qtbot.mousePress(pad, Qt.MouseButton.LeftButton, pos=at)
    qtbot.mouseRelease(pad, Qt.MouseButton.LeftButton, pos=at)
    assert pad.at == pytest.approx((1.5, 1.5), abs=0.1)
    assert page.latent() == pytest.approx(page.base + np.array(pad.at) @ page.axes, abs=1e-5)
    page.label.setCurrentIndex(4)
    page.label.activated.emit(4)
    page.directions.sliders[2].slider.setValue(900)
    qtbot.waitUntil(settled, timeout=LONG)
    moved = page.base + np.array(pad.at) @ page.axes + page.directions.sliders[2].value() * page.space.directions[2]
    assert page.latent() == pytest.approx(moved, abs=1e-4)
    qtbot.waitUntil(lambda: not page.busy("one"), timeout=LONG)
    ref = ModelRef(str(run.folder))
    want = result(Sample(ref, label=4, latents=page.latent()[None]))
    assert (page.picture.pixels == want.pixels[0]).all()

    ways = page.ways
    page.tools.setCurrentWidget(ways)
    assert not ways.go.isEnabled() and "keep it as A and as B" in ways.says.text()
    for name in "abc":
        qtbot.mouseClick(page.findChild(QAbstractButton, f"keep_{name}"), Qt.MouseButton.LeftButton)
        qtbot.mouseClick(page.other, Qt.MouseButton.LeftButton)
    a, b, c = (ways.kept[name] for name in "ABC")
    for tool, wanted in (
        (0, latent.slerp(a, b, np.linspace(0, 1, 16))),
        (1, latent.lerp(a, b, np.linspace(0, 1, 16))),
        (4, np.stack([a, b, c, a - b + c])),
    ):
        ways.tool.setCurrentIndex(tool)
        ways.made = None
        qtbot.mouseClick(ways.go, Qt.MouseButton.LeftButton)
        qtbot.waitUntil(lambda: ways.made is not None, timeout=LONG)
        assert ways.made.latents == pytest.approx(wanted, abs=1e-5)
        want = result(Sample(ref, label=4, latents=ways.made.latents))
        assert (ways.view.snapshot.pixels == want.pixels).all()
    ways.write(str(tmp_path / "way.gif"))
    qtbot.waitUntil(lambda: (tmp_path / "way.gif").exists() and not page.busy("export"), timeout=LONG)
    ways.tool.setCurrentIndex(5)
    ways.made = None
    qtbot.mouseClick(ways.go, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: ways.made is not None, timeout=LONG)
    assert ways.made.labels.tolist() == list(range(10))
    for widget in page.findChildren(QWidget):
        if isinstance(widget, (QAbstractButton, QComboBox, QSlider)) and widget.isVisibleTo(page):
            assert widget.objectName(), widget
            assert widget.accessibleName() or getattr(widget, "text", str)(), widget.objectName()
    assert window.width() == 1280


def test_the_noise_of_points_is_coloured_and_lands(window: MainWindow, qtbot: Any, tmp_path: Path) -> None:
    panel, run = opened(qtbot, window, tmp_path, "gaussian-ring")
    page = panel.explore
    panel.pages.setCurrentWidget(page)
    qtbot.waitUntil(lambda: len(page.landing._points) == 625 and page.found is not None, timeout=LONG)
    page.pad.setFocus()
    qtbot.keyClick(page.pad, Qt.Key.Key_Right)
    assert page.latent() == pytest.approx([0.15, 0.0], abs=1e-6)
    qtbot.waitUntil(lambda: bool((page.found.latents[0] == page.latent()).all()), timeout=LONG)
    want = result(Sample(ModelRef(str(run.folder)), latents=page.latent()[None]))
    assert page.landing._one == pytest.approx(want.points[0], abs=1e-5)
    reach = 3 * (1 - 1 / 25)
    grid = latent.plane(np.zeros(2), np.eye(2), reach, 25)
    want = result(Sample(ModelRef(str(run.folder)), latents=grid))
    assert page.landing._points == pytest.approx(want.points, abs=1e-4)


def test_a_run_that_is_opened_while_another_is_listed_is_listed_too(
    window: MainWindow, qtbot: Any, tmp_path: Path
) -> None:
    panel, run = opened(qtbot, window, tmp_path, "gaussian-ring")
    time, steps = panel.time, panel.time.steps
    time.set_run("", False)
    for path in (str(tmp_path / "another"), str(run.folder)):
        time.set_run(path, False)
    qtbot.waitUntil(lambda: time.steps == steps, timeout=LONG)
