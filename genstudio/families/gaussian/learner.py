"""Fitting Gaussians, in one step; and what they look like."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from genstudio.events import Snapshot
from genstudio.families.gaussian.model import GaussianModel
from genstudio.families.samples import MESH, PICTURES, density_field, even_grid, pictures, plane
from genstudio.snapshots.samples import Pictures
from genstudio.training.learner import Tick, Values

_ASIDE = 2.0
"""Deviations by which a picture of a direction is moved from the mean."""


class GaussianLearner:
    """Every step is the same: the closed form. There is nothing that optimises."""

    optimizers: Mapping[str, torch.optim.Optimizer] = {}
    tokens_per_step, evaluate_every, preview_every, criterion = 0, 1, 0.5, "val_loss"
    threads: int | None = None

    def __init__(self, model: GaussianModel, seed: int) -> None:
        self.model, self.seed, self.step = model, seed, 0

    def batch(self, step: int) -> tuple[Tensor, Tensor | None]:
        """All samples to fit, flat (n, D), and their classes (n,)."""
        model = self.model
        chosen = model.data.train[: model.config.examples or None]
        return model.form.stored(chosen).flatten(1), model.form.labels(chosen) if model.classes else None

    def training_step(self, batch: Any, step: int, progress: float) -> Values:
        """The fit, and minus the mean log-likelihood of what was fitted."""
        self.step, (samples, labels), gaussians = step, batch, self.model.gaussians
        gaussians.fit(samples, labels, self.model.config.ridge)
        return {
            "train_loss": self.model.form.nats - gaussians.joint(samples).logsumexp(1).mean(),
            "least_variance": torch.minimum(gaussians.variances.min(), gaussians.rest.min()),
        }

    def change(self, values: Mapping[str, Any]) -> None:
        """Other values of the live settings from the next step on. Raises ConfigError."""
        self.model.config = type(self.model.config).parse({**self.model.config.model_dump(), **values})

    def opening(self, step: int) -> Iterator[Snapshot]:
        """The real pictures, before anything is fitted."""
        if not self.model.form.points and len(self.model.shown.chosen):
            yield self.model.shown.real(self.model.data, step)

    def preview(self) -> Iterator[Snapshot | Tick]:
        """`plane` of points; of pictures `samples` of fixed noise, `means`, `directions` (each moved both ways from its
        mean), and `decisions`: real pictures with the class that the rule of Bayes gives them, and its probability."""
        model, step = self.model, self.step
        (made,) = model.sample(*model.fixed)
        if model.form.points:
            real = model.data.outside(model.data.real[self.model.shown.chosen])
            (mesh,) = model.sample(even_grid())
            field = density_field(model.data, lambda places: model.judge(places))
            yield plane(step, model.data, real, made.samples, field, mesh.samples.reshape(MESH, MESH, 2))
            return
        yield pictures("samples", step, model.data, made.samples, self.model.shown.labels)
        classes = np.arange(len(model.gaussians.mean))
        labels = classes if model.classes else None
        yield self._drawn("means", model.gaussians.mean, labels)
        if not model.gaussians.diagonal:
            yield self._directions(classes)
        if model.classes and len(self.model.shown.chosen):
            found, sure = model.decide(self.model.shown.chosen)
            yield pictures("decisions", step, model.data, model.data.real[self.model.shown.chosen], found, sure)

    def _directions(self, classes: Any) -> Pictures:
        """Rows of one direction, its classes side by side, each moved down and up."""
        gaussians = self.model.gaussians
        rows = min(max(1, PICTURES // (2 * len(classes))), gaussians.variances.shape[1])
        moved = gaussians.directions[:, :rows] * gaussians.variances[:, :rows, None].sqrt() * _ASIDE
        both = torch.stack([gaussians.mean[:, None] - moved, gaussians.mean[:, None] + moved], 1)  # (K, 2, rows, D)
        flat = both.permute(2, 1, 0, 3).flatten(0, 2)
        return self._drawn("directions", flat, np.tile(classes, 2 * rows) if self.model.classes else None)

    def _drawn(self, channel: str, flat: Tensor, labels: Any) -> Pictures:
        form = self.model.form
        return pictures(channel, self.step, self.model.data, form.outside(form.shaped(flat)), labels)
