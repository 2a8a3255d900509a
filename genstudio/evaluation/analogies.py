"""Analogies in a table of vectors: a - b + c, and how many known ones come out right. Numpy only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genstudio.data.datasets import Question

Floats = NDArray[np.floating[Any]]
_TOGETHER = 256


def unit_rows(vectors: Floats) -> Floats:
    """Vectors (n, m) of length 1; those of length 0 stay."""
    sizes = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(sizes, 1e-12))


def three_cos_add(units: Floats, corners: NDArray[np.int64]) -> Floats:
    """Cosines (q, n) of every row with a - b + c, for rows a, b, c (q, 3) of vectors (n, m) of length 1; those of the corners
    themselves are -inf (3CosAdd: Mikolov et al. 2013c; Levy & Goldberg 2014, equation 3)."""
    a, b, c = (units[corners[:, place]] for place in range(3))
    found = np.asarray(unit_rows(a - b + c) @ units.T)
    np.put_along_axis(found, corners, -np.inf, axis=1)
    return found


def accuracy(words: Sequence[str], vectors: Floats, questions: Iterable[Question]) -> tuple[float, int]:
    """The share of questions a - b + c = d whose d is the word nearest to a - b + c, and how many were asked: those whose
    four words have vectors (n, m). NaN where there is none."""
    place = {word: number for number, word in enumerate(words)}
    asked = np.array([[place[w] for w in one] for one in questions if all(w in place for w in one)], np.int64).reshape(-1, 4)
    if not len(asked):
        return float("nan"), 0
    units, right = unit_rows(vectors), 0
    for first in range(0, len(asked), _TOGETHER):
        part = asked[first : first + _TOGETHER]
        right += int((three_cos_add(units, part[:, :3]).argmax(1) == part[:, 3]).sum())
    return right / len(asked), len(asked)
