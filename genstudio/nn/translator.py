"""Pictures to pictures of the same size, and a judge of pictures patch by patch: the networks of a CycleGAN."""

from __future__ import annotations

import itertools

import torch.nn.functional as F
from torch import Tensor, nn


class TranslatorBlock(nn.Module):
    """Two 3x3 convolutions added to their input."""

    def __init__(self, channels: int, norm: str) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(channels, channels, 3, padding=1), nn.Conv2d(channels, channels, 3, padding=1)
        self.first_norm, self.second_norm = _norm(norm, channels), _norm(norm, channels)

    def forward(self, x: Tensor) -> Tensor:
        """x (B, C, H, W) -> (B, C, H, W)"""
        return x + self.second_norm(self.second(F.relu(self.first_norm(self.first(x)))))


class Translator(nn.Module):
    """The generator of a CycleGAN (Johnson et al. 2016; Zhu et al. 2017): halved `halvings` times, with twice as many maps each
    time, then `blocks` residual blocks, and the same way back to pictures within [-1, 1]."""

    def __init__(self, pixels: int, channels: int, halvings: int, blocks: int, norm: str = "none", skip: bool = True) -> None:
        super().__init__()
        maps = [channels * 2**index for index in range(halvings + 1)]
        parts: list[nn.Module] = [nn.Conv2d(pixels, channels, 3, padding=1), _norm(norm, channels), nn.ReLU()]
        for now, after in itertools.pairwise(maps):
            parts += [nn.Conv2d(now, after, 3, stride=2, padding=1), _norm(norm, after), nn.ReLU()]
        parts += [TranslatorBlock(maps[-1], norm) for _ in range(blocks)]
        for now, after in itertools.pairwise(maps[::-1]):
            parts += [nn.Upsample(scale_factor=2), nn.Conv2d(now, after, 3, padding=1), _norm(norm, after), nn.ReLU()]
        self.body = nn.Sequential(*parts, nn.Conv2d(channels, pixels, 3, padding=1))
        self.skip = skip

    def forward(self, x: Tensor) -> Tensor:
        """x (B, C, H, W) -> (B, C, H, W) in [-1, 1]; H and W can be halved as often as the network halves them."""
        return x + self.body(x) if self.skip else self.body(x).tanh()


class PatchJudge(nn.Module):
    """A discriminator that judges every patch of a picture by itself (Isola et al. 2017): after `layers` halvings, with twice
    as many maps each time, one raw score for each place that is left."""

    def __init__(self, pixels: int, channels: int, layers: int) -> None:
        super().__init__()
        parts: list[nn.Module] = []
        for index in range(layers):
            parts += [nn.Conv2d(pixels, channels * 2**index, 4, stride=2, padding=1), nn.LeakyReLU(0.2)]
            pixels = channels * 2**index
        self.body = nn.Sequential(*parts, nn.Conv2d(pixels, 1, 3, padding=1))

    def forward(self, x: Tensor) -> Tensor:
        """x (B, C, H, W) -> (B, places)"""
        return self.body(x).flatten(1)


def _norm(kind: str, channels: int) -> nn.Module:
    return nn.InstanceNorm2d(channels) if kind == "instance" else nn.Identity()
