"""Diffusion in the real window: trained, watched, stopped, and walked through stage by stage."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from genstudio.ui.latent.denoise import DenoisePage
from genstudio.ui.window import MainWindow
from helpers import LONG
from real_window import press

SMALL = {
    "network": "unet", "channels": 8, "batch": 16, "objective": "v", "conditional": True, "sampling_steps": 4,
    "evaluate_every": 1000,
}  # fmt: skip


def settled(qtbot: Any, page: DenoisePage) -> None:
    qtbot.waitUntil(lambda: not any(page.busy(kind) for kind in ("ways", "walk", "sampled")), timeout=LONG)


def test_digits_are_trained_watched_and_walked_through(
    open_window: Callable[..., MainWindow], qtbot: Any, tmp_path: Path
) -> None:
    window = open_window("latent")
    tab = window.links.trainers()["latent"]
    window.tabs.setCurrentWidget(tab)
    tab.choose_family("diffusion")
    tab.setup.choose_data("digits8")
    tab.setup.form.set_values(SMALL)
    tab.setup.set_plan(1_000_000, None)
    press(qtbot, tab, "latent_start")
    panel = tab.panel

    def sampled() -> bool:
        views = [panel.pane(name).view for name in ("samples", "loss_by_level")]
        return all(view is not None for view in views) and views[0].samples.snapshot is not None

    qtbot.waitUntil(sampled, timeout=LONG)
    assert len(panel.pane("samples").view.samples.snapshot.pixels) == 60
    press(qtbot, tab, "latent_stop")
    qtbot.waitUntil(lambda: tab.state == "stopped", timeout=LONG)

    page = panel.denoise
    panel.pages.setCurrentWidget(page)
    qtbot.waitUntil(lambda: page.walk is not None, timeout=LONG)
    settled(qtbot, page)
    assert page.steps.value() == 4 and page.slider.maximum() == 4 and page.label.count() == 11
    page.slider.setValue(1)
    shown = [view.pictures.snapshot.pixels for view in page.views]
    assert page.walk is not None and "removing noise" in page.stage.text()
    for pixels, stages in zip(shown, (page.walk.noisy, page.walk.noise, page.walk.clean), strict=True):
        assert np.array_equal(pixels, stages[1])
    page.way.setCurrentIndex(1)
    settled(qtbot, page)
    assert page.slider.value() == 0 and "adding noise" in page.stage.text() and page.walk.turn == 21
    page.way.setCurrentIndex(2)
    assert not page.open.isHidden() and page.walk is None and not page.slider.isEnabled()
    saved = [page.weights.itemData(row) for row in range(page.weights.count())]
    assert saved[0] == "last" and all(isinstance(step, int) for step in saved[1:]) and len(saved) > 1
    page.way.setCurrentIndex(0)
    settled(qtbot, page)
    page.weights.setCurrentIndex(len(saved) - 1)
    settled(qtbot, page)
    assert page.walk is not None and page.walk.step == saved[-1] and f"step {saved[-1]:,}" in page.says.text()
    page.write(str(tmp_path / "walk.gif"))
    qtbot.waitUntil(lambda: not page.busy("export"), timeout=LONG)
    with Image.open(tmp_path / "walk.gif") as film:
        assert film.n_frames == len(page.walk.levels)
    page.steps.set_value(200)
    page.sampler.setCurrentText("DDPM")
    qtbot.waitUntil(lambda: page.busy("walk") and "%" in page.says.text())
    press(qtbot, page, "denoise_stop")
    settled(qtbot, page)
    assert page.says.text() == "Stopped"
    page.steps.set_value(4)
    page.tools.setCurrentIndex(1)
    page.compared.setCurrentIndex(2)
    settled(qtbot, page)
    assert [view.pictures.title.split(",")[0] for view in page.columns] == [f"Guidance {g}" for g in (0, 1, 2, 4, 8)]
    page.tools.setCurrentIndex(2)
    spread = dict(page.perfect.values)
    assert 0.84 < spread["DDIM, 10 steps"] < 0.85 and abs(spread["Heun, 20 steps"] - 1) < 0.02  # its own: cosine
    page.schedule.setCurrentIndex(1)
    assert 0.72 < dict(page.perfect.values)["DDIM, 10 steps"] < 0.73
