"""What a model thinks of each token of a text."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from genstudio.sampling.choose import not_finite
from genstudio.sampling.reader import Ids, LanguageModel

Columns = dict[str, NDArray[Any]]

_WORK = 2.5e9
"""Floating-point operations between two chances for others: some 50 ms on one core."""
_ROOM = 1 << 22
"""Logits that are held at a time."""


def score(model: LanguageModel, before: Ids, ids: Ids, alternatives: int = 5) -> Generator[float, None, Columns]:
    """Of each of ids (n,), which follow the ids `before`: its `logprobs` (n,) in nats, its `ranks` (n,) from 1, the
    `entropies` (n,) in nats of what was expected there, the likeliest `alternatives` (n, K) and `before` (n, K), their
    probabilities.

    Windows of one context move by half of it: every token has at least half a context before it where there is one.
    What nothing comes before is NaN, its rank 0, its alternatives its own id. Yields the fraction done.
    Raises TrainingError where the model's numbers are not finite.
    """
    every = np.concatenate([np.asarray(before, np.int64), np.asarray(ids, np.int64)])
    offset, n = len(every) - len(ids), len(ids)
    columns: Columns = {}
    done, start = max(offset, 1), max(0, offset - model.context // 2)
    while done < len(every):
        stop = min(start + model.context, len(every) - 1)
        window = torch.from_numpy(every[start : stop + 1])
        found = yield from _window(model, window, done - start - 1, alternatives, (done - offset) / n)
        if not columns:
            columns = _room(found, n, np.asarray(ids))
        for name, values in found.items():
            columns[name][done - offset : stop + 1 - offset] = values
        done = stop + 1
        yield (done - offset) / n
        start = max(start + 1, min(start + max(1, model.context // 2), len(every) - 1 - model.context))
    return columns or _room(_nothing(1), n, np.asarray(ids))


def _room(like: Columns, n: int, ids: NDArray[Any]) -> Columns:
    columns = {name: np.zeros((n, *values.shape[1:]), values.dtype) for name, values in like.items()}
    columns["logprobs"][:] = columns["entropies"][:] = np.nan
    columns["alternatives"][:] = ids[:, None]
    return columns


def _nothing(alternatives: int) -> Columns:
    table = np.zeros((0, alternatives), np.float32)
    numbers = np.zeros(0)
    return {
        "logprobs": numbers,
        "ranks": numbers.astype(np.int32),
        "entropies": numbers,
        "alternatives": table.astype(np.int32),
        "before": table,
    }


def _window(
    model: LanguageModel, window: Tensor, first: int, alternatives: int, done: float
) -> Generator[float, None, Columns]:
    """Of the targets window[first + 1 :], read in slices that follow each other in the model's cache."""
    weights = sum(p.numel() for p in model.parameters()) if isinstance(model, torch.nn.Module) else 1
    cache = model.new_cache()
    inputs, parts = window[:-1], list[Columns]()
    rows = max(16, int(_WORK / (2 * weights))) if cache is not None else len(inputs)
    for begin in range(0, len(inputs), rows):
        end = min(begin + rows, len(inputs))
        logits = _read(model, inputs[begin:end], cache)[max(0, first - begin) :]
        if len(logits):
            targets = window[end - len(logits) + 1 : end + 1].to(logits.device)
            step = max(1, _ROOM // logits.shape[1])
            for at in range(0, len(logits), step):
                parts.append(_opinions(logits[at : at + step], targets[at : at + step], alternatives))
                yield done
        else:
            yield done
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


@torch.inference_mode()
def _read(model: LanguageModel, ids: Tensor, cache: Any) -> Tensor:
    module = model if isinstance(model, torch.nn.Module) else None
    training = module is not None and module.training
    if module is not None and training:
        module.eval()
    try:
        parameter = None if module is None else next(module.parameters(), None)
        return model(ids[None].to("cpu" if parameter is None else parameter.device), cache)[0]
    finally:
        if module is not None and training:
            module.train()


@torch.inference_mode()
def _opinions(logits: Tensor, targets: Tensor, alternatives: int) -> Columns:
    """Of logits (n, V) before targets (n,)."""
    values = logits if logits.dtype == torch.float64 else logits.float()
    logprobs = values.log_softmax(-1)
    if not torch.isfinite(logprobs.amax()):
        raise not_finite()
    own = values.gather(1, targets[:, None])
    before = torch.arange(values.shape[1], device=values.device) < targets[:, None]
    ranks = 1 + ((values > own) | ((values == own) & before)).sum(1)
    top = values.topk(min(max(1, alternatives), values.shape[1]), dim=1).indices
    columns = {
        "logprobs": logprobs.gather(1, targets[:, None])[:, 0],
        "ranks": ranks.int(),
        "entropies": -torch.special.xlogy(logprobs.exp(), logprobs.exp()).sum(1),
        "alternatives": top.int(),
        "before": logprobs.gather(1, top).exp(),
    }
    numbers: Columns = {name: column.cpu().numpy() for name, column in columns.items()}
    return numbers | {name: numbers[name].astype(np.float64) for name in ("logprobs", "entropies")}
