"""A ViT in the real window, walked once: a patch size that is refused, training, attention under the pointer, patches hidden by
hand on the page Patches of the Playground, and hidden patches that are filled in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton
from test_words_and_gaps import page, press, settle, train

from genstudio.snapshots.patches import PatchLook
from genstudio.tasks.models import ModelRef, Models
from genstudio.ui.playground.pages import lack
from genstudio.ui.views.chart import percent
from genstudio.ui.views.patches import attended
from genstudio.ui.window import MainWindow
from helpers import LONG

SMALL = {"layers": 2, "heads": 2, "d_model": 16, "patch": 2, "batch": 16, "warmup": 0, "evaluate_every": 20}


def test_from_start_to_patches_hidden_by_hand(open_window: Callable[..., MainWindow], qtbot: Any, tmp_path: Path) -> None:
    window = open_window("transformer", "playground")
    tab = window.transformer
    window.tabs.setCurrentWidget(tab)
    window.train_on("digits8", "vit")
    tab.setup.form.set_values({**SMALL, "patch": 3})
    tab.setup.set_plan(4, None)
    press(qtbot, tab.start)
    row = tab.setup.form.rows["patch"]
    qtbot.waitUntil(lambda: tab.state == "idle" and "these do: 1, 2, 4, 8" in row.problem.text(), timeout=LONG)

    tab = train(qtbot, window, "vit", "digits8", SMALL, 40)
    panel = tab.panel
    assert len(panel.charts.views["accuracy"].points("accuracy")[0]) and panel.charts.views["probe"].isHidden()
    stage = {panel.stage.tabText(i) for i in range(panel.stage.count()) if panel.stage.isTabVisible(i)}
    assert stage == {"Predictions", "Attention"}
    named = panel.pane("named").view.samples.snapshot
    assert len(named.pixels) == 64 and named.classes[0] == "0" and (named.scores > 0).all()
    panel.stage.setCurrentIndex(panel.stage.count() - 1)
    shown = panel.pane("patches").view
    assert len(shown.view.snapshot.looks) == 6
    shown.view.rest_on((1, 5))
    _, lines, title = shown.view.card((1, 5))
    shares = attended(shown.view.snapshot.looks[1], 5, -1, -1)
    assert title == "row 2, column 2" and (None, "share", percent(float(shares.max()))) in lines
    shown.layer.setCurrentIndex(1)
    shown.head.setCurrentIndex(2)
    assert (shown.view.layer, shown.view.head) == (0, 1)
    look: PatchLook = shown.view.snapshot.looks[1]
    assert np.allclose(attended(look, 5, 0, 1), look.weights[0, 1, 5])
    wrong = panel.pane("confusion").view
    assert wrong.snapshot.pixels is not None and wrong.snapshot.counts.sum() == 360
    run = tab.run_path

    here = page(qtbot, window, run, "Patches")
    settle(qtbot, here, lambda: here.found is not None)
    assert "held-out picture 1 of 360" in here.outcome.text() and here.filled.isHidden()

    def read_back() -> None:
        """What stands there is what the model says of the picture as it was changed."""
        model: Any = Models().get(ModelRef(run)).model
        dropped = np.isin(np.arange(16), sorted(here._dropped))
        told = model.look(here.found.sample, np.array(here._order), dropped).probabilities
        best = int(told.argmax())
        assert f"now: {here.found.classes[best]} {percent(float(told[best]))}." in here.outcome.text()
        assert {bar.name.removesuffix(" ✓"): bar.parts[0][2] for bar in here.bars.bars} == {
            name: percent(float(share)) for name, share in zip(here.found.classes, told, strict=True)
        }

    read_back()

    def click(patch: int) -> None:
        before = here.found
        at = here.view.view.patch_box((0, patch)).center().toPoint()
        qtbot.mouseClick(here.view.view, Qt.MouseButton.LeftButton, pos=at)
        settle(qtbot, here, lambda: here.found is not before)

    click(5)
    assert here._order[5] == -1 and (here.found.changed.picture[2:4, 2:4] == 128).all()
    read_back()
    here.tool.setCurrentIndex(1)
    click(6)
    assert here._dropped == {6} and 6 not in here.found.changed.seen
    read_back()
    button = here.findChild(QAbstractButton, "patches_shuffle")
    before = here.found
    press(qtbot, button)
    settle(qtbot, here, lambda: here.found is not before)
    assert sorted(here._order) == list(range(16)) and here._order != list(range(16)) and not here._dropped
    read_back()
    for patch in range(16):
        here._dropped.add(patch)
    here._look()
    qtbot.waitUntil(lambda: "No patch is left" in here.outcome.text(), timeout=LONG)
    press(qtbot, here.findChild(QAbstractButton, "patches_reset"))
    settle(qtbot, here, lambda: "now:" in here.outcome.text())
    Image.fromarray(np.full((20, 30), 90, np.uint8)).save(tmp_path / "own.png")
    here.show_file(str(tmp_path / "own.png"))
    settle(qtbot, here, lambda: "own.png" in here.outcome.text())
    assert here.found.whole.label == -1
    read_back()
    assert lack("vit", "Patches") == "" and "needs a model that can show" in lack("gpt", "Patches")

    tab = train(qtbot, window, "vit", "digits8", {**SMALL, "task": "masked", "decoder_width": 16}, 12)
    panel = tab.panel
    stage = {panel.stage.tabText(i) for i in range(panel.stage.count()) if panel.stage.isTabVisible(i)}
    assert stage == {"Filled in", "Attention"} and not panel.charts.views["probe"].isHidden()
    filled = panel.pane("filled").view
    assert filled.samples.snapshot.channel == "filled" and filled.beside.snapshot.channel == "real"
    filled.which.setCurrentIndex(1)
    assert (filled.samples.snapshot.pixels == 128).mean() > 0.3
    here = page(qtbot, window, tab.run_path, "Patches")
    settle(qtbot, here, lambda: here.found is not None and here.found.fills)
    press(qtbot, here.findChild(QAbstractButton, "patches_half"))
    settle(qtbot, here, lambda: here.found.changed.filled is not None)
    off = np.abs(here.found.changed.filled.astype(float) - here.found.sample).mean() / 255
    assert f"Mean error of the pixels {percent(float(off))}" in here.outcome.text() and here.bars.isHidden()
    assert len(here.found.changed.seen) == 8
