"""Samples of a generator."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from genstudio.data import shelf
from genstudio.errors import DataError, RunError
from genstudio.events import Array, Frame, Frozen, Progress
from genstudio.runs import Run
from genstudio.tasks.models import ModelRef, Models, Opened, dataset_of, settings_of
from genstudio.tasks.task import Frames, sliced

_ROWS = 100
_MOST = 1_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Samples(Frozen):
    """What a generator made: `latents` (n, latent) and either `points` (n, 2) or `pixels` (n, h, w, c) uint8; the
    `labels` (n,) that were asked for, and the discriminator's opinion `scores` (n,); by the weights of `step`."""

    latents: Array
    points: Array | None
    pixels: Array | None
    labels: Array | None
    scores: Array
    step: int
    classes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sample:
    """Make `count` samples of noise that depends on `seed` alone, or of these `latents` (n, latent).

    `label` asks for one class of a conditional model (else they take turns); `raw` takes the generator itself and not
    its moving average.
    """

    model: ModelRef
    count: int = 64
    seed: int = 0
    label: int | None = None
    raw: bool = False
    latents: Array | None = field(default=None, hash=False, compare=False)

    def run(self, models: Models) -> Frames[Samples]:
        if self.model.which != "live":  # each frame waits for its turn with a training: one is enough for a drag
            yield Frame(progress=Progress("Opening the model"))
        opened = models.get(self.model)
        learner = sampling(opened)
        labels = self._labels(learner)
        noise = self._noise(learner)
        parts = []
        for first in range(0, len(noise), _ROWS):
            if first:
                yield Frame(progress=Progress("Sampling", first / len(noise)))
            part = slice(first, first + _ROWS)
            parts.append(learner.sampled(noise[part], None if labels is None else labels[part], raw=self.raw))
        if self.model.which != "live":
            yield Frame(progress=Progress("Sampled", 1.0))
        made = np.concatenate([p for p, _ in parts])
        points = learner.data.shape.kind == "points"
        return Samples(
            noise, made if points else None, None if points else made, labels,
            np.concatenate([s for _, s in parts]), opened.step, learner.data.shape.classes,
        )  # fmt: skip

    def _noise(self, learner: Any) -> Array:
        if self.latents is None:
            if not 1 <= self.count <= _MOST:
                raise DataError(f"{self.count} samples are not possible.", f"Ask for 1 to {_MOST:,}.")
            return np.asarray(learner.noise(self.count, self.seed).cpu().numpy())
        given = np.array(self.latents, np.float32)
        if given.ndim != 2 or given.shape[1] != learner.config.latent or not len(given) or not np.isfinite(given).all():
            raise DataError(
                f"The latents have the shape {given.shape} or are not finite.", f"Give rows of {learner.config.latent}."
            )
        return given

    def _labels(self, learner: Any) -> Array | None:
        classes = learner.data.shape.classes
        if not learner.config.conditional:
            if self.label is not None:
                raise DataError("This model was not told any classes.", "Sample without a class.")
            return None
        count = self.count if self.latents is None else len(self.latents)
        if self.label is None:
            return np.arange(count) % len(classes)
        if not 0 <= self.label < len(classes):
            raise DataError(f"There is no class {self.label}.", f"Choose 0 to {len(classes) - 1}.")
        return np.full(count, self.label, np.int64)


def sampling(opened: Opened) -> Any:
    """The learner, where it makes samples of noise. Raises RunError."""
    if not hasattr(opened.learner, "sampled"):
        raise RunError("This model writes; it does not make samples of noise.", "Choose the run of a GAN.")
    return opened.learner


def with_data(run: Run, opened: Opened) -> Frames[Any]:
    """The learner with the data it was trained on; read once for a model that stays open. Raises DataError."""
    learner = opened.learner
    if len(learner.data.real):
        return learner
    if getattr(learner, "filled", None) is None:
        family, _ = settings_of(run)
        work = family.prepare(learner.config, shelf.open_dataset(dataset_of(run)), run.kept())
        learner.filled = learner.on((yield from sliced(work, "Preparing the data")))
        learner.filled.cache = run.folder
    return learner.filled
