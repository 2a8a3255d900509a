"""Which pairs a step looks at. No torch: the same code shows a person the batch before training."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from genstudio.data.batches import TokenBatch
from genstudio.data.learnable.pairs import PairData, Pairs
from genstudio.errors import DataError
from genstudio.families.seq2seq.config import Seq2SeqConfig

IGNORED = -100
"""The target where there is no token: torch's cross-entropy leaves it out."""


class PairBatch(NamedTuple):
    """Padded pairs: `source` (B, S) int64 and its `padding` (B, S), True where there is no token; the decoder's `inputs`
    (B, T) and the `targets` (B, T) that follow them, IGNORED where there is none."""

    source: NDArray[np.int64]
    padding: NDArray[np.bool_]
    inputs: NDArray[np.int64]
    targets: NDArray[np.int64]


def draw(config: Seq2SeqConfig, data: PairData, seed: int, step: int) -> list[PairBatch]:
    """The batches of a step, `accumulation` of them; they depend on seed and step alone.

    Pairs for `buckets` batches are drawn, sorted by length, and a stretch of them is taken: pairs of every length come
    equally often. Raises DataError when there are no pairs to train on.
    """
    pairs = data.train
    if not len(pairs):
        raise DataError("There are no pairs to train on.", "Open a dataset.")
    rng = np.random.Generator(np.random.Philox(key=[seed % 2**64, step]))
    return [padded(pairs, _rows(config, pairs, rng)) for _ in range(config.accumulation)]


def padded(pairs: Pairs, rows: NDArray[np.int64]) -> PairBatch:
    """These pairs side by side."""
    source, padding = pairs.sources.padded(rows)
    target, behind = pairs.targets.padded(rows)
    return PairBatch(source, padding, target[:, :-1].copy(), np.where(behind, IGNORED, target)[:, 1:].copy())


def shown(config: Seq2SeqConfig, data: PairData, seed: int, step: int) -> TokenBatch:
    """What the decoder is fed at a step, with the text of its tokens; behind the end of a target stands its end marker."""
    batch = draw(config, data, seed, step)[0]
    end: Any = data.tokenizer.end
    nothing = batch.targets == IGNORED
    inputs, targets = (np.where(nothing, end, part) for part in (batch.inputs, batch.targets))
    ids = np.unique(np.concatenate([inputs, targets])).tolist()
    pieces = dict(zip(ids, data.tokenizer.pieces(ids), strict=True))
    return TokenBatch(inputs[None], targets[None], pieces, True, getattr(data.tokenizer, "unknown", None))


def _rows(config: Seq2SeqConfig, pairs: Pairs, rng: np.random.Generator) -> NDArray[np.int64]:
    drawn = rng.integers(0, len(pairs), config.batch * config.buckets)
    if config.buckets == 1:
        return drawn
    order = np.lexsort((pairs.targets.lengths[drawn], pairs.sources.lengths[drawn]))
    first = int(rng.integers(config.buckets)) * config.batch
    return drawn[order[first : first + config.batch]]
