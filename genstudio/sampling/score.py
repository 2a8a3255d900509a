"""What a model thinks of each token of a text."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from genstudio.nn.modes import evaluating
from genstudio.sampling.choose import not_finite
from genstudio.sampling.reader import Ids, LanguageModel, Mixes

Columns = dict[str, NDArray[Any]]

_WORK = 2.5e9
"""Floating-point operations between two chances for others: some 50 ms on one core."""
_ROOM = 1 << 22
"""Logits that are held at a time."""


def score(model: LanguageModel, before: Ids, ids: Ids, alternatives: int = 5) -> Generator[float, None, Columns]:
    """Of each of ids (n,), which follow the ids `before`: its `logprobs` (n,) in nats, its `ranks` (n,) from 1, the
    `entropies` (n,) in nats of what was expected there, the most probable `alternatives` (n, K) and `before` (n, K), their
    probabilities. Where counts have a part in the model, `counts` (n,) is their share of each token's probability.

    Windows of one context move by half of it: every token has at least half a context before it where there is one.
    What nothing comes before is NaN, its rank 0, its alternatives its own id. Yields the fraction done.
    Raises TrainingError where the model's numbers are not finite.
    """
    every = np.concatenate([np.asarray(before, np.int64), np.asarray(ids, np.int64)])
    offset, n = len(every) - len(ids), len(ids)
    size = min(model.context, len(every) - 1)
    columns = _room(_nothing(1), n, np.asarray(ids))
    if not size:
        return columns
    starts, targets = _windows(offset, len(every), size, max(1, model.context // 2))
    weights = sum(p.numel() for p in model.parameters()) if isinstance(model, torch.nn.Module) else 1
    rows = max(1, int(_WORK / (2 * weights * size)))
    for at in range(0, len(starts), rows):
        part = slice(at, at + rows)
        windows = torch.from_numpy(every[starts[part, None] + np.arange(size + 1)])
        first = torch.from_numpy(targets[part] - starts[part] - 1)
        begin = int(targets[at]) - offset
        one = rows == 1 and model.new_cache() is not None
        for found in (
            _one(model, windows[0], int(first[0]), alternatives) if one else _many(model, windows, first, alternatives)
        ):
            if columns["before"].shape[1:] != found["before"].shape[1:] or columns.keys() != found.keys():
                columns = _room(found, n, np.asarray(ids))
            count = len(found["ranks"])
            for name, values in found.items():
                columns[name][begin : begin + count] = values
            begin += count
            yield begin / n
    return columns


def _windows(offset: int, total: int, size: int, half: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where windows of `size` inputs start so that each token from `offset` on, but the very first of all, is a target
    once: starts, and the first target of each."""
    last = total - 1 - size
    starts = np.append(np.arange(max(0, min(offset - half, last)), last, half), last).astype(np.int64)
    return starts, np.append(max(offset, 1), starts[:-1] + size + 1)


def _room(like: Columns, n: int, ids: NDArray[Any]) -> Columns:
    columns = {name: np.zeros((n, *values.shape[1:]), values.dtype) for name, values in like.items()}
    for name in {"logprobs", "entropies", "counts"} & columns.keys():
        columns[name][:] = np.nan
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


def _many(model: LanguageModel, windows: Tensor, first: Tensor, alternatives: int) -> Iterator[Columns]:
    """Of windows (n, size + 1) at once: of each the targets from number `first` (n,) on."""
    step = 1
    at = 0
    while at < len(windows):
        some = windows[at : at + step]
        wanted = torch.arange(windows.shape[1] - 1) >= first[at : at + step, None]
        logits, given = _read(model, some[:, :-1], None)
        here = wanted.to(logits.device)
        some_given = None if given is None else given[here]
        yield _opinions(logits[here], some[:, 1:][wanted].to(logits.device), alternatives, some_given)
        at += step
        step = max(1, _ROOM // logits[0].numel())


def _one(model: LanguageModel, window: Tensor, first: int, alternatives: int) -> Iterator[Columns]:
    """Of a window (size + 1,) of a large model, in slices that follow each other in its cache."""
    weights = sum(p.numel() for p in model.parameters()) if isinstance(model, torch.nn.Module) else 1
    cache = model.new_cache()
    inputs = window[:-1]
    rows = max(16, int(_WORK / (2 * weights))) if cache is not None else len(inputs)
    for begin in range(0, len(inputs), rows):
        read, shares = _read(model, inputs[None, begin : begin + rows], cache)
        fresh = slice(max(0, first - begin), None)
        logits, given = read[0, fresh], None if shares is None else shares[0, fresh]
        targets = window[1:][begin + max(0, first - begin) : begin + rows]
        step = max(1, _ROOM // logits.shape[1])
        for at in range(0, len(logits), step):
            part = slice(at, at + step)
            some_given = None if given is None else given[part]
            yield _opinions(logits[part], targets[part].to(logits.device), alternatives, some_given)


@torch.inference_mode()
def _read(model: LanguageModel, ids: Tensor, cache: Any) -> tuple[Tensor, Tensor | None]:
    """Logits (B, T, V), and the logarithm of the share of each probability that counts gave, where they have a part in it."""
    parameter = next(model.parameters(), None) if isinstance(model, torch.nn.Module) else None
    with evaluating(model):
        here = ids.to("cpu" if parameter is None else parameter.device)
        if isinstance(model, Mixes):
            parts = model.parts(here, cache)
            return parts.whole, parts.share[..., None].log() + parts.counts - parts.whole
        return model(here, cache), None


@torch.inference_mode()
def _opinions(logits: Tensor, targets: Tensor, alternatives: int, given: Tensor | None) -> Columns:
    """Of logits (n, V) before targets (n,), with what `_read` says of counts."""
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
    if given is not None:
        columns["counts"] = given.gather(1, targets[:, None])[:, 0].exp().clamp(max=1.0)
    numbers: Columns = {name: column.cpu().numpy() for name, column in columns.items()}
    return numbers | {name: numbers[name].astype(np.float64) for name in ("logprobs", "entropies")}
