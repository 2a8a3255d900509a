"""Fast encoding of long texts: cut into units that are encoded independently, each different one only once.

Most units of a text (a word and the space before it) occur many times, so looking them up is several times faster than
encoding the text again. It is exact where no token ever crosses from one unit to the next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

Encode = Callable[[Sequence[str]], Iterable[Sequence[int]]]

MOST = 1 << 20
"""Different units remembered at most: with short words about 150 MB."""


class _Index(dict[str, int]):
    def __missing__(self, unit: str) -> int:
        self[unit] = index = len(self)
        return index


class UnitTable:
    """Remembers the ids of units. `encode` gives the ids of units that are new."""

    def __init__(self, encode: Encode) -> None:
        self._encode = encode
        self._index = _Index()
        self._flat = np.empty(0, np.int32)
        self._lengths = np.empty(0, np.int64)
        self._starts = np.empty(0, np.int64)

    def ids(self, units: Sequence[str]) -> NDArray[np.int32]:
        """The ids of these units, one after the other: (n,) int32."""
        if len(self._index) > MOST:
            self._forget()
        known = len(self._index)
        index = np.fromiter(map(self._index.__getitem__, units), np.int64, len(units))
        if len(self._index) > known:
            self._learn(list(self._index)[known:])
        lengths = self._lengths[index]
        ends = np.cumsum(lengths)
        if not len(ends) or not ends[-1]:
            return np.empty(0, np.int32)
        shift = np.repeat(self._starts[index] - (ends - lengths), lengths)
        return np.asarray(self._flat[shift + np.arange(ends[-1])])

    def _learn(self, units: list[str]) -> None:
        found = [np.asarray(ids, np.int32) for ids in self._encode(units)]
        lengths = np.array([len(ids) for ids in found], np.int64)
        starts = len(self._flat) + np.cumsum(lengths) - lengths
        self._flat = np.concatenate([self._flat, *found])
        self._lengths = np.concatenate([self._lengths, lengths])
        self._starts = np.concatenate([self._starts, starts])

    def _forget(self) -> None:
        self._index = _Index()
        self._flat, self._lengths, self._starts = self._flat[:0], self._lengths[:0], self._starts[:0]
