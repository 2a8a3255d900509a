"""Pictures to features and back: residual blocks, halvings and doublings."""

from __future__ import annotations

import itertools
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from genstudio.nn.sizes import doublings

Kind = Literal["strided", "residual"]
_FEW, _MANY = 4, 8
"""Channels and pictures up to and from which the last doubling is quicker as a product of matrices."""


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


class LastDoubling(nn.ConvTranspose2d):
    """A transposed 4x4 convolution with stride 2 to the few channels of a picture. On a CPU that of oneDNN takes longer for one
    channel than for 32; here it is one product of matrices, and a sum of what falls on the same place."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, 4, 2, 1)

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        """x (B, C, H, W) -> (B, C', 2 H, 2 W)"""
        if x.device.type != "cpu" or len(x) < _MANY or self.out_channels > _FEW or output_size is not None:
            return super().forward(x, output_size)
        doubled: Tensor = _Doubled.apply(x, self.weight, self.bias)
        return doubled


class _Doubled(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        B, C, H, W = x.shape
        maps = weight.shape[1]
        # row 2q + r of the kernel falls on row 2 (i + q) + r for row i of x; columns, s and t, likewise
        kernel = weight.reshape(C, maps, 2, 2, 2, 2).permute(0, 2, 4, 3, 5, 1).reshape(C, 16 * maps)
        made = torch.mm(x.permute(0, 2, 3, 1).reshape(-1, C), kernel).view(B, H, W, 2, 2, 2, 2, maps)
        sums = x.new_zeros(B, H + 1, 2, W + 1, 2, maps)
        for q in (0, 1):
            for s in (0, 1):
                sums[:, q : q + H, :, s : s + W] += made[:, :, :, q, s].transpose(2, 3)
        return (sums.view(B, 2 * H + 2, 2 * W + 2, maps)[:, 1:-1, 1:-1] + bias).permute(0, 3, 1, 2)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        sizes = [weight.shape[1]], [2, 2], [1, 1], [1, 1], True, [0, 0], 1
        found: tuple[Tensor | None, ...] = torch.ops.aten.convolution_backward(
            gradient, x, weight, *sizes, list(ctx.needs_input_grad)
        )
        return found


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
    return nn.Sequential(*begin, *parts, LastDoubling(maps[-1], outputs))


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
