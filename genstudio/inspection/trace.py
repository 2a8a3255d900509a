"""One forward pass of a transformer with everything that it computes on the way, and with parts of it switched off."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from genstudio.data.work import Work, finished, scaled
from genstudio.inspection.ablation import NOTHING_ABLATED, Ablation
from genstudio.inspection.heads import seen
from genstudio.nn.attention import SelfAttention, attention_weights
from genstudio.nn.cache import Cache, KeyValues
from genstudio.nn.modes import evaluating
from genstudio.nn.positions import angles
from genstudio.nn.transformer import Block, Stack, Transformer, watching

LAYER_STAGES = (
    "normed", "q", "k", "v", "scores", "weights", "mixed", "attention_out", "middle", "cross_weights", "crossed", "normed2",
    "hidden", "mlp_out",
)  # fmt: skip
STAGES = ("embedded", "positions", "residual", *LAYER_STAGES, "last_norm", "logits")
_SLICE = 4e9  # floating-point operations between two chances for others: 30 to 60 ms on an ordinary core


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """What one forward pass of `ids` (T,) went through, by the names of its stages; only what was asked for is there.

    `stages` concern the whole model, `layers` each block; the stages of a layer that is switched off are empty.
    """

    ids: NDArray[np.int64]
    stages: Mapping[str, NDArray[Any]]
    layers: tuple[Mapping[str, NDArray[Any]], ...]

    def __getitem__(self, stage: str) -> NDArray[Any]:
        """A stage of the whole model. Raises KeyError when it was not asked for."""
        return self.stages[stage]


def attention(model: Transformer, ids: NDArray[Any]) -> NDArray[np.float32]:
    """Weights (layers, heads, T, T) over ids (T,), row = query; changes nothing in the model."""
    device = next(model.parameters()).device
    with evaluating(model):
        return model.attention(torch.from_numpy(ids.astype(np.int64)).to(device)).float().cpu().numpy()


class Keeper:
    """Keeps the stages that are wanted as numpy arrays, without the batch axis."""

    def __init__(self, wanted: Collection[str] = ()) -> None:
        self.wanted = frozenset(wanted)
        self.kept: dict[str, NDArray[Any]] = {}

    def __call__(self, name: str, value: Tensor) -> None:
        if name in self.wanted:
            self.kept[name] = _numpy(value)


NOTHING = Keeper()


@torch.no_grad()
def trace(
    model: Stack, ids: NDArray[np.integer[Any]] | Tensor, wanted: Collection[str], switches: Ablation = NOTHING_ABLATED
) -> Work[Trace]:
    """One forward pass of ids (T,) with the stages that are `wanted`, in the model's precision (float32 or float64).

    The whole model:
    - embedded (T, C): the rows of W_E (times sqrt(C) where positions are sinusoidal: `embedding_scale`).
    - positions: what is added, (T, C); with rotary positions the angles in radians, (T, D/2); (T, 0) without any.
    - residual (layers + 1, T, C): the stream before the first layer and after each.
    - last_norm (T, C), logits (T, V) where there is an output layer.

    Each layer, T queries and H heads:
    - normed (T, C): what the norm at the attention gives: its input (pre), or the normalised sum after it (post).
    - q, k, v (H, T, D) as used, after QK-norm and rotation; scores (H, T, T) scaled, before the mask;
      weights (H, T, T), row = query, exactly 0 where masked; mixed (H, T, D), before W_O.
    - attention_out (T, C), after W_O; middle (T, C): the stream between attention and feed-forward.
    - of a decoder that has read a source, between the two: cross_weights (H, T, S), row = query; crossed (T, C), the stream
      after attention to the source, which the feed-forward reads.
    - normed2 (T, C): the input of the feed-forward (pre), or the normalised sum after it (post).
    - hidden (T, F) after the non-linearity; mlp_out (T, C).

    In slices of some 50 ms; the weights must not change between two of them.

    Raises ValueError for no ids, more than the context, or a stage that does not exist.
    """
    if unknown := set(wanted) - set(STAGES):
        raise ValueError(f"no such stage: {', '.join(sorted(unknown))}")
    row = _row(model, ids)
    keep = Keeper(wanted)
    stages = keep.kept
    keep("embedded", model.tokens(row[None]))
    if "positions" in wanted:
        stages["positions"] = _positions(model, len(row))
    x, turn = model.embed(row[None])
    residual, layers = [_numpy(x)] if "residual" in wanted else [], []
    for index, block in enumerate(model.typed_blocks()):
        yield index / len(model.blocks)
        own = Keeper(wanted)
        if index not in switches.layers:
            x = yield from scaled(attending(block, x, turn, index, switches, own), *_share(model, index, 0.0, 0.4))
            yield (index + 0.4) / len(model.blocks)
            x = yield from scaled(feeding(block, x, index, switches, own), *_share(model, index, 0.4, 1.0))
        layers.append(own.kept)
        if "residual" in wanted:
            residual.append(_numpy(x))
    if residual:
        stages["residual"] = np.stack(residual)
    x = model.last_norm(x)
    keep("last_norm", x)
    if "logits" in wanted and isinstance(model, Transformer):
        stages["logits"] = yield from _logits(model, x[0])
    return Trace(row.cpu().numpy(), stages, tuple(layers))


@torch.no_grad()
def read_heads(
    model: Stack, ids: NDArray[np.integer[Any]] | Tensor, switches: Ablation, into: list[tuple[Tensor, Tensor] | None]
) -> Work[None]:
    """The queries and keys of ids (T,), (H, T, D) each, of one layer after the other as soon as they are there; None for a
    layer that is off. What only the logits need is left out. The weights must not change between two slices.

    Raises ValueError for no ids, or more than the context.
    """
    x, turn = model.embed(_row(model, ids)[None])
    blocks = model.typed_blocks()
    for index, block in enumerate(blocks):
        yield index / len(blocks)
        if index in switches.layers:
            into.append(None)
            continue
        qkv = block.attention.project(block.attention_norm(x) if block.pre else x, turn)
        q, k = (_kept(part).clone() for part in qkv[:2])
        into.append((q, k))
        if index + 1 == len(blocks):
            return
        x = yield from scaled(attending(block, x, turn, index, switches, qkv=qkv), *_share(model, index, 0.2, 0.4))
        yield (index + 0.4) / len(blocks)
        x = yield from scaled(feeding(block, x, index, switches), *_share(model, index, 0.4, 1.0))


def _row(model: Stack, ids: NDArray[np.integer[Any]] | Tensor) -> Tensor:
    row = torch.as_tensor(ids, device=model.tokens.weight.device).long()
    if not 0 < len(row) <= model.context:
        raise ValueError(f"{len(row)} tokens do not fit a context of {model.context}")
    return row


def _share(model: Stack, layer: int, start: float, stop: float) -> tuple[float, float]:
    """A part of a layer as a part of the model."""
    return (layer + start) / len(model.blocks), (layer + stop) / len(model.blocks)


def embedding_scale(model: Stack) -> float:
    """What the rows of W_E are multiplied with before positions are added (Vaswani et al. 2017, 3.4)."""
    arch = model.architecture
    return math.sqrt(arch.d_model) if arch.positions == "sinusoidal" else 1.0


def attend(
    block: Block,
    x: Tensor,
    turn: Tensor | None,
    layer: int,
    switches: Ablation,
    keep: Keeper = NOTHING,
    cache: KeyValues | None = None,
) -> Tensor:
    """The attention half of a block without dropout: the stream (1, T, C) -> (1, T, C)."""
    return finished(attending(block, x, turn, layer, switches, keep, cache))


def attending(
    block: Block,
    x: Tensor,
    turn: Tensor | None,
    layer: int,
    switches: Ablation,
    keep: Keeper = NOTHING,
    cache: KeyValues | None = None,
    qkv: tuple[Tensor, Tensor, Tensor] | None = None,
) -> Work[Tensor]:
    """`attend` in slices; `qkv` is what `project` gave, where that is known."""
    attention, read = block.attention, x
    if qkv is None:
        if block.pre:
            read = block.attention_norm(x)
            keep("normed", read)
        qkv = attention.project(read, turn)
    q, k, v = qkv
    for name, part in (("q", q), ("k", k), ("v", v)):
        keep(name, part)
    yield 0.4
    if cache is not None:
        k, v = cache.append(k, v)
    mixed = _mixed(attention, q, k, v, switches, keep)
    if off := [head for head in switches.heads_of(layer) if head < attention.heads]:
        mixed = mixed.index_fill(1, torch.tensor(off, device=x.device), 0.0)
    keep("mixed", mixed)
    yield 0.8
    out = attention.out(mixed.transpose(1, 2).flatten(-2))
    keep("attention_out", out)
    x = x + out
    if not block.pre:
        x = block.attention_norm(x)
        keep("normed", x)
    keep("middle", x)
    return _crossed(block, x, keep)


def _crossed(block: Block, x: Tensor, keep: Keeper) -> Tensor:
    """The stream (1, T, C) after attention to a source that was read, where there is one."""
    if block.cross is None or block.memory is None:
        return x
    if "cross_weights" in keep.wanted:
        with watching([block.cross]) as watched:
            x = block.look_across(x)
        keep("cross_weights", watched[0])
    else:
        x = block.look_across(x)
    keep("crossed", x)
    return x


def feeding(block: Block, x: Tensor, layer: int, switches: Ablation, keep: Keeper = NOTHING) -> Work[Tensor]:
    """`feed` of some tokens at a time."""
    weights = block.feed_forward.up.weight.numel() + block.feed_forward.down.weight.numel()
    rows = max(1, int(_SLICE / (2 * weights)))
    parts, kept = [], []
    for first in range(0, x.shape[1], rows):
        if first:
            yield first / x.shape[1]
        own = Keeper(keep.wanted)
        parts.append(feed(block, x[:, first : first + rows], layer, switches, own))
        kept.append(own.kept)
    for name in kept[0]:
        keep.kept[name] = np.concatenate([some[name] for some in kept])
    return torch.cat(parts, 1)


def feed(
    block: Block, x: Tensor, layer: int, switches: Ablation, keep: Keeper = NOTHING
) -> Tensor:
    """The feed-forward half of a block without dropout: the stream (1, T, C) -> (1, T, C)."""
    read = x
    if block.pre:
        read = block.feed_forward_norm(x)
        keep("normed2", read)
    hidden = block.feed_forward.hidden(read)
    keep("hidden", hidden)
    out = block.feed_forward.down(hidden)
    if layer in switches.mlps:
        out = torch.zeros_like(out)
    keep("mlp_out", out)
    x = x + out
    if not block.pre:
        x = block.feed_forward_norm(x)
        keep("normed2", x)
    return x


@torch.no_grad()
def last_logits(model: Transformer, ids: Tensor, switches: Ablation, cache: Cache | None = None) -> Tensor:
    """Logits (V,) after ids (T,), which follow the tokens in the cache."""
    x, turn = model.embed(ids[None], 0 if cache is None else cache.length)
    for index, block in enumerate(model.typed_blocks()):
        own = None if cache is None else cache.layers[index]
        if index in switches.layers:
            if own is not None:
                own.length += len(ids)
            continue
        x = feed(block, attend(block, x, turn, index, switches, cache=own), index, switches)
    logits: Tensor = model.head(model.last_norm(x[:, -1]))[0]
    return logits


def _mixed(attention: SelfAttention, q: Tensor, k: Tensor, v: Tensor, switches: Ablation, keep: Keeper) -> Tensor:
    watched = keep.wanted & {"scores", "weights"}
    scale = 1 / math.sqrt(attention.d_head) if switches.scaled else 1.0
    dropping = attention.training and attention.dropout > 0
    if not (watched or dropping or switches.tokens) and switches.scaled and switches.causal:
        return attention.mix(q, k, v)
    T, S = q.shape[2], k.shape[2]
    allowed = seen(switches, attention.causal, S - T, S, S, q.device)
    if not watched:
        return F.scaled_dot_product_attention(q, k, v, allowed, scale=scale)
    if "scores" in watched:
        keep("scores", (q * scale) @ k.transpose(-2, -1))
    weights = attention_weights(q, k, allowed, scale)
    keep("weights", weights)
    return weights @ v


def _kept(value: Tensor) -> Tensor:
    value = value.detach()[0]
    return (value if value.dtype == torch.float64 else value.float()).cpu()


def _numpy(value: Tensor) -> NDArray[Any]:
    return np.array(_kept(value).numpy(), order="C")


def _positions(model: Stack, length: int) -> NDArray[Any]:
    arch, dtype = model.architecture, model.tokens.weight.dtype
    if model.positions is not None:
        found = model.positions.weight[:length]
    elif arch.positions == "sinusoidal":
        found = model.waves[:length]
    elif arch.positions == "rotary":
        found = angles(length, arch.d_head, arch.position_base).to(dtype)
    else:
        found = torch.zeros(length, 0, dtype=dtype)
    return _numpy(found[None])


def _logits(model: Transformer, x: Tensor) -> Work[NDArray[Any]]:
    rows = max(1, int(_SLICE / (2 * model.head.weight.numel())))
    parts = []
    for first in range(0, len(x), rows):
        parts.append(_numpy(model.head(x[None, first : first + rows])))
        if first + rows < len(x):
            yield 1.0
    return np.concatenate(parts)


class Switched(torch.nn.Module):
    """A model with parts switched off, for everything that reads and writes with a model."""

    def __init__(self, model: Transformer, switches: Ablation) -> None:
        super().__init__()
        self.model, self.switches, self.context = model, switches, model.context

    def forward(self, ids: Tensor, cache: Cache | None = None, last: bool = True) -> Tensor:
        """ids (1, T), which follow the tokens in the cache -> logits (1, 1, V) of the last."""
        return last_logits(self.model, ids[0], self.switches, cache)[None, None]

    def new_cache(self, batch: int = 1) -> Cache | None:
        """None where a new token changes what came before it."""
        return self.model.new_cache(batch) if self.switches.causal else None
