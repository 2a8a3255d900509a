"""Text to picture in the real window: refused without a CLIP run, trained on one, told a sentence, and between two pictures."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from family_cases import SMALL, reader_run

from genstudio.tasks.illustrate import Text
from genstudio.tasks.models import ModelRef, Models
from genstudio.tasks.sample import Sample
from helpers import LONG, result


@pytest.mark.thorough
def test_a_sentence_becomes_pictures_with_and_without_the_prior_and_two_pictures_those_between(
    open_window: Any, qtbot: Any
) -> None:
    window = open_window("latent")
    tab = window.links.trainer("latent")
    window.tabs.setCurrentWidget(tab)
    tab.choose_family("unclip")
    tab.setup.choose_data("captioned-shapes")
    tab.setup.form.set_values({**SMALL["unclip"][0], "evaluate_every": 1000})
    tab.setup.set_plan(4, None)
    tab.start.click()
    row = tab.setup.form.rows["reader"]
    qtbot.waitUntil(lambda: "no CLIP run was trained on these pictures" in row.problem.text(), timeout=LONG)
    assert tab.state != "running" and not tab.run_path

    reader_run()
    tab.start.click()
    qtbot.waitUntil(lambda: bool(tab.run_path), timeout=LONG)
    qtbot.waitUntil(lambda: tab.state == "stopped", timeout=LONG)
    pane = tab.panel.pane("sentence")
    qtbot.waitUntil(lambda: pane.view is not None and tab.panel.pane("samples").view is not None, timeout=LONG)
    page = tab.panel.denoise
    tab.panel.pages.setCurrentWidget(page)
    qtbot.waitUntil(lambda: page.walk is not None and not page.busy("walk"), timeout=LONG)
    assert page.walk.classes == page.model.classes and len(page.model.classes) == 8
    assert not page.text.isHidden() and page.prior.isChecked() and page.tools.isTabVisible(3)

    def shown(prior: bool) -> np.ndarray:
        qtbot.waitUntil(lambda: not page.busy("walk"), timeout=LONG)
        true = result(Sample(ModelRef(tab.run_path), 16, text=Text("a red heart", prior)), Models())
        qtbot.waitUntil(lambda: np.array_equal(page.walk.noisy[-1], true.samples), timeout=LONG)
        return np.asarray(true.samples)

    page.text.setText("a red heart")
    first = shown(True)
    page.prior.click()
    assert not np.array_equal(first, shown(False))
    page.text.setText("xylophone")
    qtbot.waitUntil(lambda: "None of 'xylophone' is in this model's vocabulary" in page.says.text(), timeout=LONG)
    page.text.clear()
    page.tools.setCurrentIndex(3)
    qtbot.waitUntil(lambda: page.blend.snapshot is not None, timeout=LONG)
    qtbot.waitUntil(lambda: "The same noise throughout" in page.says.text(), timeout=LONG)
    assert len(page.blend.snapshot.pixels) == 9
