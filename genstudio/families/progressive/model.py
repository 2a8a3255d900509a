"""A pair of networks that grow together as it is used: pictures of noise at any size that it has reached, and scores."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from genstudio.data.learnable.samples import SampleData
from genstudio.events import Array
from genstudio.families.abilities import LatentSpec, Made
from genstudio.families.progressive.config import ProgressiveConfig
from genstudio.families.progressive.growth import Growth
from genstudio.families.samples import OnSamples, compared
from genstudio.nn.growing import GrowingDiscriminator, GrowingGenerator, enlarged, shrunk
from genstudio.nn.modes import evaluating
from genstudio.nn.sizes import sizes_to
from genstudio.training import adversarial
from genstudio.training.learner import Measured

SHOWN = 8
"""Pictures of each size that are kept."""
_COMPARED = 500


class ProgressiveModel(OnSamples):
    """A generator, its discriminator, the generator's moving average, and how far they have grown. Inside, pixels lie in
    [-1, 1]. What is smaller than the data is enlarged wherever it is compared with them."""

    variants = ("average", "generator")

    def __init__(self, config: ProgressiveConfig, data: SampleData, device: str, seed: int) -> None:
        self.config, self.device, shape = config, torch.device(device), data.shape
        self.sizes = sizes_to(shape.height)
        self.classes = shape.classes if config.conditional else ()
        maps = config.maps(len(self.sizes))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.generator = GrowingGenerator(
                config.latent, maps, shape.channels, normalised=config.pixel_norm, equalised=config.equalised,
                classes=len(self.classes),
            )  # fmt: skip
            self.discriminator = GrowingDiscriminator(
                maps, shape.channels, deviation=config.deviation, equalised=config.equalised, classes=len(self.classes)
            )
        self.average = copy.deepcopy(self.generator).requires_grad_(False)
        self.growth = Growth(len(self.sizes), (SHOWN, shape.height, shape.width, shape.channels), config.grow)
        self.modules: Mapping[str, nn.Module] = {
            "generator": self.generator, "discriminator": self.discriminator, "average": self.average, "growth": self.growth,
        }  # fmt: skip
        for name, module in self.modules.items():
            module.to(self.device)
            if name != "growth":  # a step takes a seventh less time so
                module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.latent = LatentSpec(config.latent)
        self._asked: tuple[int, float] | None = None
        self._take(data)

    @property
    def bounded(self) -> bool:
        return self.config.bounded

    @property
    def now(self) -> tuple[int, float]:
        """The stage and the fade of what is made."""
        return self._asked or (self.growth.stage, self.growth.fade)

    @property
    def size(self) -> int:
        """Pixels of a side of what is made."""
        return self.sizes[self.now[0]]

    @property
    def grown(self) -> tuple[int, float]:
        return self.size, self.now[1]

    def grown_to(self, size: int, fade: float) -> ProgressiveModel:
        other = copy.copy(self)
        other._asked = self.sizes.index(size), fade
        return other

    def network(self, variant: str) -> GrowingGenerator:
        """The generator as it trains, or its average."""
        return self.generator if variant == "generator" else self.average

    @torch.no_grad()
    def made(self, latents: Array, variant: str = "average", labels: Array | None = None) -> Tensor:
        """Pictures (n, C, S, S) of latents (n, latent), and of classes (n,) where the model knows some, of the size and at the
        fade that they have grown to."""
        z = torch.from_numpy(np.require(latents, np.float32, ["C", "W"])).to(self.device)
        made: Tensor = self.network(variant)(z, *self.now, self.asked(labels))
        return made

    def asked(self, labels: Array | None) -> Tensor | None:
        """Classes (n,) on the model's device; None where it knows none."""
        if labels is None or not self.classes:
            return None
        return torch.from_numpy(np.array(labels, np.int64)).to(self.device)

    def sample(self, latents: Array, labels: Array | None, variant: str) -> Iterator[Made]:
        """G(z), at the size of the data, and D(G(z)) beside it."""
        made = self.made(latents, variant, labels)
        yield Made(self.outside(made), self.d_score(made, labels))

    def judge(self, samples: Array, labels: Array | None) -> NDArray[np.float32]:
        """D(x) of pictures (n, h, w, c) uint8."""
        return self.d_score(shrunk(self.inside(samples), *self.grown), labels)

    @torch.no_grad()
    def d_score(self, pictures: Tensor, labels: Array | None = None) -> NDArray[np.float32]:
        """The discriminator's output for each picture (n, C, S, S) of the size that is trained: (n,), a probability, or a
        critic's score; as one of the classes `labels` (n,) where they are given. Each is judged as if it were in a batch as
        varied as real ones."""
        with evaluating(self.discriminator):
            scores = self.discriminator(pictures, *self.now, self.asked(labels))
        return adversarial.opinion(scores, self.bounded).float().cpu().numpy()

    def first_weight(self, variant: str) -> NDArray[np.float32]:
        """What the generator's first layer does with the noise, before its activation function."""
        return self.network(variant).begin.effective.detach().cpu().numpy()[:, : self.config.latent].copy()

    def evaluate(self, exact: bool = False) -> Iterator[Measured]:
        """Fidelity and diversity of the generator's average, of fixed noise, at the full size of the data: see `compared`. What
        is smaller is enlarged, so that all sizes, and networks that did not grow, have one measure."""
        values = yield from compared(self, exact, pictures=_COMPARED)
        if values:
            yield Measured(values, answer=values | {"size": float(self.size)})

    def inside(self, samples: Array) -> Tensor:
        """Pictures (n, h, w, c) uint8 as the networks see them: (n, c, h, w) in [-1, 1]"""
        return self.form.inside(samples) * 2 - 1

    def outside(self, made: Tensor) -> Array:
        """Pictures (n, c, S, S) of any of the sizes as they are outside: (n, h, w, c) uint8, of the size of the data"""
        return self.form.outside((enlarged(made, self.sizes[-1]) + 1) / 2)
