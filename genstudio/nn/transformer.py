"""The feed-forward layer, the block and the whole of a transformer."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genstudio.nn.attention import SelfAttention
from genstudio.nn.cache import Cache, KeyValues
from genstudio.nn.norm import norm
from genstudio.nn.positions import rotary, sinusoidal

Activation = Literal["relu", "gelu", "gelu_tanh", "swiglu", "relu2"]


class _SquaredReLU(torch.autograd.Function):
    """max(x, 0)^2; torch's own backward of the square is ten times slower on a CPU."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        positive = F.relu(x)
        ctx.save_for_backward(positive)
        return positive * positive

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (positive,) = ctx.saved_tensors
        return (gradient * positive).mul_(2)


class FeedForward(nn.Module):
    """Each token's vector through a wide hidden layer and back (Vaswani et al. 2017, 3.3).

    gelu_tanh is the approximation that GPT-2 uses; relu2 is the squared ReLU (So et al. 2021); swiglu multiplies one
    half of `up`, through SiLU, with the other (Shazeer 2020).
    """

    def __init__(self, d_model: int, width: int, activation: Activation = "gelu", bias: bool = False) -> None:
        super().__init__()
        self.activation = activation
        self.up = nn.Linear(d_model, (2 if activation == "swiglu" else 1) * width, bias=bias)
        self.down = nn.Linear(width, d_model, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """x (..., C) -> (..., C)"""
        return self.down(self.hidden(x))

    def hidden(self, x: Tensor) -> Tensor:
        """The wide layer after its non-linearity: x (..., C) -> (..., width)"""
        hidden = self.up(x)
        if self.activation == "relu2":
            return _SquaredReLU.apply(hidden)
        if self.activation == "gelu":
            return F.gelu(hidden)
        if self.activation == "gelu_tanh":
            return F.gelu(hidden, approximate="tanh")
        if self.activation == "swiglu":
            gate, value = hidden.chunk(2, dim=-1)
            return F.silu(gate) * value
        return F.relu(hidden)


class Block(nn.Module):
    """Attention and feed-forward, each added to its input: normalised before (pre) or after the sum (post)."""

    def __init__(
        self,
        d_model: int,
        heads: int,
        d_head: int,
        context: int,
        width: int,
        *,
        activation: Activation = "gelu",
        norm_kind: Literal["rmsnorm", "layernorm"] = "layernorm",
        norm_place: Literal["pre", "post"] = "pre",
        causal: bool = True,
        qk_norm: bool = False,
        bias: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.pre, self.dropout = norm_place == "pre", dropout
        self.attention_norm = norm(norm_kind, d_model, bias)
        self.attention = SelfAttention(
            d_model, heads, d_head, context, causal=causal, bias=bias, qk_norm=qk_norm, dropout=dropout
        )
        self.feed_forward_norm = norm(norm_kind, d_model, bias)
        self.feed_forward = FeedForward(d_model, width, activation, bias)

    def forward(self, x: Tensor, turn: Tensor | None = None, cache: KeyValues | None = None) -> Tensor:
        """x (B, T, C), turn of the positions, cache of the positions before -> (B, T, C)"""
        if self.pre:
            x = x + self._drop(self.attention(self.attention_norm(x), turn, cache))
            return x + self._drop(self.feed_forward(self.feed_forward_norm(x)))
        x = self.attention_norm(x + self._drop(self.attention(x, turn, cache)))
        return self.feed_forward_norm(x + self._drop(self.feed_forward(x)))

    def _drop(self, x: Tensor) -> Tensor:
        return F.dropout(x, self.dropout) if self.training and self.dropout else x


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """What a transformer is made of. `d_head` is free of `d_model`; `causal` is the look-ahead mask."""

    vocabulary: int
    context: int
    layers: int
    heads: int
    d_model: int
    d_head: int
    d_ff: int
    activation: Activation = "gelu"
    positions: Literal["sinusoidal", "learned", "rotary", "none"] = "learned"
    position_base: float = 10_000.0
    norm: Literal["rmsnorm", "layernorm"] = "layernorm"
    norm_place: Literal["pre", "post"] = "pre"
    causal: bool = True
    qk_norm: bool = False
    bias: bool = False
    tied: bool = False
    dropout: float = 0.0


class Transformer(nn.Module):
    """Token embedding, positions, blocks, and a linear layer to logits over the vocabulary.

    With the look-ahead mask it is a decoder that continues a text (Radford et al. 2019), without it an encoder that
    reads from both sides (Devlin et al. 2019).
    """

    turn: Tensor
    waves: Tensor

    def __init__(self, arch: Architecture) -> None:
        super().__init__()
        self.architecture, self.context = arch, arch.context
        self.tokens = nn.Embedding(arch.vocabulary, arch.d_model)
        self.positions = nn.Embedding(arch.context, arch.d_model) if arch.positions == "learned" else None
        self.blocks = nn.ModuleList(
            Block(
                arch.d_model,
                arch.heads,
                arch.d_head,
                arch.context,
                arch.d_ff,
                activation=arch.activation,
                norm_kind=arch.norm,
                norm_place=arch.norm_place,
                causal=arch.causal,
                qk_norm=arch.qk_norm,
                bias=arch.bias,
                dropout=arch.dropout,
            )
            for _ in range(arch.layers)
        )
        self.last_norm = norm(arch.norm, arch.d_model, arch.bias) if arch.norm_place == "pre" else nn.Identity()
        self.head = nn.Linear(arch.d_model, arch.vocabulary, bias=False)
        if arch.positions == "rotary":
            self.register_buffer("turn", rotary(arch.context, arch.d_head, arch.position_base), persistent=False)
        elif arch.positions == "sinusoidal":
            self.register_buffer("waves", sinusoidal(arch.context, arch.d_model, arch.position_base), persistent=False)
        self._initialise(arch)

    def forward(self, ids: Tensor, cache: Cache | None = None, last: bool = False) -> Tensor:
        """ids (B, T), which follow the tokens in the cache -> logits (B, T, V), or (B, 1, V) of the last alone."""
        x, turn = self.embed(ids, 0 if cache is None else cache.length)
        if self.training and self.architecture.dropout:
            x = F.dropout(x, self.architecture.dropout)
        for index, block in enumerate(self.blocks):
            x = block(x, turn, None if cache is None else cache.layers[index])
        if last:
            x = x[:, -1:]
        return self.head(self.last_norm(x))

    def loss(self, ids: Tensor, targets: Tensor) -> Tensor:
        """Mean negative log-likelihood in nats of targets (B, T) after ids (B, T)."""
        return F.cross_entropy(self(ids).flatten(0, 1).float(), targets.flatten())

    def new_cache(self, batch: int = 1) -> Cache | None:
        """Room for `context` tokens; None without the look-ahead mask, where every new token changes all before it."""
        if not self.architecture.causal:
            return None
        heads, d_head, like = self.architecture.heads, self.architecture.d_head, self.tokens.weight
        return Cache([KeyValues(batch, heads, self.context, d_head, like) for _ in self.blocks])

    @torch.no_grad()
    def attention(self, ids: Tensor) -> Tensor:
        """Attention weights of ids (T,): (layers, heads, T, T), row = query."""
        watched: list[Tensor] = []
        layers = [block.attention for block in self.typed_blocks()]
        for layer in layers:
            layer.watched = watched
        try:
            self(ids[None])
        finally:
            for layer in layers:
                layer.watched = None
        return torch.cat(watched)

    def matrices(self) -> Iterator[tuple[Tensor, int]]:
        """The weight matrices of the blocks, each with how many independent matrices are stacked in its rows."""
        for block in self.typed_blocks():
            yield block.attention.qkv.weight, 3
            yield block.attention.out.weight, 1
            yield block.feed_forward.up.weight, 2 if self.architecture.activation == "swiglu" else 1
            yield block.feed_forward.down.weight, 1

    def typed_blocks(self) -> list[Block]:
        """The blocks in order."""
        return cast("list[Block]", list(self.blocks))

    def embed(self, ids: Tensor, past: int = 0) -> tuple[Tensor, Tensor | None]:
        """ids (B, T) after `past` others -> the stream before the first block (B, T, C), and the turn of the positions
        (T, D/2) where they are rotary."""
        x = self.tokens(ids)
        end = past + ids.shape[1]
        if self.positions is not None:
            x = x + self.positions.weight[past:end]
        elif self.architecture.positions == "sinusoidal":
            x = x * math.sqrt(x.shape[-1]) + self.waves[past:end]
        return x, self.turn[past:end] if self.architecture.positions == "rotary" else None

    @torch.no_grad()
    def _initialise(self, arch: Architecture) -> None:
        """Radford et al. 2019, 2.3: small normal weights, smaller where a residual branch ends; an untied head is zero,
        so that an untrained model gives every token the same probability."""
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Embedding):
                module.weight.normal_(0.0, 0.02)
            if isinstance(module, nn.Linear) and module.bias is not None:
                module.bias.zero_()
        for block in self.typed_blocks():
            block.attention.out.weight.mul_(1 / math.sqrt(2 * arch.layers))
            block.feed_forward.down.weight.mul_(1 / math.sqrt(2 * arch.layers))
        if not arch.tied:
            self.head.weight.zero_()
            return
        # Where its own vector is most of what the last norm sees, a token would predict itself.
        if arch.norm_place == "post" or arch.positions == "sinusoidal":
            self.tokens.weight.mul_(min(1.0, 50 / arch.d_model))
        self.head.weight = self.tokens.weight
