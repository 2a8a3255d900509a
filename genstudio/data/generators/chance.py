"""Randomness that is the same on every system and with every numpy.

numpy promises the raw output of its bit generators for ever, that of its distributions only within a version. So
everything here is made from raw 64-bit numbers by integer arithmetic, or by functions whose last bit is rounded away.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")

_BLOCK = 4096


class Chance:
    """A stream of random numbers that depends on the seed only."""

    def __init__(self, seed: int) -> None:
        self._bits = np.random.PCG64(seed)
        self._waiting: list[int] = []

    def uniform(self, count: int) -> NDArray[np.float64]:
        """(count,) in [0, 1), multiples of 2^-53."""
        return (self._raw(count) >> np.uint64(11)).astype(np.float64) * 2.0**-53

    def integers(self, bound: int, count: int) -> NDArray[np.int64]:
        """(count,) in 0 .. bound - 1, for a bound below 2^31."""
        return ((self._raw(count) >> np.uint64(32)) * np.uint64(bound) >> np.uint64(32)).astype(np.int64)

    def normal(self, count: int) -> NDArray[np.float64]:
        """(count,) of the standard normal distribution (Box and Muller 1958)."""
        half = (count + 1) // 2
        radius = np.sqrt(-2 * np.log1p(-self.uniform(half)))
        angle = 2 * np.pi * self.uniform(half)
        return np.concatenate([radius * np.cos(angle), radius * np.sin(angle)])[:count]

    def order(self, count: int) -> NDArray[np.int64]:
        """(count,) the numbers 0 .. count - 1 in random order."""
        return np.argsort(self._raw(count), kind="stable")

    def below(self, bound: int) -> int:
        """One number in 0 .. bound - 1."""
        if not self._waiting:
            self._waiting = (self._raw(_BLOCK) >> np.uint64(32)).tolist()
        return self._waiting.pop() * bound >> 32

    def pick(self, options: Sequence[T]) -> T:
        return options[self.below(len(options))]

    def _raw(self, count: int) -> NDArray[np.uint64]:
        return np.asarray(self._bits.random_raw(count), np.uint64)


def settled(values: NDArray[np.float64]) -> NDArray[np.float32]:
    """Rounded to six decimals, so that the last bits of a system's mathematics library do not show."""
    return np.round(values, 6).astype(np.float32)
