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


def time_features(times: Tensor, size: int) -> Tensor:
    """The same code of times (B,) in [0, 1], as of positions from 0 to 1000 (Ho et al. 2020, B): (B, size), size even."""
    frequencies = 10_000.0 ** (-torch.arange(0, size, 2, device=times.device) / size)
    turned = 1000 * times[:, None] * frequencies
    return torch.cat((turned.sin(), turned.cos()), 1)


def rotary(positions: int, size: int, base: float = 10_000.0) -> Tensor:
    """exp(i angle) of every angle (Su et al. 2021): (positions, size/2) complex64; size is even."""
    turned = angles(positions, size, base)
    return torch.polar(torch.ones_like(turned), turned).to(torch.complex64)


def rotate(x: Tensor, turn: Tensor) -> Tensor:
    """Turn the pairs (x_2i, x_2i+1), as complex numbers, by their position's angles.

    x (B, T, H, D) float, turn (T, D/2) complex -> (B, T, H, D). The length of every pair stays, and the product of a
    turned query with a turned key depends only on the distance of their positions.
    """
    if x.stride(-1) != 1:  # pairs must lie side by side to be complex numbers
        x = x.contiguous()
    return torch.view_as_real(torch.view_as_complex(x.unflatten(-1, (-1, 2))) * turn.unsqueeze(-2)).flatten(-2)
