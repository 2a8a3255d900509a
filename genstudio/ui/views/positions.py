"""Positions in characters, in which Python counts, and in UTF-16 units, in which Qt counts."""

from __future__ import annotations

from dataclasses import dataclass

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
        self._set(len(text), _wide(text), np.empty(0, np.int64) if breaks is None else breaks)

    def replaced(self, start: int, end: int, fresh: str, breaks: Array) -> Positions:
        """Those of the text after the characters `start` to `end` have become `fresh`; the rest of it is not read again."""
        changed = len(fresh) - (end - start)
        before, after = np.searchsorted(self._wide, (start, end))
        parts = self._wide[:before], start + _wide(fresh), self._wide[after:] + changed
        new = Positions("")
        new._set(self._characters + changed, np.concatenate(parts), breaks)
        return new

    def _set(self, characters: int, wide: Array, breaks: Array) -> None:
        self._characters, self._wide, self.breaks = characters, wide, breaks
        self._units = wide + np.arange(1, len(wide) + 1)
        self._broken = breaks - np.arange(len(breaks))
        self.length = characters + len(wide) + len(breaks)

    def units(self, position: int) -> int:
        """In units: where the character at this position begins."""
        unit = position + int(np.searchsorted(self._wide, position)) if len(self._wide) else position
        return unit + int(np.searchsorted(self._broken, unit, side="right")) if len(self._broken) else unit

    def all_units(self, positions: Array) -> Array:
        """The same for many positions (n,) at once."""
        found = positions + np.searchsorted(self._wide, positions)
        return np.asarray(found + np.searchsorted(self._broken, found, side="right"))

    def characters(self, unit: int) -> int:
        """In characters: which one this unit belongs to; a break belongs to the one behind it."""
        if len(self.breaks):
            unit -= int(np.searchsorted(self.breaks, unit))
        return unit - int(np.searchsorted(self._units, unit, side="right")) if len(self._units) else unit


@dataclass(frozen=True, slots=True)
class Change:
    """A text of which the characters `start` to `end` have become `start` to `stop`: one change, or many as one."""

    start: int
    end: int
    stop: int

    def then(self, start: int, end: int, stop: int) -> Change:
        """With a later change, given in the text as it is now."""
        first = min(self.start, start)
        return Change(first, max(self.end, self.before(end)), max(self.stop, end) + stop - end)

    def before(self, position: int) -> int:
        """Where a character of the text as it is now was, if it is none of those that are new."""
        return position if position < self.start else position - (self.stop - self.end)

    def between(self, places: Array, first: int, last: int) -> Array:
        """Those of the places (n,) in the old text, in order, that are from `first` to before `last` now."""
        shift = self.stop - self.end
        low, high = np.searchsorted(places, (first, min(last, self.start)))
        begin, behind = np.searchsorted(places, (max(first - shift, self.end), last - shift))
        return np.concatenate([places[low:high], places[begin : max(begin, behind)] + shift])


def _wide(text: str) -> Array:
    """The characters (n,) that are two units."""
    if text.isascii():
        return np.empty(0, np.int64)
    return np.flatnonzero(np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4") > 0xFFFF)


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
