"""Clips that are made, measured, checked, kept and read back."""

from __future__ import annotations

import io
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genstudio.data import checks, generators, npz, preview, shelf
from genstudio.data.audio import stored
from genstudio.data.audio.measures import cut_off, measured
from genstudio.data.datasets import AudioDataset
from genstudio.data.generators import GENERATORS, sounds, voice
from genstudio.data.importing.clips import put_clips
from genstudio.data.info import DatasetInfo
from genstudio.data.work import finished
from genstudio.errors import DataError


def made(name: str, **settings: Any) -> AudioDataset:
    details = GENERATORS[name].details(settings)
    found = generators.make(DatasetInfo(name, name, "audio", "generated", Path("x"), 0, "", details=details))
    assert isinstance(found, AudioDataset)
    return found


def of(*waves: np.ndarray, rate: int = 8_000, texts: tuple[str, ...] | None = None) -> AudioDataset:
    offsets = np.cumsum([0, *map(len, waves)]).astype(np.int64)
    info = DatasetInfo("own", "own", "audio", "imported", Path("x"), 0, "")
    return AudioDataset(info, np.concatenate(waves).astype(np.int16), offsets, rate, texts)


def tone(hz: float, seconds: float = 1.0, level: float = 0.5, rate: int = 8_000) -> np.ndarray:
    return np.round(level * 32_767 * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)).astype(np.int16)


@pytest.fixture(scope="module")
def vowels() -> AudioDataset:
    return made("vowels", count=40, voices=1, noise=0.0)


def test_tones_have_the_frequencies_they_say() -> None:
    found = made("tones", count=40, noise=0.0)
    for place in range(40):
        wave = found.clip(place).astype(np.float64)
        for at in (0.15, 0.85):
            first = int(at * len(wave)) - 256
            strength = np.abs(np.fft.rfft(wave[first : first + 512] * np.hanning(512), 4096))
            low, high = float(found.attributes["start_hz"][place]), float(found.attributes["end_hz"][place])
            expected = low + at * (high - low)
            assert abs(strength.argmax() * found.rate / 4096 - expected) < 0.04 * expected + 25


def strongest(dataset: AudioDataset, phone: str, low: float, high: float) -> float:
    """The frequency between two others that is strongest in the middle of a phone: a formant, where one is expected there."""
    total = np.zeros(257)
    assert dataset.segments is not None
    for first, behind, which in dataset.segments.tolist():
        if dataset.phones[which] == phone and behind - first > 800:
            middle = (first + behind) // 2
            wave = dataset.samples[middle - 256 : middle + 256].astype(np.float64)
            total += np.abs(np.fft.rfft(wave * np.hanning(512))) ** 2
    spread = np.convolve(total, np.hanning(15), "same")
    inside = np.arange(257) * dataset.rate / 512
    spread[(inside < low) | (inside > high)] = 0
    return float(inside[spread.argmax()])


def test_each_vowel_has_its_formants(vowels: AudioDataset) -> None:
    """Peterson & Barney 1952, scaled by the one voice that speaks."""
    scales = []
    for phone, formant in {"iy": 1, "eh": 1, "uw": 1, "aa": 0, "ao": 0}.items():
        hz = voice.PHONES[phone][0].start[formant]
        scales.append(strongest(vowels, phone, 0.8 * hz, 1.25 * hz) / hz)
    assert max(scales) - min(scales) < 0.2 and 0.9 < np.median(scales) < 1.2, scales
    assert strongest(vowels, "iy", 1_500, 3_000) > strongest(vowels, "aa", 900, 3_000) + 600, "front is not back"


def test_segments_tile_each_clip_and_silence_is_silent(vowels: AudioDataset) -> None:
    for place in range(40):
        own = vowels.segments_of(place)
        assert own[0, 0] == 0 and own[-1, 1] == vowels.lengths[place] and (own[1:, 0] == own[:-1, 1]).all()
        names = [vowels.phones[which] for which in own[:, 2].tolist()]
        assert names[0] == names[-1] == voice.SILENCE and set(names[1:-1]) <= set(sounds.VOWELS)
        assert all(a != b for a, b in pairwise(names))
        loud = np.abs(vowels.clip(place).astype(np.int64))
        assert loud[own[1, 0] + 300 : own[1, 1]].mean() > 20 * max(loud[: own[0, 1] - 200].mean(), 1)


def test_digits_say_their_words() -> None:
    found = made("spoken-digits", count=30)
    assert found.transcripts is not None
    for place, text in enumerate(found.transcripts):
        names = [found.phones[which] for which in found.segments_of(place)[:, 2].tolist()]
        expected = " sil ".join(sounds.DIGITS[word] for word in text.split())
        assert " ".join(names) == f"sil {expected} sil"


