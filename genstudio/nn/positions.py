"""How a model knows the order of tokens."""

from __future__ import annotations

import torch
from torch import Tensor


def angles(positions: int, size: int, base: float = 10_000.0) -> Tensor:
    """p / base^(2i/size) for p < positions, i < size/2: (positions, size/2) float64."""
    frequencies = base ** (-torch.arange(0, size, 2, dtype=torch.float64) / size)
    return torch.arange(positions, dtype=torch.float64)[:, None] * frequencies


def sinusoidal(positions: int, size: int, base: float = 10_000.0) -> Tensor:
    """sin in the even columns, cos in the odd ones (Vaswani et al. 2017, 3.5): (positions, size) float32, size even."""
    turned = angles(positions, size, base)
    return torch.stack((turned.sin(), turned.cos()), dim=-1).flatten(1).float()


def rotary_tables(positions: int, size: int, base: float = 10_000.0) -> tuple[Tensor, Tensor]:
    """cos and sin of every angle (Su et al. 2021): two tensors (positions, size/2) float32; size is even."""
    turned = angles(positions, size, base)
    return turned.cos().float(), turned.sin().float()


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turn the pairs (x_i, x_{i + D/2}) by their position's angles.

    x (B, T, H, D), cos and sin (T, D/2) -> (B, T, H, D). The length of every pair stays, and the product of a
    turned query with a turned key depends only on the distance of their positions.
    """
    first, second = x.chunk(2, dim=-1)
    cos, sin = cos[:, None].to(x.dtype), sin[:, None].to(x.dtype)
    return torch.cat((first * cos - second * sin, first * sin + second * cos), dim=-1)
