"""A voice of a source and filters (Fant 1960; Klatt 1980): a buzz of the glottis and noise through resonators.

Every coefficient is rounded, and behind them stands only what IEEE arithmetic defines exactly, so that every system makes the
same samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Track = NDArray[np.float64]

RATE = 8_000
FRAME = 40
"""Samples for which the filters stay as they are: 5 ms."""
_OPEN = 0.6
"""Share of a period in which the glottis is open (Rosenberg 1971)."""
_FOURTH = 3500.0, 200.0
_WIDTHS = 60.0, 90.0, 150.0
_LEVELS, _FORMANTS = 3, 9
"""Frames over which loudness and formants glide from one sound to the next."""
_TOGETHER = 512


@dataclass(frozen=True)
class Phone:
    """A sound: how loud the glottis is, formants at its beginning and end (Hz), how loud the noise is with its centre and width
    (Hz), and how long it lasts (ms)."""

    voice: float = 1.0
    start: tuple[float, float, float] = (500.0, 1500.0, 2500.0)
    end: tuple[float, float, float] | None = None
    noise: float = 0.0
    centre: float = 2000.0
    width: float = 1000.0
    lasts: float = 120.0


def _vowel(first: float, second: float, third: float, lasts: float = 140.0) -> Phone:
    return Phone(1.0, (first, second, third), lasts=lasts)


SILENCE = "sil"
PHONES: dict[str, tuple[Phone, ...]] = {
    SILENCE: (Phone(0.0, lasts=80.0),),
    "iy": (_vowel(270, 2290, 3010),), "ih": (_vowel(390, 1990, 2550, 100),), "eh": (_vowel(530, 1840, 2480),),
    "ae": (_vowel(660, 1720, 2410),), "aa": (_vowel(730, 1090, 2440),), "ao": (_vowel(570, 840, 2410),),
    "uh": (_vowel(440, 1020, 2240),), "uw": (_vowel(300, 870, 2240),), "ah": (_vowel(640, 1190, 2390, 110),),
    "er": (_vowel(490, 1350, 1690),),
    "ay": (Phone(1.0, (730, 1090, 2440), (350, 2100, 2700), lasts=220),),
    "ey": (Phone(1.0, (530, 1840, 2480), (310, 2200, 2900), lasts=180),),
    "ow": (Phone(1.0, (570, 900, 2410), (340, 870, 2240), lasts=190),),
    "w": (Phone(0.7, (290, 610, 2150), lasts=70),), "r": (Phone(0.7, (310, 1060, 1380), lasts=75),),
    "n": (Phone(0.4, (250, 1300, 2500), lasts=80),),
    "v": (Phone(0.4, (250, 1100, 2080), noise=0.05, centre=2800, width=1800, lasts=70),),
    "z": (Phone(0.35, (250, 1390, 2530), noise=0.25, centre=3500, width=600, lasts=100),),
    "s": (Phone(0.0, (320, 1390, 2530), noise=0.5, centre=3500, width=600, lasts=120),),
    "f": (Phone(0.0, (340, 1100, 2080), noise=0.12, centre=2600, width=2400, lasts=100),),
    "th": (Phone(0.0, (320, 1290, 2540), noise=0.09, centre=3100, width=1600, lasts=100),),
    "t": (Phone(0.0, (400, 1600, 2600), lasts=50), Phone(0.0, (400, 1600, 2600), noise=0.6, centre=3400, width=900, lasts=25)),
    "k": (Phone(0.0, (350, 1900, 2500), lasts=55), Phone(0.0, (350, 1900, 2500), noise=0.5, centre=1900, width=500, lasts=30)),
}  # fmt: skip
"""Sounds by their ARPAbet names: formants of vowels are the means of men of Peterson & Barney (1952), those of consonants are
after Klatt (1980), as far as 4 kHz carries them."""


@dataclass(frozen=True)
class Said:
    """One clip to be spoken: phones with a length each (ms; None is the usual one times `slow`), the pitch (Hz) at the beginning
    and the end, and the size of the vocal tract, of which a smaller one raises all formants."""

    phones: Sequence[tuple[str, float | None]]
    pitch: tuple[float, float]
    tract: float = 1.0
    slow: float = 1.0


def spoken(clips: Sequence[Said], noise: NDArray[np.float64]) -> tuple[list[Track], list[list[tuple[int, int, str]]]]:
    """The wave of each clip, with a peak of 1, and its phones as (first sample, behind the last, name). `noise` in [-1, 1] is
    what frication is made of; it is read again from its beginning for each clip."""
    waves: list[Track] = []
    found: list[list[tuple[int, int, str]]] = []
    for start in range(0, len(clips), _TOGETHER):
        some = clips[start : start + _TOGETHER]
        plans = [_plan(clip) for clip in some]
        most = max(len(levels) for levels, _, _ in plans)
        levels = np.stack([_padded(levels, most) for levels, _, _ in plans], 1)
        shapes = np.stack([_padded(shapes, most) for _, shapes, _ in plans], 1)
        pitch = np.stack([
            _padded(np.linspace(*clip.pitch, len(plan[0])), most) for clip, plan in zip(some, plans, strict=True)
        ], 1)  # fmt: skip
        tract = np.array([clip.tract for clip in some])
        made = _filtered(levels, shapes, np.round(pitch, 6), tract, noise)
        for place, (own, _, segments) in enumerate(plans):
            wave = made[: len(own) * FRAME, place]
            waves.append(wave / max(float(np.abs(wave).max()), 1e-9))
            found.append(segments)
    return waves, found


def _plan(clip: Said) -> tuple[Track, Track, list[tuple[int, int, str]]]:
    """(frames, 2) how loud voice and noise are, (frames, 5) formants, centre and width of the noise, and the phones."""
    levels, shapes, segments = list[Track](), list[Track](), list[tuple[int, int, str]]()
    frames = 0
    for name, lasts in clip.phones:
        parts, first = PHONES[name], frames
        usual = sum(part.lasts for part in parts)
        for part in parts:
            long = part.lasts * (clip.slow if lasts is None else lasts / usual)
            count = max(2, round(long * RATE / 1000 / FRAME))
            levels.append(np.tile([part.voice, part.noise], (count, 1)))
            formants = np.linspace(part.start, part.end or part.start, count)
            shapes.append(np.concatenate([formants, np.tile([part.centre, part.width], (count, 1))], 1))
            frames += count
        segments.append((first * FRAME, frames * FRAME, name))
    return _smooth(np.concatenate(levels), _LEVELS), _smooth(np.concatenate(shapes), _FORMANTS), segments


def _filtered(levels: Track, shapes: Track, pitch: Track, tract: Track, noise: Track) -> Track:
    """levels (F, n, 2), shapes (F, n, 5), pitch (F, n), tract (n,) -> (F FRAME, n). Four resonators stand one behind the other,
    each a sample later than the one before so that all are one multiplication; a fifth shapes the noise."""
    frames, many = pitch.shape
    centres = np.concatenate(
        [shapes[..., :3], np.full((frames, many, 1), _FOURTH[0]), shapes[..., 3:4] * tract[:, None]], -1
    ) / tract[:, None]  # fmt: skip
    centres = np.minimum(centres, 0.475 * RATE)
    widths = np.concatenate(
        [np.broadcast_to([*_WIDTHS, _FOURTH[1]], (frames, many, 4)), shapes[..., 4:5]], -1
    )  # fmt: skip
    radius = np.exp(-np.pi * widths / RATE)
    older = -np.round(radius * radius, 9)
    old = np.round(2 * radius * np.cos(2 * np.pi * centres / RATE), 9)
    new = 1 - old - older
    new[..., 4] = np.round(1 - radius[..., 4] * radius[..., 4], 9)
    steps = np.repeat(pitch / RATE, FRAME, 0)
    turns = np.cumsum(steps, 0)
    place = (turns - np.floor(turns)) / _OPEN
    source = np.where(place < 1, place * (2 - 3 * place), 0.0) * _ramped(levels[..., 0])
    hiss = noise[np.arange(len(source)) % len(noise)][:, None] * _ramped(levels[..., 1])
    out = np.empty((len(source), many))
    inputs, now, before = np.zeros((many, 5)), np.zeros((many, 5)), np.zeros((many, 5))
    for frame in range(frames):
        a, b, c = new[frame], old[frame], older[frame]
        for at in range(frame * FRAME, (frame + 1) * FRAME):
            inputs[:, 0], inputs[:, 1:4], inputs[:, 4] = source[at], now[:, :3], hiss[at]
            now, before = a * inputs + b * now + c * before, now
            out[at] = now[:, 3] + now[:, 4]
    return out


def _ramped(levels: Track) -> Track:
    """(F, n) -> (F FRAME, n), straight from each frame's value to the next one's."""
    following = np.concatenate([levels[1:], levels[-1:]])
    share = (np.arange(FRAME) / FRAME)[None, :, None]
    return (levels[:, None] * (1 - share) + following[:, None] * share).reshape(-1, levels.shape[1])


def _smooth(track: Track, width: int) -> Track:
    """(F, k): the mean of `width` frames around each."""
    half = width // 2
    padded = np.concatenate([np.repeat(track[:1], half, 0), track, np.repeat(track[-1:], half, 0)])
    total = padded[: len(track)].copy()
    for shift in range(1, width):
        total += padded[shift : shift + len(track)]
    return np.round(total / width, 6)


def _padded(track: Track, most: int) -> Track:
    return np.concatenate([track, np.repeat(track[-1:], most - len(track), 0)])