def test_what_is_measured_is_so() -> None:
    loud = np.clip(np.round(1.5 * 32_767 * np.sin(np.arange(8_000) / 9)), -32_767, 32_767)
    found = finished(measured(of(tone(440, 1.0, 0.5), np.zeros(4_000, np.int16), loud)))
    assert found.seconds.tolist() == [1.0, 0.5, 1.0]
    assert abs(found.loudness[0] - 20 * np.log10(0.5 / np.sqrt(2))) < 0.05 and abs(found.peak[0] + 6.02) < 0.05
    assert found.silent.tolist() == [0, 1, 0] and found.clipped[0] == 0 and found.clipped[2] > 1_000
    assert cut_off(np.array([32_767, 0, 32_767, 32_767, 0], np.int16)) == 0, "a peak is no clipping"


def rules(dataset: AudioDataset) -> set[str]:
    return {finding.rule for finding in finished(checks.check(dataset))}


def test_checks_say_what_is_wrong_and_nothing_of_what_is_fine() -> None:
    rng = np.random.default_rng(0)
    fine = [np.round(rng.normal(size=16_000) * 3_000).astype(np.int16) for _ in range(40)]
    texts = tuple("one two three" for _ in fine)
    assert rules(of(*fine, texts=texts)) == set()
    assert rules(of(*fine[:3])) == {"at least 60 seconds of sound"}
    assert "no silent clip" in rules(of(*fine, np.zeros(8_000, np.int16)))
    loud = np.clip(fine[0].astype(np.int64) * 40, -32_767, 32_767)
    assert "no clipping" in rules(of(*fine, loud))
    assert "at most 25 letters per second" in rules(of(*fine, texts=(*texts[:-1], "x" * 200)))
    assert "every clip has a transcript" in rules(of(*fine, texts=(*texts[:-1], "")))
    assert "no clip twice" in rules(of(*fine, fine[7]))
    assert "no clip longer than 20 s" in rules(of(*fine, np.concatenate(fine[:12])))
    narrow = [tone(hz, 2.0) + tone(hz * 1.3, 2.0) // 2 for hz in range(300, 900, 15)]
    assert "sound up to half the rate" in rules(of(*narrow, rate=8_000))


def test_what_ships_has_nothing_grave_and_its_transcripts() -> None:
    found = shelf.open_dataset(shelf.find_dataset("telephone-voice"))
    assert isinstance(found, AudioDataset) and found.transcripts is not None
    assert len(found.lengths) == 120 and found.rate == 8_000 and len(set(found.transcripts)) == 120
    assert all(len(text.split()) > 1 and not set(text) & set("0123456789[]") for text in found.transcripts)
    assert {finding.level for finding in finished(checks.check(found))} <= {"info"}
    look = finished(preview.preview(found))
    assert look.durations.counts.sum() == look.levels.counts.sum() == 120 and look.seconds.max() < 4


def test_clips_are_kept_and_read_back_whole(vowels: AudioDataset) -> None:
    info = finished(put_clips(replace(vowels, transcripts=tuple(f"clip {i}" for i in range(40))), "Own vowels", "here"))
    assert info.count == 40 and info.details["rate"] == 8_000 and info.details["transcripts"] is True
    back = shelf.open_dataset(shelf.find_dataset(info.id))
    assert isinstance(back, AudioDataset) and back.transcripts is not None and back.segments is not None
    assert (back.samples == vowels.samples).all() and (back.segments == vowels.segments).all()
    assert back.phones == vowels.phones and back.transcripts[3] == "clip 3" and not back.samples.flags.writeable


def test_a_damaged_file_is_said_to_be_damaged(vowels: AudioDataset) -> None:
    arrays = stored.arrays_of(vowels)
    assert stored.opened(vowels.info, arrays).rate == 8_000
    broken: list[dict[str, Any]] = [
        {"lengths": arrays["lengths"][:-1]}, {"samples": arrays["samples"].astype(np.float32)}, {"rate": np.array([7], "<u4")},
        {"words": np.frombuffer(b"[1]", np.uint8)}, {"words": np.frombuffer(b"{", np.uint8)},
        {"segments": arrays["segments"] + 10**7}, {"segments": arrays["segments"][:, :2]}, {"lengths": arrays["lengths"] * 0},
    ]  # fmt: skip
    for change in broken:
        with pytest.raises(DataError, match="damaged"):
            stored.opened(vowels.info, {**arrays, **change})
    for name in arrays.keys() - {"segments"}:
        with pytest.raises(DataError, match="damaged"):
            stored.opened(vowels.info, {key: value for key, value in arrays.items() if key != name})


def test_the_same_clips_give_the_same_bytes(vowels: AudioDataset) -> None:
    first, second = (npz.packed(stored.arrays_of(vowels)) for _ in range(2))
    assert first == second
    with np.load(io.BytesIO(npz.packed(stored.arrays_of(vowels, mu_law=True)))) as arrays:
        near = stored.opened(vowels.info, dict(arrays)).samples.astype(np.int64)
    assert np.abs(near - vowels.samples).max() < 0.03 * 32_767
