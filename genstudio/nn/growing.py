"""A generator and a discriminator that grow from 4x4 pixels (Karras et al. 2018), and the layers that they are made of."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genstudio.nn.sizes import FIRST

_GAIN = math.sqrt(2)
_EPSILON = 1e-8
_SLOPE = 0.2
_MOVES = 0.1
CLASS = 16
"""Numbers that tell a generator which class is wanted."""


class Equalised(nn.Module):
    """A linear layer, or a convolution with `kernel` x `kernel` numbers for each pair of maps, at an equalised learning rate.

    Weights are drawn from N(0, 1) and multiplied by `gain` / sqrt(fan-in) whenever they are used (Karras et al. 2018, 4.1): what
    they amount to is He's initialisation, but the optimiser sees the same scale everywhere, so a step changes each layer in
    proportion. Without `equalised` they are drawn with that deviation and used as they are.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int = 0, *, gain: float = _GAIN, equalised: bool = True) -> None:
        super().__init__()
        shape = (outputs, inputs, kernel, kernel) if kernel else (outputs, inputs)
        deviation = gain / math.sqrt(inputs * max(kernel, 1) ** 2)
        self.scale = deviation if equalised else 1.0
        self.weight = nn.Parameter(torch.randn(shape) * (1.0 if equalised else deviation))
        self.bias = nn.Parameter(torch.zeros(outputs))

    @property
    def effective(self) -> Tensor:
        """The weights that are used."""
        return self.weight * self.scale if self.scale != 1 else self.weight

    def forward(self, x: Tensor) -> Tensor:
        """x (B, inputs) or (B, inputs, H, W) -> (B, outputs) or (B, outputs, H, W)"""
        if self.weight.ndim == 2:
            return F.linear(x, self.effective, self.bias)
        return F.conv2d(x, self.effective, self.bias, padding=self.weight.shape[2] // 2)


def pixel_norm(x: Tensor) -> Tensor:
    """x (B, C, ...) with a mean square of 1 over the C numbers of each place (Karras et al. 2018, 4.2)"""
    return x * (x.square().mean(1, keepdim=True) + _EPSILON).rsqrt()


class MinibatchDeviation(nn.Module):
    """How much the pictures of a batch differ, as one more feature map (Karras et al. 2018, 3): the standard deviation over the
    batch of each number of x (B, C, H, W), the mean over all of them.

    While it is trained; else `usual`, that of batches of real pictures, so that the score of a picture depends on it alone.
    """

    usual: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("usual", torch.zeros(()))
        self.newest: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        """x (B, C, H, W) -> (B, C + 1, H, W)"""
        return torch.cat([x, self.measure(x).expand(len(x), 1, *x.shape[2:])], 1)

    def measure(self, x: Tensor) -> Tensor:
        """The deviation of a batch, a scalar."""
        if not self.training:
            return self.usual
        found = (x.var(0, correction=0) + _EPSILON).sqrt().mean()
        self.newest = found.detach()
        return found

    @torch.no_grad()
    def remember(self) -> None:
        """Take the batch of the last pass for a usual one."""
        if self.newest is not None:
            self.usual.lerp_(self.newest, _MOVES) if self.usual > 0 else self.usual.copy_(self.newest)


class Block(nn.Module):
    """Two convolutions and what follows each."""

    def __init__(self, inputs: int, inner: int, outputs: int, *, norm: bool, equalised: bool) -> None:
        super().__init__()
        self.norm = norm
        self.first = Equalised(inputs, inner, 3, equalised=equalised)
        self.second = Equalised(inner, outputs, 3, equalised=equalised)

    def forward(self, x: Tensor) -> Tensor:
        """x (B, inputs, H, W) -> (B, outputs, H, W)"""
        return rectified(self.second(rectified(self.first(x), self.norm)), self.norm)


def rectified(x: Tensor, norm: bool = False) -> Tensor:
    """What follows each layer: a leaky rectifier, in the generator then pixel normalisation."""
    x = F.leaky_relu(x, _SLOPE)
    return pixel_norm(x) if norm else x


class GrowingGenerator(nn.Module):
    """Latents to pictures of FIRST pixels, doubled `stage` times. `maps` are the feature maps at each size, `pixels` the channels
    of a picture, `classes` how many there are to choose from, each with a vector that is appended to the latent. While a size
    fades in, its picture is mixed with that of the size before, enlarged."""

    def __init__(
        self, latent: int, maps: Sequence[int], pixels: int, *, normalised: bool = True, equalised: bool = True,
        classes: int = 0,
    ) -> None:  # fmt: skip
        super().__init__()
        self.normalised = normalised
        inputs = latent + (CLASS if classes else 0)
        self.begin = Equalised(inputs, maps[0] * FIRST**2, gain=_GAIN / FIRST, equalised=equalised)
        self.first = Equalised(maps[0], maps[0], 3, equalised=equalised)
        self.blocks = nn.ModuleList(
            Block(before, now, now, norm=normalised, equalised=equalised) for before, now in itertools.pairwise(maps)
        )
        self.outputs = nn.ModuleList(Equalised(now, pixels, 1, gain=1.0, equalised=equalised) for now in maps)
        self.classes = nn.Embedding(classes, CLASS) if classes else None

    def forward(self, latent: Tensor, stage: int, fade: float = 1.0, labels: Tensor | None = None) -> Tensor:
        """latent (B, latent), labels (B,) where there are classes -> (B, pixels, S, S), S = FIRST 2^stage; `fade` in [0, 1] is
        the share of the newest layers in it, which at 0 is the picture of the stage before, enlarged."""
        parts = [latent] if self.classes is None else [latent, self.classes(labels)]
        x = self.begin(torch.cat([pixel_norm(part) if self.normalised else part for part in parts], 1))
        x = rectified(x.unflatten(1, (-1, FIRST, FIRST)), self.normalised)
        x = before = rectified(self.first(x), self.normalised)
        for block in self.blocks[:stage]:
            before, x = x, block(doubled(x))
        made: Tensor = self.outputs[stage](x)
        if fade >= 1 or not stage:
            return made
        return torch.lerp(doubled(self.outputs[stage - 1](before)), made, fade)


class GrowingDiscriminator(nn.Module):
    """Pictures of any of the sizes to one raw score each; higher is more real. The mirror of the generator. With `classes`, the
    score says how real a picture is as one of its class: their vectors are multiplied with the last features (Miyato & Koyama
    2018)."""

    def __init__(
        self, maps: Sequence[int], pixels: int, *, deviation: bool = True, equalised: bool = True, classes: int = 0
    ) -> None:
        super().__init__()
        self.inputs = nn.ModuleList(Equalised(pixels, now, 1, equalised=equalised) for now in maps)
        self.blocks = nn.ModuleList(
            Block(now, now, before, norm=False, equalised=equalised) for before, now in itertools.pairwise(maps)
        )
        self.deviation = MinibatchDeviation() if deviation else None
        self.last = Equalised(maps[0] + int(deviation), maps[0], 3, equalised=equalised)
        self.hidden = Equalised(maps[0] * FIRST**2, maps[0], equalised=equalised)
        self.head = Equalised(maps[0], 1, gain=1.0, equalised=equalised)
        self.classes = nn.Embedding(classes, maps[0]) if classes else None

    def forward(self, pictures: Tensor, stage: int, fade: float = 1.0, labels: Tensor | None = None) -> Tensor:
        """pictures (B, pixels, S, S), S = FIRST 2^stage, labels (B,) where there are classes -> (B,); at a `fade` of 0 it is the
        score of the stage before for the pictures at half the size. Without labels, how real it is whatever its class."""
        x = rectified(self.inputs[stage](pictures))
        for newest, block in enumerate(reversed(self.blocks[:stage])):
            x = halved(block(x))
            if newest == 0 and fade < 1:
                x = torch.lerp(rectified(self.inputs[stage - 1](halved(pictures))), x, fade)
        if self.deviation is not None:
            x = self.deviation(x)
        features = rectified(self.hidden(rectified(self.last(x)).flatten(1)))
        score: Tensor = self.head(features).squeeze(1)
        if self.classes is None or labels is None:
            return score
        return score + (features * self.classes(labels)).sum(1) / math.sqrt(features.shape[1])


def doubled(x: Tensor) -> Tensor:
    """(B, C, H, W) -> (B, C, 2H, 2W), each pixel four times"""
    return F.interpolate(x, scale_factor=2, mode="nearest")


def halved(x: Tensor) -> Tensor:
    """(B, C, 2H, 2W) -> (B, C, H, W), means of four"""
    return F.avg_pool2d(x, 2)


def shrunk(pictures: Tensor, size: int, fade: float = 1.0) -> Tensor:
    """Real pictures (B, C, S, S) as a discriminator of `size` sees them; while that fades in, mixed with what the size before
    showed of them, as the fakes are."""
    x = F.avg_pool2d(pictures, pictures.shape[3] // size) if pictures.shape[3] != size else pictures
    return x if fade >= 1 or size == FIRST else torch.lerp(doubled(halved(x)), x, fade)


def enlarged(pictures: Tensor, size: int) -> Tensor:
    """Pictures (B, C, S, S), each pixel repeated until they have `size`"""
    times = size // pictures.shape[3]
    return pictures if times == 1 else F.interpolate(pictures, scale_factor=times, mode="nearest")
