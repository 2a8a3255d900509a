"""Sound that a run keeps: small, back as it was, and nothing else is believed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genstudio.data.audio.samples import from_mu_law, to_mu_law
from genstudio.errors import RunError
from genstudio.runs.snapshot_store import SnapshotStore
from genstudio.snapshots import codec
from genstudio.snapshots.sound import Sound, Track
from genstudio.tasks.drawn import drawn
from genstudio.tasks.timeline import TimelineEntry

RATE, HOP, BANDS = 8_000, 64, 40


def track(version: str = "real", seconds: float = 1.0, **more: Any) -> Track:
    many = int(seconds * RATE)
    rng = np.random.default_rng(many)
    wave = (8_000 * np.sin(2 * np.pi * 440 * np.arange(many) / RATE) + rng.normal(0, 500, many)).astype(np.int16)
    mels = rng.normal(-4, 2, (BANDS, 1 + many // HOP)).astype(np.float32)
    return Track("clip 1", version, to_mu_law(wave), mels, **more)


def sound(**more: Any) -> Sound:
    aligned = {"alignment": np.eye(3, 9, dtype=np.float32), "symbols": ("a", "b", "c"), "transcript": "abc"}
    units = np.array([[0, 400, 1], [400, 8_000, 0]])
    tracks = track(), track("made", 1.5, segments=units, **aligned), replace(track("mels"), codes=np.zeros(0, np.uint8))
    return Sound("vocoded", 3, tracks, RATE, HOP, np.linspace(0, 4_000, BANDS + 1), ("sil", "aa"), **more)


def test_sound_comes_back_and_a_second_takes_what_is_said(tmp_path: Path) -> None:
    store, shown = SnapshotStore(tmp_path), sound()
    assert store.add(shown)
    back = store.load("vocoded", 3)
    assert isinstance(back, Sound) and (back.rate, back.hop, back.units) == (RATE, HOP, ("sil", "aa"))
    for before, after in zip(shown.tracks, back.tracks, strict=True):
        assert (after.clip, after.version, after.transcript) == (before.clip, before.version, before.transcript)
        assert np.array_equal(after.codes, before.codes) and np.allclose(after.mels, before.mels, atol=0.01)
    assert np.array_equal(back.tracks[1].segments, [[0, 400, 1], [400, 8_000, 0]]) and back.tracks[0].segments is None
    assert back.tracks[1].symbols == ("a", "b", "c") and np.array_equal(back.tracks[1].alignment, np.eye(3, 9))  # type: ignore[arg-type]
    assert [shown.seconds(one) for one in back.tracks] == [1.0, 1.5, 1.0]
    alone = replace(shown, tracks=shown.tracks[:1])
    assert len(codec.dump(alone)) <= 18_100 + 1_500, "codes, 126 columns of 40 bands in 2 bytes, headers"
    assert TimelineEntry("moment", 0, (alone,)).bytes >= 8_000 + 126 * 40 * 4, "parts of a snapshot count for the memory"


def test_codes_are_the_samples_to_within_a_step_of_their_curve() -> None:
    wave = np.arange(-32_767, 32_768, 7).astype(np.int16)
    error = np.abs(from_mu_law(to_mu_law(wave)).astype(int) - wave.astype(int))
    assert (error <= 16 + 0.023 * np.abs(wave.astype(int))).all()


@pytest.mark.parametrize("changes", [
    {"rate": 10}, {"hop": 0}, {"edges": np.linspace(4_000, 0, BANDS + 1)}, {"edges": np.linspace(0, 4_000, BANDS)},
    {"units": ()}, {"units": ("sil",)},
])  # fmt: skip
def test_sound_that_cannot_be_is_refused(tmp_path: Path, changes: dict[str, Any]) -> None:
    store = SnapshotStore(tmp_path)
    store.add(replace(sound(), **changes))
    with pytest.raises(RunError, match="damaged"):
        store.load("vocoded", 3)


@pytest.mark.parametrize("changes", [
    {"tracks0_codes": np.zeros(9, np.int64)}, {"tracks0_codes": np.zeros((2, 9), np.uint8)},
    {"tracks0_mels": np.full((BANDS, 4), np.nan, np.float16)}, {"tracks0_mels": np.zeros((BANDS + 1, 4), np.float16)},
    {"tracks0_mels": np.zeros((BANDS, 0), np.float16)}, {"tracks1_segments": np.array([[0, 400, 2]])},
    {"tracks1_segments": np.array([[400, 400, 0]])}, {"tracks1_segments": np.array([[-1, 400, 0]])},
    {"tracks1_segments": np.array([[0, 40_000, 0]])}, {"tracks1_segments": np.array([[0, 400]])},
    {"tracks1_alignment": np.zeros((4, 9), np.float16)}, {"tracks7_codes": np.zeros(9, np.uint8)}, {"tracks0_codes": None},
])  # fmt: skip
def test_bytes_of_other_people_are_refused(changes: dict[str, Any]) -> None:
    found = codec.read(codec.dump(sound())) | changes
    data = codec.write({name: array for name, array in found.items() if array is not None})
    with pytest.raises(codec.DAMAGE):
        codec.load("vocoded", 3, data)


def test_a_film_shows_the_mels_of_each_track() -> None:
    shown = sound()
    picture = np.asarray(drawn(shown, 320, "step 3"))
    assert picture.shape[1] == 320 and len(np.unique(picture)) > 20
    louder = replace(shown, tracks=tuple(replace(one, mels=one.mels * 0 - 1) for one in shown.tracks))
    assert np.asarray(drawn(louder, 320, "step 3")).mean() < picture.mean()
