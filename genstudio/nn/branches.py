"""The residual branches of a pre-norm block with their gradients written by hand: a training step of a small model on a CPU is
bound by passes over memory and by operations too small to count, and autograd makes many of both.

Each branch is one operation for autograd: x + f(norm(x)). The norm's weight is multiplied into the matrix that reads what is
normalised, which is the smaller of the two; what can be is written over what nobody needs again; and heads lie as the products
want them from the first copy on.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from genstudio.nn.attention import SelfAttention
from genstudio.nn.norm import EPSILON, RMSNorm, inverse_rms

if TYPE_CHECKING:
    from genstudio.nn.transformer import FeedForward

ACTIVATIONS = ("relu", "relu2", "gelu", "gelu_tanh")
_APPROXIMATE = {"gelu": "none", "gelu_tanh": "tanh"}


def applies(x: Tensor, *modules: nn.Module) -> bool:
    """Whether a branch of these modules can be computed here for x: its gradients are wanted, on a CPU, in one precision, and no
    hook looks on."""
    return (
        torch.is_grad_enabled()
        and x.device.type == "cpu"
        and not torch.is_autocast_enabled("cpu")
        and not any(module._forward_hooks or module._forward_pre_hooks for module in modules)
    )


def attend(x: Tensor, norm: nn.Module, attention: SelfAttention, turn: Tensor | None, dropout: float = 0.0) -> Tensor:
    """x (B, T, C) + attention(norm(x), turn), both without biases: (B, T, C). T is at most `attention.longest_explicit`. This
    share of the weights, and of what is added, is left out."""
    T = x.shape[1]
    future = attention.future[:T, :T] if attention.causal else None
    weights = norm.weight, attention.qkv.weight, attention.out.weight
    how = isinstance(norm, RMSNorm), attention.heads, turn, attention.qk_norm, future, dropout
    made: Tensor = _Attend.apply(x, *weights, *how)
    return made


def feed_forward(x: Tensor, norm: nn.Module, layer: FeedForward, dropout: float = 0.0) -> Tensor:
    """x (..., C) + layer(norm(x)), both without biases: (..., C). This share of what is added is left out."""
    weights = norm.weight, layer.up.weight, layer.down.weight
    made: Tensor = _FeedForward.apply(x, *weights, isinstance(norm, RMSNorm), layer.activation, dropout)
    return made


def _kept(x: Tensor, dropout: float) -> Tensor | None:
    """What of x is kept, so scaled that its mean stays, drawn as torch does; None: all."""
    return torch.empty_like(x).bernoulli_(1 - dropout).div_(1 - dropout) if dropout else None


def _times(x: Tensor, kept: Tensor | None) -> Tensor:
    return x if kept is None else x * kept


def _through_length(gradient: Tensor, normed: Tensor, inverse: Tensor) -> Tensor:
    """The gradient by x, written over that by normed = x * inverse, where `inverse` is 1 / rms(x) of the last axis."""
    along = (gradient * normed).sum(-1, keepdim=True)
    return gradient.addcmul_(normed, along, value=-1 / gradient.shape[-1]).mul_(inverse)


class _Normed:
    """x (n, C) without its scale (RMSNorm) or without mean and scale (LayerNorm), and the way back."""

    def __init__(self, x: Tensor, rms: bool) -> None:
        self.input: Tensor | None = None
        self.mean: Tensor | None = None
        if rms:
            self.inverse = inverse_rms(x)
            self.output = x * self.inverse
        else:
            self.input = x
            self.output, self.mean, self.inverse = torch.native_layer_norm(x, x.shape[-1:], None, None, EPSILON)

    def pull(self, gradient: Tensor, straight: Tensor) -> Tensor:
        """The gradient by x of what `gradient` (n, C) is that by the output of, and of x itself, of which it is `straight`."""
        if self.input is None:
            return _through_length(gradient, self.output, self.inverse).add_(straight)
        back = torch.ops.aten.native_layer_norm_backward
        size, mask = gradient.shape[-1:], [True, False, False]
        found: Tensor = back(gradient, self.input, size, self.mean, self.inverse, None, None, mask)[0]
        return found.add_(straight)


def _pulled_in(
    needed: tuple[bool, ...], gradient: Tensor, straight: Tensor, normed: _Normed, scale: Tensor, weight: Tensor, both: Tensor
) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
    """Gradients by x, by the norm's `scale` and by the `weight` of the matrix that reads it, from that by what this makes; `both`
    is their product. Only those `needed`."""
    of_x = of_scale = of_weight = None
    if needed[1] or needed[2]:
        of_both = torch.mm(gradient.t(), normed.output)
        of_scale = (of_both * weight).sum(0) if needed[1] else None
        of_weight = of_both.mul_(scale)
    if needed[0]:
        of_x = normed.pull(torch.mm(gradient, both), straight)
    return of_x, of_scale, of_weight


class _FeedForward(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, scale: Tensor, up: Tensor, down: Tensor, rms: bool, activation: str, dropout: float
    ) -> Tensor:
        flat = x.reshape(-1, x.shape[-1])
        normed, both = _Normed(flat, rms), up * scale
        hidden = torch.mm(normed.output, both.t())
        if activation in _APPROXIMATE:
            active = F.gelu(hidden, approximate=_APPROXIMATE[activation])
        else:
            active = hidden.relu_() if activation == "relu" else hidden.relu_().square()
        added = torch.mm(active, down.t())
        kept = _kept(added, dropout)
        ctx.normed, ctx.activation = normed, activation
        ctx.save_for_backward(hidden, active, scale, up, down, both, kept)
        return _times(added, kept).add_(flat).view(x.shape)

    @staticmethod
    @once_differentiable  # what is saved has no history: a second derivative would be wrong
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        hidden, active, scale, up, down, both, kept = ctx.saved_tensors
        flat, activation = gradient.reshape(-1, gradient.shape[-1]), ctx.activation
        of_added = _times(flat, kept)
        of_down = torch.mm(of_added.t(), active) if ctx.needs_input_grad[3] else None
        # the 2 of the squared ReLU's derivative 2 max(x, 0) costs least in the weights
        pulled = torch.mm(of_added, down * 2 if activation == "relu2" else down)
        if activation == "relu2":
            pulled.mul_(hidden)
        elif activation == "relu":
            pulled = torch.ops.aten.threshold_backward(pulled, hidden, 0)
        else:
            pulled = torch.ops.aten.gelu_backward(pulled, hidden, approximate=_APPROXIMATE[activation])
        of_x, of_scale, of_up = _pulled_in(ctx.needs_input_grad, pulled, flat, ctx.normed, scale, up, both)
        return None if of_x is None else of_x.view(gradient.shape), of_scale, of_up, of_down, None, None, None


class _Attend(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, scale: Tensor, qkv: Tensor, out: Tensor,
        rms: bool, heads: int, turn: Tensor | None, qk_norm: bool, future: Tensor | None, dropout: float,
    ) -> Tensor:  # fmt: skip
        B, T, C = x.shape
        D = len(qkv) // (3 * heads)
        flat = x.reshape(-1, C)
        normed, both = _Normed(flat, rms), qkv * scale
        made = _heads(torch.mm(normed.output, both.t()), B, heads)
        own = made.new_empty(made.shape)  # (3, B, H, T, D): each of the three lies as the products want it
        turn = turn if turn is None or turn.ndim == 2 else turn[:, None]
        _turned(made, own, turn)
        inverse = inverse_rms(own[:2]) if qk_norm else None  # a turn does not change a length, so it can come first
        if inverse is not None:
            own[:2].mul_(inverse)
        q, k, v = own.view(3, B * heads, T, D).unbind(0)
        if future is None:
            scores = torch.baddbmm(q.new_empty(1, 1, 1), q, k.mT, beta=0, alpha=1 / math.sqrt(D))
        else:
            scores = torch.baddbmm(future, q, k.mT, alpha=1 / math.sqrt(D))
        weights = scores.softmax(-1)
        seen = _kept(weights, dropout)
        mixed = torch.bmm(_times(weights, seen), v).view(B, heads, T, D).transpose(1, 2).reshape(B * T, heads * D)
        added = torch.mm(mixed, out.t())
        kept = _kept(added, dropout)
        ctx.normed, ctx.turn = normed, turn
        ctx.save_for_backward(own, inverse, weights, mixed, scale, qkv, out, both, seen, kept)
        return _times(added, kept).add_(flat).view(B, T, C)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        own, inverse, weights, mixed, scale, qkv, out, both, seen, kept = ctx.saved_tensors
        _, B, H, T, D = own.shape
        flat = gradient.reshape(-1, gradient.shape[-1])
        of_added = _times(flat, kept)
        of_out = torch.mm(of_added.t(), mixed) if ctx.needs_input_grad[3] else None
        of_mixed = torch.mm(of_added, out).view(B, T, H, D).transpose(1, 2).reshape(B * H, T, D)
        q, k, v = own.view(3, B * H, T, D).unbind(0)
        pulled = torch.empty_like(own)
        of_q, of_k, of_v = pulled.view(3, B * H, T, D).unbind(0)
        torch.bmm(_times(weights, seen).mT, of_mixed, out=of_v)
        of_weights = _times(torch.bmm(of_mixed, v.mT), seen)
        of_scores = torch.ops.aten._softmax_backward_data(of_weights, weights, -1, weights.dtype)
        torch.baddbmm(of_q, of_scores, k, beta=0, alpha=1 / math.sqrt(D), out=of_q)
        torch.baddbmm(of_k, of_scores.mT, q, beta=0, alpha=1 / math.sqrt(D), out=of_k)
        if inverse is not None:
            _through_length(pulled[:2], own[:2], inverse)
        of_made = flat.new_empty(B * T, 3 * H * D)
        _turned(pulled, _heads(of_made, B, H), None if ctx.turn is None else ctx.turn.conj())
        of_x, of_scale, of_qkv = _pulled_in(ctx.needs_input_grad, of_made, flat, ctx.normed, scale, qkv, both)
        of_x = None if of_x is None else of_x.view(gradient.shape)
        return of_x, of_scale, of_qkv, of_out, None, None, None, None, None, None


def _heads(made: Tensor, batch: int, heads: int) -> Tensor:
    """Queries, keys and values (B T, 3 H D) of one projection, as (3, B, H, T, D)."""
    return made.view(batch, -1, 3, heads, made.shape[1] // (3 * heads)).permute(2, 0, 3, 1, 4)


def _turned(given: Tensor, into: Tensor, turn: Tensor | None) -> None:
    """Write queries, keys and values (3, B, H, T, D) elsewhere. Where there is a turn, (T, D/2) or (B, 1, T, D/2), the first two
    are turned as by `rotate`."""
    if turn is None:
        into.copy_(given)
        return
    torch.mul(_pairs(given[:2]), turn, out=_pairs(into[:2]))
    into[2].copy_(given[2])


def _pairs(x: Tensor) -> Tensor:
    return torch.view_as_complex(x.unflatten(-1, (-1, 2)))
