"""Checks of clips of sound."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from genstudio.data.audio.measures import Measures, measured
from genstudio.data.checks.finding import Example, Finding, many, share, shown
from genstudio.data.datasets import AudioDataset
from genstudio.data.work import Work, scaled

_FEW_SECONDS, _SHORT, _LONG = 60.0, 0.2, 20.0
_CUT = 0.001
"""Share of the samples of a clip that may be cut off."""
_APART = 15.0
"""Decibels between the quietest and the loudest tenth of the clips."""
_FASTEST = 25.0
"""Letters of a transcript per second: nobody speaks faster."""
_EMPTY_BAND, _BAND_DB = 0.55, 45.0
"""A set whose sound stops below this share of half its rate, by so many decibels, was recorded at a lower rate."""
_WINDOW = 256
_LISTENED = 200


def check_clips(dataset: AudioDataset) -> Work[tuple[Finding, ...]]:
    """Everything that can be said of clips."""
    found = yield from scaled(measured(dataset), 0.0, 0.7)
    total = float(found.seconds.sum())
    said: list[Finding] = []
    if total < _FEW_SECONDS:
        said.append(Finding(
            f"at least {_FEW_SECONDS:.0f} seconds of sound", "warning", f"There are {total:.1f} seconds of sound.",
            0, (), "A model soon memorises so little: add clips.",
        ))  # fmt: skip
    said += _silence(dataset, found) + _clipping(dataset, found) + _lengths(dataset, found) + _transcripts(dataset, found)
    quiet, loud = np.quantile(found.loudness, (0.1, 0.9))
    if loud - quiet > _APART:
        said.append(Finding(
            f"clips within {_APART:.0f} dB of each other", "info",
            f"The loudest tenth of the clips is {loud - quiet:.0f} dB louder than the quietest.", 0, (),
            "Bring them to a similar loudness, unless loudness is what a model should learn.",
        ))  # fmt: skip
    yield 0.8
    top = highest(dataset)
    if top < _EMPTY_BAND * dataset.rate / 2:
        said.append(Finding(
            "sound up to half the rate", "warning",
            f"Nothing sounds above {top:,.0f} Hz, but {dataset.rate:,} samples per second could hold up to {dataset.rate // 2:,} "
            "Hz: the sound was recorded at a lower rate.", 0, (),
            f"Import it again at about {_rate_for(top):,} samples per second: a model then trains faster and hears the same.",
        ))  # fmt: skip
    yield 0.95
    return (*said, *_same(dataset))


def highest(dataset: AudioDataset) -> float:
    """The frequency (Hz) above which the mean spectrum is 45 dB below its strongest part; half the rate where the clips are too
    short to say."""
    total, many_windows = np.zeros(_WINDOW // 2 + 1), 0
    step = max(1, len(dataset.lengths) // _LISTENED)
    for place in range(0, len(dataset.lengths), step):
        clip = dataset.clip(place)[: _WINDOW * 64]
        whole = len(clip) // _WINDOW * _WINDOW
        frames = clip[:whole].reshape(-1, _WINDOW) * np.hanning(_WINDOW)
        total += (np.abs(np.fft.rfft(frames)) ** 2).sum(0)
        many_windows += len(frames)
    if not many_windows or not total.any():
        return dataset.rate / 2
    level = 10 * np.log10(total / many_windows + 1e-9)
    heard = np.flatnonzero(level > max(level.max() - _BAND_DB, 10 * np.log10(_WINDOW) + 3))
    return float((heard[-1] + 1 if len(heard) else len(level)) * dataset.rate / _WINDOW)


def _rate_for(top: float) -> int:
    return next((rate for rate in (8_000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100) if rate > 2 * top), 48_000)


def _silence(dataset: AudioDataset, found: Measures) -> list[Finding]:
    still = np.flatnonzero(found.silent >= 1)
    pauses = float(np.average(found.silent, weights=found.seconds))
    said = []
    if len(still):
        said.append(Finding(
            "no silent clip", "warning", f"{many(len(still), 'clip is', 'clips are')} silent throughout (below -50 dB).",
            len(still), _some(dataset, still), "Remove them: a model learns to be silent from them.",
        ))  # fmt: skip
    if pauses > 0.4 and len(still) < len(found.silent):
        said.append(Finding(
            "less than 40% silence", "info", f"{pauses:.0%} of the sound is silence (below -50 dB).", 0, (),
            "Import it again with the option to trim silence at both ends.",
        ))  # fmt: skip
    return said


def _clipping(dataset: AudioDataset, found: Measures) -> list[Finding]:
    cut = np.flatnonzero(found.clipped > _CUT * dataset.lengths)
    if not len(cut):
        return []
    whole, part = int(dataset.lengths.sum()), int(found.clipped.sum())
    return [Finding(
        "no clipping", "warning",
        f"{many(len(cut), 'clip is', 'clips are')} clipped: {share(part, whole)} of all samples stand at full scale, three or "
        "more in a row.", len(cut), _some(dataset, cut),
        "Record them again at a lower level; what is cut off cannot be restored.",
    )]  # fmt: skip


def _lengths(dataset: AudioDataset, found: Measures) -> list[Finding]:
    said = []
    short, long = np.flatnonzero(found.seconds < _SHORT), np.flatnonzero(found.seconds > _LONG)
    if len(short):
        said.append(Finding(
            f"no clip shorter than {_SHORT:g} s", "info",
            f"{many(len(short), 'clip is', 'clips are')} shorter than {_SHORT:g} s.", len(short),
            _some(dataset, short), "Remove them, or expect them to be padded with silence.",
        ))  # fmt: skip
    if len(long):
        said.append(Finding(
            f"no clip longer than {_LONG:g} s", "info",
            f"{many(len(long), 'clip is', 'clips are')} longer than {_LONG:g} s, up to {found.seconds.max():.0f} s.", len(long),
            _some(dataset, long), "Import it again with a shorter longest clip, unless a model needs the whole.",
        ))  # fmt: skip
    return said


def _transcripts(dataset: AudioDataset, found: Measures) -> list[Finding]:
    texts = dataset.transcripts
    if texts is None or not any(texts):
        return []
    said = []
    bare = np.array([place for place, text in enumerate(texts) if not text.strip()], np.int64)
    if len(bare):
        said.append(Finding(
            "every clip has a transcript", "warning",
            f"{many(len(bare), 'clip has', 'clips have')} no transcript and will not be used where words are learned.", len(bare),
            _some(dataset, bare), "Write their transcripts, or remove the clips.",
        ))  # fmt: skip
    pace = np.array([len(text) for text in texts]) / np.maximum(found.seconds, 1e-9)
    fast = np.flatnonzero(pace > _FASTEST)
    if len(fast):
        said.append(Finding(
            f"at most {_FASTEST:.0f} letters per second", "warning",
            f"{many(len(fast), 'transcript is', 'transcripts are')} too long for the clip: up to {pace.max():.0f} letters per "
            "second, and nobody speaks so fast.", len(fast), shown([texts[i] for i in fast[:5]], fast[:5].tolist()),
            "Check that each transcript belongs to its clip, and that no clip is cut off.",
        ))  # fmt: skip
    return said


def _same(dataset: AudioDataset) -> list[Finding]:
    seen: dict[bytes, int] = {}
    twice = []
    for place in range(len(dataset.lengths)):
        key = dataset.clip(place).tobytes()
        if seen.setdefault(key, place) != place:
            twice.append(place)
    if not twice:
        return []
    return [Finding(
        "no clip twice", "warning" if len(twice) > 0.01 * len(dataset.lengths) else "info",
        f"{many(len(twice), 'clip is', 'clips are')} the same as an earlier one: what is tested may have been trained on.",
        len(twice), _some(dataset, np.array(twice)), "Remove the duplicates.",
    )]  # fmt: skip


def _some(dataset: AudioDataset, places: Sequence[int] | NDArray[np.int64]) -> tuple[Example, ...]:
    some = [int(place) for place in places[:5]]
    names = dataset.names
    return shown([names[place] if names else f"clip {place + 1:,}" for place in some], some)
