"""The feed-forward layer, the block and the whole of a transformer."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from genstudio.nn import branches
from genstudio.nn.attention import CrossAttention, SelfAttention
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
    @once_differentiable  # what is saved has no history: a second derivative would be wrong
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (positive,) = ctx.saved_tensors
        return torch.addcmul(gradient.new_zeros(()), gradient, positive, value=2)


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
    """Attention and feed-forward, each added to its input: normalised before (pre) or after the sum (post). With `cross`,
    attention to a memory of up to `context` positions stands between the two.

    `memory` are the keys and values of one that is read where none is given, (1, H, S, D) each: see `TransformerPair.bind`.
    """

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
        cross: bool = False,
    ) -> None:
        super().__init__()
        self.pre, self.dropout = norm_place == "pre", dropout
        self._plain = self.pre and not bias
        self.attention_norm = norm(norm_kind, d_model, bias)
        self.attention = SelfAttention(
            d_model, heads, d_head, context, causal=causal, bias=bias, qk_norm=qk_norm, dropout=dropout
        )
        self.cross_norm = norm(norm_kind, d_model, bias) if cross else None
        self.cross = (
            CrossAttention(d_model, heads, d_head, context, bias=bias, qk_norm=qk_norm, dropout=dropout) if cross else None
        )
        self.memory: tuple[Tensor, Tensor] | None = None
        self.feed_forward_norm = norm(norm_kind, d_model, bias)
        self.feed_forward = FeedForward(d_model, width, activation, bias)

    def forward(
        self,
        x: Tensor,
        turn: Tensor | None = None,
        cache: KeyValues | None = None,
        padding: Tensor | None = None,
        memory: Tensor | tuple[Tensor, Tensor] | None = None,
        memory_padding: Tensor | None = None,
        rows: Tensor | None = None,
    ) -> Tensor:
        """x (B, T, C), turn of the positions, cache of the positions before, padding (B, S) of all positions so far, memory
        and its padding as in `CrossAttention` -> (B, T, C), or (n, C) of the positions that are True in `rows` (B, T)"""
        dropout = self.dropout if self.training else 0.0
        if self._plain and cache is None and padding is None and self._attends_by_hand(x):
            x = branches.attend(x, self.attention_norm, self.attention, turn, dropout)
        elif self.pre:
            x = x + self._drop(self.attention(self.attention_norm(x), turn, cache, padding))
        else:
            x = self.attention_norm(x + self._drop(self.attention(x, turn, cache, padding)))
        x = self.look_across(x, memory, memory_padding)
        x = x if rows is None else x[rows]
        if self._plain and self._feeds_by_hand(x):
            return branches.feed_forward(x, self.feed_forward_norm, self.feed_forward, dropout)
        if self.pre:
            return x + self._drop(self.feed_forward(self.feed_forward_norm(x)))
        return self.feed_forward_norm(x + self._drop(self.feed_forward(x)))

    def look_across(
        self, x: Tensor, memory: Tensor | tuple[Tensor, Tensor] | None = None, padding: Tensor | None = None
    ) -> Tensor:
        """The stream (B, T, C) after attention to a memory, as in `forward`; the same where there is none."""
        memory = self.memory if memory is None else memory
        if self.cross is None or self.cross_norm is None or memory is None:
            return x
        if self.pre:
            return x + self._drop(self.cross(self.cross_norm(x), memory, padding))
        return cast("Tensor", self.cross_norm(x + self._drop(self.cross(x, memory, padding))))

    def _attends_by_hand(self, x: Tensor) -> bool:
        layer = self.attention
        short = 1 < x.shape[1] <= layer.longest_explicit and layer.watched is None
        return short and branches.applies(x, self.attention_norm, layer, layer.qkv, layer.out)

    def _feeds_by_hand(self, x: Tensor) -> bool:
        layer = self.feed_forward
        known = layer.activation in branches.ACTIVATIONS
        return known and branches.applies(x, self.feed_forward_norm, layer, layer.up, layer.down)

    def _drop(self, x: Tensor) -> Tensor:
        return F.dropout(x, self.dropout) if self.training and self.dropout else x


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """What a transformer is made of. `d_head` is free of `d_model`; `causal` is the look-ahead mask; `cross` is attention to
    a memory in every block."""

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
    cross: bool = False


class Blocks(nn.Module):
    """Blocks over vectors of `tokens`, and their positions: each vector has seen all that it may see afterwards."""

    turn: Tensor
    waves: Tensor

    def __init__(self, arch: Architecture, tokens: nn.Module | None = None) -> None:
        """Weights as torch begins with; a class that is built on it calls `_initialise` when it is whole. `tokens` is what makes
        the vectors, where they are not given: it comes first, for weights are drawn in the order of the modules."""
        super().__init__()
        self.architecture, self.context = arch, arch.context
        if tokens is not None:
            self.tokens = tokens
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
                cross=arch.cross,
            )
            for _ in range(arch.layers)
        )
        self.last_norm = norm(arch.norm, arch.d_model, arch.bias) if arch.norm_place == "pre" else nn.Identity()
        if arch.positions == "rotary":
            self.register_buffer("turn", rotary(arch.context, arch.d_head, arch.position_base), persistent=False)
        elif arch.positions == "sinusoidal":
            self.register_buffer("waves", sinusoidal(arch.context, arch.d_model, arch.position_base), persistent=False)

    def place(self, x: Tensor, past: int = 0) -> tuple[Tensor, Tensor | None]:
        """Vectors x (B, T, C) after `past` others -> the same with their positions, and the turn (T, D/2) where these are
        rotary."""
        end = past + x.shape[1]
        if self.positions is not None:
            x = x + self.positions.weight[past:end]
        elif self.architecture.positions == "sinusoidal":
            x = x * math.sqrt(x.shape[-1]) + self.waves[past:end]
        return x, self.turn[past:end] if self.architecture.positions == "rotary" else None

    def through(
        self,
        x: Tensor,
        turn: Tensor | None = None,
        cache: Cache | None = None,
        last: bool = False,
        padding: Tensor | None = None,
        memory: Tensor | Sequence[tuple[Tensor, Tensor]] | None = None,
        memory_padding: Tensor | None = None,
        rows: Tensor | None = None,
    ) -> Tensor:
        """x (B, T, C) and the turn of its positions, (T, D/2) or one for each row (B, T, D/2), through all blocks and the last
        norm; the rest as in `Stack.hidden`."""
        if self.training and self.architecture.dropout:
            x = F.dropout(x, self.architecture.dropout)
        for index, block in enumerate(self.blocks):
            own = memory if memory is None or isinstance(memory, Tensor) else memory[index]
            some = rows if index + 1 == len(self.blocks) else None  # after its attention, the last needs no other position
            x = block(x, turn, None if cache is None else cache.layers[index], padding, own, memory_padding, some)
        if last:
            x = x[:, -1:]
        return cast("Tensor", self.last_norm(x))

    def matrices(self) -> Iterator[tuple[Tensor, int]]:
        """The weight matrices of the blocks, each with how many independent matrices are stacked in its rows."""
        for block in self.typed_blocks():
            yield block.attention.qkv.weight, 3
            yield block.attention.out.weight, 1
            if block.cross is not None:
                yield block.cross.q.weight, 1
                yield block.cross.kv.weight, 2
                yield block.cross.out.weight, 1
            yield block.feed_forward.up.weight, 2 if self.architecture.activation == "swiglu" else 1
            yield block.feed_forward.down.weight, 1

    def typed_blocks(self) -> list[Block]:
        """The blocks in order."""
        return cast("list[Block]", list(self.blocks))

    @torch.no_grad()
    def widen(self, *first: nn.Linear) -> None:
        """Weights that keep the size of what they read, of these layers and of all that queries, keys, values and feed-forward
        layers are made by. With 0.02, which suits the width of a GPT-2, a narrow encoder of patches hardly looks at anything at
        first: it took five times as long to learn."""
        for linear in (*first, *(layer for block in self.typed_blocks() for layer in _readers(block))):
            linear.weight.normal_(0.0, 1 / math.sqrt(linear.in_features))

    @torch.no_grad()
    def _initialise(self, arch: Architecture) -> None:
        """Radford et al. 2019, 2.3: small normal weights, smaller where a residual branch ends."""
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Embedding):
                module.weight.normal_(0.0, 0.02)
            if isinstance(module, nn.Linear) and module.bias is not None:
                module.bias.zero_()
        for block in self.typed_blocks():
            ends = [block.attention.out, block.feed_forward.down, *([] if block.cross is None else [block.cross.out])]
            for linear in ends:
                linear.weight.mul_(1 / math.sqrt(len(ends) * arch.layers))


def _readers(block: Block) -> tuple[nn.Linear, ...]:
    cross = () if block.cross is None else (block.cross.q, block.cross.kv)
    return block.attention.qkv, *cross, block.feed_forward.up


class Stack(Blocks):
    """Token embedding, positions and blocks: from ids to one vector per token, which has seen all that it may see."""

    tokens: nn.Embedding

    def __init__(self, arch: Architecture) -> None:
        """Weights as torch begins with; a class that is built on it calls `_initialise` when it is whole."""
        super().__init__(arch, nn.Embedding(arch.vocabulary, arch.d_model))

    def hidden(
        self,
        ids: Tensor,
        cache: Cache | None = None,
        last: bool = False,
        padding: Tensor | None = None,
        memory: Tensor | Sequence[tuple[Tensor, Tensor]] | None = None,
        memory_padding: Tensor | None = None,
        rows: Tensor | None = None,
    ) -> Tensor:
        """ids (B, T), which follow the tokens in the cache -> one vector per token (B, T, C), or that of the last alone
        (B, 1, C), or those of the positions that are True in `rows` (B, T): (n, C).

        `padding` (B, S) boolean covers the tokens in the cache and these: True where there is none, so that nobody sees it;
        what stands there is any id. `memory` (B, M, C) is what the blocks' cross-attention reads, or its keys and values
        in each block; `memory_padding` (B, M) is True where it has no token.
        """
        x, turn = self.embed(ids, 0 if cache is None else cache.length)
        return self.through(x, turn, cache, last, padding, memory, memory_padding, rows)

    def new_cache(self, batch: int = 1) -> Cache | None:
        """Room for `context` tokens; None without the look-ahead mask, where every new token changes all before it."""
        if not self.architecture.causal:
            return None
        heads, d_head, like = self.architecture.heads, self.architecture.d_head, self.tokens.weight
        return Cache([KeyValues(batch, heads, self.context, d_head, like) for _ in self.blocks])

    @torch.no_grad()
    def attention(self, ids: Tensor) -> Tensor:
        """Attention weights of ids (T,): (layers, heads, T, T), row = query."""
        with watching([block.attention for block in self.typed_blocks()]) as watched:
            self.hidden(ids[None])
        return torch.cat(watched)

    def embed(self, ids: Tensor, past: int = 0) -> tuple[Tensor, Tensor | None]:
        """ids (B, T) after `past` others -> the stream before the first block (B, T, C), and the turn of the positions
        (T, D/2) where they are rotary."""
        return self.place(self.tokens(ids), past)


class Encoder(Stack):
    """A stack without an output layer: what it makes of its input is read by others."""

    def __init__(self, arch: Architecture) -> None:
        super().__init__(arch)
        self._initialise(arch)

    def forward(self, ids: Tensor, padding: Tensor | None = None) -> Tensor:
        """ids (B, S), padding (B, S), True where there is no token -> (B, S, C)"""
        return self.hidden(ids, padding=padding)


class Transformer(Stack):
    """A stack, and a linear layer to logits over the vocabulary.

    With the look-ahead mask it is a decoder that continues a text (Radford et al. 2019), without it an encoder that
    reads from both sides (Devlin et al. 2019); with a memory it is the decoder of Vaswani et al. 2017.
    """

    def __init__(self, arch: Architecture) -> None:
        super().__init__(arch)
        self.head = nn.Linear(arch.d_model, arch.vocabulary, bias=False)
        self._initialise(arch)

    def forward(
        self,
        ids: Tensor,
        cache: Cache | None = None,
        last: bool = False,
        padding: Tensor | None = None,
        memory: Tensor | Sequence[tuple[Tensor, Tensor]] | None = None,
        memory_padding: Tensor | None = None,
    ) -> Tensor:
        """The arguments of `hidden` -> logits (B, T, V), or (B, 1, V) of the last alone."""
        return self.head(self.hidden(ids, cache, last, padding, memory, memory_padding))

    def loss(self, ids: Tensor, targets: Tensor) -> Tensor:
        """Mean negative log-likelihood in nats of targets (B, T) after ids (B, T)."""
        return F.cross_entropy(self(ids).flatten(0, 1).float(), targets.flatten())

    @torch.no_grad()
    def _initialise(self, arch: Architecture) -> None:
        """An untied head is zero, so that an untrained model gives every token the same probability."""
        super()._initialise(arch)
        if not arch.tied:
            self.head.weight.zero_()
            return
        # Where its own vector is most of what the last norm sees, a token would predict itself.
        if arch.norm_place == "post" or arch.positions == "sinusoidal":
            self.tokens.weight.mul_(min(1.0, 50 / arch.d_model))
        self.head.weight = self.tokens.weight


@contextmanager
def watching(layers: Sequence[SelfAttention | CrossAttention]) -> Iterator[list[Tensor]]:
    """The attention weights (B, H, T, S) of every forward pass of these layers, in the order in which they are computed."""
    watched: list[Tensor] = []
    for layer in layers:
        layer.watched = watched
    try:
        yield watched
    finally:
        for layer in layers:
            layer.watched = None
