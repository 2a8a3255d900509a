"""How well texts find their pictures among others, and pictures their texts. Numpy only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genstudio.data.learnable.captions import CaptionData

CANDIDATES = 100
"""Pictures with different captions among which one is searched for."""
POOLS = 5
"""Sets of so many that an exact evaluation takes."""
_SEED = 20_210_226
Integers = NDArray[np.int64]
Scores = NDArray[np.floating[Any]]


def pools(data: CaptionData, among: Integers, count: int) -> list[Integers]:
    """`count` draws of at most CANDIDATES of these pictures with different captions; always the same ones."""
    found = []
    for number in range(count):
        drawn = np.random.default_rng(_SEED + number).permutation(among)
        _, first = np.unique(data.alike[drawn], return_index=True)
        found.append(drawn[np.sort(first)][:CANDIDATES])
    return found


def with_others(data: CaptionData, wanted: Integers, others: Integers) -> Integers:
    """These pictures first, and others with other captions behind them, CANDIDATES in all where there are so many."""
    further = others[~np.isin(data.alike[others], data.alike[wanted])]
    return np.concatenate([wanted, *pools(data, further, 1)])[:CANDIDATES]


def ranks(scores: Scores) -> Integers:
    """The place of what belongs to each row (n,) of scores (n, m), from 1: row i belongs to column i. Among equals it is behind
    all others, so that a model that finds everything alike finds nothing."""
    own = scores[np.arange(len(scores)), np.arange(len(scores))]
    return (scores >= own[:, None]).sum(1)


def recalls(of_texts: Scores, of_pictures: Scores, prefix: str = "") -> Mapping[str, float]:
    """Shares of texts that find their picture first, or among the first ten, and of pictures that find their text so; of scores
    (n, m) of the first n among m candidates."""
    return {
        f"{prefix}recall_at_{most}_{name}": float((places <= most).mean())
        for name, places in (("text", ranks(of_texts)), ("image", ranks(of_pictures))) for most in (1, 10)
    }  # fmt: skip
