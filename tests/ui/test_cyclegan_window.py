"""A CycleGAN in the real window: two classes chosen by name, trained, watched, stopped, and a picture of one's own translated."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gan_window import stop
from PIL import Image

from genstudio.ui.playground.pages import lack
from genstudio.ui.views.chart import value_text
from genstudio.ui.window import MainWindow
from helpers import LONG
from real_window import press

SMALL = {"channels": 4, "blocks": 1, "batch": 4, "evaluate_every": 1000}


def test_two_classes_are_trained_watched_and_a_picture_is_translated(window: MainWindow, qtbot: Any, tmp_path: Path) -> None:
    tab = window.gan
    tab.choose_family("cyclegan")
    tab.setup.choose_data("digits8")
    editor = tab.setup.form.rows["to"].editor
    qtbot.waitUntil(lambda: "9" in editor.names(), timeout=LONG)
    titles = tab.setup.form.rows["data_b"].editor.names()
    assert "Shapes in two colours" in titles and "coloured-shapes" not in titles, "datasets by what they are called"
    tab.setup.form.rows["data_b"].editor.setEditText("Shapes in two colours")
    qtbot.waitUntil(lambda: "orange" in editor.names(), timeout=LONG)
    tab.setup.form.rows["data_b"].editor.setEditText("")
    qtbot.waitUntil(lambda: "9" in editor.names(), timeout=LONG)
    tab.setup.form.set_values({**SMALL, "from_": "3", "to": "nowhere"})
    tab.setup.set_plan(1_000_000, None)
    press(qtbot, tab, "gan_start")
    row = tab.setup.form.rows["to"]
    qtbot.waitUntil(lambda: tab.state == "idle" and "no class 'nowhere'" in row.problem.text(), timeout=LONG)
    tab.setup.form.set_values({"to": "8"})
    press(qtbot, tab, "gan_start")
    pane = tab.panel.pane("cycles")

    def watched() -> bool:
        return pane.view is not None and pane.view.samples.snapshot is not None and pane.view.samples.snapshot.step > 0

    qtbot.waitUntil(watched, timeout=LONG)
    shown = pane.view.samples.snapshot
    assert shown.classes == ("3", "→ 8", "→ 3", "8", "→ 3", "→ 8") and len(shown.pixels) == 48
    pane.view.which.setCurrentIndex(1)
    assert pane.view.samples.snapshot.classes == ("3", "→ 3", "error", "8", "→ 8", "error")
    pane.view.picked.emit(9)
    qtbot.waitUntil(lambda: tab.panel.sample.found is not None, timeout=LONG)
    stop(qtbot, tab)
    qtbot.waitUntil(lambda: bool(tab.panel.time.steps), timeout=LONG)

    page = tab.panel.translate
    tab.panel.pages.setCurrentWidget(page)
    qtbot.waitUntil(lambda: page.found is not None and not page.busy("translate"), timeout=LONG)
    assert page.found.towards == 1 and len(page.found.originals) > 10, "held-out pictures, before one is opened"
    assert page.found.errors == pytest.approx(np.abs(page.found.back - page.found.originals.astype(float)).mean((1, 2, 3)) / 255)
    assert value_text(float(page.found.errors.mean())) in page.words.text()
    own = tmp_path / "own.png"
    Image.fromarray(np.full((20, 30), 90, np.uint8)).save(own)
    page.way.setCurrentIndex(1)
    page.show_file(str(own))
    qtbot.waitUntil(lambda: len(page.found.originals) == 1 and not page.busy("translate"), timeout=LONG)
    assert [view.title for view in page.views][:3] == ["Original: 8", "As 3", "Back as 8"] and "Cycle error" in page.words.text()
    assert page.way.currentText() == "8 → 3 → 8"
    press(qtbot, page, "translate_held")
    qtbot.waitUntil(lambda: page.found is not None and len(page.found.originals) > 10, timeout=LONG)
    assert page.found.towards == 0 and lack("cyclegan", "Translate pictures") == ""
