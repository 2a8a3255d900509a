"""The noise of a generator as a space to look around in: what it is made of, and which directions matter most."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from genstudio.config import Values
from genstudio.events import Array, Frame, Frozen, Progress
from genstudio.families.abilities import Denoises, Encodes, Illustrates, Reconstructs, Samples
from genstudio.sampling import latent
from genstudio.sampling.diffusion import Flow, Sampler, Schedule
from genstudio.tasks.models import ModelRef, Models
from genstudio.tasks.sample import sampling, variant
from genstudio.tasks.task import Frames

_SAMPLES, _FEW = 2000, 500
_MOST = 64


@dataclass(frozen=True, slots=True, eq=False)
class LatentSpace(Frozen):
    """The latents of a model: `size` numbers, `kind` normal or uniform; `directions` (k, size) of unit length, the one
    that moves the generator's first layer most before the others, with the `shares` (k,) of its variance.

    `extent` is where the points of a dataset lie, None for pictures; `classes` are those that can be asked for, `variants` the
    weights or outputs that can be sampled, the usual one first. `copies`: pictures that are given can be encoded and made
    again. `sampler` are settings of a model that removes noise with which noise nearby makes samples nearby.
    """

    size: int
    kind: str
    directions: Array
    shares: Array
    classes: tuple[str, ...]
    extent: tuple[float, float, float, float] | None
    variants: tuple[str, ...] = ()
    copies: bool = False
    sampler: Values = field(default_factory=dict)

    @property
    def reach(self) -> float:
        """How far from the middle most of the noise lies, along one number."""
        return 1.0 if self.kind == "uniform" else 3.0


@dataclass(frozen=True)
class FindSpace:
    """Returns a LatentSpace. Its directions are those of GANSpace (Haerkoenen et al. 2020), of what the first layer makes of
    noise before its activation function; of a model without such a layer, those of its samples."""

    model: ModelRef
    variant: str = ""

    def run(self, models: Models) -> Frames[LatentSpace]:
        yield Frame(progress=Progress("Opening the model"))
        opened = models.open(self.model, Samples)
        model, sampler = opened.model, {}
        if isinstance(model, Denoises) and not model.sampler.deterministic:
            sampler = {"sampler": "ddim", "eta": 0.0}
            model = sampling(opened, sampler)
        name, spec = variant(model, self.variant), model.latent
        noise = model.noise(_SAMPLES, 0)
        yield Frame(progress=Progress("Finding directions"))
        weight = model.first_weight(name)
        if weight is None:
            noise = noise[:_FEW]
            made = None
            for made in model.sample(noise, np.zeros(_FEW, np.int64) if model.classes else None, name):
                yield Frame(progress=Progress("Finding directions", made.done))
            assert made is not None
            features = made.samples.reshape(_FEW, -1).astype(np.float64)
        else:  # it is linear: turned into as many coordinates as there is noise, its features have the same variances
            features = noise.astype(np.float64) @ np.linalg.qr(weight.astype(np.float64))[1].T
        points = model.data.shape.kind == "points"
        found, shares = latent.directions(noise.astype(np.float64), features)
        return LatentSpace(
            spec.size, spec.kind, found[:_MOST].copy(), shares[:_MOST].copy(), model.classes,
            model.data.extent if points else None, model.variants,
            not points and isinstance(model, Encodes) and isinstance(model, Reconstructs), sampler,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class SamplingWays(Frozen):
    """How a model that removes noise samples where nothing else is asked for, its `classes`, and where points lie: None for
    pictures. `levels` is the noise that it was trained with; `texts` says whether it makes pictures of texts, `prior` whether
    through a prior that can be left out, which is `prior_used` where nothing else is asked for."""

    sampler: Sampler
    levels: Schedule | Flow
    classes: tuple[str, ...]
    extent: tuple[float, float, float, float] | None
    texts: bool = False
    prior: bool = False
    prior_used: bool = False


@dataclass(frozen=True)
class FindWays:
    """Returns the SamplingWays of a model."""

    model: ModelRef

    def run(self, models: Models) -> Frames[SamplingWays]:
        yield Frame(progress=Progress("Opening the model"))
        model = models.open(self.model, Denoises).model
        extent = model.data.extent if model.data.shape.kind == "points" else None
        texts = isinstance(model, Illustrates)
        prior = isinstance(model, Illustrates) and model.has_prior
        used = isinstance(model, Illustrates) and model.uses_prior
        return SamplingWays(model.sampler, model.levels, model.classes, extent, texts, prior, used)
