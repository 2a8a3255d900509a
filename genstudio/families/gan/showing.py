"""What a GAN looks like from outside: the plane with all its layers, fixed grids of pictures, histograms of scores."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from genstudio.events import Snapshot
from genstudio.families.gan.model import GANModel
from genstudio.families.samples import ARROWS, GRID, MESH, PICTURES, POINTS, even_grid, opinions, places
from genstudio.nn.modes import evaluating
from genstudio.snapshots.samples import Pictures, Plane
from genstudio.training import adversarial


class Viewer:
    """Makes snapshots of a model at bounded cost; the noise and the real samples stay the same."""

    def __init__(self, model: GANModel) -> None:
        self.model, self.points = model, model.data.shape.kind == "points"
        self._told_real = False
        if self.points:
            self._places = model.inside(model.data.inside(places(model.data)))
            self._even = even_grid(model.latent.kind) if model.latent.size == 2 else None

    def preview(self, step: int) -> Iterator[Snapshot]:
        """`plane` of the generator, or `fixed` pictures of its average and `fixed_raw` of itself; and the histograms
        `scores`."""
        model, (noise, classes) = self.model, self.model.fixed
        if self.points:
            plane = self._plane(step, model.inside(model.real), *self._made())
            yield plane
            assert plane.scores is not None
            yield opinions(step, plane.scores[: len(model.real)], plane.scores[len(model.real) :], model.bounded)
            return
        labels = model.labels(classes)
        fixed, fake = model.made(noise, classes, "average"), model.made(noise, classes, "generator")
        scores = model.d_score(fake, labels)
        yield self._pictures("fixed", step, fixed, labels, model.d_score(fixed, labels))
        yield self._pictures("fixed_raw", step, fake, labels, scores)
        if not len(model.real):
            return
        real, labels = model.inside(model.real), model.labels(model.real_labels)
        judged = model.d_score(real, labels)
        if not self._told_real:
            self._told_real = True
            yield self._pictures("real", step, real, labels, judged)
        yield opinions(step, judged, scores, model.bounded)

    def opening(self, step: int) -> Iterator[Snapshot]:
        """What can be shown before a model has seen anything: real pictures, on channel `real`, not judged yet."""
        model = self.model
        if not self.points and len(model.real):
            labels = None if model.real_labels is None else model.real_labels.copy()  # a snapshot freezes what it holds
            yield Pictures("real", step, model.real.copy(), labels, model.data.shape.classes, None)

    def stage(self, step: int, real: Tensor, labels: Tensor | None, fake: Tensor | None) -> Snapshot:
        """The samples of one stage: on channel `plane`, or as pictures on `moment` (fakes once there are some)."""
        if self.points:
            made = real[:0] if fake is None else fake[:POINTS]
            return self._plane(step, real[:POINTS], made, self._made()[1])
        shown, pack = real if fake is None else fake, self.model.config.pack
        count = min(PICTURES, len(shown)) // pack * pack
        shown, labels = shown[:count], None if labels is None else labels[:count]
        return self._pictures("moment", step, shown, labels, self.model.d_score(shown, labels))

    def _made(self) -> tuple[Tensor, Tensor | None]:
        """The fakes of the noise, and where the even grid goes, in one pass."""
        noise, _ = self.model.fixed
        if self._even is None:
            return self.model.made(noise, None, "generator"), None
        made = self.model.made(np.concatenate([noise, self._even]), None, "generator")
        return made[: len(noise)], made[len(noise) :]

    def _plane(self, step: int, real: Tensor, fake: Tensor, grid: Tensor | None) -> Plane:
        model, places = self.model, GRID * GRID
        scores = model.d_score(torch.cat([self._places, real, fake]), None)
        mesh = None if grid is None else model.outside(grid).reshape(MESH, MESH, 2)
        return Plane(
            "plane", step, model.outside(real), model.outside(fake), model.data.extent,
            scores[:places].reshape(GRID, GRID), model.bounded, self._arrows(fake[:ARROWS]), mesh, scores[places:].copy(),
        )  # fmt: skip

    def _arrows(self, fake: Tensor) -> NDArray[np.float32]:
        """Minus the gradient of the generator's loss at each fake (n, 2), times n: of a mean, each has its share."""
        if not len(fake):
            return np.zeros((0, 2), np.float32)
        model = self.model
        fake = fake.detach().requires_grad_()
        with torch.enable_grad(), evaluating(model.discriminator):
            loss = adversarial.generator_loss(model.config.loss, model.discriminator(model.packs(fake), None))
            (gradient,) = torch.autograd.grad(loss, fake)
        return (-gradient * len(fake) / model.data.scale).cpu().numpy()

    def _pictures(
        self, channel: str, step: int, made: Tensor, labels: Tensor | None, scores: NDArray[np.float32]
    ) -> Pictures:
        asked = None if labels is None else labels.cpu().numpy()
        return Pictures(channel, step, self.model.outside(made), asked, self.model.data.shape.classes, scores)
