"""Which pieces of the training text, or which questions, a step looks at. No torch: the same code shows a person the batch
before training."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from genstudio.data.batches import TokenBatch
from genstudio.data.learnable.questions import QuestionData
from genstudio.data.learnable.tokens import TextData
from genstudio.errors import DataError
from genstudio.families.gpt.config import GPTConfig

IGNORED = -100
"""A target that does not count: torch's cross-entropy leaves it out."""


class Drawn(NamedTuple):
    """`pieces` (accumulation, batch, T + 1) of tokens: inputs are all but the last of a piece, targets all but the first.
    `counted` (accumulation, batch, T) says which targets count; None: all."""

    pieces: NDArray[np.int64]
    counted: NDArray[np.bool_] | None = None

    @property
    def inputs(self) -> NDArray[np.int64]:
        """(accumulation, batch, T)"""
        return self.pieces[..., :-1]

    @property
    def targets(self) -> NDArray[np.int64]:
        """(accumulation, batch, T), IGNORED where one does not count."""
        targets = self.pieces[..., 1:]
        return targets if self.counted is None else np.where(self.counted, targets, IGNORED)


def draw(config: GPTConfig, data: TextData, seed: int, step: int) -> Drawn:
    """Pieces of a context each, or whole questions with their answers; depends on seed and step alone.

    Raises DataError when the data has no text to train on.
    """
    rng = np.random.Generator(np.random.Philox(key=[seed % 2**64, step]))
    shape = config.accumulation, config.batch
    if isinstance(data, QuestionData):
        return _questions(config, data, rng.integers(0, max(len(data.asked), 1), shape))
    T = config.context
    if len(data.train) <= T:
        raise DataError(f"There is no text to train on: a context of {T} needs {T + 1} tokens.", "Open a dataset.")
    offsets = rng.integers(0, len(data.train) - T, (*shape, 1))
    return Drawn(data.train[offsets + np.arange(T + 1)].astype(np.int64))


def shown(config: GPTConfig, data: TextData, seed: int, step: int) -> TokenBatch:
    """The batch of a step with the text of its tokens."""
    drawn = draw(config, data, seed, step)
    ids = np.unique(drawn.pieces).tolist()
    pieces = dict(zip(ids, data.tokenizer.pieces(ids), strict=True))
    unknown = getattr(data.tokenizer, "unknown", None)
    inputs, targets = drawn.inputs.copy(), drawn.pieces[..., 1:].copy()
    return TokenBatch(inputs, targets, pieces, config.mask, unknown, drawn.counted)


def _questions(config: GPTConfig, data: QuestionData, rows: NDArray[np.int64]) -> Drawn:
    """These questions with their answers, each line ended by as many end markers as the longest of them needs."""
    if not len(data.asked):
        raise DataError("There are no questions to train on.", "Open a dataset.")
    assert data.tokenizer.end is not None
    ids, inside, answer = data.asked.padded(rows.reshape(-1), data.tokenizer.end)
    counted = answer if config.loss_on == "answers" else inside
    return Drawn(ids.reshape(*rows.shape, -1), counted[:, 1:].reshape(*rows.shape, -1))
