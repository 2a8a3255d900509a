"""The feed-forward layer and the block of a transformer."""

from __future__ import annotations

from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genstudio.nn.attention import SelfAttention
from genstudio.nn.cache import KeyValues
from genstudio.nn.norm import norm

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
