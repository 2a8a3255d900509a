"""What every layer of a transformer holds for a text: activations, weights, gradients."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, NamedTuple, cast

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from genstudio.inspection.gradients import pulled_back
from genstudio.nn.modes import evaluating
from genstudio.nn.transformer import Block, Blocks, Stack, Transformer
from genstudio.snapshots.layers import Distributions, LayerStatistics
from genstudio.training.learner import Tick

_COUNTED = 8192
_BINS = 56
_SPREAD = 4.0
_DECADES = (-12.0, 2.0)

_SLICE = 2e9  # floating-point operations of the output layer between two chances for others

Floats = NDArray[np.floating[Any]]
Autocast = Callable[[], AbstractContextManager[Any]]
Seen = tuple[str, Tensor]


class ReadOut(NamedTuple):
    """What the stream (B, T, C) behind the last block became: `made` by its `name`, the `loss` in nats per token, and the
    gradients of that: `pull` by the stream, None where nothing is predicted, and those of the `weights` that read it."""

    name: str
    made: Tensor
    loss: float = math.nan
    pull: Tensor | None = None
    weights: Mapping[Tensor, Tensor] = {}


Reading = Callable[[Tensor], Generator[Tick, None, ReadOut]]


def layer_statistics(
    model: Transformer, ids: Tensor, targets: Tensor | None, updates: Floats | None = None, autocast: Autocast = nullcontext
) -> Generator[Tick, None, LayerStatistics]:
    """Statistics of ids (B, T), with gradients of the mean loss of `targets` (B, T) where those are given; -100 is no
    target.

    Changes nothing: gradients are no one's `.grad`, and dropout is off. The pass forward and back goes block by block,
    so that others can take turns; the weights must not change meanwhile. `updates` has one number for each of
    `named_weights`.
    """

    def read(stream: Tensor) -> Generator[Tick, None, ReadOut]:
        return _logits(model, stream, targets, autocast)

    return (yield from _statistics(model, ids, read, targets is not None, updates, autocast))


def encoder_statistics(
    encoder: Stack, ids: Tensor, decoder: Transformer, inputs: Tensor, targets: Tensor | None
) -> Generator[Tick, None, LayerStatistics]:
    """Statistics of an encoder for source ids (B, S), with gradients of the mean loss of the `targets` (B, T) that a decoder
    predicts after `inputs` (B, T) and what it reads of the encoder, where targets are given. What an embedding that both share
    gets from the decoder is not in them."""

    def read(stream: Tensor) -> Generator[Tick, None, ReadOut]:
        yield Tick()
        learns = targets is not None
        with torch.set_grad_enabled(learns), evaluating(decoder):
            states = encoder.last_norm(stream.requires_grad_(learns))
            if targets is None:
                return ReadOut("encoder output", states.detach())
            logits = decoder(inputs, memory=states).flatten(0, 1).float()
            loss = F.cross_entropy(logits, targets.flatten())
            (pull,) = torch.autograd.grad(loss, [stream])
        return ReadOut("encoder output", states.detach(), float(loss.detach()), pull)

    return (yield from _statistics(encoder, ids, read, targets is not None))


def _statistics(
    model: Stack, ids: Tensor, read: Reading, learns: bool, updates: Floats | None = None, autocast: Autocast = nullcontext
) -> Generator[Tick, None, LayerStatistics]:
    names, matrices = zip(*named_weights(model), strict=True)
    seen, loss, gradients = yield from _passed(model, ids, read, learns, autocast)
    dead = _dead(model, [value for name, value in seen if name.endswith(" hidden")])
    yield Tick()
    activations = yield from distributions([name for name, _ in seen], [value for _, value in seen])
    weights = yield from distributions(names, [matrix.detach() for matrix in matrices])
    pulled = None
    if learns:
        pulled = yield from distributions(names, [gradients[matrix] for matrix in matrices], decades=True)
    unknown = np.full(len(names), np.nan)
    return LayerStatistics(
        "layers", 0, activations, weights, pulled, dead, unknown if updates is None else updates, ids.numel(), loss
    )


def named_weights(model: Blocks) -> Iterator[tuple[str, Tensor]]:
    """The embeddings and matrices of a model, from its input to its output; a tied output layer is not named again."""
    yield "embedding", cast("Tensor", model.tokens.weight)
    if model.positions is not None:
        yield "positions", model.positions.weight
    for number, block in enumerate(model.typed_blocks(), 1):
        for name, weight in _matrices(block):
            yield f"{number} {name}", weight
    if isinstance(model, Transformer) and model.head.weight is not model.tokens.weight:
        yield "output", model.head.weight


def _matrices(block: Block) -> Iterator[tuple[str, Tensor]]:
    """Those that a pass uses: keys and values of a source were made when it was read."""
    yield "W_QKV", block.attention.qkv.weight
    yield "W_O", block.attention.out.weight
    if block.cross is not None:
        yield "cross W_Q", block.cross.q.weight
        yield "cross W_O", block.cross.out.weight
    yield "W_up", block.feed_forward.up.weight
    yield "W_down", block.feed_forward.down.weight


def distributions(
    names: Sequence[str], values: Sequence[Tensor], *, decades: bool = False
) -> Generator[Tick, None, Distributions]:
    """Histograms of each tensor over bins that all share: in multiples of its own root mean square, or of log10 |value|
    where `decades`."""
    found = []
    for number, value in enumerate(values):
        found.append(torch.linalg.vector_norm(value.float()))
        if number % 8 == 7:
            yield Tick()
    norms = torch.stack(found).double().cpu().numpy()
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
    count = value.numel()
    return value.take(torch.arange(0, count, max(1, -(-count // most)), device=value.device))


def _passed(
    model: Stack, ids: Tensor, read: Reading, learns: bool, autocast: Autocast
) -> Generator[Tick, None, tuple[list[Seen], float, dict[Tensor, Tensor]]]:
    """What passes through a model by name, the loss, and the gradient of every one of its `named_weights`."""
    with autocast(), torch.set_grad_enabled(learns):
        start, turn = model.embed(ids)
    seen: list[Seen] = [("embedded", start.detach())]
    halves: list[tuple[list[Tensor], Tensor, Tensor]] = []  # weights, and the stream before and after them
    x = start
    for number, block in enumerate(model.typed_blocks(), 1):
        entering = x.detach().requires_grad_(learns)
        with _watched(block, number, seen) as middle, autocast(), torch.set_grad_enabled(learns):
            x = block(entering, turn)
        own = [weight for _, weight in _matrices(block)]
        halves += [(own[:-2], entering, middle[0]), (own[-2:], middle[0], x)]
        yield Tick()
    name, made, loss, pull, found = yield from read(x.detach())
    seen.append((name, made))
    gradients: dict[Tensor, Tensor] = {**found}
    if pull is None:
        return seen, loss, gradients
    for own, entering, leaving in reversed(halves):
        pull, *own_gradients = pulled_back(leaving, pull, [entering, *own])
        gradients.update(zip(own, own_gradients, strict=True))
        yield Tick()
    first = [model.tokens.weight] + ([] if model.positions is None else [model.positions.weight])
    for weight, found_here in zip(first, pulled_back(start, pull, first), strict=True):
        gradients[weight] = gradients[weight] + found_here if weight in gradients else found_here
    return seen, loss, gradients


def _logits(model: Transformer, x: Tensor, targets: Tensor | None, autocast: Autocast) -> Generator[Tick, None, ReadOut]:
    """Logits (B T, V) of the stream x (B, T, C), and the mean loss of the targets with its gradients."""
    flat, weight = x.flatten(0, 1), model.head.weight
    rows = max(1, int(_SLICE / (6 * weight.numel())))
    predicted = 0 if targets is None else max(int((targets >= 0).sum()), 1)
    logits, pulls, loss, head = [], [], torch.zeros((), device=x.device), torch.zeros_like(weight)
    for first in range(0, len(flat), rows):
        part = flat[first : first + rows].requires_grad_(targets is not None)
        with autocast(), torch.set_grad_enabled(targets is not None):
            made = model.head(model.last_norm(part))
            if targets is not None:
                wanted = targets.flatten()[first : first + rows]
                share = F.cross_entropy(made.float(), wanted, reduction="sum") / predicted
        if targets is not None:
            pull, more = torch.autograd.grad(share, [part, weight])
            pulls.append(pull)
            loss, head = loss + share.detach(), head + more
        logits.append(made.detach())
        yield Tick()
    if targets is None:
        return ReadOut("logits", torch.cat(logits))
    return ReadOut("logits", torch.cat(logits), float(loss), torch.cat(pulls).view_as(x), {weight: head})


@contextmanager
def _watched(block: Block, number: int, seen: list[Seen]) -> Iterator[list[Tensor]]:
    """Add what passes between the modules of a block to `seen`, and let it drop nothing meanwhile. Gives a list, to which
    the stream between attention and feed-forward will be added."""
    hooks = []
    middle: list[Tensor] = []

    def leaving(module: nn.Module, name: str) -> None:
        hooks.append(module.register_forward_hook(lambda _, _inputs, made: seen.append((name, made.detach()))))

    try:
        leaving(block.attention, f"{number} attention")
        if block.cross is not None:
            leaving(block.cross, f"{number} cross-attention")
        down = block.feed_forward.down
        hooks.append(
            down.register_forward_pre_hook(lambda _, inputs: seen.append((f"{number} hidden", inputs[0].detach())))
        )
        leaving(block.feed_forward, f"{number} MLP")
        leaving(block, f"{number} stream")
        second = block.feed_forward_norm if block.pre else block.feed_forward
        hooks.append(second.register_forward_pre_hook(lambda _, inputs: middle.append(inputs[0])))
        with evaluating(block):
            yield middle
    finally:
        for hook in hooks:
            hook.remove()


def _dead(model: Stack, hidden: Sequence[Tensor]) -> Floats:
    if model.architecture.activation not in ("relu", "relu2"):
        return np.full(len(hidden), np.nan)
    return np.array([float((value.flatten(0, -2) == 0).all(0).float().mean()) for value in hidden])

