"""Pictures of the sizes that a model grew through: one size, the size before it, and both mixed."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from genstudio.events import Array, Frame, Frozen, Progress
from genstudio.families.abilities import Grows
from genstudio.tasks.models import ModelRef, Models
from genstudio.tasks.sample import variant
from genstudio.tasks.task import Frames

_ROWS = 8
"""Pictures of each class, at most."""


@dataclass(frozen=True, slots=True, eq=False)
class Fading(Frozen):
    """Pictures (n, h, w, c) uint8 of the same noise by the weights of `step`: of the size `before`, `mixed`, and of the size
    `after`, both alone. `at` is how far it has grown: whole numbers are `sizes`, by their place; what lies between them is the
    fade of the next. `reached` is how far the weights have been trained. `labels` (n,) are the classes that were asked for, of
    the `classes` that the model knows."""

    before: Array
    mixed: Array
    after: Array
    at: float
    reached: float
    sizes: tuple[int, ...]
    step: int
    labels: Array | None = None
    classes: tuple[str, ...] = ()

    @property
    def stage(self) -> int:
        """The place of the larger of the two sizes."""
        return stage_of(self.at)[0]

    @property
    def fade(self) -> float:
        """The share of the larger size in the mixture."""
        return stage_of(self.at)[1]


@dataclass(frozen=True)
class ShowFading:
    """Make `count` pictures of noise that depends on `seed` alone, grown as far as `at` says (None: as far as it was trained). Of
    a model that knows classes they take turns, and up to three times as many are made, small ones in a column for each."""

    model: ModelRef
    count: int = 16
    seed: int = 0
    at: float | None = None

    def run(self, models: Models) -> Frames[Fading]:
        if self.model.which != "live":
            yield Frame(progress=Progress("Opening the model"))
        opened = models.open(self.model, Grows)
        model = opened.model
        size, fade = model.grown
        reached = max(0.0, model.sizes.index(size) - 1 + fade)
        at = reached if self.at is None else min(max(self.at, 0.0), float(len(model.sizes) - 1))
        stage, fade = stage_of(at)
        classes = len(model.classes)
        count = classes * min(_ROWS, max(1, 3 * self.count // classes)) if classes else self.count
        noise, name, labels = model.noise(count, self.seed), variant(model, ""), np.arange(count) % classes if classes else None
        made = []
        for share in (0.0, fade, 1.0):
            *_, one = model.grown_to(model.sizes[stage], share).sample(noise, labels, name)
            made.append(one.samples)
        before, mixed, after = made
        return Fading(before, mixed, after, at, reached, model.sizes, opened.step, labels, model.classes)


def stage_of(at: float) -> tuple[int, float]:
    """The place of the size that has begun, and its fade, of how far a model has grown; 0 is the first size."""
    stage = math.ceil(at)
    return stage, 1.0 if not stage else at - (stage - 1)
