"""Sound on the Datasets page: seen on one time axis, played in a process of its own."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import Qt

from genstudio.data.audio.settings import SoundSettings
from genstudio.data.importing.options import Found
from genstudio.snapshots.sound import Clip
from genstudio.ui.datasets.importing import ImportPanel
from genstudio.ui.sound import SoundPlayer
from genstudio.ui.views.sound import ClipView, envelope
from helpers import LONG


@pytest.fixture
def player(qtbot: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(SoundPlayer, "silent", True)
    found = SoundPlayer()
    yield found
    found.close()


def test_a_clip_is_seen_heard_and_stopped(open_window: Any, qtbot: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SoundPlayer, "silent", True)
    window = open_window("datasets")
    window.tabs.show_room("datasets")
    tab = window.datasets
    page = tab.preview.clips
    assert tab.shelf.choose("telephone-voice")
    qtbot.waitUntil(lambda: page.view.snapshot is not None and page.player.ready, timeout=LONG)
    assert page.said.text().startswith("120 clips, 3:54 at 8,000 samples per second")
    assert page.model.rowCount() == 120 and page.play.isEnabled() and not page.stop.isEnabled()
    page.table.selectRow(3)
    qtbot.waitUntil(lambda: page.view.snapshot is not None and page.view.snapshot.index == 3, timeout=LONG)
    shown = page.view.snapshot
    assert shown is not None and shown.transcript and shown.spectrogram.shape[1] == 1 + len(shown.samples) // shown.hop
    places: list[float] = []
    page.player.moved.connect(places.append)
    qtbot.mouseClick(page.play, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: len(places) > 3 and places[-1] > 0.2, timeout=LONG)
    assert page.stop.isEnabled() and page.view.at == places[-1] and places == sorted(places)
    qtbot.mouseClick(page.stop, Qt.MouseButton.LeftButton)
    assert not page.player.playing and page.view.at is None and not page.stop.isEnabled()
    page.player._fail("Sound cannot be played: no audio output device is available. Everything else works.")
    assert not page.play.isEnabled() and page.why_not.isVisible() and "no audio output device" in page.why_not.text()


def test_playing_lasts_as_long_as_the_sound_and_never_holds_up_the_window(player: SoundPlayer, qtbot: Any) -> None:
    samples = np.zeros(8_000, np.int16)
    player.prepare()
    qtbot.waitUntil(lambda: player.ready, timeout=LONG)
    began, slowest = time.monotonic(), 0.0
    with qtbot.waitSignal(player.ended, timeout=LONG):
        before = time.thread_time()
        player.play(samples, 8_000)
        slowest = time.thread_time() - before
    assert slowest < 0.05 and time.monotonic() - began > 0.9
    assert not player._timer.isActive(), "nothing ticks while nothing plays"


def test_another_sound_ends_the_one_before(player: SoundPlayer, qtbot: Any) -> None:
    places: list[float] = []
    player.moved.connect(places.append)
    player.play(np.zeros(80_000, np.int16), 8_000, 40_000)
    qtbot.waitUntil(lambda: bool(places) and places[-1] > 4.9, timeout=LONG)
    player.play(np.zeros(4_000, np.int16), 8_000)
    with qtbot.waitSignal(player.ended, timeout=LONG):
        pass
    assert places[-1] <= 0.51


def test_the_import_offers_what_can_be_chosen_of_sound(qtbot: Any) -> None:
    panel = ImportPanel()
    qtbot.addWidget(panel)
    panel.sources = ("a.wav",)
    rows = (("a.wav", "1.50 s", "WAV, 22,050 Hz, stereo", "one two"), ("b.wav", "", "is empty", ""))
    panel.show_found(Found("audio", "sound", "40 sound files.", "a", 40, 100, columns=("File", "Length", "Format", "Transcript"),
                           rows=rows, details={"rate": 16_000}))  # fmt: skip
    assert panel.options().sound == SoundSettings() and not panel.sound.isHidden() and panel._picture_part.isHidden()
    files = panel.sound.files
    assert tuple(tuple(files.item(y, x).text() for x in range(4)) for y in range(files.rowCount())) == rows
    assert panel.sound.shown.text() == "2 of 40 files, spread over all of them:" and "16,000" in panel.sound.rate.currentText()
    panel.sound.rate.setCurrentText("8,000 Hz")
    panel.sound.longest.setCurrentText("4 seconds")
    panel.sound.trim.setChecked(True)
    panel.sound.broken.setChecked(True)
    options = panel.options()
    assert options.sound == SoundSettings(8_000, 4.0, True) and options.skip_broken


def clip(**changes: Any) -> Clip:
    samples = np.round(9_000 * np.sin(np.arange(4_000) * 2 * np.pi * 500 / 8_000)).astype(np.int16)
    spectrum = np.full((129, 63), -80.0, np.float32)
    spectrum[16] = 0.0
    values: dict[str, Any] = {
        "index": 0, "samples": samples, "rate": 8_000, "spectrogram": spectrum, "mels": spectrum[:40],
        "mel_edges": np.linspace(0, 4_000, 41), "hop": 64, "segments": np.array([[0, 2_000, 0], [2_000, 4_000, 1]]),
        "phones": ("sil", "aa"),
    }  # fmt: skip
    return Clip(**(values | changes))


def test_the_card_of_a_moment_says_what_sounds_there(qtbot: Any) -> None:
    view = ClipView()
    qtbot.addWidget(view)
    view.resize(600, 400)
    view.show_snapshot(clip())
    _, lines, title = view.card(0.4)
    said = {name: value for _, name, value in lines}
    assert title == "0.40 s" and said == {"phone": "aa", "level": "-14 dB", "strongest at": "500 Hz"}
    assert view.phone_at(0.1) == "sil" and view.phone_at(0.6) == ""
    with qtbot.waitSignal(view.chosen, timeout=LONG) as chosen:
        view.take(0.25)
    assert chosen.args == [0.25] and not view.image().isNull()
    view.show_snapshot(clip(segments=np.zeros((0, 3), np.int64)))
    assert view.phone_at(0.1) == "" and not view.image().isNull()


def test_the_envelope_holds_every_peak() -> None:
    samples = np.random.default_rng(0).integers(-9_000, 9_000, 10_007).astype(np.int16)
    low, high = envelope(samples, 300)
    assert (low.min(), high.max()) == (samples.min(), samples.max()) and len(low) == len(high) == 300
    assert [len(part) for part in envelope(samples[:5], 300)] == [5, 5]
    assert [len(part) for part in envelope(samples[:0], 300)] == [0, 0]
