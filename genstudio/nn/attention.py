"""Multi-head self-attention."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from genstudio.nn.cache import KeyValues
from genstudio.nn.norm import inverse_rms, rms_norm
from genstudio.nn.positions import rotate

EXPLICIT = 128  # up to this many keys, matrices of weights are faster than the fused kernel on a CPU


class _NormaliseAndTurn(torch.autograd.Function):
    """`rotate(rms_norm(x), turn)` in half the passes over memory, which is what it costs on a CPU."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, turn: Tensor) -> Tensor:
        inverse = inverse_rms(x)
        turned = rotate(x * inverse, turn)
        ctx.save_for_backward(turned, inverse, turn)
        return turned

    @staticmethod
    @once_differentiable  # what is saved has no history: a second derivative would be wrong
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        turned, inverse, turn = ctx.saved_tensors
        along = (gradient * turned).mean(-1, keepdim=True)
        across = torch.addcmul(gradient, turned, along, value=-1).mul_(inverse)
        return rotate(across, turn.conj()), None


def attention_weights(q: Tensor, k: Tensor, allowed: Tensor | None = None, scale: float | None = None) -> Tensor:
    """softmax(q k^T scale) with exact zeros where `allowed` is False (Vaswani et al. 2017, 3.2.1).

    q (..., T, D), k (..., S, D), allowed boolean, broadcastable to (..., T, S), scale 1/sqrt(D) unless told
    -> (..., T, S). A row in which nothing is allowed is all zeros, and so is its gradient.
    """
    scores = (q * (1 / math.sqrt(q.shape[-1]) if scale is None else scale)) @ k.transpose(-2, -1)
    if allowed is None:
        return scores.softmax(-1)
    least = torch.finfo(scores.dtype).min  # -inf would make a row without any allowed entry NaN
    return scores.masked_fill(~allowed, least).softmax(-1).masked_fill(~allowed, 0.0)


def look_ahead(queries: int, keys: int, device: torch.device | str = "cpu") -> Tensor:
    """Which keys each of the last `queries` positions may see: (queries, keys) boolean, itself and all before it."""
    return torch.ones(queries, keys, dtype=torch.bool, device=device).tril(keys - queries)


class Attention(nn.Module):
    """Multi-head attention from queries to keys and values (Vaswani et al. 2017, 3.2.2): fused when unwatched, explicit when
    watched or short.

    The head size is free of d_model; `out` (W_O) maps all heads back. While `watched` is a list, every forward pass
    appends its attention weights (B, H, T, S) to it.
    """

    future: Tensor

    def __init__(self, heads: int, d_head: int, context: int, *, causal: bool, qk_norm: bool, dropout: float) -> None:
        super().__init__()
        self.heads, self.d_head, self.causal, self.qk_norm, self.dropout = heads, d_head, causal, qk_norm, dropout
        self.watched: list[Tensor] | None = None
        self.longest_explicit = min(context, EXPLICIT)

    def mix(self, q: Tensor, k: Tensor, v: Tensor, padding: Tensor | None = None) -> Tensor:
        """Each query's mixture of values: q (B, H, T, D), k and v (B, H, S, D) -> (B, H, T, D); `padding` (B, S) boolean
        is True for keys that nobody may see. A query that may see nothing mixes zeros."""
        if self.watched is not None:
            return self._watch(q, k, v, padding)
        if self._short(q.shape[2], k) and not (self.training and self.dropout):
            return self._explicit(q, k, v, padding)
        return self._fused(q, k, v, padding)

    def _short(self, queries: int, k: Tensor) -> bool:
        return queries > 1 and k.device.type == "cpu" and k.shape[2] <= self.longest_explicit

    def _explicit(self, q: Tensor, k: Tensor, v: Tensor, padding: Tensor | None) -> Tensor:
        T, S = q.shape[2], k.shape[2]
        flat_q, flat_k, flat_v = (part.reshape(-1, part.shape[2], self.d_head) for part in (q, k, v))
        scale = 1 / math.sqrt(self.d_head)
        if self.causal and T > 1:
            # the mask is added by the product that scores: to mask afterwards would read and write all scores once more
            scores = torch.baddbmm(self.future[S - T : S, :S], flat_q, flat_k.transpose(1, 2), alpha=scale)
        else:
            scores = torch.bmm(flat_q * scale, flat_k.transpose(1, 2))
        weights = scores.softmax(-1) if padding is None else self._padded(scores, padding, T)
        return torch.bmm(weights, flat_v).view(q.shape)

    def _padded(self, scores: Tensor, padding: Tensor, queries: int) -> Tensor:
        """Weights of scores (B H, T, S), exactly 0 for padding (B, S)."""
        hidden = padding[:, None, None]
        masked = scores.unflatten(0, (len(padding), -1)).masked_fill_(hidden, torch.finfo(scores.dtype).min)
        weights = masked.softmax(-1)
        seen = padding.shape[1] - queries + 1 if self.causal else padding.shape[1]
        if padding[:, :seen].all(1).any():  # the first query of a row sees nothing: only then the even mixture must go
            weights = weights.masked_fill(hidden, 0.0)
        return weights.flatten(0, 1)

    def _fused(self, q: Tensor, k: Tensor, v: Tensor, padding: Tensor | None = None) -> Tensor:
        T, S = q.shape[2], k.shape[2]
        dropout = self.dropout if self.training else 0.0
        if padding is not None or (self.causal and 1 < T < S):
            return F.scaled_dot_product_attention(q, k, v, self._allowed(T, S, padding, q.device), dropout)
        return F.scaled_dot_product_attention(q, k, v, None, dropout, is_causal=self.causal and T > 1)

    def _watch(self, q: Tensor, k: Tensor, v: Tensor, padding: Tensor | None) -> Tensor:
        weights = attention_weights(q, k, self._allowed(q.shape[2], k.shape[2], padding, q.device))
        if self.watched is not None:
            self.watched.append(weights)
        return weights @ v

    def _allowed(self, queries: int, keys: int, padding: Tensor | None, device: torch.device) -> Tensor | None:
        """What may be seen, broadcastable to (B, H, T, S); None: everything."""
        allowed = look_ahead(queries, keys, device) if self.causal else None
        if padding is None:
            return allowed
        real = ~padding[:, None, None]
        return real if allowed is None else real & allowed


