"""How near spoken sentences are to recorded ones of the same words, and whether attention went through all letters once. Numpy
only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Frames = NDArray[np.floating]

PER_NEPER = 20 / float(np.log(10))
"""Decibels of a factor of e in amplitude."""
_LEAST = 0.1


def warped_error(made: Frames, real: Frames) -> float:
    """Mean distance of frames made (T, M) and real (N, M) along the way through both, from their beginnings to their
    ends, on which
    it is least (dynamic time warping, Sakoe & Chiba 1978): how unlike two spectrograms are whatever the pace. A frame's distance
    is the mean of its absolute differences; of all ways of the least sum the shortest counts.

    Raises ValueError where one of them has no frames.
    """
    if not len(made) or not len(real):
        raise ValueError("there are no frames to compare")
    apart = np.abs(made[:, None] - real[None]).mean(-1, dtype=np.float64)
    rows, columns = apart.shape
    nothing = np.full(rows + 1, np.inf)
    before, last = nothing.copy(), nothing.copy()  # sums on the two anti-diagonals before, by row + 1
    length_before, length_last = np.zeros(rows + 1), np.zeros(rows + 1)
    before[0] = 0.0
    last_only = 0.0, 0.0
    for diagonal in range(rows + columns - 1):
        first, stop = max(0, diagonal - columns + 1), min(rows, diagonal + 1)
        at = np.arange(first, stop)
        ways = np.stack([before[at], last[at], last[at + 1]])  # from both, from the row before, from the column before
        steps = np.stack([length_before[at], length_last[at], length_last[at + 1]])
        best = np.lexsort((steps, ways), axis=0)[0]
        here, long = nothing.copy(), np.zeros(rows + 1)
        here[at + 1] = np.take_along_axis(ways, best[None], 0)[0] + apart[at, diagonal - at]
        long[at + 1] = np.take_along_axis(steps, best[None], 0)[0] + 1
        before, last, length_before, length_last = last, here, length_last, long
        last_only = float(here[rows]), float(long[rows])
    return last_only[0] / last_only[1]


def covered(weights: Frames) -> float:
    """Attention (T, S) from frames to letters -> the share of letters that some frame looks at with at least 0.1:
    letters that are skipped lower it (after the word coverage ratio of Xu et al. 2020, LRSpeech, 4.3)."""
    return float((weights.max(0) >= _LEAST).mean())


def going_back(weights: Frames) -> float:
    """Attention (T, S) from frames to letters -> the share of steps at which what is looked at lies before what was looked at, by
    one letter at least: what is repeated raises it. 0 for one frame."""
    place = weights @ np.arange(weights.shape[1])
    return float((np.diff(place) < -1).mean()) if len(place) > 1 else 0.0


def nearest_text(wanted: Sequence[Any], others: Sequence[Sequence[Any]]) -> int:
    """Which of the others is the fewest insertions, deletions and replacements away, the first of equals (Levenshtein 1966)."""
    return int(np.argmin([edits(wanted, other) for other in others]))


def edits(one: Sequence[Any], other: Sequence[Any]) -> int:
    """Insertions, deletions and replacements from one to the other.

    >>> edits("seven", "eleven")
    2
    """
    row = list(range(len(other) + 1))
    for done, symbol in enumerate(one, 1):
        before, row[0] = row[0], done
        for place, theirs in enumerate(other, 1):
            before, row[place] = row[place], min(row[place] + 1, row[place - 1] + 1, before + (symbol != theirs))
    return row[-1]
