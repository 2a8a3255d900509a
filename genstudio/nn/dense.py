"""Layers of neurons: plain or residual, from a vector to a vector."""

from __future__ import annotations

import math
from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn


class ResidualLayer(nn.Module):
    """x + W2 relu(W1 relu(x)) for vectors of one width."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.inner, self.outer = nn.Linear(width, width), nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """x (B, C) -> (B, C)"""
        return x + self.outer(F.relu(self.inner(F.relu(x))))


class ModulatedLayer(nn.Module):
    """x + W2 silu(W1 silu(x) + V c): a residual layer that is told a condition c. It begins as the identity."""

    def __init__(self, width: int, condition: int) -> None:
        super().__init__()
        self.inner, self.outer = nn.Linear(width, width), nn.Linear(width, width)
        self.told = nn.Linear(condition, width, bias=False)
        nn.init.zeros_(self.outer.weight)
        nn.init.zeros_(self.outer.bias)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """x (B, C), condition (B, K) -> (B, C)"""
        return x + self.outer(F.silu(self.inner(F.silu(x)) + self.told(condition)))


class ModulatedMLP(nn.Module):
    """(B, n) and a condition (B, K) to (B, n), through residual layers that are all told the condition. It begins as zero."""

    def __init__(self, numbers: int, width: int, layers: int, condition: int) -> None:
        super().__init__()
        self.first = nn.Linear(numbers, width)
        self.layers = nn.ModuleList(ModulatedLayer(width, condition) for _ in range(layers))
        self.last = nn.Linear(width, numbers)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """x (B, ...), condition (B, K) -> (B, ...)"""
        h = self.first(x.flatten(1))
        for layer in self.layers:
            h = layer(h, condition)
        return self.last(F.silu(h)).view_as(x)


def hidden_layers(
    inputs: int,
    width: int,
    layers: int,
    *,
    kind: Literal["mlp", "residual"] = "mlp",
    norm: Literal["none", "batch"] = "none",
    leak: float = 0.0,
) -> list[nn.Module]:
    """Modules from (B, inputs) to (B, width): `layers` hidden layers, or residual blocks, each behind a rectifier of slope
    `leak` below 0. Weights start as in He et al. 2015, so that the signal neither dies nor grows with depth."""
    if kind == "residual":
        blocks = [ResidualLayer(width) for _ in range(layers)]  # before the first layer: weights follow from the order
        return [nn.Linear(inputs, width), *blocks, nn.ReLU()]
    parts: list[nn.Module] = []
    for _ in range(layers):
        layer = nn.Linear(inputs, width)
        nn.init.normal_(layer.weight, std=math.sqrt(2 / inputs))
        parts += [layer, *([nn.BatchNorm1d(width) if norm == "batch" else nn.Identity()] if not leak else [])]
        parts.append(nn.LeakyReLU(leak) if leak else nn.ReLU())
        inputs = width
    return parts
