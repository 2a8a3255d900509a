"""A U-Net: pictures to pictures of the same size; every block is told a condition (Ronneberger et al. 2015; Ho et al. 2020)."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_GROUPS = 8


class UNetBlock(nn.Module):
    """Two 3x3 convolutions added to their input; a condition scales and shifts the maps between them (Dhariwal & Nichol 2021). It
    begins as the identity, or as a 1x1 convolution where the number of maps changes."""

    def __init__(self, inputs: int, outputs: int, condition: int) -> None:
        super().__init__()
        self.first_norm, self.first = _norm(inputs), nn.Conv2d(inputs, outputs, 3, padding=1)
        self.told = nn.Linear(condition, 2 * outputs)
        self.second_norm, self.second = _norm(outputs), _begin_at_zero(nn.Conv2d(outputs, outputs, 3, padding=1))
        self.skip = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """x (B, C, H, W), condition (B, K) -> (B, C', H, W)"""
        h = self.first(F.silu(self.first_norm(x)))
        scale, shift = self.told(condition)[..., None, None].chunk(2, 1)
        h = self.second(F.silu(self.second_norm(h) * (1 + scale) + shift))
        return self.skip(x) + h


class PlaceAttention(nn.Module):
    """Self-attention of one head among all places of a picture, added to it. It begins as the identity."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm, self.qkv = _norm(channels), nn.Conv2d(channels, 3 * channels, 1)
        self.out = _begin_at_zero(nn.Conv2d(channels, channels, 1))

    def forward(self, x: Tensor) -> Tensor:
        """x (B, C, H, W) -> (B, C, H, W)"""
        q, k, v = (part.flatten(2).transpose(1, 2) for part in self.qkv(self.norm(x)).chunk(3, 1))  # (B, HW, C)
        mixed = F.scaled_dot_product_attention(q, k, v).transpose(1, 2)
        return x + self.out(mixed.unflatten(2, x.shape[2:]))


class UNet(nn.Module):
    """`blocks` residual blocks at full size with `channels` maps, and at each of `halvings` smaller sizes with twice as many;
    then the same way back, where each size is also given what it was on the way down. It begins as zero.

    Where `patch` is above 1, squares of so many pixels a side are read and written as one place (Luhman & Luhman 2022). Pictures
    whose sides cannot be divided so are padded by repeating their right and lower edge, and cut again.
    """

    def __init__(
        self, pixels: int, channels: int, halvings: int, condition: int, *, blocks: int = 1, attention: bool = True,
        patch: int = 1,
    ) -> None:  # fmt: skip
        super().__init__()
        self.patch, self.unit, wide = patch, patch * 2**halvings, 2 * channels if halvings else channels
        pixels *= patch**2
        maps = [channels] + [wide] * halvings
        self.first = nn.Conv2d(pixels, channels, 3, padding=1)
        self.down, self.smaller = nn.ModuleList(), nn.ModuleList()
        before = channels
        for index, size in enumerate(maps):
            self.down.append(_blocks(before, size, condition, blocks))
            if index < halvings:
                self.smaller.append(nn.Conv2d(size, size, 3, stride=2, padding=1))
            before = size
        self.middle = nn.ModuleList([UNetBlock(wide, wide, condition), UNetBlock(wide, wide, condition)])
        self.attention = PlaceAttention(wide) if attention else nn.Identity()
        self.up, self.larger = nn.ModuleList(), nn.ModuleList()
        for index, size in reversed(list(enumerate(maps))):
            self.up.append(_blocks(before + size, size, condition, blocks))
            if index:
                self.larger.append(nn.Conv2d(size, size, 3, padding=1))
            before = size
        self.last_norm = _norm(channels)
        self.last = _begin_at_zero(nn.Conv2d(channels, pixels, 3, padding=1))

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """x (B, C, H, W), condition (B, K) -> (B, C, H, W)"""
        height, width = x.shape[2:]
        bottom, right = -height % self.unit, -width % self.unit
        whole = F.pad(x, (0, right, 0, bottom), mode="replicate") if bottom or right else x
        h = self.first(F.pixel_unshuffle(whole, self.patch))
        kept = []
        for index, blocks in enumerate(self.down):
            h = _through(blocks, h, condition)
            kept.append(h)
            if index < len(self.smaller):
                h = self.smaller[index](h)
        first, second = self.middle
        h = second(self.attention(first(h, condition)), condition)
        for index, blocks in enumerate(self.up):
            h = _through(blocks, torch.cat([h, kept.pop()], 1), condition)
            if index < len(self.larger):
                h = self.larger[index](F.interpolate(h, scale_factor=2, mode="nearest"))
        return F.pixel_shuffle(self.last(F.silu(self.last_norm(h))), self.patch)[..., :height, :width]


def _blocks(inputs: int, outputs: int, condition: int, count: int) -> nn.ModuleList:
    return nn.ModuleList(UNetBlock(outputs if index else inputs, outputs, condition) for index in range(count))


def _through(blocks: nn.Module, h: Tensor, condition: Tensor) -> Tensor:
    assert isinstance(blocks, nn.ModuleList)
    for block in blocks:
        h = block(h, condition)
    return h


def _norm(channels: int) -> nn.GroupNorm:
    return nn.GroupNorm(math.gcd(_GROUPS, channels), channels)


def _begin_at_zero(layer: nn.Conv2d) -> nn.Conv2d:
    nn.init.zeros_(layer.weight)
    assert layer.bias is not None
    nn.init.zeros_(layer.bias)
    return layer
