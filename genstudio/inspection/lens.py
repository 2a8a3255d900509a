"""What a transformer would say at each depth, and which of its input tokens moved a prediction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from genstudio.data.work import Work
from genstudio.inspection.ablation import NOTHING_ABLATED, Ablation
from genstudio.inspection.gradients import pulled_back
from genstudio.inspection.trace import attend, feed
from genstudio.nn.modes import evaluating
from genstudio.nn.transformer import Block, Stack, Transformer

if TYPE_CHECKING:
    from genstudio.sampling.reader import LanguageModel

_SLICE = 4e9  # floating-point operations between two chances for others


@dataclass(frozen=True, slots=True, eq=False)
class Depths:
    """`top` (L, T, K) ids and their `chances`, `rank` and `chance` (L, T) of the token that is looked for; 0 and NaN where
    there is none."""

    top: NDArray[np.int64]
    chances: NDArray[np.float32]
    rank: NDArray[np.int64]
    chance: NDArray[np.float32]


@torch.no_grad()
def depths(model: Transformer, residual: NDArray[np.floating], wanted: NDArray[np.integer], count: int = 10) -> Work[Depths]:
    """The logit lens (nostalgebraist 2020): the last norm and W_U applied to the stream at every depth.

    residual (L, T, C) of T positions, `wanted` (T,) the token that each of them should name, -1 where none is known
    -> `count` most probable tokens of each.
    """
    device = model.tokens.weight.device
    L, T, _ = residual.shape
    following = torch.from_numpy(wanted.astype(np.int64)).to(device).repeat(L)
    stream = torch.from_numpy(residual).to(device).flatten(0, 1)
    rows = max(1, int(_SLICE / (2 * model.head.weight.numel())))
    parts: list[tuple[Tensor, ...]] = []
    for first in range(0, len(stream), rows):
        yield first / len(stream)
        logits = model.head(model.last_norm(stream[first : first + rows]))
        parts.append(_said(logits, following[first : first + rows], count))
    found = [torch.cat(some).unflatten(0, (L, T)).cpu().numpy() for some in zip(*parts, strict=True)]
    return Depths(found[0], found[1], found[2], found[3])


@torch.no_grad()
def encoder_depths(
    encoder: Stack,
    residual: NDArray[np.floating],
    reading: Callable[[NDArray[np.floating]], LanguageModel],
    ids: NDArray[np.integer],
    wanted: NDArray[np.integer],
    count: int = 10,
) -> Work[Depths]:
    """What a decoder would write if the encoder ended at each depth (DecoderLens, Langedijk et al. 2024): it reads the last norm
    of the stream there instead of that after the last layer.

    residual (L, S, C) of the source; `reading` gives a decoder that has read vectors (S, C); ids (T,) of the target so far;
    `wanted` (T,) the token that should follow each of them, -1 where none is known -> `count` most probable tokens of each.
    """
    device = encoder.tokens.weight.device
    row, following = (torch.from_numpy(values.astype(np.int64)).to(device) for values in (ids, wanted))
    parts: list[tuple[Tensor, ...]] = []
    for depth, stream in enumerate(residual):
        yield depth / len(residual)
        states = encoder.last_norm(torch.from_numpy(stream).to(device)).cpu().numpy()
        parts.append(_said(reading(states)(row[None])[0], following, count))
    found = [torch.stack(some).cpu().numpy() for some in zip(*parts, strict=True)]
    return Depths(found[0], found[1], found[2], found[3])


def _said(logits: Tensor, follows: Tensor, count: int) -> tuple[Tensor, ...]:
    """Logits (N, V) and the tokens (N,) that are looked for, -1 where there is none: see `Depths`."""
    chances = logits.float().softmax(-1)
    top = logits.topk(min(count, logits.shape[-1]), -1).indices
    own = logits.gather(-1, follows.clamp(min=0)[:, None])
    rank = ((logits > own).sum(-1) + 1).where(follows >= 0, 0)
    chance = chances.gather(-1, follows.clamp(min=0)[:, None])[:, 0].where(follows >= 0, torch.nan)
    return top, chances.gather(-1, top), rank, chance


def leave_one_out(
    model: LanguageModel, ids: NDArray[np.integer], target: int | None = None
) -> Work[tuple[NDArray[np.float64], NDArray[np.floating], int]]:
    """How much the log-probability of `target` after ids (T,) falls when one of them is taken out of the text: scores
    (T,), above 0 where the token raises it; the log-probabilities (V,); and the target, the most probable unless told.

    The only token of a text cannot be taken out: its score is 0.
    """
    weights = list(cast("torch.nn.Module", model).parameters())
    row = torch.as_tensor(ids, device=weights[0].device).long()
    T = len(row)
    logprobs = _logprobs_after(model, row[None])[0]
    target = int(logprobs.argmax()) if target is None else target
    shorter = row.expand(T, T)[~torch.eye(T, dtype=torch.bool, device=row.device)].view(T, T - 1)
    rows = max(1, int(_SLICE / (2 * T * sum(weight.numel() for weight in weights))))
    scores = np.zeros(T)
    for first in range(0, T if T > 1 else 0, rows):
        yield first / T
        part = slice(first, first + rows)
        scores[part] = (logprobs[target] - _logprobs_after(model, shorter[part])[:, target]).double().cpu().numpy()
    return scores, logprobs.cpu().numpy(), target


def hide_one(
    model: Transformer, ids: NDArray[np.integer], place: int, mask: int, target: int | None = None
) -> Work[tuple[NDArray[np.float64], NDArray[np.floating], int]]:
    """How much the log-probability of `target` in the gap at `place` of ids (T,) falls when another token is hidden behind a
    `mask`: scores (T,), above 0 where the token raises it, 0 for the gap and for what is hidden already; the log-probabilities
    (V,); and the target, the most probable unless told."""
    row = torch.as_tensor(ids, device=model.tokens.weight.device).long()
    T = len(row)
    logprobs = _logprobs_at(model, row[None], place)[0]
    target = int(logprobs.argmax()) if target is None else target
    hidden = row.repeat(T, 1)
    hidden.fill_diagonal_(mask)
    rows = max(1, int(_SLICE / (2 * T * sum(weight.numel() for weight in model.parameters()))))
    scores = np.zeros(T)
    for first in range(0, T, rows):
        yield first / T
        part = slice(first, first + rows)
        scores[part] = (logprobs[target] - _logprobs_at(model, hidden[part], place)[:, target]).double().cpu().numpy()
    scores[ids == mask] = 0.0
    return scores, logprobs.cpu().numpy(), target


@torch.no_grad()
def _logprobs_at(model: Transformer, ids: Tensor, place: int) -> Tensor:
    """ids (B, T) -> log-probabilities (B, V) at a place."""
    with evaluating(model):
        logits: Tensor = model(ids)[:, place].float()
    return logits.log_softmax(-1)


@torch.no_grad()
def _logprobs_after(model: LanguageModel, ids: Tensor) -> Tensor:
    """ids (B, T) -> log-probabilities (B, V) of what follows."""
    with evaluating(model):
        return model(ids, last=True)[:, -1].log_softmax(-1)


def gradient_times_input(
    model: Transformer, ids: NDArray[np.integer], target: int | None = None, switches: Ablation = NOTHING_ABLATED,
    at: int = -1,
) -> Work[tuple[NDArray[np.float64], NDArray[np.floating], int]]:  # fmt: skip
    """Gradient of the log-probability of `target` at the place `at` of ids (T,), or after them, with respect to each token's
    embedding, times the embedding, summed over its numbers: scores (T,); the log-probabilities (V,); and the target, the most
    probable unless told.

    Half a layer at a time, forth and back, so that others get their turn and only its activations are kept.
    """
    row = torch.as_tensor(ids, device=model.tokens.weight.device).long()
    streams: list[Tensor] = []
    with torch.no_grad():
        x, turn = model.embed(row[None])
    halves: list[Callable[[Tensor], Tensor]] = []
    for index, block in enumerate(model.typed_blocks()):
        if index not in switches.layers:
            halves.append(partial(_attended, block, turn, index, switches))
            halves.append(partial(_fed, block, index, switches))
    for place, half in enumerate(halves):
        streams.append(x)
        with torch.no_grad():
            x = half(x)
        yield (place + 1) / (3 * len(halves) + 1)
    with torch.enable_grad():
        last = x[0, at].detach().requires_grad_()
        logprobs = model.head(model.last_norm(last)).log_softmax(-1)
        target = int(logprobs.argmax()) if target is None else target
        (gradient,) = torch.autograd.grad(logprobs[target], last)
    above = torch.zeros_like(x)
    above[0, at] = gradient
    for place, half in reversed(list(enumerate(halves))):
        yield (3 * len(halves) - 2 * place) / (3 * len(halves) + 1)
        with torch.enable_grad():
            below = streams.pop().detach().requires_grad_()
            (above,) = pulled_back(half(below), above, [below])
    scores = _through_embedding(model, row, above).double().cpu().numpy()
    return scores, logprobs.detach().cpu().numpy(), target


def _through_embedding(model: Transformer, row: Tensor, above: Tensor) -> Tensor:
    """Gradient (1, T, C) at the stream's beginning -> gradient times input of the embedding of each token (T,): through its
    scale, and through a norm behind it where there is one."""
    embedded = model.tokens(row[None]).detach().requires_grad_()
    hook = model.tokens.register_forward_hook(lambda *_: embedded)
    try:
        with torch.enable_grad():
            (gradient,) = pulled_back(model.embed(row[None])[0], above, [embedded])
    finally:
        hook.remove()
    return (gradient * embedded.detach()).sum(-1)[0]


def _attended(block: Block, turn: Tensor | None, layer: int, switches: Ablation, x: Tensor) -> Tensor:
    return attend(block, x, turn, layer, switches)


def _fed(block: Block, layer: int, switches: Ablation, x: Tensor) -> Tensor:
    return feed(block, x, layer, switches)
