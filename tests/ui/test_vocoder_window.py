"""A vocoder in the real window: trained, heard beside Griffin-Lim, guided by live handles, heard again at earlier steps."""

from __future__ import annotations

import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gan_window import change, stop
from PySide6.QtCore import Qt

from genstudio.data.audio.samples import to_int16, to_mu_law
from genstudio.data.audio.written import wav_of
from genstudio.tasks.models import ModelRef, Models
from genstudio.tasks.vocode import Resynthesise
from genstudio.ui.sound import SoundPlayer
from genstudio.ui.views.tracks import TracksPage
from genstudio.ui.window import MainWindow
from helpers import LONG, prepared, result
from real_window import press

SMALL = {
    "bands": 8, "window": 64, "hop": 16, "channels": 8, "kernels": 1, "dilations": 1, "periods": 1, "scales": 1, "d_channels": 4,
    "segment": 16, "projections": 0, "evaluate_every": 20,
}  # fmt: skip


def test_sound_is_heard_at_every_step_beside_griffin_lim(
    window: MainWindow, qtbot: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
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
    page.plays[2].click()
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
    a_sound_of_ones_own(window, qtbot, tab.run_path, tmp_path)


def a_sound_of_ones_own(window: MainWindow, qtbot: Any, run: str, folder: Path) -> None:
    """Opened in the Playground: what is shown, written and saved is what the command makes."""
    file, text = folder / "tone.wav", folder / "text.wav"
    file.write_bytes(wav_of(to_int16(0.3 * np.sin(2 * np.pi * 500 * np.arange(12_000) / 12_000)), 12_000))
    text.write_text("no sound")
    window.tabs.show_room("playground")
    window.playground.choose(run)
    window.playground.inspectors.open("Resynthesise")
    page = window.playground.page("Resynthesise")
    page.show_file(str(file))
    qtbot.waitUntil(lambda: page.found is not None, timeout=LONG)
    true, theirs = (result(Resynthesise(ModelRef(run), str(file), learnt), Models()) for learnt in (True, False))
    assert np.array_equal(page.found.made, true.made) and not np.array_equal(true.made, theirs.made)
    assert f"Mel error {true.mel_error:.3f}, Griffin-Lim {theirs.mel_error:.3f}" in page.outcome.text()
    assert [track.version for track in page.view.shown.tracks] == ["real", "Griffin-Lim", "generator"]
    page.save_as(str(folder / "made.wav"))
    with wave.open(str(folder / "made.wav")) as saved:
        assert np.array_equal(np.frombuffer(saved.readframes(saved.getnframes()), "<i2"), true.made)
    data = prepared(run)
    qtbot.mouseClick(page.held, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: page.view.shown.tracks[0].clip.startswith("Held-out clip"), timeout=LONG)
    held = int(data.held[1 % len(data.held)])
    assert held not in data.train
    assert np.array_equal(page.view.shown.tracks[0].codes, to_mu_law(data.clip(held)[: 10 * data.rate]))
    page.show_file(str(text))
    qtbot.waitUntil(lambda: "is not a WAV" in page.outcome.text(), timeout=LONG)
    assert page.view.shown is None
    page.view.player.close()
