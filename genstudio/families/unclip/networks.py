"""What makes a picture's vector of a text's, and what removes noise, told such a vector."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genstudio.data.learnable.samples import Shape
from genstudio.families.denoiser import Denoiser
from genstudio.families.denoising import CONDITION
from genstudio.families.unclip.config import UnclipConfig
from genstudio.nn.dense import hidden_layers
from genstudio.nn.unet import UNet


class VectorDenoiser(Denoiser):
    """A U-Net that is told a vector of length 1; a vector of zeros stands for none."""

    def __init__(self, config: UnclipConfig, shape: Shape, numbers: int) -> None:
        super().__init__()
        self.told, self.none = nn.Linear(numbers, CONDITION), nn.Parameter(torch.zeros(CONDITION))
        self.body = UNet(
            shape.channels, config.channels, config.halvings, CONDITION, blocks=config.blocks, attention=config.attention,
            patch=config.patch,
        )  # fmt: skip

    def condition(self, asked: Tensor | None, count: int) -> Tensor:
        """Vectors (count, numbers) -> (count, CONDITION)"""
        if asked is None:
            return self.none.expand(count, -1)
        some = asked.any(1, keepdim=True)
        return torch.where(some, self.told(asked * math.sqrt(asked.shape[1])), self.none)


class Prior(nn.Module):
    """The vector of a text to that of a picture: what is expected of its pictures, by regression (Ramesh et al. 2022, 2.2, whose
    priors sample one)."""

    def __init__(self, numbers: int, width: int, layers: int) -> None:
        super().__init__()
        self.body = nn.Sequential(*hidden_layers(numbers, width, layers, kind="residual"), nn.Linear(width, numbers))

    def forward(self, texts: Tensor) -> Tensor:
        """texts (B, numbers) of length 1 -> (B, numbers) of length 1"""
        return F.normalize(self.body(texts * math.sqrt(texts.shape[1])), dim=1)
