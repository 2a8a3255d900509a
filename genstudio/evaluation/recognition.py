"""How well speech was recognised: error rates of characters and words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np


def edits(made: Sequence[Any], wanted: Sequence[Any]) -> int:
    """The fewest insertions, deletions and substitutions that turn one sequence into another (Levenshtein 1966).

    >>> edits("kitten", "sitting")
    3
    """
    codes: dict[Any, int] = {}
    one, other = (np.array([codes.setdefault(item, len(codes)) for item in part], np.int64) for part in (made, wanted))
    at = np.arange(len(other) + 1)
    row = at.copy()
    for number, item in enumerate(one, 1):
        kept = np.minimum(row[1:] + 1, row[:-1] + (other != item))
        following = np.concatenate([[number], kept])
        row = np.minimum.accumulate(following - at) + at  # insertions, all at once
    return int(row[-1])


def error_rate(pairs: Iterable[tuple[Sequence[Any], Sequence[Any]]]) -> float:
    """Edits of all (made, wanted) together, over the length of all that was wanted; NaN where nothing was. It can exceed 1."""
    wrong = total = 0
    for made, wanted in pairs:
        wrong += edits(made, wanted)
        total += len(wanted)
    return wrong / total if total else float("nan")


def character_error_rate(pairs: Iterable[tuple[str, str]]) -> float:
    """The error rate in characters (CER) of (made, wanted) texts."""
    return error_rate(pairs)


def word_error_rate(pairs: Iterable[tuple[str, str]]) -> float:
    """The same in words (WER)."""
    return error_rate((made.split(), wanted.split()) for made, wanted in pairs)


def purity(units: np.ndarray[Any, Any], phones: np.ndarray[Any, Any]) -> float:
    """The share of frames whose phone is the one that their unit stands for most often (Hsu et al. 2021, 4.3): units (n,) and
    phones (n,) as numbers from 0. NaN where there is no frame."""
    if not len(units):
        return float("nan")
    counts = counted(units, phones)
    return float(counts.max(1).sum() / len(units))


def counted(units: np.ndarray[Any, Any], phones: np.ndarray[Any, Any], phone_count: int = 0) -> np.ndarray[Any, Any]:
    """How often each unit and each phone meet: (units, phones) int64."""
    shape = int(units.max(initial=-1)) + 1, max(int(phones.max(initial=-1)) + 1, phone_count)
    counts = np.zeros(shape, np.int64)
    np.add.at(counts, (units, phones), 1)
    return counts
