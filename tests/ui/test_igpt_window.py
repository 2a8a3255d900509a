"""A model of pixels in the real window: trained and watched, then half a picture, a drawing and one of one's own completed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QPointF, Qt

from genstudio.tasks.complete import Complete, InspectPixel
from genstudio.tasks.models import ModelRef
from genstudio.ui.playground.pages import lack
from genstudio.ui.window import MainWindow
from helpers import LONG, result
from real_window import press

SMALL = {"layers": 1, "heads": 2, "d_model": 16, "size": 6, "batch": 8, "evaluate_every": 1000, "positions": "learned"}


def test_half_a_picture_a_drawing_and_one_of_ones_own_are_completed(
    open_window: Callable[..., MainWindow], qtbot: Any, tmp_path: Path
) -> None:
    window = open_window("transformer")
    tab = window.links.trainer("transformer")
    window.tabs.show_room("transformer")
    tab.choose_family("igpt")
    tab.setup.choose_data("digits8")
    tab.setup.form.set_values(SMALL)
    tab.setup.set_plan(1_000_000, None)
    tab.start.click()
    pane = tab.panel.pane("completions")
    qtbot.waitUntil(lambda: pane.view is not None and pane.view.samples.snapshot is not None, timeout=LONG)
    qtbot.waitUntil(lambda: pane.view.samples.snapshot.step > 0 and pane.view.samples.snapshot.scores is not None, timeout=LONG)
    shown, originals = pane.view.samples.snapshot.pixels, pane.view.beside.snapshot.pixels
    assert len(shown) == len(originals) and np.array_equal(shown[:, :3], originals[:, :3]), "the upper half stays"
    tab.stop.click()
    qtbot.waitUntil(lambda: tab.state == "stopped", timeout=LONG)

    page = tab.panel.complete
    tab.panel.pages.setCurrentWidget(page)
    qtbot.waitUntil(lambda: page.report is not None and not page.busy("complete"), timeout=LONG)
    found, run = page.found, ModelRef(tab.panel.run)
    assert np.array_equal(found.pixels[:, :3], np.repeat(found.given[None, :3], 9, 0)) and found.index >= 0
    by_hand = result(Complete(run))
    assert np.array_equal(by_hand.pixels, found.pixels)
    assert f"Given pixels: {found.bits[0][found.keep].mean():.2f} bits" in page.words.text()

    report = result(InspectPixel(run, 20, found.pixels[0]))
    page.one.take(20)
    qtbot.waitUntil(lambda: page.report.at == 20, timeout=LONG)
    assert page.report.probabilities.sum() == pytest.approx(1, abs=1e-5)
    assert np.array_equal(page.report.probabilities, report.probabilities)
    first = page.bars.bars[0]
    assert first.parts[0][2] == f"{100 * report.probabilities.max():.1f}%"
    for index, values in enumerate((None, report.bits, report.entropy, report.attention.reshape(-1, 6, 6).mean(0))):
        page.tinted.setCurrentIndex(index)
        assert page.one.values is None if values is None else np.array_equal(page.one.values, values, equal_nan=True)
    assert page.heads.isVisible() and page.heads.count() == 3
    page.tinted.setCurrentIndex(0)

    page.temperature.set_value(0.0)
    page.temperature.changed.emit(0.0)
    qtbot.waitUntil(lambda: (page.found.pixels == page.found.pixels[:1]).all(), timeout=LONG)

    press(qtbot, page, "complete_draw")
    page.given.draw_now()
    cell = page.given._cell(page.given.rect().toRectF(), 14).center()
    qtbot.mouseClick(page.given, Qt.MouseButton.LeftButton, pos=QPointF(cell).toPoint())
    qtbot.waitUntil(lambda: page.found.keep.sum() == 1 and not page.busy("complete"), timeout=LONG)
    assert page.found.keep.ravel()[14] and (page.found.pixels[:, 2, 2] == page.found.palette[-1]).all()

    Image.fromarray(np.full((20, 30), 90, np.uint8)).save(own := tmp_path / "own.png")
    page.show_file(str(own))
    qtbot.waitUntil(lambda: page.found.keep.sum() == 18 and page.found.index == -1, timeout=LONG)
    assert not page.draw.isChecked() and page.keep.isEnabled() and lack("igpt", "Complete") == ""
