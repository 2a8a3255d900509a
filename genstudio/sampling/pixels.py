"""Pictures pixel by pixel: one colour after the other, each read by the model before the next is chosen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from genstudio.nn.modes import evaluating
from genstudio.sampling.choose import SamplingOptions, distributions, not_finite, place
from genstudio.sampling.reader import LanguageModel

Ids = NDArray[np.integer[Any]]
OPEN = -1
"""In the place of a pixel that has to be made."""


@dataclass(slots=True, eq=False)
class Growth:
    """Pictures that grow: `ids` (n, T) int64, of which the first `done` are there, and `bits` (n, T) float32 that each of these
    took, as the model without a sampler sees it, given or made. The arrays are written on."""

    ids: NDArray[np.int64]
    bits: NDArray[np.float32]
    done: int = 0


@torch.inference_mode()
def grow(
    model: LanguageModel, begin: int, given: Ids, uniforms: NDArray[np.floating[Any]], options: SamplingOptions
) -> Iterator[Growth]:
    """Make what is OPEN of pictures `given` (n, T), each pixel by the uniform number of its place (n, T) in [0, 1): the same
    numbers make the same pictures. What is given stays, and all that comes after it is made knowing it.

    `begin` is the token before the first pixel. Gives the growth after each pixel, after the given beginning in one go.
    Raises ConfigError for impossible options, TrainingError where the model's numbers are not finite.
    """
    options.check()
    count, total = given.shape
    growth = Growth(np.array(given, np.int64), np.zeros((count, total), np.float32))
    is_open = (growth.ids == OPEN).any(0)
    known = int(is_open.argmax()) if is_open.any() else total
    device = next(model.parameters()).device if isinstance(model, torch.nn.Module) else torch.device("cpu")
    cache = model.new_cache(count)
    assert cache is not None  # a model of pixels has the look-ahead mask
    fed = np.full((count, known + 1), begin, np.int64)
    fed[:, 1:] = growth.ids[:, :known]
    with evaluating(model):
        logits = _numbers(model(torch.from_numpy(fed[:, : min(known + 1, total)]).to(device), cache))
    for at in range(known):
        growth.bits[:, at] = _bits(logits[:, at], growth.ids[:, at])
    growth.done = known
    if known:
        yield growth
    for at in range(known, total):
        if at > known:
            with evaluating(model):
                logits = _numbers(model(torch.from_numpy(growth.ids[:, at - 1 : at]).to(device), cache, True))
        now, column = logits[:, -1], growth.ids[:, at]
        chosen = np.flatnonzero(column == OPEN)
        if len(chosen):
            probabilities = distributions(now[chosen], options)
            column[chosen] = [place(p, u) for p, u in zip(probabilities, uniforms[chosen, at].tolist(), strict=True)]
        growth.bits[:, at] = _bits(now, column)
        growth.done = at + 1
        yield growth


def _numbers(logits: torch.Tensor) -> NDArray[np.floating[Any]]:
    found: NDArray[np.floating[Any]] = (logits if logits.dtype == torch.float64 else logits.float()).cpu().numpy()
    if not np.isfinite(found).all():
        raise not_finite()
    return found


def _bits(logits: NDArray[np.floating[Any]], ids: Ids) -> NDArray[np.float32]:
    """What the tokens ids (n,) take by logits (n, V)."""
    values = logits.astype(np.float64)
    highest = values.max(-1)
    spread = np.log(np.exp(values - highest[:, None]).sum(-1)) + highest
    return np.asarray((spread - values[np.arange(len(ids)), ids]) / np.log(2), np.float32)
