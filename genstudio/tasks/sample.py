"""Samples of a model that makes some of noise."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace

import numpy as np

from genstudio.config import Values
from genstudio.errors import DataError
from genstudio.events import Array, Frame, Frozen, Progress
from genstudio.families import abilities
from genstudio.families.abilities import Made
from genstudio.tasks.illustrate import Text, told
from genstudio.tasks.models import ModelRef, Models, Opened
from genstudio.tasks.task import Frames

_ROWS = 100
SLICE = 0.03
"""Seconds after which others take their turn."""
_MOST = 1_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Samples(Frozen):
    """What a model made of `latents` (n, latent), by the weights of `step`: `samples` are points (n, 2) or pictures
    (n, h, w, c) uint8; `labels` (n,) the classes that were asked for; `scores` (n,) what a discriminator makes of each."""

    latents: Array
    samples: Array
    labels: Array | None
    scores: Array | None
    step: int
    classes: tuple[str, ...] = ()

    @property
    def points(self) -> Array | None:
        return self.samples if self.samples.ndim == 2 else None

    @property
    def pixels(self) -> Array | None:
        return self.samples if self.samples.ndim == 4 else None


@dataclass(frozen=True)
class Sample:
    """Make `count` samples of noise that depends on `seed` alone, or of these `latents` (n, latent).

    `label` asks for one class of a conditional model, by number or name (else they take turns); `variant`, by name, for
    other weights than the usual ones. `sampler` are settings of `sampling.diffusion.Sampler` by name, other than the usual ones,
    for a model that removes noise step by step. `grown` is the size, in pixels a side, and the share of its newest layers, for a
    model that makes several. `text` is what the pictures should show, for a model that reads texts.
    """

    model: ModelRef
    count: int = 64
    seed: int = 0
    label: int | str | None = None
    variant: str = ""
    latents: Array | None = field(default=None, hash=False, compare=False)
    sampler: Values = field(default_factory=dict, hash=False)
    grown: tuple[int, float] | None = None
    text: Text | None = None

    def run(self, models: Models) -> Frames[Samples]:
        if self.model.which != "live":  # each frame waits for its turn with a training: one is enough for a drag
            yield Frame(progress=Progress("Opening the model"))
        opened = told(models.open(self.model, abilities.Samples), self.text)
        model: abilities.Samples = sampling(opened, self.sampler) if self.sampler else opened.model
        if self.grown is not None:
            model = grown(opened, *self.grown)
        name = variant(model, self.variant)
        noise, labels = self._noise(model), None if self.text is not None else self._labels(model)
        parts: list[Made] = []
        began = time.monotonic()
        for first in range(0, len(noise), _ROWS):
            part, made = slice(first, first + _ROWS), None
            for made in model.sample(noise[part], None if labels is None else labels[part], name):
                if time.monotonic() - began > SLICE:
                    done = (first + min(_ROWS, len(noise) - first) * made.done) / len(noise)
                    yield Frame(progress=Progress("Sampling", done))
                    began = time.monotonic()
            assert made is not None
            parts.append(made)
        if self.model.which != "live":
            yield Frame(progress=Progress("Sampled", 1.0))
        scores = [made.scores for made in parts if made.scores is not None]
        return Samples(
            noise, np.concatenate([made.samples for made in parts]), labels, np.concatenate(scores) if scores else None,
            opened.step, model.data.shape.classes,
        )  # fmt: skip

    def _noise(self, model: abilities.Samples) -> Array:
        if self.latents is None:
            if not 1 <= self.count <= _MOST:
                raise DataError(f"{self.count} is not a valid number of samples.", f"Ask for 1 to {_MOST:,}.")
            return model.noise(self.count, self.seed)
        given = np.array(self.latents, np.float32)
        if given.ndim != 2 or given.shape[1] != model.latent.size or not len(given) or not np.isfinite(given).all():
            raise DataError(
                f"The latents have the wrong shape, {given.shape}, or are not finite.", "Give rows of "
                f"{model.latent.size} values."
            )
        return given

    def _labels(self, model: abilities.Samples) -> Array | None:
        classes = model.classes
        if not classes:
            if self.label is not None:
                raise DataError("This model is not conditional, so it has no classes.", "Sample without a class.")
            return None
        count = self.count if self.latents is None else len(self.latents)
        if self.label is None:
            return np.arange(count) % len(classes)
        asked = classes.index(self.label) if self.label in classes else self.label
        if isinstance(asked, str) and not (asked.isascii() and asked.isdigit()):
            raise DataError(f"Unknown class '{asked}'.", f"Available: {', '.join(classes)}.")
        if not 0 <= int(asked) < len(classes):
            raise DataError(f"Unknown class {asked}.", f"Choose 0 to {len(classes) - 1}.")
        return np.full(count, int(asked), np.int64)


def sampling(opened: Opened[abilities.Samples], settings: Values) -> abilities.Denoises:
    """The model with other settings of its sampler, by name. Raises RunError for one that has none; DataError."""
    model = opened.able(abilities.Denoises).model
    return model.sampling(replace(model.sampler, **settings))


def grown(opened: Opened[abilities.Samples], size: int, fade: float = 1.0) -> abilities.Grows:
    """The model making pictures of another size. Raises RunError for one that has but one size; DataError."""
    model = opened.able(abilities.Grows).model
    if size not in model.sizes:
        raise DataError(f"This model makes no pictures of {size} pixels.", f"Available: {', '.join(map(str, model.sizes))}.")
    if not 0 <= fade <= 1:
        raise DataError(f"A fade-in of {fade:g} is not a share.", "Choose 0 (the size before) to 1 (this size alone).")
    return model.grown_to(size, fade)


def variant(model: abilities.Samples, name: str) -> str:
    """The variant of this name, the usual one where it is empty. Raises DataError."""
    if name and name not in model.variants:
        raise DataError(f"This model has no variant '{name}'.", f"Available: {', '.join(model.variants)}.")
    return name or model.variants[0]
