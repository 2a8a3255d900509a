"""A diffusion model (Ho et al. 2020) or a flow (Lipman et al. 2023): noise becomes samples, step by step."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from genstudio.data.learnable.samples import SampleData
from genstudio.events import Snapshot
from genstudio.families.abilities import LatentSpec
from genstudio.families.denoiser import NoiseModel
from genstudio.families.diffusion.config import DiffusionConfig
from genstudio.families.diffusion.networks import build
from genstudio.families.diffusion.targets import shared
from genstudio.families.samples import ARROWS, MESH, POINTS, Array, compared, even_grid
from genstudio.snapshots.samples import Pictures, Plane
from genstudio.training.learner import Measured, Tick

SCORES = (0.8, 0.5, 0.2)
"""Noise levels at which the score is shown, as shares of pure noise."""
_PATHS, _PATH_STEPS = 60, 24


class Diffusion(NoiseModel):
    """A diffusion model of points or pictures, which may be asked for a class."""

    config: DiffusionConfig

    def __init__(self, config: DiffusionConfig, data: SampleData, device: str, seed: int) -> None:
        self.config, self.device = config, torch.device(device)
        self.classes = data.shape.classes if config.conditional else ()
        self.network = build(config, data.shape, len(self.classes), seed).to(self.device)
        if data.shape.kind == "images":
            self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = copy.deepcopy(self.network).requires_grad_(False)
        self.modules = {"network": self.network, "average": self.average}
        self.latent = LatentSpec(data.shape.numbers)
        self.levels = config.noise_levels()
        self._take(data)

    def loss(self, x: Tensor, labels: Tensor | None, step: int) -> tuple[Tensor, dict[str, Tensor | float]]:
        """The mean squared error of the prediction at noise levels spread evenly over the batch; some classes are hidden."""
        x, told = self.to_model(x), labels
        if labels is not None and self.config.class_dropout:
            told = torch.where(torch.rand(len(x), device=x.device) < self.config.class_dropout, -1, labels)
        made, noise, signal, spread = self._trained(x, told)
        loss = self._squared(made, x, noise, signal, spread).mean()
        values: dict[str, Tensor | float] = {"train_loss": loss.detach()}  # comparable with that of held-out samples
        if self.config.shared_targets:
            possible = None if told is None else (told < 0)[:, None] | (told[:, None] == labels)
            loss = self._squared(made, *shared(x, noise, signal, spread, possible), signal, spread).mean()
        return loss, values

    def evaluate(self, exact: bool = False) -> Iterator[Measured]:
        """What `losses` says; see also `Reference`. Yields nothing without data."""
        if not len(self.data.train):
            return
        values = yield from self.losses()
        values |= yield from compared(self, exact, energy=True, pictures=self._affordable())
        yield Measured(values)

    @torch.no_grad()
    def preview(self, step: int) -> Iterator[Snapshot | Tick]:
        """`plane` of points, the `paths` that they took and the `score_80`, `score_50`, `score_20` at noise levels; or `samples`
        of fixed noise and what the network expected half-way, `expected`. `loss_by_level` of held-out samples."""
        data, shown = self.data, self.shown
        if not len(shown.chosen):
            return
        yield self.loss_by_level(step)
        if self.form.points:
            yield from self._points(step)
            return
        latents, labels = self.fixed
        made = half = None
        for made in self.sample(latents, labels):
            half = made if half is None or made.before >= 0.5 else half
            yield Tick()
        assert made is not None and half is not None
        for channel, pixels in (("samples", made.samples), ("expected", half.clean)):
            yield Pictures(channel, step, pixels.copy(), None if labels is None else labels.copy(), data.shape.classes)

    def _points(self, step: int) -> Iterator[Snapshot | Tick]:
        data, (latents, _) = self.data, self.fixed
        real = data.outside(data.real[self.shown.chosen])
        deterministic = self.sampler.deterministic
        begun = np.concatenate([latents, even_grid()]) if deterministic else latents
        paths, made = [data.outside(begun[:_PATHS])], None
        for made in self.sample(begun):
            paths.append(made.samples[:_PATHS])
            yield Tick()
        assert made is not None
        mesh = made.samples[POINTS:].reshape(MESH, MESH, 2) if deterministic else None
        yield Plane("plane", step, real, made.samples[:POINTS].copy(), data.extent, mesh=mesh)
        kept = np.unique(np.linspace(0, len(paths) - 1, _PATH_STEPS).round().astype(np.int64))
        walked = np.stack([paths[index] for index in kept], 1)
        yield Plane("paths", step, real, made.samples[:_PATHS].copy(), data.extent, paths=walked)
        for share in SCORES:
            yield self._score_plane(step, real, share)

    def _score_plane(self, step: int, real: Array, share: float) -> Plane:
        """The score on an even grid."""
        x0, x1, y0, y1 = self.data.extent
        side = int(ARROWS**0.5)
        line = (np.arange(side) + 0.5) / side
        x, y = np.meshgrid(x0 + (x1 - x0) * line, y0 + (y1 - y0) * line)
        places = np.stack([x, y], -1).reshape(-1, 2).astype(np.float32)
        return Plane(
            f"score_{share * 100:.0f}", step, real, places, self.data.extent, arrows=self.score(places, share)
        )
