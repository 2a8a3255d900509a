"""Normalisation of each token's vector."""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

EPSILON = 1e-5


def rms_norm(x: Tensor, weight: Tensor | None = None) -> Tensor:
    """x / rms(x) over the last axis [* weight]."""
    if x.device.type != "cpu" or not torch.is_grad_enabled():
        return F.rms_norm(x, x.shape[-1:], weight, EPSILON)
    x = x * torch.rsqrt(x.square().mean(-1, keepdim=True) + EPSILON)  # its backward is twice as fast on a CPU
    return x if weight is None else x * weight


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
