"""Generators and discriminators: layers of neurons, strided convolutions, residual blocks; told a class or not."""

from __future__ import annotations

import itertools
import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from genstudio.data.learnable.samples import Shape
from genstudio.families.gan.config import GANConfig
from genstudio.families.gan.data import doublings

EMBEDDING = 16


class ResidualLayer(nn.Module):
    """x + W2 relu(W1 relu(x)) for vectors of one width."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.inner, self.outer = nn.Linear(width, width), nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """x (B, C) -> (B, C)"""
        return x + self.outer(F.relu(self.inner(F.relu(x))))


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


class Generator(nn.Module):
    """Noise (B, latent), and a class for each, to samples: points (B, 2) or pictures (B, C, H, W) in [-1, 1]."""

    def __init__(self, config: GANConfig, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.embedding = nn.Embedding(len(shape.classes), EMBEDDING) if config.conditional else None
        inputs = config.latent + (EMBEDDING if config.conditional else 0)
        if config.network == "mlp" or shape.kind == "points":
            self.body: nn.Module = _dense_generator(config, inputs, shape.numbers)
        else:
            self.body = _picture_generator(config, inputs, shape)

    def forward(self, latent: Tensor, labels: Tensor | None = None) -> Tensor:
        """latent (B, latent), labels (B,) int64 -> (B, 2) or (B, C, H, W)"""
        if self.embedding is not None:
            latent = torch.cat([latent, self.embedding(labels)], 1)
        made = self.body(latent)
        if self.shape.kind == "points":
            return made
        return made.view(-1, self.shape.channels, self.shape.height, self.shape.width).tanh()


class Discriminator(nn.Module):
    """One raw score for every `pack` neighbouring samples; higher is more real."""

    def __init__(self, config: GANConfig, shape: Shape) -> None:
        super().__init__()
        self.shape, self.pack = shape, config.pack
        self.dense = config.network == "mlp" or shape.kind == "points"
        beside = config.conditional and config.condition == "embedding"
        extra = EMBEDDING if self.dense else shape.height * shape.width
        self.embedding = nn.Embedding(len(shape.classes), extra) if beside else None
        if self.dense:
            inputs = config.pack * (shape.numbers + (extra if beside else 0))
            self.body, features = _dense_discriminator(config, inputs)
        else:
            self.body, features = _picture_discriminator(config, config.pack * (shape.channels + int(beside)), shape)
        self.head = nn.Linear(features, 1)
        projected = config.conditional and not beside
        self.projection = nn.Embedding(len(shape.classes), features) if projected else None
        if config.spectral_norm:
            for module in list(self.modules()):
                if isinstance(module, nn.Linear | nn.Conv2d | nn.Embedding):
                    spectral_norm(module)

    def forward(self, samples: Tensor, labels: Tensor | None = None) -> Tensor:
        """samples (B pack, ...), labels (B pack,) int64 -> (B,) raw scores"""
        features = self.body(self._packed(samples, labels))
        score = self.head(features).squeeze(1)
        if self.projection is not None:
            score = score + (features * self.projection(labels)).sum(1)
        return score

    def _packed(self, samples: Tensor, labels: Tensor | None) -> Tensor:
        """Each sample with its class beside it, and packs side by side."""
        if self.dense:
            samples = samples.flatten(1)
        if self.embedding is not None:
            told = self.embedding(labels)
            if not self.dense:
                told = told.view(-1, 1, self.shape.height, self.shape.width)
            samples = torch.cat([samples, told], 1)
        return samples if self.pack == 1 else samples.reshape(-1, self.pack * samples.shape[1], *samples.shape[2:])


def build(config: GANConfig, shape: Shape) -> tuple[Generator, Discriminator]:
    """Both networks, with the weights that torch's generator gives now."""
    generator, discriminator = Generator(config, shape), Discriminator(config, shape)
    for network in (generator, discriminator):
        for module in network.modules():
            if isinstance(module, nn.Linear | nn.Conv2d | nn.ConvTranspose2d) and module.bias is not None:
                nn.init.zeros_(module.bias)
    return generator, discriminator


