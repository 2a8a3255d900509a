"""Text whose entropy is known, so that the best possible loss is known too."""

from __future__ import annotations

from bisect import bisect_right

import numpy as np
from numpy.typing import NDArray

from genstudio.config import Config, setting
from genstudio.data.datasets import TextDataset
from genstudio.data.generators.chance import Chance
from genstudio.data.info import DatasetInfo

SYMBOLS = "abcdefgh"
CONCENTRATION = 0.3
CHAIN_SEED = 0
ENTROPY_RATE = 1.281157
"""Nats per character: no model can have a lower loss on a long fresh text, and a good one comes close."""
UNIGRAM_ENTROPY = 2.044011

Table = NDArray[np.float64]


class MarkovSettings(Config):
    count: int = setting(1_000_000, "Number of characters", low=1_000, high=20_000_000, logarithmic=True)
    seed: int = setting(0, "A different seed writes a different text with the same chain", low=0, high=2**31 - 1)


def known_entropy(settings: MarkovSettings, info: DatasetInfo) -> TextDataset:
    """A text written by an order-2 Markov chain over eight letters, from its stationary state."""
    table = transitions()
    ladders = np.cumsum(table, axis=1).tolist()
    chance, size, last = Chance(settings.seed), len(SYMBOLS), len(SYMBOLS) - 1
    start = np.cumsum(stationary(table))
    draws = chance.uniform(settings.count).tolist()
    state = min(bisect_right(start.tolist(), draws[0]), len(start) - 1)
    out = [state // size, state % size]
    for draw in draws[1 : settings.count - 1]:
        following = min(bisect_right(ladders[state], draw), last)
        out.append(following)
        state = state % size * size + following
    return TextDataset(info, "".join(map(SYMBOLS.__getitem__, out)))


def transitions() -> Table:
    """(64, 8) probability of each letter after each pair of letters: rows Dirichlet(0.3)."""
    size = len(SYMBOLS)
    return np.random.default_rng(CHAIN_SEED).dirichlet([CONCENTRATION] * size, size * size)


def stationary(table: Table) -> Table:
    """(64,) how often each pair of letters stands in an endless text: the pairs' chain run until nothing changes."""
    size = table.shape[1]
    pairs = np.full((size, size), 1 / size**2)
    for _ in range(10_000):
        following = np.einsum("ab,abc->bc", pairs, table.reshape(size, size, size))
        if np.abs(following - pairs).max() < 1e-16:
            break
        pairs = following
    return pairs.ravel()
