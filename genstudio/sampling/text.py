"""Writing: one token after the other, each read by the model before the next is chosen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from genstudio.nn.cache import Cache
from genstudio.sampling.choose import SamplingOptions, distribution, pick

Logits = NDArray[np.floating[Any]]


class LanguageModel(Protocol):
    """What writing needs of a model."""

    @property
    def context(self) -> int:
        """How many tokens it sees at once."""

    def __call__(self, ids: Tensor, cache: Cache | None = None, last: bool = False) -> Tensor:
        """ids (B, T) after what is in the cache -> logits (B, T, V), or (B, 1, V) of the last."""

    def new_cache(self, batch: int = 1) -> Cache | None:
        """Room for a context; None when the model must read everything again for each token."""


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """A token that was written: its `id`, the `probability` it had when it was chosen, and the raw `logits` (V,),
    float32 unless the model computes in float64."""

    id: int
    probability: float
    logits: Logits


def stream(
    model: LanguageModel,
    ids: Sequence[int] | NDArray[np.integer[Any]],
    options: SamplingOptions,
    seed: int,
    length: int,
    stop: int | None = None,
    slide: int | None = None,
) -> Iterator[Choice]:
    """Continue `ids` (at least one) by up to `length` tokens; ends behind the token `stop`.

    The model sees the last `context` tokens at most. When the context is full, the oldest `slide` tokens are dropped
    and the rest is read again, because positions count from the window's start; `slide` is max(1, context // 8)
    unless told. With 1, the model always sees as much as it can, at the price of reading it all for every token.
    The same seed writes the same text. Raises ConfigError for impossible options, ValueError for no ids.
    """
    options.check()
    if not len(ids):
        raise ValueError("there must be at least one token to continue")
    return _stream(_Window(model, [int(i) for i in ids], slide), options, np.random.default_rng(seed), length, stop)


def next_logits(model: LanguageModel, ids: Sequence[int] | NDArray[np.integer[Any]]) -> Logits:
    """The model's opinion of what follows `ids` (at least one; the last `context` of them are read): (V,) float32."""
    return _read(model, [int(i) for i in ids[-model.context :]], None)


def _stream(
    window: _Window, options: SamplingOptions, rng: np.random.Generator, length: int, stop: int | None
) -> Iterator[Choice]:
    for _ in range(length):
        logits = window.logits()
        probabilities = distribution(logits, options)
        chosen = pick(probabilities, rng)
        window.add(chosen)
        yield Choice(chosen, float(probabilities[chosen]), logits)
        if chosen == stop:
            return


class _Window:
    """The tokens that the model sees, of which those in the cache were read already."""

    def __init__(self, model: LanguageModel, ids: list[int], slide: int | None) -> None:
        self.model, self.ids = model, ids[-model.context :]
        self.slide = min(max(1, model.context // 8 if slide is None else slide), model.context)
        self.cache = model.new_cache()

    def logits(self) -> Logits:
        read = self.cache.length if self.cache else 0
        return _read(self.model, self.ids[read:], self.cache)

    def add(self, chosen: int) -> None:
        self.ids.append(chosen)
        if len(self.ids) > self.model.context:
            del self.ids[: self.slide]
            if self.cache:
                self.cache.clear()


@torch.no_grad()
def _read(model: LanguageModel, ids: list[int], cache: Cache | None) -> Logits:
    module = model if isinstance(model, torch.nn.Module) else None
    training = module is not None and module.training
    if module is not None and training:
        module.eval()
    try:
        device = next(module.parameters()).device if module is not None else torch.device("cpu")
        logits = model(torch.tensor([ids], device=device), cache, True)[0, -1]
        return (logits if logits.dtype == torch.float64 else logits.float()).cpu().numpy()
    finally:
        if module is not None and training:
            module.train()
