"""Which words a step looks at, and what is near them. No torch: the same code shows a person the batch before training."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from genstudio.data.batches import TokenBatch
from genstudio.errors import DataError
from genstudio.families.word2vec.config import Word2VecConfig
from genstudio.families.word2vec.data import Stretch, WordData

Integers = NDArray[np.int64]
Shares = NDArray[np.float64]

_SHOWN = 16
_FIXED = 2**63
"""The seed of what validation keeps of frequent words: always the same."""


@dataclass(frozen=True, eq=False)
class Windows:
    """Words and what is near them: `centres` (n,), and `near` (n, 2 window) ids, -1 where there is none."""

    centres: Integers
    near: Integers

    @property
    def pairs(self) -> tuple[Integers, Integers]:
        """Positions in `centres` (p,) and a word near each (p,)."""
        row, place = np.nonzero(self.near >= 0)
        return row, self.near[row, place]


def keep_shares(counts: Integers, threshold: float) -> Shares:
    """(V,) the share of the occurrences of each word that subsampling keeps (Mikolov et al. 2013b, equation 5)."""
    frequency = counts / max(int(counts.sum()), 1)
    return np.sqrt(np.minimum(1.0, threshold / np.maximum(frequency, 1e-300)))


def noise(counts: Integers, power: float) -> Shares:
    """(V,) the probability of each word to be drawn as a negative: its count to a power; 0 for what does not occur."""
    weights = np.where(counts > 0, np.power(np.maximum(counts, 1).astype(np.float64), power), 0.0)
    return weights / weights.sum()


def draw_noise(share: Shares, rng: np.random.Generator, shape: tuple[int, ...]) -> Integers:
    """Negatives of this shape, drawn with these probabilities."""
    ladder = np.cumsum(share)
    found = np.searchsorted(ladder, rng.random(shape) * ladder[-1], side="right")
    return np.minimum(found, len(share) - 1).astype(np.int64)


def subsampled(stretch: Stretch, keep: Shares, rng: np.random.Generator) -> Stretch:
    """What is left of a stretch when frequent words are skipped by chance; windows close over the gaps."""
    if keep.min() >= 1.0:
        return stretch
    kept = rng.random(len(stretch)) < keep[stretch.ids]
    return Stretch(stretch.ids[kept], stretch.lines[kept])


def windows(stretch: Stretch, places: Integers, reach: Integers, window: int) -> Windows:
    """The words at `places` (n,) of a stretch, and those at most `reach` (n,) words away in the same line."""
    offsets = np.concatenate([np.arange(-window, 0), np.arange(1, window + 1)])
    at = places[:, None] + offsets
    inside = (at >= 0) & (at < len(stretch)) & (np.abs(offsets) <= reach[:, None])
    at = np.where(inside, at, places[:, None])
    inside &= stretch.lines[at] == stretch.lines[places][:, None]
    return Windows(stretch.ids[places].astype(np.int64), np.where(inside, stretch.ids[at].astype(np.int64), -1))


def draw(config: Word2VecConfig, data: WordData, seed: int, step: int) -> Windows:
    """The words of a step and their windows; depends on settings, seed and step alone.

    In each pass over the text other occurrences of frequent words are skipped. Raises DataError when there is no text.
    """
    if not len(data.train):
        raise DataError("There is no text to train on.", "Open a dataset.")
    a_pass = max(1, len(data.train) // config.batch)
    stretch = _of_pass(data, config.subsampling, seed % 2**64, step // a_pass)
    rng = np.random.Generator(np.random.Philox(key=[seed % 2**64, step]))
    places = rng.integers(0, len(stretch), config.batch)
    reach = rng.integers(1, config.window + 1, config.batch)
    return windows(stretch, places, reach, config.window)


def of_validation(config: Word2VecConfig, data: WordData, count: int | None) -> Windows:
    """`count` evenly spaced words of the validation part, or all, with whole windows; always the same."""
    stretch = _kept(data.validation, data, config.subsampling, (_FIXED, 0))
    places = np.arange(len(stretch))
    if count is not None and count < len(places):
        places = np.unique(np.linspace(0, len(places) - 1, count).round().astype(np.int64))
    return windows(stretch, places, np.full(len(places), config.window), config.window)


def shown(config: Word2VecConfig, data: WordData, seed: int, step: int) -> TokenBatch:
    """The batch of a step as pairs: a word, and below it one that is near it."""
    found = draw(config, data, seed, step)
    row, near = found.pairs
    whole = len(near) // _SHOWN * _SHOWN or len(near)
    shape = (1, -1, min(_SHOWN, max(whole, 1)))
    inputs, targets = found.centres[row][:whole].reshape(shape), near[:whole].reshape(shape)
    ids = np.unique(np.concatenate([inputs.ravel(), targets.ravel()])).tolist()
    pieces = dict(zip(ids, data.tokenizer.pieces(ids), strict=True))
    says = (
        f"Step {step}: {config.batch:,} words and the {len(near):,} near them, as pairs: below each word one that stands at most "
        f"{config.window} words away."
    )
    return TokenBatch(inputs, targets, pieces, False, getattr(data.tokenizer, "unknown", None), says=says)


@lru_cache(maxsize=2)
def _of_pass(data: WordData, threshold: float, seed: int, number: int) -> Stretch:
    return _kept(data.train, data, threshold, (seed, number))


def _kept(stretch: Stretch, data: WordData, threshold: float, key: tuple[int, int]) -> Stretch:
    """At least one word, whatever the threshold."""
    rng = np.random.Generator(np.random.Philox(key=[key[0] ^ _FIXED, key[1]]))
    found = subsampled(stretch, keep_shares(data.counts, threshold), rng)
    return found if len(found) else stretch
