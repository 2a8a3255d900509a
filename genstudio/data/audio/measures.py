"""What can be measured of clips of sound: how long and how loud they are, silence and clipping."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genstudio.data.datasets import AudioDataset
from genstudio.data.work import Work

QUIET = -50.0
"""Decibels below full scale under which 20 ms count as silence."""
_FULL = 32_767
_RUN = 3
"""Samples at full scale in a row that are no peak but a cut one."""
_TOGETHER = 1 << 20
WINDOW = 0.032
"""Seconds of the windows of a spectrogram that is looked at, to the next power of two samples."""
_DEEP = 80.0
"""Decibels from the loudest to the quietest of it."""


@dataclass(frozen=True, eq=False)
class Measures:
    """Of each clip (n,): `seconds`; `loudness`, the root mean square in dB of full scale; `peak` in the same; `silent`, the share
    of 20 ms frames below -50 dB; `clipped`, the number of samples that were cut off at full scale."""

    seconds: NDArray[np.float64]
    loudness: NDArray[np.float64]
    peak: NDArray[np.float64]
    silent: NDArray[np.float64]
    clipped: NDArray[np.int64]


def decibels(share: NDArray[np.float64]) -> NDArray[np.float64]:
    """Amplitudes as dB of full scale, -100 at least."""
    return 20 * np.log10(np.maximum(share, 1e-5))


def window_of(rate: int) -> int:
    """Samples of a window of a spectrogram that is looked at."""
    return 1 << round(math.log2(WINDOW * rate))


def below_loudest(power: NDArray[Any]) -> NDArray[np.float32]:
    """Squared magnitudes in dB of the largest, down to -80."""
    level = 10 * np.log10(np.maximum(power, 1e-10))
    return np.maximum(level - level.max(), -_DEEP).astype(np.float32)


def spectrum_of(samples: NDArray[np.int16], rate: int, hop: int) -> NDArray[np.float32]:
    """A spectrogram (F, 1 + T // hop) in dB of its loudest, of Hann windows centred `hop` samples apart, with silence before and
    after; up to half the rate."""
    size = window_of(rate)
    padded = np.pad(samples.astype(np.float32) / _FULL, size // 2)
    windows = np.lib.stride_tricks.sliding_window_view(padded, size)[::hop]
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)
    return below_loudest(np.square(np.abs(np.fft.rfft(windows * hann, axis=1))).T)


def levels(samples: NDArray[np.int16], rate: int) -> NDArray[np.float64]:
    """The root mean square of every 20 ms in dB of full scale."""
    width = max(1, rate // 50)
    whole = len(samples) // width * width
    if not whole:
        return decibels(np.array([np.sqrt(np.mean((samples / _FULL) ** 2))])) if len(samples) else np.zeros(0)
    frames = samples[:whole].reshape(-1, width).astype(np.float32) / _FULL
    return decibels(np.sqrt(np.mean(frames * frames, 1, dtype=np.float64)))


def cut_off(samples: NDArray[np.int16]) -> int:
    """How many samples stand in runs of three or more at full scale: a wave that was too loud for its numbers.

    >>> cut_off(np.array([0, 32767, 32767, 32767, 5, 32767, 0], np.int16))
    3
    """
    edges = np.diff(np.concatenate([[0], np.abs(samples.astype(np.int32)) >= _FULL, [0]]).astype(np.int8))
    runs = np.flatnonzero(edges < 0) - np.flatnonzero(edges > 0)
    return int(runs[runs >= _RUN].sum())


def measured(dataset: AudioDataset) -> Work[Measures]:
    """Everything of every clip; yields the fraction done."""
    many = len(dataset.lengths)
    loudness, peak, silent, clipped = np.zeros(many), np.zeros(many), np.zeros(many), np.zeros(many, np.int64)
    since = 0
    for place in range(many):
        clip = dataset.clip(place)
        share = clip.astype(np.float64) / _FULL
        loudness[place] = np.sqrt(np.mean(share * share))
        peak[place] = np.abs(share).max()
        silent[place] = np.mean(levels(clip, dataset.rate) < QUIET)
        clipped[place] = cut_off(clip)
        since += len(clip)
        if since > _TOGETHER:
            since = 0
            yield (place + 1) / many
    return Measures(dataset.lengths / dataset.rate, decibels(loudness), decibels(peak), silent, clipped)