def _dense_generator(config: GANConfig, inputs: int, outputs: int) -> nn.Module:
    if config.network == "residual":
        blocks = [ResidualLayer(config.width) for _ in range(config.layers)]
        return nn.Sequential(nn.Linear(inputs, config.width), *blocks, nn.ReLU(), nn.Linear(config.width, outputs))
    parts: list[nn.Module] = []
    for _ in range(config.layers):
        parts += [_started(nn.Linear(inputs, config.width)), _norm(config.norm, config.width, flat=True), nn.ReLU()]
        inputs = config.width
    return nn.Sequential(*parts, nn.Linear(inputs, outputs))


def _dense_discriminator(config: GANConfig, inputs: int) -> tuple[nn.Module, int]:
    if config.network == "residual":
        blocks = [ResidualLayer(config.width) for _ in range(config.layers)]
        return nn.Sequential(nn.Linear(inputs, config.width), *blocks, nn.ReLU()), config.width
    parts: list[nn.Module] = []
    for _ in range(config.layers):
        parts += [_started(nn.Linear(inputs, config.width)), nn.LeakyReLU(0.2)]
        inputs = config.width
    return nn.Sequential(*parts), config.width


def _picture_generator(config: GANConfig, inputs: int, shape: Shape) -> nn.Module:
    base, count = doublings(shape.height)
    maps = [config.channels * 2 ** (count - 1 - index) for index in range(count)]
    begin = [nn.Linear(inputs, maps[0] * base * base), nn.Unflatten(1, (maps[0], base, base))]
    parts: list[nn.Module] = []
    if config.network == "residual":
        for now, after in zip(maps, [*maps[1:], maps[-1]], strict=True):
            parts.append(ResidualBlock(now, after, 2, config.norm))
        end = [_norm(config.norm, maps[-1]), nn.ReLU(), nn.Conv2d(maps[-1], shape.channels, 3, padding=1)]
        return nn.Sequential(*begin, *parts, *end)
    parts += [_norm(config.norm, maps[0]), nn.ReLU()]
    for now, after in itertools.pairwise(maps):
        parts += [nn.ConvTranspose2d(now, after, 4, 2, 1), _norm(config.norm, after), nn.ReLU()]
    return nn.Sequential(*begin, *parts, nn.ConvTranspose2d(maps[-1], shape.channels, 4, 2, 1))


def _picture_discriminator(config: GANConfig, inputs: int, shape: Shape) -> tuple[nn.Module, int]:
    base, count = doublings(shape.height)
    maps = [config.channels * 2**index for index in range(count)]
    if config.network == "residual":
        blocks = [ResidualBlock(now, after, 0.5) for now, after in zip([maps[0], *maps[:-1]], maps, strict=True)]
        return nn.Sequential(nn.Conv2d(inputs, maps[0], 3, padding=1), *blocks, nn.ReLU(), _Sum()), maps[-1]
    parts: list[nn.Module] = []
    for now, after in zip([inputs, *maps[:-1]], maps, strict=True):
        parts += [nn.Conv2d(now, after, 4, 2, 1), nn.LeakyReLU(0.2)]
    return nn.Sequential(*parts, nn.Flatten()), maps[-1] * base * base


class _Sum(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        """x (B, C, H, W) -> (B, C)"""
        return x.sum((2, 3))


def _norm(kind: str, size: int, flat: bool = False) -> nn.Module:
    if kind == "none":
        return nn.Identity()
    return nn.BatchNorm1d(size) if flat else nn.BatchNorm2d(size)


def _started(layer: nn.Linear) -> nn.Linear:
    """He's start, so that the signal neither dies nor grows with depth (He et al. 2015)."""
    nn.init.normal_(layer.weight, std=math.sqrt(2 / layer.in_features))
    return layer


def _double(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2, mode="nearest")
