"""Samples of sound: 16 bits or 8 by mu-law, and another number of them per second."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Wave = NDArray[np.float32]

MU = 255
_CROSSINGS, _BETA, _ROLL = 48, 7.86, 0.945
"""Zero crossings of the filter on either side, the shape of its Kaiser window (80 dB) and where it cuts off, as a share of the
lower of the two Nyquist frequencies: what lies above that frequency is 70 dB down."""
_BLOCK = 1 << 15


def to_mu_law(samples: NDArray[np.int16]) -> NDArray[np.uint8]:
    """16 bits in 8, finer where it is quiet: 128 + 127 sign(x) ln(1 + 255 |x|) / ln 256 (ITU-T G.711, the continuous curve)."""
    share = samples.astype(np.float64) / 32767
    bent = np.sign(share) * np.log1p(MU * np.minimum(np.abs(share), 1.0)) / math.log1p(MU)
    return (np.round(127 * bent) + 128).astype(np.uint8)


def from_mu_law(codes: NDArray[np.uint8]) -> NDArray[np.int16]:
    """The inverse, to within half a step of 1/127 of the curve."""
    bent = (np.arange(256) - 128) / 127
    share = np.sign(bent) * np.expm1(np.abs(bent) * math.log1p(MU)) / MU
    return np.round(np.clip(share, -1, 1) * 32767).astype(np.int16)[codes]


def to_int16(wave: NDArray[np.floating]) -> NDArray[np.int16]:
    """Waves in [-1, 1] as 16 bits; what is beyond is cut off."""
    return np.round(np.clip(np.nan_to_num(wave, nan=0.0, posinf=1.0, neginf=-1.0), -1, 1) * 32767).astype(np.int16)


def to_wave(samples: NDArray[np.int16]) -> Wave:
    """16 bits as numbers in [-1, 1]."""
    return samples.astype(np.float32) / np.float32(32767)


class Resampler:
    """From `old` to `new` samples per second by a windowed sinc in polyphase form (Crochiere & Rabiner 1983), piece by piece:
    what `push` and then `finish` give is the same however the wave is cut."""

    def __init__(self, old: int, new: int) -> None:
        common = math.gcd(old, new)
        self.up, self.down = new // common, old // common
        cutoff = _ROLL * min(1.0, self.up / self.down)
        self.half = math.ceil(_CROSSINGS / cutoff)
        self._bank = _bank(self.up, self.half, cutoff)
        self._kept = np.zeros(self.half, np.float32)
        self._start = -self.half
        self._next = self._seen = 0

    def push(self, wave: Wave) -> Wave:
        """What can be said once these samples are known."""
        if self.up == self.down:
            return wave
        self._kept = np.concatenate([self._kept, wave])
        self._seen += len(wave)
        return self._made(self._seen - self.half)

    def finish(self) -> Wave:
        """The rest, with silence behind the end."""
        if self.up == self.down:
            return np.zeros(0, np.float32)
        self._kept = np.concatenate([self._kept, np.zeros(2 * self.half, np.float32)])
        return self._made(self._seen)

    def _made(self, before: int) -> Wave:
        """Every output whose place in the input is less than `before`."""
        last = max(self._next, -(-before * self.up // self.down))
        found = np.empty(last - self._next, np.float32)
        if len(found):
            windows = np.lib.stride_tricks.sliding_window_view(self._kept, 2 * self.half)
            for offset in range(min(self.up, len(found))):
                first, phase = divmod((self._next + offset) * self.down, self.up)
                place = first - self.half + 1 - self._start
                many = len(range(offset, len(found), self.up))
                rows = windows[place : place + (many - 1) * self.down + 1 : self.down]
                found[offset :: self.up] = np.ascontiguousarray(rows) @ self._bank[phase]
        self._next = last
        cut = max(0, self._next * self.down // self.up - self.half - self._start)
        self._kept, self._start = self._kept[cut:], self._start + cut
        return found


def resampled(wave: Wave, old: int, new: int) -> Wave:
    """(T,) -> (ceil(T new / old),)"""
    work = Resampler(old, new)
    pieces = [work.push(wave[start : start + _BLOCK]) for start in range(0, len(wave), _BLOCK)]
    return np.concatenate([*pieces, work.finish()])


@lru_cache(4)
def _bank(up: int, half: int, cutoff: float) -> Wave:
    """(up, 2 half): the filter of each phase, with a sum of one so that silence stays silent and a constant constant."""
    at = np.arange(-half + 1, half + 1) - np.arange(up)[:, None] / up
    window = np.i0(_BETA * np.sqrt(np.clip(1 - (at / half) ** 2, 0, None))) / np.i0(_BETA)
    taps = cutoff * np.sinc(cutoff * at) * window
    return (taps / taps.sum(1, keepdims=True)).astype(np.float32)
