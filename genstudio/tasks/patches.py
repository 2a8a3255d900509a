"""A picture through a model of patches, with some of them hidden, left out or moved: what it looks at, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from genstudio.errors import DataError
from genstudio.events import Array, Frame, Frozen, Progress
from genstudio.families.abilities import LooksAtPatches
from genstudio.runs import Run
from genstudio.snapshots.patches import PatchLook
from genstudio.tasks.encode import decoded
from genstudio.tasks.models import ModelRef, Models
from genstudio.tasks.task import Frames, Quiet


@dataclass(frozen=True, slots=True, eq=False)
class LookedAtPatches(Frozen):
    """A picture as it is, `whole`, and as it was changed, `changed`, in squares of `patch` pixels, by `weights` of `step`.
    `sample` (h, w, c) uint8 is what was read; `classes` what it can be named, empty where the model names none; `title` says
    which picture it is."""

    whole: PatchLook
    changed: PatchLook
    sample: Array
    patch: int
    classes: tuple[str, ...]
    step: int
    weights: str
    title: str
    fills: bool


@dataclass(frozen=True, eq=False)
class LookAtPatches(Quiet):
    """Look at a picture: that of a file, or held-out picture `number` of the data; or `sample`, one that was looked at before,
    with its `label` and `title`. At place i stands its patch `order[i]`, grey where that is -1; places that are `dropped` are not
    read.

    Raises DataError for a file that is no picture, and where no patch is left to be read.
    """

    model: ModelRef
    path: str = ""
    number: int = 0
    sample: Array | None = None
    label: int = -1
    title: str = ""
    order: tuple[int, ...] = ()
    dropped: tuple[int, ...] = ()

    def run(self, models: Models) -> Frames[LookedAtPatches]:
        yield Frame(progress=Progress("Opening the model"))
        opened = models.open(self.model, LooksAtPatches)
        model, shape = opened.model, opened.model.data.shape
        rows, columns = model.grid
        sample, label, title = self.sample, self.label, self.title
        if sample is None and self.path:
            path = Path(self.path)
            sample, title = (yield from decoded(path, (shape.width, shape.height), shape.channels)), path.name
        elif sample is None:
            data = (yield from opened.with_data(Run.open(self.model.run))).data
            among = data.held if len(data.held) else data.train
            index = int(among[self.number % len(among)])
            sample, title = data.real[index], f"held-out picture {self.number % len(among) + 1:,} of {len(among):,}"
            label = -1 if data.labels is None else int(data.labels[index])
        plain = np.arange(rows * columns)
        order = np.array(self.order, np.int64) if self.order else plain
        dropped = np.isin(plain, self.dropped)
        if len(order) != len(plain) or (dropped | (order < 0 if model.fills else False)).all():
            raise DataError("No patch is left to be read.", "Show at least one of them.")
        whole = model.look(sample, plain, np.zeros(len(plain), bool), label)
        classes = shape.classes if whole.probabilities is not None else ()
        label = label if classes else -1
        whole, changed = replace(whole, label=label), model.look(sample, order, dropped, label)
        patch = shape.height // rows
        return LookedAtPatches(whole, changed, sample, patch, classes, opened.step, opened.words, title, model.fills)
