"""What a model that reads from both sides would put into the gaps of a text."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from genstudio.data.tokenizers import Tokenizer
from genstudio.snapshots.filled import Filled, Gap


class Fills(Protocol):
    """What is asked of a model."""

    @property
    def tokenizer(self) -> Tokenizer: ...

    @property
    def mask_id(self) -> int: ...

    def fill(self, ids: NDArray[Any]) -> NDArray[Any]:
        """ids (T,) -> log-probabilities (T, V)"""


def filled(
    model: Fills, ids: NDArray[np.integer[Any]], channel: str, step: int, *, count: int = 10, most: int = 1_000
) -> Filled:
    """The `count` most probable tokens of every gap, of the first `most`, in ids (T,)."""
    tokenizer = model.tokenizer
    places = np.flatnonzero(ids == model.mask_id)[:most].tolist()
    gaps = []
    if places:
        logprobs = model.fill(ids)
        for place in places:
            row = logprobs[place]
            top = np.argsort(-row, kind="stable")[: min(count, int(np.isfinite(row).sum()))]
            gaps.append(Gap(place, top.astype(np.int64), tokenizer.pieces(top), np.exp(row[top]).astype(np.float32)))
    return Filled(channel, step, tokenizer.pieces(ids), np.asarray(ids, np.int64), tuple(gaps), model.mask_id)
