"""Pictures in the real window, grey with classes and colour without: from Start over every view to resuming."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gan_window import SMALL, begin, change, steps, stop
from gans import pictures
from PIL import Image
from PySide6.QtCore import QPoint, QRectF, Qt
from PySide6.QtGui import QAction

from genstudio.data import shelf
from genstudio.data.work import finished
from genstudio.runs import Run
from genstudio.snapshots.samples import Pictures
from genstudio.tasks.drawn import drawn
from genstudio.ui.train.panel import RunPanel
from genstudio.ui.train.tab import TrainingTab
from genstudio.ui.window import MainWindow
from helpers import LONG
from real_window import press

FEW = {**SMALL, "latent": 8, "evaluate_every": 1000}


@pytest.fixture
def colours(tmp_path: Path, _own_home: None) -> str:
    """The id of imported pictures in colour without classes."""
    np.save(tmp_path / "colours.npy", pictures(200, 8, 3, labels=False).pixels)
    return finished(shelf.import_path(tmp_path / "colours.npy")).id


def test_digits_from_start_to_resuming(window: MainWindow, qtbot: Any, tmp_path: Path) -> None:
    _through_it_all(qtbot, window, tmp_path, "digits8", {**FEW, "conditional": True}, 1)


@pytest.mark.thorough
def test_pictures_in_colour_from_start_to_resuming(
    colours: str, window: MainWindow, qtbot: Any, tmp_path: Path
) -> None:
    _through_it_all(qtbot, window, tmp_path, colours, FEW, 3)


def _through_it_all(
    qtbot: Any, window: MainWindow, folder: Path, data: str, values: dict[str, Any], channels: int
) -> None:
    tab = begin(qtbot, window, data, values)
    _change_and_back(qtbot, tab)
    _slowly(qtbot, tab)
    _through_time(qtbot, window, tab.panel, folder)
    _around(qtbot, tab.panel, channels)
    stop(qtbot, tab)
    end = Run.open(tab.run_path).info.step
    press(qtbot, tab, "gan_pause")
    qtbot.waitUntil(lambda: len(steps(tab)) > 0 and steps(tab)[-1] > end + 10, timeout=LONG)
    assert steps(tab).tolist() == list(range(1, len(steps(tab)) + 1))
    stop(qtbot, tab)
    count, marks = len(steps(tab)), _marks(tab)
    window.open_run(tab.run_path)
    qtbot.waitUntil(lambda: len(steps(tab)) == count and _marks(tab) == marks, timeout=LONG)


def _marks(tab: TrainingTab) -> list[tuple[int, str, str]]:
    found = {name: sorted((m.step, m.kind, m.text) for m in v._marks) for name, v in tab.panel.charts.views.items()}
    assert all(marks == found["losses"] for marks in found.values())
    return found["losses"]


def _change_and_back(qtbot: Any, tab: TrainingTab) -> None:
    """A change is a mark on every chart, with a checkpoint before it; one click goes back."""
    change(qtbot, tab, "g_rate", 0.0003)
    changed_at = int(tab.panel.live.log.item(0).text().removeprefix("Step ").split(":")[0].replace(",", ""))
    qtbot.waitUntil(lambda: steps(tab)[-1] > changed_at + 10, timeout=LONG)
    for name, view in tab.panel.charts.views.items():
        assert any(mark.kind == "changed" and mark.step == changed_at for mark in view._marks), name
    assert changed_at in Run.open(tab.run_path).info.checkpoints
    press(qtbot, tab, "live_back")
    qtbot.waitUntil(lambda: tab.panel.live.values()["g_rate"] == 0.001, timeout=LONG)
    qtbot.waitUntil(lambda: steps(tab)[-1] > changed_at + 5, timeout=LONG)
    steps_seen, rates = tab.panel.charts.views["rates"].points("rate_g")
    assert rates[steps_seen > changed_at].min() > 0.0003


def _slowly(qtbot: Any, tab: TrainingTab) -> None:
    slow = tab.panel.slow
    tab.panel.side.setCurrentWidget(slow)
    press(qtbot, tab, "slow_on")
    walked = set()
    for _ in range(9):
        qtbot.waitUntil(lambda: slow.stage is not None and not slow._awaited, timeout=LONG)
        assert slow.stage is not None
        walked.add(slow.stage.number)
        shown = tab.panel.pane("fixed").view.samples.snapshot
        assert shown is not None and shown.channel == "moment" and "this stage" in tab.panel.pane("fixed").view.samples.note
        press(qtbot, tab, "slow_next")
    assert walked == set(range(1, 9))
    qtbot.waitUntil(lambda: not slow._awaited, timeout=LONG)
    before = steps(tab)[-1]
    press(qtbot, tab, "slow_on")
    qtbot.waitUntil(lambda: steps(tab)[-1] > before + 10 and tab.state == "running", timeout=LONG)
    samples = tab.panel.pane("fixed").view.samples
    qtbot.waitUntil(lambda: samples.snapshot.channel == "fixed" and "same noise" in samples.note, timeout=LONG)
    assert "moment" not in Run.open(tab.run_path).snapshot_channels()


def _through_time(qtbot: Any, window: MainWindow, panel: RunPanel, folder: Path) -> None:
    time, seen = panel.time, panel.pane("fixed").view.samples
    qtbot.waitUntil(lambda: len(time.steps) > 4, timeout=LONG)
    for action, place in (("first_snapshot", 0), ("next_snapshot", 1), ("previous_snapshot", 0)):
        found = window.findChild(QAction, f"action_{action}")
        assert found is not None and not found.shortcut().isEmpty()
        found.trigger()
        step = time.steps[place]
        assert time.step == step
        qtbot.waitUntil(lambda step=step: seen.snapshot is not None and seen.snapshot.step == step, timeout=LONG)
    stored = Run.open(time.path).load_snapshot("fixed", time.steps[0])
    assert isinstance(stored, Pictures) and seen.snapshot is not None
    assert (seen.snapshot.pixels == stored.pixels).all()

    for kind in ("gif", "png"):
        time.write(str(folder / f"film.{kind}"))
        qtbot.waitUntil(lambda: not time._writing, timeout=LONG)
    with Image.open(folder / "film.gif") as film:
        assert film.size == drawn(stored, 480, "step").size and film.n_frames > 4
        frames = []
        for place in (0, film.n_frames - 1):
            film.seek(place)
            frames.append(np.asarray(film.convert("RGB")))
    assert (frames[0] != frames[1]).mean() > 0.05
    with Image.open(folder / "film.png") as sheet:
        tile = drawn(stored, 240, "step").size
        assert sheet.width == 4 * tile[0] and sheet.height % tile[1] == 0
    newest = window.findChild(QAction, "action_newest_snapshot")
    assert newest is not None
    newest.trigger()
    assert time.following


def _around(qtbot: Any, panel: RunPanel, channels: int) -> None:
    """A drag in the latent slice of the model in training is what its generator makes of that noise."""
    page, pad = panel.explore, panel.explore.pad
    panel.turn_page()
    assert panel.pages.currentWidget() is page
    qtbot.waitUntil(lambda: page.found is not None, timeout=LONG)
    assert page.model.currentData() == "live"
    box = pad.box(QRectF(pad.rect()))
    for share in (0.4, 0.7):
        at = QPoint(round(box.left() + share * box.width()), round(box.center().y()))
        qtbot.mousePress(pad, Qt.MouseButton.LeftButton, pos=at)
        qtbot.mouseRelease(pad, Qt.MouseButton.LeftButton, pos=at)
    assert pad.at[0] == pytest.approx(0.4 * pad.reach, abs=0.1)
    qtbot.waitUntil(lambda: bool((page.found.latents[0] == page.latent()).all()), timeout=LONG)
    assert page.picture.pixels is page.found.pixels[0] or (page.picture.pixels == page.found.pixels[0]).all()
    assert page.picture.pixels.shape[2] == channels
    qtbot.keyClick(pad, Qt.Key.Key_Up)
    assert pad.at[1] == pytest.approx(pad.reach / 20, abs=0.05)
    panel.turn_page()
