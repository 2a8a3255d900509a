"""Normalisation of each token's vector."""

from __future__ import annotations

from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

EPSILON = 1e-5


class _RMSNorm(torch.autograd.Function):
    """The same as below in fewer passes over memory, which is what it costs on a CPU: half the time of torch's own."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor | None) -> Tensor:
        normed = x * (inverse := inverse_rms(x))
        ctx.save_for_backward(normed, inverse, weight)
        return normed if weight is None else normed * weight

    @staticmethod
    @once_differentiable  # what is saved has no history: a second derivative would be wrong
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor | None]:
        normed, inverse, weight = ctx.saved_tensors
        both, size = gradient * normed, normed.shape[-1]
        if weight is None:
            along, of_weight = both.sum(-1, keepdim=True), None
        else:
            along, of_weight = (both @ weight).unsqueeze(-1), both.reshape(-1, size).sum(0)
            gradient = gradient * weight
        return torch.addcmul(gradient, normed, along, value=-1 / size).mul_(inverse), of_weight


def inverse_rms(x: Tensor) -> Tensor:
    """1 / rms(x) over the last axis, which stays with a size of 1."""
    return torch.linalg.vector_norm(x, dim=-1, keepdim=True).square_().div_(x.shape[-1]).add_(EPSILON).rsqrt_()


def rms_norm(x: Tensor, weight: Tensor | None = None) -> Tensor:
    """x / rms(x) over the last axis [* weight]."""
    if x.device.type != "cpu" or not torch.is_grad_enabled():
        return F.rms_norm(x, x.shape[-1:], weight, EPSILON)
    return _RMSNorm.apply(x, weight)


class RMSNorm(nn.Module):
    """x / rms(x) * weight over the last axis (Zhang & Sennrich 2019)."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))

    def forward(self, x: Tensor) -> Tensor:
        """x (..., C) -> (..., C)"""
        return rms_norm(x, self.weight)


class LayerNorm(nn.Module):
    """(x - mean) / deviation * weight [+ bias] over the last axis (Ba et al. 2016)."""

    def __init__(self, size: int, bias: bool = True) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.bias = nn.Parameter(torch.zeros(size)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        """x (..., C) -> (..., C)"""
        return F.layer_norm(x, x.shape[-1:], self.weight, self.bias, EPSILON)


def norm(kind: Literal["rmsnorm", "layernorm"], size: int, bias: bool = False) -> nn.Module:
    """The norm called `kind`; `bias` concerns LayerNorm alone."""
    return RMSNorm(size) if kind == "rmsnorm" else LayerNorm(size, bias)
