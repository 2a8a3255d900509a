"""A vocoder in the real window: trained, heard beside Griffin-Lim, guided by live handles, heard again at earlier steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gan_window import change, stop
from PySide6.QtCore import Qt

from genstudio.ui.sound import SoundPlayer
from genstudio.ui.views.tracks import TracksPage
from genstudio.ui.window import MainWindow
from helpers import LONG
from real_window import press

SMALL = {
    "bands": 8, "window": 64, "hop": 16, "channels": 8, "kernels": 1, "dilations": 1, "periods": 1, "scales": 1, "d_channels": 4,
    "segment": 16, "projections": 0, "evaluate_every": 20,
}  # fmt: skip


def test_sound_is_heard_at_every_step_beside_griffin_lim(
    window: MainWindow, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SoundPlayer, "silent", True)
    tab = window.gan
    tab.choose_family("vocoder")
    tab.setup.choose_data("vowels")
    tab.setup.form.set_values(SMALL)
    tab.setup.set_plan(1_000_000, None)
    press(qtbot, tab, "gan_start")
    panel = tab.panel
    pane = panel.pane("vocoded")

    def versions() -> list[str]:
        page = pane.view
        return [track.version for track in page.shown.tracks] if isinstance(page, TracksPage) and page.shown is not None else []

    qtbot.waitUntil(lambda: versions() == ["real", "Griffin-Lim", "generator"], timeout=LONG)
    page = pane.view
    first = page.shown.tracks[2].codes.copy()
    qtbot.mouseClick(page.plays[2], Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: page.player.playing and page.view.playing is not None, timeout=LONG)
    assert page.view.playing[0] == 2 and tab.state == "running", "it trains on while it plays"
    page.stop.click()
    change(qtbot, tab, "feature", 0.0)
    errors = panel.charts.views["mels"].points
    qtbot.waitUntil(lambda: len(errors("mel_error")[0]) > 2, timeout=LONG)
    qtbot.waitUntil(lambda: not np.array_equal(page.shown.tracks[2].codes, first), timeout=LONG)
    stop(qtbot, tab)
    qtbot.waitUntil(lambda: len(panel.time.steps) > 1, timeout=LONG)
    last = page.shown
    panel.time.slider.setValue(0)
    qtbot.waitUntil(lambda: page.shown.step < last.step, timeout=LONG)
    assert versions() == ["real", "Griffin-Lim", "generator"], "what was written once is there at every step"
    assert not np.array_equal(page.shown.tracks[2].codes, last.tracks[2].codes)
    assert np.array_equal(page.shown.tracks[0].codes, last.tracks[0].codes)
    page.player.close()
