"""What removes noise: a network that is told how much there is, and of which class the sample is."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from genstudio.data.learnable.samples import Shape
from genstudio.families.denoiser import Denoiser
from genstudio.families.denoising import CONDITION
from genstudio.families.diffusion.config import DiffusionConfig
from genstudio.nn.dense import ModulatedMLP
from genstudio.nn.unet import UNet


class ClassDenoiser(Denoiser):
    """A network whose condition is that of a class: the row of `classes`, whose last row stands for none."""

    def __init__(self, config: DiffusionConfig, shape: Shape, classes: int) -> None:
        super().__init__()
        self.classes = nn.Embedding(classes + 1, CONDITION) if classes else None
        if config.network == "mlp":
            self.body = ModulatedMLP(shape.numbers, config.width, config.layers, CONDITION)
        else:
            self.body = UNet(
                shape.channels, config.channels, config.halvings, CONDITION, blocks=config.blocks,
                attention=config.attention, patch=config.patch,
            )  # fmt: skip

    def condition(self, asked: Tensor | None, count: int) -> Tensor | None:
        """The vectors (count, CONDITION) of classes (count,), -1 or None for no class; None where the model knows no classes."""
        if self.classes is None:
            return None
        none = self.classes.num_embeddings - 1
        if asked is None:
            asked = torch.full((count,), none, device=self.classes.weight.device)
        return self.classes(torch.where(asked < 0, none, asked))


def build(config: DiffusionConfig, shape: Shape, classes: int, seed: int) -> ClassDenoiser:
    """The network, with weights that follow from the seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return ClassDenoiser(config, shape, classes)
