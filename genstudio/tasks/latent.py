"""The noise of a generator as a space to look around in: what it is made of, and which directions matter most."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from genstudio.events import Array, Frame, Frozen, Progress
from genstudio.sampling import latent
from genstudio.tasks.models import ModelRef, Models
from genstudio.tasks.sample import sampling
from genstudio.tasks.task import Frames

_SAMPLES = 2000
_MOST = 64


@dataclass(frozen=True, slots=True, eq=False)
class LatentSpace(Frozen):
    """The latents of a model: `size` numbers, `kind` normal or uniform; `directions` (k, size) of unit length, the one
    that moves the generator's first layer most before the others, with the `shares` (k,) of its variance.

    `extent` is where the points of a dataset lie, None for pictures; `classes` are those that can be asked for.
    """

    size: int
    kind: str
    directions: Array
    shares: Array
    classes: tuple[str, ...]
    extent: tuple[float, float, float, float] | None

    @property
    def reach(self) -> float:
        """How far from the middle most of the noise lies, along one number."""
        return 1.0 if self.kind == "uniform" else 3.0


@dataclass(frozen=True)
class FindSpace:
    """Returns a LatentSpace. Its directions are those of GANSpace, of what the first layer makes of noise before
    its activation function; `raw` takes the generator itself and not its moving average."""

    model: ModelRef
    raw: bool = False

    def run(self, models: Models) -> Frames[LatentSpace]:
        yield Frame(progress=Progress("Opening the model"))
        opened = models.get(self.model)
        learner = sampling(opened)
        config, shape = learner.config, learner.data.shape
        noise = learner.noise(_SAMPLES, 0).cpu().numpy().astype(np.float64)
        yield Frame(progress=Progress("Finding directions"))
        body = (learner.generator if self.raw else learner.average).body
        weight = body[0].weight.detach().cpu().numpy()[:, : config.latent].astype(np.float64)
        # the layer is linear: turned into as many coordinates as there is noise, its features have the same variances
        turned = np.linalg.qr(weight)[1]
        found, shares = latent.directions(noise, noise @ turned.T)
        return LatentSpace(
            config.latent, config.latent_kind, found[:_MOST].copy(), shares[:_MOST].copy(),
            shape.classes if config.conditional else (), learner.data.extent if shape.kind == "points" else None,
        )  # fmt: skip
