"""Pictures to features and back: residual blocks, halvings and doublings."""

from __future__ import annotations

import itertools
from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

from genstudio.nn.sizes import doublings

Kind = Literal["strided", "residual"]


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions added to their input; `scale` 2 doubles the picture first, 0.5 halves it last, 1 leaves it."""

    def __init__(self, inputs: int, outputs: int, scale: float = 1.0, norm: str = "none") -> None:
        super().__init__()
        self.scale = scale
        self.first_norm, self.second_norm = _norm(norm, inputs), _norm(norm, outputs)
        self.first, self.second = nn.Conv2d(inputs, outputs, 3, padding=1), nn.Conv2d(outputs, outputs, 3, padding=1)
        self.skip = nn.Conv2d(inputs, outputs, 1, bias=False) if inputs != outputs else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """x (B, C, H, W) -> (B, C', H scale, W scale)"""
        inner = F.relu(self.first_norm(x))
        if self.scale > 1:
            x, inner = _double(x), _double(inner)
        added = self.skip(x) + self.second(F.relu(self.second_norm(self.first(inner))))
        return F.avg_pool2d(added, 2) if self.scale < 1 else added


class SumPlaces(nn.Module):
    """The sum of each feature map over all places."""

    def forward(self, x: Tensor) -> Tensor:
        """x (B, C, H, W) -> (B, C)"""
        return x.sum((2, 3))


def up(inputs: int, channels: int, size: int, outputs: int, *, kind: Kind, norm: str = "none") -> nn.Sequential:
    """(B, inputs) -> (B, outputs, size, size): a small map, doubled until it is large enough (Radford et al. 2016, or
    residual blocks). `channels` is the number of maps at half of the full size, twice as many before each doubling."""
    base, count = doublings(size)
    maps = [channels * 2 ** (count - 1 - index) for index in range(count)]
    begin = [nn.Linear(inputs, maps[0] * base * base), nn.Unflatten(1, (maps[0], base, base))]
    parts: list[nn.Module] = []
    if kind == "residual":
        for now, after in zip(maps, [*maps[1:], maps[-1]], strict=True):
            parts.append(ResidualBlock(now, after, 2, norm))
        end = [_norm(norm, maps[-1]), nn.ReLU(), nn.Conv2d(maps[-1], outputs, 3, padding=1)]
        return nn.Sequential(*begin, *parts, *end)
    parts += [_norm(norm, maps[0]), nn.ReLU()]
    for now, after in itertools.pairwise(maps):
        parts += [nn.ConvTranspose2d(now, after, 4, 2, 1), _norm(norm, after), nn.ReLU()]
    return nn.Sequential(*begin, *parts, nn.ConvTranspose2d(maps[-1], outputs, 4, 2, 1))


def down(inputs: int, channels: int, size: int, *, kind: Kind) -> tuple[nn.Sequential, int]:
    """(B, inputs, size, size) -> (B, features), and how many features: the same way back."""
    base, count = doublings(size)
    maps = [channels * 2**index for index in range(count)]
    if kind == "residual":
        blocks = [ResidualBlock(now, after, 0.5) for now, after in zip([maps[0], *maps[:-1]], maps, strict=True)]
        return nn.Sequential(nn.Conv2d(inputs, maps[0], 3, padding=1), *blocks, nn.ReLU(), SumPlaces()), maps[-1]
    parts: list[nn.Module] = []
    for now, after in zip([inputs, *maps[:-1]], maps, strict=True):
        parts += [nn.Conv2d(now, after, 4, 2, 1), nn.LeakyReLU(0.2)]
    return nn.Sequential(*parts, nn.Flatten()), maps[-1] * base * base


def _norm(kind: str, size: int) -> nn.Module:
    return nn.Identity() if kind == "none" else nn.BatchNorm2d(size)


def _double(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2, mode="nearest")
