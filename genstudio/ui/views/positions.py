"""Positions in characters, in which Python counts, and in UTF-16 units, in which Qt counts."""

from __future__ import annotations

import numpy as np

from genstudio.events import Array

_SHOWN = str.maketrans({"\r": "␍", "\0": "\ufffd", "\u2029": "¶", "\ufdd0": "\ufffd", "\ufdd1": "\ufffd"})


def shown(text: str) -> str:
    """The text as an editor can hold it, letter for letter."""
    if text.isascii() and "\r" not in text and "\0" not in text:
        return text
    changed = text.translate(_SHOWN)
    return changed.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace") if _halved(changed) else changed


def _halved(text: str) -> bool:
    return any("\ud800" <= letter <= "\udfff" for letter in set(text))


def units(text: str) -> int:
    """Length in UTF-16 units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


class Positions:
    """Both ways between the positions of a text, shown with `breaks` (n,) that are not in it: where they are, in units."""

    def __init__(self, text: str, breaks: Array | None = None) -> None:
        self._wide: Array = np.empty(0, np.int64)
        if not text.isascii():
            codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")
            self._wide = np.flatnonzero(codes > 0xFFFF)
        self._units = self._wide + np.arange(1, len(self._wide) + 1)
        self.breaks = np.empty(0, np.int64) if breaks is None else breaks
        self._broken = self.breaks - np.arange(len(self.breaks))
        self.length = len(text) + len(self._wide) + len(self.breaks)

    def units(self, position: int) -> int:
        """In units: where the character at this position begins."""
        unit = position + int(np.searchsorted(self._wide, position)) if len(self._wide) else position
        return unit + int(np.searchsorted(self._broken, unit, side="right")) if len(self._broken) else unit

    def characters(self, unit: int) -> int:
        """In characters: which one this unit belongs to; a break belongs to the one behind it."""
        if len(self.breaks):
            unit -= int(np.searchsorted(self.breaks, unit))
        return unit - int(np.searchsorted(self._units, unit, side="right")) if len(self._units) else unit


def difference(old: str, new: str) -> tuple[int, int, int]:
    """Where two texts differ: `old[start:end]` and `new[start:stop]` as (start, end, stop)."""
    start = _common(old, new)
    most = min(len(old), len(new)) - start
    tail = _common(old[start:][::-1], new[start:][::-1]) if most else 0
    tail = min(tail, most)
    return start, len(old) - tail, len(new) - tail


def _common(old: str, new: str) -> int:
    """How many characters at the beginning are the same; by halves, so that each is compared about twice."""
    low, high = 0, min(len(old), len(new))
    if old[:high] == new[:high]:
        return high
    while high - low > 1:
        middle = (low + high) // 2
        if old[low:middle] == new[low:middle]:
            low = middle
        else:
            high = middle
    return low
