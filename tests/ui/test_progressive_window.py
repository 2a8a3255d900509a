"""A network that grows in the real window: trained, watched size by size, held, moved on, and looked at on its slider."""

from __future__ import annotations

from typing import Any

import numpy as np
from gan_window import change, stop

from genstudio.events import Frame, Notice
from genstudio.ui.window import MainWindow
from helpers import LONG
from real_window import press

SMALL = {
    "channels": 4, "largest": 8, "latent": 4, "batch": 8, "evaluate_every": 100_000, "growth": "steps", "stage_steps": 20,
    "hold_size": True,
}  # fmt: skip


def test_sizes_are_watched_held_moved_on_and_looked_at_on_one_slider(window: MainWindow, qtbot: Any) -> None:
    tab = window.gan
    tab.choose_family("progressive")
    tab.setup.choose_data("digits8")
    tab.setup.form.set_values(SMALL)
    tab.setup.set_plan(1_000_000, None)
    press(qtbot, tab, "gan_start")
    panel = tab.panel
    pane = panel.pane("sizes")

    def named() -> tuple[str, ...]:
        shown = None if pane.view is None else pane.view.samples.snapshot
        return () if shown is None else shown.classes

    panel.stage.setCurrentIndex(1)
    qtbot.waitUntil(lambda: named() == ("4 x 4", "real"), timeout=LONG)
    sizes = panel.charts.views["size"].points
    qtbot.waitUntil(lambda: len(sizes("size")[0]) > 25, timeout=LONG)
    assert set(sizes("size")[1]) == {4}  # it is held
    change(qtbot, tab, "advance_size", 1)
    qtbot.waitUntil(lambda: named() == ("4 x 4", "8 x 8 at 0%", "real"), timeout=LONG)
    change(qtbot, tab, "hold_size", False)
    qtbot.waitUntil(lambda: named() == ("4 x 4", "8 x 8", "real"), timeout=LONG)
    stop(qtbot, tab)
    qtbot.waitUntil(lambda: len(panel.time.steps) > 2 and bool(panel.time.slider.marks), timeout=LONG)
    (began,) = np.flatnonzero(np.diff(sizes("size")[1]) > 0)
    (mark,) = panel.time.slider.marks
    assert panel.time.steps[mark] >= began + 1
    panel.time.passing(Frame(notices=(Notice(10**7, "milestone", "Later."),)))  # nothing was kept of it yet
    assert panel.time.slider.marks == (mark,)

    page = panel.grow
    panel.pages.setCurrentWidget(page)
    qtbot.waitUntil(lambda: page.found is not None and page.slider.isEnabled(), timeout=LONG)
    assert page.slider.value() == page.slider.maximum() and "8 x 8" in page.place.text()
    page.slider.setValue(page.slider.maximum() // 4)
    qtbot.waitUntil(lambda: page.views[0].title == "4 x 4: 75%", timeout=LONG)
    assert page.views[2].title == "8 x 8: 25%" and "faded in: 25%" in page.place.text()
    first = page.views[1].snapshot.pixels
    press(qtbot, page, "grow_other")
    qtbot.waitUntil(lambda: (page.views[1].snapshot.pixels != first).any(), timeout=LONG)
    page.slider.setValue(0)
    qtbot.waitUntil(lambda: page.place.text() == "4 x 4", timeout=LONG)
    assert "has not been trained since" in page.words.text() and page.views[0].snapshot is None
    assert page.slider.marks == (0, page.slider.maximum())
    press(qtbot, page, "grow_trained")
    qtbot.waitUntil(lambda: page.slider.value() == page.slider.maximum(), timeout=LONG)
