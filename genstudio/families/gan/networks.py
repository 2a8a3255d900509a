"""Generators and discriminators: layers of neurons, strided convolutions, residual blocks; told a class or not."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from genstudio.data.learnable.samples import Shape
from genstudio.families.gan.config import GANConfig
from genstudio.nn import conv, dense

EMBEDDING = 16


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
            self.body = conv.up(
                inputs, config.channels, shape.height, shape.channels, kind=_kind(config), norm=config.norm
            )

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
            inputs = config.pack * (shape.channels + int(beside))
            self.body, features = conv.down(inputs, config.channels, shape.height, kind=_kind(config))
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
            embedded = self.embedding(labels)
            if not self.dense:
                embedded = embedded.view(-1, 1, self.shape.height, self.shape.width)
            samples = torch.cat([samples, embedded], 1)
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
    return nn.Sequential(*_hidden(config, inputs, norm=config.norm), nn.Linear(config.width, outputs))


def _dense_discriminator(config: GANConfig, inputs: int) -> tuple[nn.Module, int]:
    return nn.Sequential(*_hidden(config, inputs, leak=0.2)), config.width


def _hidden(config: GANConfig, inputs: int, **options: Any) -> list[nn.Module]:
    kind: Literal["mlp", "residual"] = "residual" if config.network == "residual" else "mlp"
    return dense.hidden_layers(inputs, config.width, config.layers, kind=kind, **options)


def _kind(config: GANConfig) -> conv.Kind:
    return "residual" if config.network == "residual" else "strided"
