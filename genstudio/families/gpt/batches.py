"""Which pieces of the training text a step looks at. No torch: the same code shows a person the batch before training."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from genstudio.data.batches import TokenBatch
from genstudio.data.learnable.tokens import TextData
from genstudio.errors import DataError
from genstudio.families.gpt.config import GPTConfig


def draw(config: GPTConfig, data: TextData, seed: int, step: int) -> NDArray[np.int64]:
    """Pieces (accumulation, batch, context + 1) of the training tokens; depends on seed and step alone.

    Inputs are all but the last token of a piece, targets all but the first. Raises DataError when the data has no text
    to train on.
    """
    T, shape = config.context, (config.accumulation, config.batch, 1)
    if len(data.train) <= T:
        raise DataError(f"There is no text to train on: a context of {T} needs {T + 1} tokens.", "Open a dataset.")
    rng = np.random.Generator(np.random.Philox(key=[seed % 2**64, step]))
    offsets = rng.integers(0, len(data.train) - T, shape)
    return data.train[offsets + np.arange(T + 1)].astype(np.int64)


def shown(config: GPTConfig, data: TextData, seed: int, step: int) -> TokenBatch:
    """The batch of a step with the text of its tokens."""
    drawn: NDArray[Any] = draw(config, data, seed, step)
    ids = np.unique(drawn).tolist()
    pieces = dict(zip(ids, data.tokenizer.pieces(ids), strict=True))
    unknown = getattr(data.tokenizer, "unknown", None)
    return TokenBatch(drawn[..., :-1].copy(), drawn[..., 1:].copy(), pieces, config.mask, unknown)
