"""Two towers that read pictures and texts into one space, and how alike what they make is (Radford et al. 2021)."""

from __future__ import annotations

import math
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genstudio.nn import conv
from genstudio.nn.patches import PatchEncoder
from genstudio.nn.transformer import Architecture, Encoder

LARGEST_SCALE = math.log(100)
"""No temperature is below a hundredth (Radford et al. 2021, 2.5)."""


class PictureTower(nn.Module):
    """Pictures to vectors of length 1: strided convolutions, or a transformer over patches, and a linear map."""

    def __init__(
        self, kind: Literal["conv", "patches"], channels: int, size: int, maps: int, outputs: int, *, patch: int = 4,
        arch: Architecture | None = None,
    ) -> None:  # fmt: skip
        """Pictures of `channels` channels and size x size pixels; `maps` at half of that size, or the `arch` of an encoder of
        patches, whose context is their number."""
        super().__init__()
        self.body: nn.Module
        if kind == "conv":
            self.body, features = conv.down(channels, maps, size, kind="strided")
        else:
            assert arch is not None
            self.body, features = PatchEncoder(arch, channels, patch, False), arch.d_model
        self.project = nn.Linear(features, outputs, bias=False)

    def forward(self, pictures: Tensor) -> Tensor:
        """pictures (B, C, H, W) in [-1, 1] -> (B, outputs), each of length 1"""
        found = self.body(pictures)
        if isinstance(self.body, PatchEncoder):
            found = self.body.pooled(found)
        return F.normalize(self.project(found), dim=1)


class TextTower(nn.Module):
    """Texts to vectors of length 1: a transformer that reads from both sides, the mean over its tokens, and a linear map."""

    def __init__(self, arch: Architecture, pad: int, outputs: int) -> None:
        super().__init__()
        self.body, self.pad = Encoder(arch), pad
        self.project = nn.Linear(arch.d_model, outputs, bias=False)

    def forward(self, ids: Tensor) -> Tensor:
        """ids (B, T), padded -> (B, outputs), each of length 1"""
        padding = ids == self.pad
        hidden = self.body(ids, padding if bool(padding.any()) else None)
        there = (~padding)[..., None].to(hidden.dtype)
        return F.normalize(self.project((hidden * there).sum(1) / there.sum(1)), dim=1)


class Temperature(nn.Module):
    """The scale that cosines are multiplied by before the softmax, 1 / temperature, kept as its logarithm."""

    def __init__(self, temperature: float, learned: bool) -> None:
        super().__init__()
        self.log_scale = nn.Parameter(torch.tensor(-math.log(temperature)), requires_grad=learned)

    def forward(self, cosines: Tensor) -> Tensor:
        """cosines -> logits of the same shape"""
        return cosines * self.log_scale.clamp(max=LARGEST_SCALE).exp()

    def now(self) -> Tensor:
        """The temperature, a scalar that stays what it is."""
        return (-self.log_scale.detach().clamp(max=LARGEST_SCALE)).exp()


def contrastive_loss(logits: Tensor, alike: Tensor) -> Tensor:
    """The mean of both cross-entropies, over rows and over columns of logits (B, B), pictures by texts (Radford et al. 2021,
    figure 3). What belongs together has the same number in `alike` (B,): pictures that share a caption all count as right, in
    equal shares; without such it is the paper's loss."""
    same = (alike[:, None] == alike).to(logits.dtype)
    same = same / same.sum(1, keepdim=True)
    return (F.cross_entropy(logits, same) + F.cross_entropy(logits.T, same)) / 2
