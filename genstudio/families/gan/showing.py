"""What a GAN looks like from outside: the plane with all its layers, fixed grids of pictures, histograms of scores."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from genstudio.data.learnable.samples import SampleData, Shape
from genstudio.evaluation.features import pictures
from genstudio.events import Snapshot
from genstudio.families.gan import losses
from genstudio.families.gan.config import GANConfig
from genstudio.snapshots.samples import Histograms, Pictures, Plane

GRID, MESH, POINTS, ARROWS, PICTURES = 40, 20, 400, 200, 64
_BINS = 20
_SEED = 20_140_610
"""Of the noise and of the real samples that are shown at every step, so that change is the model's alone."""


class Viewer:
    """Makes snapshots of both networks at bounded cost; the noise and the real samples stay the same."""

    def __init__(self, config: GANConfig, data: SampleData, device: torch.device) -> None:
        self.config, self.data, self.device = config, data, device
        random = torch.Generator().manual_seed(_SEED)
        points = data.shape.kind == "points"
        labelled = config.conditional
        count = POINTS if points else _arranged(len(data.shape.classes)) if labelled else PICTURES
        shape = (count, config.latent)
        noise = torch.rand(shape, generator=random) * 2 - 1 if config.latent_kind == "uniform" else None
        self.noise = (torch.randn(shape, generator=random) if noise is None else noise).to(device)
        self.labels = (torch.arange(count) % len(data.shape.classes)).to(device) if labelled else None
        chosen = np.random.default_rng(_SEED).choice(data.train, min(count, len(data.train)), replace=False)
        self.real = data.real[chosen] if len(chosen) else data.real
        self.real_labels = data.labels[chosen] if labelled and data.labels is not None and len(chosen) else None
        self._told_real = False
        if points:
            self._places = torch.from_numpy(self._grid()).to(device)
            self._even = torch.from_numpy(_even(config)).to(device) if config.latent == 2 else None

    def preview(self, raw: nn.Module, average: nn.Module, judge: nn.Module, step: int) -> Iterator[Snapshot]:
        """`plane` of the raw generator, or `fixed` and `fixed_raw` pictures; and the histograms `scores`."""
        if self.data.shape.kind == "points":
            fake, mesh = self._made(raw)
            plane = self._plane("plane", step, mesh, judge, torch.from_numpy(self.real).to(self.device), fake)
            yield plane
            assert plane.scores is not None
            yield self._histograms(step, plane.scores[: len(self.real)], plane.scores[len(self.real) :])
            return
        fixed = _run(average, self.noise, self.labels)
        fake = _run(raw, self.noise, self.labels)
        scores = self.opinions(judge, fake, self.labels)
        yield self._pictures("fixed", step, fixed, self.labels, self.opinions(judge, fixed, self.labels))
        yield self._pictures("fixed_raw", step, fake, self.labels, scores)
        if not len(self.real):
            return
        labels = None if self.real_labels is None else torch.from_numpy(self.real_labels).to(self.device)
        real = self._tensor(self.real)
        judged = self.opinions(judge, real, labels)
        if not self._told_real:
            self._told_real = True
            yield self._pictures("real", step, real, labels, judged)
        yield self._histograms(step, judged, scores)

    def opening(self, step: int) -> Iterator[Snapshot]:
        """What can be shown before a model has seen anything: real pictures, on channel `real`, not judged yet."""
        if self.data.shape.kind == "images" and len(self.real):
            labels = None if self.real_labels is None else self.real_labels.copy()  # a snapshot freezes what it holds
            yield Pictures("real", step, self.real.copy(), labels, self.data.shape.classes, None)

    def moment(
        self, raw: nn.Module, judge: nn.Module, step: int, real: Tensor, labels: Tensor | None, fake: Tensor | None
    ) -> Snapshot:
        """The samples of one stage: on channel `plane`, or as pictures on `moment` (fakes once there are some)."""
        if self.data.shape.kind == "points":
            made = real[:0] if fake is None else fake[:POINTS]
            return self._plane("plane", step, self._made(raw)[1], judge, real[:POINTS], made)
        shown = (real if fake is None else fake)[:PICTURES]
        told = None if labels is None else labels[: len(shown)]
        whole = shown[: len(shown) // self.config.pack * self.config.pack]
        return self._pictures("moment", step, whole, None if told is None else told[: len(whole)],
                              self.opinions(judge, whole, None if told is None else told[: len(whole)]))  # fmt: skip

    def opinions(self, judge: nn.Module, samples: Tensor, labels: Tensor | None) -> NDArray[np.float32]:
        """What the discriminator thinks of each sample (n,): a probability, or a critic's score.

        With packing each is judged in a pack filled up with real samples, or with itself where there are none.
        """
        return _opinions(judge, samples, labels, self._companions(samples, labels), self.config.bounded)

    def _companions(self, samples: Tensor, labels: Tensor | None) -> Tensor | None:
        if self.config.pack == 1:
            return None
        count = len(samples) * (self.config.pack - 1)
        if not len(self.real):
            return samples.repeat(self.config.pack - 1, *[1] * (samples.ndim - 1))
        chosen = np.random.default_rng(_SEED).integers(0, len(self.real), count)
        return self._tensor(self.real[chosen])

    def _tensor(self, real: NDArray[Any]) -> Tensor:
        return tensor(self.data.shape, real, self.device)

    def _made(self, raw: nn.Module) -> tuple[Tensor, Tensor | None]:
        """The fakes of the noise, and where the even grid goes, in one pass."""
        if self._even is None:
            return _run(raw, self.noise, None), None
        made = _run(raw, torch.cat([self.noise, self._even]), None)
        return made[: len(self.noise)], made[len(self.noise) :]

    def _plane(
        self, channel: str, step: int, grid: Tensor | None, judge: nn.Module, real: Tensor, fake: Tensor
    ) -> Plane:
        data = self.data
        scores = self.opinions(judge, torch.cat([self._places, real, fake]), None)
        places = GRID * GRID
        mesh = None if grid is None else data.outside(grid.cpu().numpy()).reshape(MESH, MESH, 2)
        return Plane(
            channel, step, data.outside(real.cpu().numpy()), data.outside(fake.cpu().numpy()), data.extent,
            scores[:places].reshape(GRID, GRID), self.config.bounded, self._arrows(judge, fake[:ARROWS]), mesh,
            scores[places:].copy(),
        )  # fmt: skip

    def _arrows(self, judge: nn.Module, fake: Tensor) -> NDArray[np.float32]:
        """Minus the gradient of the generator's loss at each fake (n, 2), times n: of a mean, each has its share."""
        if not len(fake):
            return np.zeros((0, 2), np.float32)
        companions = self._companions(fake, None)
        fake = fake.detach().requires_grad_()
        with torch.enable_grad():
            scores = judge(_packs(fake, companions), None)
            loss = losses.generator_loss(self.config.loss, scores)
            (gradient,) = torch.autograd.grad(loss, fake)
        return (-gradient * len(fake) / self.data.scale).cpu().numpy()

    def _pictures(
        self, channel: str, step: int, made: Tensor, labels: Tensor | None, scores: NDArray[np.float32]
    ) -> Pictures:
        told = None if labels is None else labels.cpu().numpy()
        return Pictures(channel, step, as_pixels(made), told, self.data.shape.classes, scores)

    def _histograms(self, step: int, real: NDArray[np.float32], fake: NDArray[np.float32]) -> Histograms:
        low, high = (0.0, 1.0) if self.config.bounded else _range(np.concatenate([real, fake]))
        edges = np.linspace(low, high, _BINS + 1)
        counts = {name: np.histogram(part, edges)[0] for name, part in (("D(x)", real), ("D(G(z))", fake))}
        return Histograms("scores", step, edges, counts)

    def _grid(self) -> NDArray[np.float32]:
        x0, x1, y0, y1 = self.data.extent
        x, y = np.meshgrid(_middles(x0, x1), _middles(y0, y1))
        return self.data.inside(np.stack([x, y], -1).reshape(-1, 2))


def tensor(shape: Shape, real: NDArray[Any], device: torch.device) -> Tensor:
    """Stored samples as the networks see them: points (n, 2), or pictures (n, c, h, w) in [-1, 1]."""
    if shape.kind == "images":
        return pictures(real, device)
    return torch.from_numpy(np.require(real, requirements=["C", "W"])).to(device)


def as_pixels(made: Tensor) -> NDArray[np.uint8]:
    """Pictures (n, c, h, w) in [-1, 1] as (n, h, w, c) uint8."""
    pixels = made.detach().add(1).mul_(127.5).round_().clamp_(0, 255).to(torch.uint8)
    return np.ascontiguousarray(pixels.permute(0, 2, 3, 1).cpu().numpy())


@torch.no_grad()
def _run(network: nn.Module, noise: Tensor, labels: Tensor | None) -> Tensor:
    return network(noise, labels)


@torch.no_grad()
def _opinions(
    judge: nn.Module, samples: Tensor, labels: Tensor | None, companions: Tensor | None, bounded: bool
) -> NDArray[np.float32]:
    pack = 1 if companions is None else 1 + len(companions) // max(len(samples), 1)
    told = None if labels is None else labels.repeat_interleave(pack)
    scores = judge(_packs(samples, companions), told)
    return (scores.sigmoid() if bounded else scores).float().cpu().numpy()


def _packs(samples: Tensor, companions: Tensor | None) -> Tensor:
    """Each sample (n, ...) before its companions (n (pack - 1), ...): (n pack, ...)"""
    if companions is None:
        return samples
    grouped = companions.unflatten(0, (len(samples), -1))
    return torch.cat([samples[:, None], grouped], 1).flatten(0, 1)


def _middles(low: float, high: float) -> NDArray[np.float64]:
    return low + (high - low) * (np.arange(GRID) + 0.5) / GRID


def _even(config: GANConfig) -> NDArray[np.float32]:
    """A square grid in a two-dimensional latent space, (MESH^2, 2): of quantiles, so that every cell is as likely."""
    shares = torch.linspace(0.02, 0.98, MESH, dtype=torch.float64)
    line = shares * 2 - 1 if config.latent_kind == "uniform" else torch.special.ndtri(shares)
    first, second = torch.meshgrid(line, line, indexing="ij")
    return torch.stack([first, second], -1).reshape(-1, 2).float().numpy()


def _range(values: NDArray[np.float32]) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _arranged(classes: int) -> int:
    """How many pictures fill whole rows of one picture for each class."""
    return classes * max(1, PICTURES // classes) if classes <= PICTURES else PICTURES
