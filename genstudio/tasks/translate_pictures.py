"""Pictures of one set turned into such of another, and back: one of one's own, or those that were held back from a training."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from genstudio.errors import DataError
from genstudio.events import Array, Frame, Frozen, Progress
from genstudio.families.abilities import TranslatesPictures
from genstudio.runs import Run
from genstudio.tasks.encode import decoded
from genstudio.tasks.models import ModelRef, Models
from genstudio.tasks.task import Frames

_ROWS = 50


@dataclass(frozen=True, slots=True, eq=False)
class PicturesThereAndBack(Frozen):
    """Pictures `originals` (n, h, w, c) uint8, `made` of them as such of the set `towards`, and `back` of these again, by the
    weights of `step`; `sides` are the names of both sets, and `partners` what they should become, where that is known."""

    originals: Array
    made: Array
    back: Array
    towards: int
    sides: tuple[str, str]
    step: int
    partners: Array | None = None

    @property
    def errors(self) -> Array:
        """How far what came back differs from each original, the mean over its pixels from 0 to 1: (n,)"""
        return np.abs(self.back.astype(np.float32) - self.originals).mean((1, 2, 3)) / 255


@dataclass(frozen=True)
class TranslatePicture:
    """The picture in a file as one of the set `towards` (its name, or A or B), cut and scaled to the size of those that the
    model learned from. Raises DataError for a file that is no picture, and for a set that there is not."""

    model: ModelRef
    path: str
    towards: str = "B"

    def run(self, models: Models) -> Frames[PicturesThereAndBack]:
        yield Frame(progress=Progress("Opening the model"))
        opened = models.open(self.model, TranslatesPictures)
        model, shape = opened.model, opened.model.data.shape
        side = side_of(model, self.towards)
        sample = yield from decoded(Path(self.path), (shape.width, shape.height), shape.channels)
        made = model.translate_pictures(sample[None], side)
        back = model.translate_pictures(made, 1 - side)
        return PicturesThereAndBack(sample[None], made, back, side, model.sides, opened.step)


@dataclass(frozen=True)
class TranslateHeldOut:
    """At most `count` held-out pictures of the data, as such of the set `towards`. Raises DataError."""

    model: ModelRef
    towards: str = "B"
    count: int = 16

    def run(self, models: Models) -> Frames[PicturesThereAndBack]:
        yield Frame(progress=Progress("Opening the model"))
        opened = models.open(self.model, TranslatesPictures)
        side = side_of(opened.model, self.towards)
        if self.count < 1:
            raise DataError(f"{self.count} pictures are too few.", "Ask for 1 or more.")
        model = yield from opened.with_data(Run.open(self.model.run))
        data = model.data
        chosen = data.of(data.held, 1 - side)[: self.count]
        made, back = [], []
        for first in range(0, len(chosen), _ROWS):
            made.append(model.translate_pictures(data.real[chosen[first : first + _ROWS]], side))
            back.append(model.translate_pictures(made[-1], 1 - side))
            yield Frame(progress=Progress("Translating", first / len(chosen)))
        partners = None if data.partners is None else data.partners[chosen]
        return PicturesThereAndBack(
            data.real[chosen], np.concatenate(made), np.concatenate(back), side, model.sides, opened.step, partners
        )


def side_of(model: TranslatesPictures, name: str) -> int:
    """The set of this name, or A or B. Raises DataError."""
    if name in model.sides:
        return model.sides.index(name)
    if name.upper() in ("A", "B"):
        return "AB".index(name.upper())
    a, b = model.sides
    raise DataError(f"There is no set '{name}'.", f"Choose A ({a}) or B ({b}).")
