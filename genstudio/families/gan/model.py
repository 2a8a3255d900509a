"""A GAN as it is used: samples of noise, scores of samples, and how good both are."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from genstudio.data.learnable.samples import SampleData
from genstudio.evaluation.features import pictures, pixels_of
from genstudio.evaluation.samples import Reference
from genstudio.events import Array
from genstudio.families.abilities import LatentSpec, Made
from genstudio.families.gan.config import GANConfig
from genstudio.families.gan.measuring import measure
from genstudio.families.gan.networks import Generator, build
from genstudio.families.samples import PICTURES, POINTS
from genstudio.nn.modes import evaluating
from genstudio.training import adversarial
from genstudio.training.learner import Measured

_SEED = 20_140_610
"""Of the noise and of the real samples that are shown at every step, so that change is the model's alone."""


class GANModel:
    """A generator, its discriminator, and the generator's moving average.

    `real` are the real samples that are shown at every step, of classes `real_labels`.
    """

    variants = ("average", "generator")

    def __init__(self, config: GANConfig, data: SampleData, device: str, seed: int) -> None:
        self.config, self.device = config, torch.device(device)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.generator, self.discriminator = build(config, data.shape)
        for network in (self.generator, self.discriminator):
            network.to(self.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
            network.eval()
        self.average = copy.deepcopy(self.generator).requires_grad_(False)
        self.modules: Mapping[str, nn.Module] = {
            "generator": self.generator,
            "discriminator": self.discriminator,
            "average": self.average,
        }
        self._take(data)

    def on(self, data: SampleData) -> GANModel:
        """The same networks with other data."""
        other = copy.copy(self)
        other._take(data)
        return other

    def _take(self, data: SampleData) -> None:
        self.data, self.reference = data, Reference(data, self.device, examples=self.config.examples)
        self.fixed = self._fixed()
        most = len(self.fixed[0])
        chosen = np.random.default_rng(_SEED).choice(data.train, min(most, len(data.train)), replace=False)
        self.real = data.real[chosen] if len(chosen) else data.real
        labelled = self.config.conditional and data.labels is not None and len(chosen)
        self.real_labels = data.labels[chosen] if labelled and data.labels is not None else None

    def _fixed(self) -> tuple[Array, Array | None]:
        classes, random = len(self.classes), torch.Generator().manual_seed(_SEED)
        rows = classes * max(1, PICTURES // classes) if 0 < classes <= PICTURES else PICTURES
        count = POINTS if self.data.shape.kind == "points" else rows
        return self.latents(count, random).numpy(), np.arange(count) % classes if classes else None

    @property
    def latent(self) -> LatentSpec:
        return LatentSpec(self.config.latent, self.config.latent_kind)

    @property
    def classes(self) -> tuple[str, ...]:
        return self.data.shape.classes if self.config.conditional else ()

    @property
    def bounded(self) -> bool:
        return self.config.bounded

    def latents(self, count: int, random: torch.Generator) -> Tensor:
        """Noise z (count, latent)."""
        if self.config.latent_kind == "uniform":
            return torch.rand(count, self.config.latent, generator=random, device=random.device) * 2 - 1
        return torch.randn(count, self.config.latent, generator=random, device=random.device)

    def noise(self, count: int, seed: int) -> NDArray[np.float32]:
        """Latents (count, latent) that depend on count and seed alone."""
        return self.latents(count, torch.Generator(self.device).manual_seed(seed % 2**63)).cpu().numpy()

    def network(self, variant: str) -> Generator:
        """The generator as it trains, or its average."""
        return self.generator if variant == "generator" else self.average

    @torch.no_grad()
    def made(self, latents: Array, labels: Array | None, variant: str = "average") -> Tensor:
        """G(z) of latents (n, latent), as the discriminator sees it, by the network as it is used and not as it trains."""
        network = self.network(variant)
        with evaluating(network):
            made: Tensor = network(self._tensor(latents), self.labels(labels))
        return made

    def sample(self, latents: Array, labels: Array | None, variant: str) -> Iterator[Made]:
        """G(z), and D(G(z)) beside it."""
        made = self.made(latents, labels, variant)
        yield Made(self.outside(made), self.d_score(made, self.labels(labels)))

    def judge(self, samples: Array, labels: Array | None) -> NDArray[np.float32]:
        """D(x) of points (n, 2) in the dataset's units or pictures (n, h, w, c) uint8."""
        points = self.data.shape.kind == "points"
        return self.d_score(self.inside(self.data.inside(samples) if points else samples), self.labels(labels))

    def first_weight(self, variant: str) -> NDArray[np.float32]:
        """What the generator's first layer does with the noise, before its activation function."""
        body = self.network(variant).body
        assert isinstance(body, nn.Sequential) and isinstance(body[0], nn.Linear)
        return body[0].weight.detach().cpu().numpy()[:, : self.config.latent].copy()

    def evaluate(self, exact: bool = False) -> Iterator[Measured]:
        """Fidelity and diversity of the generator's average, of fixed noise; see `measure`."""
        yield from measure(self, exact)

    @torch.no_grad()
    def d_score(self, samples: Tensor, labels: Tensor | None) -> NDArray[np.float32]:
        """The discriminator's output for each sample (n,): a probability, or a critic's score.

        With packing each sample is in a pack that real ones fill up, or itself where there are none.
        """
        packed = self.packs(samples)
        asked = None if labels is None else labels.repeat_interleave(len(packed) // max(len(samples), 1))
        with evaluating(self.discriminator):
            scores = self.discriminator(packed, asked)
        return adversarial.opinion(scores, self.bounded).float().cpu().numpy()

    def packs(self, samples: Tensor) -> Tensor:
        """Each sample (n, ...) before its companions: (n pack, ...)"""
        more = self.config.pack - 1
        if not more:
            return samples
        if len(self.real):
            beside = self.inside(self.real[np.random.default_rng(_SEED).integers(0, len(self.real), len(samples) * more)])
        else:
            beside = samples.detach().repeat(more, *[1] * (samples.ndim - 1))
        return torch.cat([samples[:, None], beside.unflatten(0, (len(samples), -1))], 1).flatten(0, 1)

    def labels(self, labels: Array | None) -> Tensor | None:
        """Classes (n,) on the model's device."""
        return None if labels is None else self._tensor(labels)

    def inside(self, real: Array) -> Tensor:
        """Stored samples as the networks see them: points (n, 2), or pictures (n, c, h, w) in [-1, 1]."""
        if self.data.shape.kind == "images":
            return pictures(real, self.device)
        return self._tensor(real)

    def outside(self, made: Tensor) -> Array:
        """Samples of the networks as others see them: points in the dataset's units, pictures (n, h, w, c) uint8."""
        if self.data.shape.kind == "points":
            return self.data.outside(made.detach().cpu().numpy())
        return pixels_of(made)

    def _tensor(self, array: Array) -> Tensor:
        return torch.from_numpy(np.require(array, requirements=["C", "W"])).to(self.device)
