"""What every layer of a GPT holds for a text: activations, weights, gradients."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Generator, Iterator, Sequence
from typing import Any, cast

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from genstudio.events import Distributions, LayerStatistics
from genstudio.families.gpt.model import GPT
from genstudio.nn.transformer import Block
from genstudio.training.loop import Tick

_COUNTED = 8192
_BINS = 56
_SPREAD = 4.0
_DECADES = (-12.0, 2.0)

Floats = NDArray[np.floating[Any]]


def layer_statistics(
    model: GPT, ids: Tensor, targets: Tensor | None, updates: Floats | None = None, autocast: Any = None
) -> Generator[Tick, None, LayerStatistics]:
    """Statistics of ids (B, T), with gradients of the mean loss of `targets` (B, T) where those are given.

    Changes nothing: gradients are no one's `.grad`, and dropout is off. The pass forward and back is one slice of work,
    the counting is sliced. `updates` has one number for each of `named_weights`.
    """
    names, matrices = zip(*named_weights(model), strict=True)
    with _watched(model) as seen, autocast or contextlib.nullcontext(), torch.set_grad_enabled(targets is not None):
        logits = model(ids)
        loss, gradients = _gradients(logits, targets, matrices)
    seen.append(("logits", logits.detach()))
    dead = _dead(model, [value for name, value in seen if name.endswith(" hidden")])
    yield Tick()
    activations = yield from distributions([name for name, _ in seen], [value for _, value in seen])
    weights = yield from distributions(names, [matrix.detach() for matrix in matrices])
    pulled = None if gradients is None else (yield from distributions(names, gradients, decades=True))
    unknown = np.full(len(names), np.nan)
    return LayerStatistics(
        "layers", 0, activations, weights, pulled, dead, unknown if updates is None else updates, ids.numel(), loss
    )


def named_weights(model: GPT) -> Iterator[tuple[str, Tensor]]:
    """The embeddings and matrices of a model, from its input to its output; a tied output layer is not named again."""
    yield "embedding", model.tokens.weight
    if model.positions is not None:
        yield "positions", model.positions.weight
    for number, block in enumerate(cast("list[Block]", list(model.blocks)), 1):
        yield f"{number} W_QKV", block.attention.qkv.weight
        yield f"{number} W_O", block.attention.out.weight
        yield f"{number} W_up", block.feed_forward.up.weight
        yield f"{number} W_down", block.feed_forward.down.weight
    if model.head.weight is not model.tokens.weight:
        yield "output", model.head.weight


def distributions(
    names: Sequence[str], values: Sequence[Tensor], *, decades: bool = False
) -> Generator[Tick, None, Distributions]:
    """Histograms of each tensor over bins that all share: in multiples of its own root mean square, or of log10 |value|
    where `decades`."""
    norms = torch.stack([torch.linalg.vector_norm(value.float()) for value in values]).double().cpu().numpy()
    sizes = np.array([value.numel() for value in values], np.int64)
    low, high = _DECADES if decades else (-_SPREAD, _SPREAD)
    counts = np.empty((len(names), _BINS), np.int64)
    for row, value in enumerate(values):
        some = np.nan_to_num(evenly(value.detach(), _COUNTED).float().cpu().numpy())
        if decades:
            some = np.log10(np.maximum(np.abs(some), 10**low))
        else:
            some = some / max(float(np.nan_to_num(norms[row])) / math.sqrt(sizes[row]), 1e-30)
        counts[row] = np.histogram(np.clip(some, low, high), _BINS, (low, high))[0]
        if row % 8 == 7:
            yield Tick()
    return Distributions(tuple(names), np.linspace(low, high, _BINS + 1), counts, norms, sizes, decades)


def evenly(value: Tensor, most: int) -> Tensor:
    """At most `most` evenly spaced entries of a tensor, as (n,)."""
    flat = value.reshape(-1)
    return flat[:: max(1, -(-len(flat) // most))]


@contextlib.contextmanager
def _watched(model: GPT) -> Iterator[list[tuple[str, Tensor]]]:
    """What passes between the modules of a model, by name, without dropout while it is watched."""
    seen: list[tuple[str, Tensor]] = []
    hooks = []

    def entering(module: nn.Module, name: str) -> None:
        hooks.append(module.register_forward_pre_hook(lambda _, inputs: seen.append((name, inputs[0].detach()))))

    def leaving(module: nn.Module, name: str) -> None:
        hooks.append(module.register_forward_hook(lambda _, _inputs, output: seen.append((name, output.detach()))))

    training = model.training
    model.eval()
    try:
        entering(model.blocks[0], "embedded")
        for number, block in enumerate(cast("list[Block]", list(model.blocks)), 1):
            leaving(block.attention, f"{number} attention")
            entering(block.feed_forward.down, f"{number} hidden")
            leaving(block.feed_forward, f"{number} MLP")
            leaving(block, f"{number} stream")
        yield seen
    finally:
        for hook in hooks:
            hook.remove()
        model.train(training)


def _gradients(
    logits: Tensor, targets: Tensor | None, matrices: Sequence[Tensor]
) -> tuple[float, Sequence[Tensor] | None]:
    if targets is None:
        return math.nan, None
    loss = F.cross_entropy(logits.flatten(0, 1).float(), targets.flatten())
    return float(loss.detach()), torch.autograd.grad(loss, matrices)


def _dead(model: GPT, hidden: Sequence[Tensor]) -> Floats:
    if model.config.activation not in ("relu", "relu2"):
        return np.full(len(hidden), np.nan)
    return np.array([float((value.flatten(0, -2) == 0).all(0).float().mean()) for value in hidden])

