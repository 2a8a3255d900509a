"""What removes noise: a network that is told how much there is, and of which class the sample is."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genstudio.data.learnable.samples import Shape
from genstudio.families.diffusion.config import DiffusionConfig
from genstudio.families.diffusion.cost import CONDITION, FREQUENCIES
from genstudio.nn.dense import ModulatedMLP
from genstudio.nn.positions import time_features
from genstudio.nn.unet import UNet


class Denoiser(nn.Module):
    """Noisy samples (B, ...), the time (B,) of their noise, and a condition, to what is predicted (B, ...).

    The condition is a vector (B, CONDITION): of a class, the row of `classes`, whose last row stands for none. Whatever else
    gives such a vector, a text for one, can take its place.
    """

    def __init__(self, config: DiffusionConfig, shape: Shape, classes: int) -> None:
        super().__init__()
        self.time = nn.Sequential(nn.Linear(FREQUENCIES, CONDITION), nn.SiLU(), nn.Linear(CONDITION, CONDITION))
        self.classes = nn.Embedding(classes + 1, CONDITION) if classes else None
        self.body: nn.Module
        if config.network == "mlp":
            self.body = ModulatedMLP(shape.numbers, config.width, config.layers, CONDITION)
        else:
            self.body = UNet(
                shape.channels, config.channels, config.halvings, CONDITION, blocks=config.blocks,
                attention=config.attention, patch=config.patch,
            )  # fmt: skip

    def condition(self, labels: Tensor | None, count: int) -> Tensor | None:
        """The vectors (count, CONDITION) of classes (count,), -1 or None for no class; None where the model knows no classes."""
        if self.classes is None:
            return None
        none = self.classes.num_embeddings - 1
        if labels is None:
            labels = torch.full((count,), none, device=self.classes.weight.device)
        return self.classes(torch.where(labels < 0, none, labels))

    def forward(self, x: Tensor, time: Tensor, condition: Tensor | None) -> Tensor:
        """x (B, 2) or (B, C, H, W), time (B,) in [0, 1] or one for all (1,), condition likewise -> like x"""
        told = self.time(time_features(time, FREQUENCIES))
        return self.body(x, F.silu(told if condition is None else told + condition))


def build(config: DiffusionConfig, shape: Shape, classes: int, seed: int) -> Denoiser:
    """The network, with weights that follow from the seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Denoiser(config, shape, classes)
