"""Versions of a clip below each other: what is seen of them, and that they are heard."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt

from genstudio.data.audio.measures import spectrum_of
from genstudio.data.audio.samples import to_mu_law
from genstudio.families.dashboard import Pane
from genstudio.snapshots.sound import Sound, Track
from genstudio.ui.sound import SoundPlayer
from genstudio.ui.train.panes import PaneView
from genstudio.ui.views.tracks import TracksPage
from helpers import LONG

RATE, HOP = 8_000, 64
TONE = (9_000 * np.sin(2 * np.pi * 500 * np.arange(8_000) / RATE)).astype(np.int16)


def track(clip: str, version: str, level: float, **more: Any) -> Track:
    return Track(clip, version, to_mu_law(TONE), np.full((20, 126), level, np.float32), **more)


def sound(channel: str, *tracks: Track) -> Sound:
    return Sound(channel, 7, tracks, RATE, HOP, np.linspace(0, 4_000, 21), ("sil", "aa"))


@pytest.fixture
def pane(qtbot: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(SoundPlayer, "silent", True)
    made = PaneView(Pane(("made", "known"), "Sound"))
    qtbot.addWidget(made)
    made.resize(900, 420)
    made.show()
    made.show_snapshot(sound("known", track("clip 1", "real", -2.0), track("clip 2", "real", -2.0)))
    made.show_snapshot(sound("made", track("clip 1", "made", -1.0), track("clip 2", "made", -3.0)))
    yield made
    made.view.player.close()


def test_versions_of_the_chosen_clip_are_compared(pane: PaneView) -> None:
    page = pane.view
    assert isinstance(page, TracksPage) and page.shown is not None
    assert [one.version for one in page.shown.tracks] == ["real", "made"], "what stays the same comes first"
    assert page.shown.step == 7 and page.shown.channel == "made"
    assert [page.view.difference(0), round(float(page.view.difference(1).mean()), 2)] == [None, 8.69]
    page.clip.setCurrentIndex(1)
    assert round(float(page.view.difference(1).mean()), 2) == -8.69
    pane.show_snapshot(sound("made", track("clip 1", "made", -2.0), track("clip 2", "made", -2.0)))
    assert page.clip.currentText() == "clip 2" and np.abs(page.view.difference(1)).max() == 0, "the choice stays"
    assert not page.view.image().isNull() and next(iter(page.view.table()[1])) == ("clip 2", "real", 0.0, 1, -2.0)


def test_a_row_is_heard_from_where_it_is_clicked_and_the_place_is_shown(pane: PaneView, qtbot: Any) -> None:
    page = pane.view
    assert [each.text() for each in page.plays if not each.isHidden()] == ["real", "made"]
    page.view.draw_now()
    box = page.view._row(1)[0]
    assert page.view.mark_at(QPointF(box.left() + box.width() / 2, box.center().y())) == (1, pytest.approx(0.5, abs=0.01))
    places: list[float] = []
    page.player.moved.connect(places.append)
    page.view.take((1, 0.5))
    qtbot.waitUntil(lambda: len(places) > 1, timeout=LONG)
    assert page.view.playing is not None and page.view.playing[0] == 1 and places[-1] >= 0.4
    assert [each.accessibleName() for each in page.plays[:2]] == ["Play real", "Stop made"]
    qtbot.mouseClick(page.plays[1], Qt.MouseButton.LeftButton)
    assert not page.player.playing and page.view.playing is None and page.plays[1].accessibleName() == "Play made"
    page.player._fail("Sound cannot be played: this computer has no output device that is free. Everything else works.")
    assert page.why_not.isVisible() and not any(each.isEnabled() for each in page.plays)


def test_one_version_closely_with_its_units(pane: PaneView) -> None:
    page = pane.view
    segments = np.array([[0, 4_000, 0], [4_000, 8_000, 1]])
    pane.show_snapshot(sound("made", track("clip 1", "made", -1.0, segments=segments)))
    assert page.view.card((1, 0.75))[1][0][2] == "aa"
    page.look.setCurrentIndex(2)
    assert page.figures.currentWidget() is page.close_up and page.close_up.phone_at(0.25) == "sil"
    assert page.close_up.snapshot.spectrogram.shape[1] == 126 and not page.close_up.image().isNull()


def test_mels_without_sound_are_seen_with_their_alignment_and_not_played(pane: PaneView) -> None:
    page = pane.view
    silent = track("clip 1", "predicted", -1.0, alignment=np.eye(5, 9, dtype=np.float32), symbols=tuple("abcde"))
    pane.show_snapshot(sound("made", replace(silent, codes=np.zeros(0, np.uint8))))
    assert [each.text() for each in page.plays if not each.isHidden()] == ["real"]
    page.look.setCurrentIndex(2)
    assert page.figures.currentWidget() is page.view and not page.view.image().isNull()
    page.play(1)
    assert not page.player.playing


def test_the_spectrogram_of_samples_is_that_of_a_tone() -> None:
    found = spectrum_of(TONE, RATE, HOP)
    assert found.shape == (129, 126) and found.max() == 0 and found.min() >= -80
    assert (found[:, 10:-10].argmax(0) == 16).all(), "500 Hz of bins 31.25 Hz apart"
    assert spectrum_of(TONE[:0], RATE, HOP).shape == (129, 1)