class SelfAttention(Attention):
    """Attention within a sequence: queries, keys and values come from the same tokens."""

    def __init__(
        self,
        d_model: int,
        heads: int,
        d_head: int,
        context: int,
        *,
        causal: bool = True,
        bias: bool = False,
        qk_norm: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__(heads, d_head, context, causal=causal, qk_norm=qk_norm, dropout=dropout)
        self.qkv = nn.Linear(d_model, 3 * heads * d_head, bias=bias)
        self.out = nn.Linear(heads * d_head, d_model, bias=bias)
        short = self.longest_explicit
        # -inf on what lies ahead: baddbmm adds it to q k^T in the same pass, where a boolean mask takes another one
        self.register_buffer("future", torch.full((short, short), -math.inf).triu(1), persistent=False)

    def forward(
        self, x: Tensor, turn: Tensor | None = None, cache: KeyValues | None = None, padding: Tensor | None = None
    ) -> Tensor:
        """x (B, T, C), turn (T, D/2) of these positions, cache of the positions before, padding (B, S) of all positions so
        far, True where there is no token -> (B, T, C)"""
        q, k, v = self.project(x, turn)
        if cache is not None:
            k, v = cache.append(k, v)
        return self.out(self.mix(q, k, v, padding).transpose(1, 2).flatten(-2))

    def project(self, x: Tensor, turn: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values of x (B, T, C), normalised and turned as they are used: (B, H, T, D) each."""
        qkv = self.qkv(x).unflatten(-1, (3 * self.heads, self.d_head))  # (B, T, 3H, D)
        if turn is None and not self.qk_norm:
            q, k, v = qkv.unflatten(2, (3, self.heads)).transpose(1, 3).unbind(2)
            return q, k, v
        qk, v = qkv.split((2 * self.heads, self.heads), dim=2)
        if turn is not None:
            qk = qk if qk.dtype == torch.float64 else qk.float()
            qk = self._turned(qk, turn).to(v.dtype)
        elif self.qk_norm:
            qk = rms_norm(qk).to(v.dtype)
        q, k = qk.transpose(1, 2).chunk(2, dim=1)  # (B, H, T, D)
        return q, k, v.transpose(1, 2)

    def _turned(self, qk: Tensor, turn: Tensor) -> Tensor:
        if not self.qk_norm:
            return rotate(qk, turn)
        return _NormaliseAndTurn.apply(qk, turn) if torch.is_grad_enabled() else rotate(rms_norm(qk), turn)


class CrossAttention(Attention):
    """Attention to another sequence: queries from x, keys and values from what an encoder made of its input, the memory
    (Vaswani et al. 2017, 3.2.3)."""

    def __init__(
        self,
        d_model: int,
        heads: int,
        d_head: int,
        context: int,
        *,
        bias: bool = False,
        qk_norm: bool = False,
        dropout: float = 0.0,
    ) -> None:
        """`context` is the most positions that a memory has."""
        super().__init__(heads, d_head, context, causal=False, qk_norm=qk_norm, dropout=dropout)
        self.q = nn.Linear(d_model, heads * d_head, bias=bias)
        self.kv = nn.Linear(d_model, 2 * heads * d_head, bias=bias)
        self.out = nn.Linear(heads * d_head, d_model, bias=bias)

    def forward(self, x: Tensor, memory: Tensor | tuple[Tensor, Tensor], padding: Tensor | None = None) -> Tensor:
        """x (B, T, C); memory (B, S, C), or the keys and values that `remember` made of it; padding (B, S), True where the
        memory has no token -> (B, T, C). A memory of one row serves all rows of x."""
        q = self._normed(self.q(x).unflatten(-1, (self.heads, self.d_head)).transpose(1, 2))
        k, v = self.remember(memory) if isinstance(memory, Tensor) else memory
        if len(k) != len(q):
            k, v = k.expand(len(q), -1, -1, -1), v.expand(len(q), -1, -1, -1)
            padding = None if padding is None else padding.expand(len(q), -1)
        return self.out(self.mix(q, k, v, padding).transpose(1, 2).flatten(-2))

    def remember(self, memory: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values (B, H, S, D) of a memory (B, S, C), which are the same for every query."""
        k, v = self.kv(memory).unflatten(-1, (2, self.heads, self.d_head)).permute(2, 0, 3, 1, 4).unbind(0)
        return self._normed(k), v

    def _normed(self, x: Tensor) -> Tensor:
        return rms_norm(x).to(x.dtype) if self.qk_norm else x
