"""Tasks that bring data onto the shelf, change what is there, and say who depends on it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from genstudio import paths, runs
from genstudio.config import Values
from genstudio.data import shelf
from genstudio.data.datasets import ImageDataset
from genstudio.data.images import PictureSettings
from genstudio.data.importing import sources
from genstudio.data.importing.copies import duplicate
from genstudio.data.importing.options import Attempt, Found, ImportOptions
from genstudio.data.importing.pictures import import_array
from genstudio.data.importing.rows import import_class_rows, import_points
from genstudio.data.learnable.classes import attributes
from genstudio.data.learnable.sides import parts
from genstudio.data.shelf import DatasetInfo
from genstudio.data.work import Work, mapped
from genstudio.errors import GenstudioError
from genstudio.events import Frame, Progress
from genstudio.tasks.models import Models
from genstudio.tasks.task import Frames, Quiet, frames_of

T = TypeVar("T")
Listed = tuple[DatasetInfo, ...]


@dataclass(frozen=True)
class ListDatasets(Quiet):
    def run(self, models: Models) -> Frames[Listed]:
        yield Frame()
        return tuple(shelf.list_datasets())


@dataclass(frozen=True)
class ReadParts(Quiet):
    """The names of the classes and other parts of a dataset of pictures, of which a set can be made, see `sides.parts`; or of
    its `attributes` whose values can be classes."""

    name: str
    attributes: bool = False

    def run(self, models: Models) -> Frames[tuple[str, ...]]:
        yield Frame()
        dataset = models.dataset(shelf.find_dataset(self.name, ("images",)))
        if not isinstance(dataset, ImageDataset):
            return ()
        return tuple(attributes(dataset) if self.attributes else parts(dataset))


@dataclass(frozen=True)
class Inspect:
    """What files, a folder or a pasted text (a plain `str`) are, before anything is copied."""

    sources: tuple[str, ...] | str
    options: ImportOptions = field(default_factory=ImportOptions)

    def run(self, models: Models) -> Frames[Found]:
        yield Frame(progress=Progress("Inspecting the files"))
        return (yield from frames_of(sources.inspect(self.sources, self.options), "Inspecting the files"))


@dataclass(frozen=True)
class TryImport(Quiet):
    """Some of the pictures that an import would make; None of anything else, and where none can be read."""

    sources: tuple[str, ...] | str
    options: ImportOptions = field(default_factory=ImportOptions)

    def run(self, models: Models) -> Frames[Attempt | None]:
        yield Frame()
        try:
            return (yield from frames_of(sources.attempt(self.sources, self.options), "Trying the settings"))
        except GenstudioError:  # the look at the same files says what is wrong with them
            return None


@dataclass(frozen=True)
class Import:
    """Copy files, a folder or a pasted text (a plain `str`) onto the shelf; the original is never changed."""

    sources: tuple[str, ...] | str
    options: ImportOptions = field(default_factory=ImportOptions)

    def run(self, models: Models) -> Frames[DatasetInfo]:
        return _timed(sources.import_any(self.sources, self.options), "Importing")


@dataclass(frozen=True, eq=False)
class ImportPoints:
    """Drawn points, (n, 2)."""

    points: NDArray[np.float32]
    name: str = "Drawn points"

    def run(self, models: Models) -> Frames[DatasetInfo]:
        return frames_of(import_points(self.points, self.name), "Saving the points")


@dataclass(frozen=True, eq=False)
class ImportClassPoints:
    """Drawn points, (n, 2), with `labels` (n,) of `classes`, -1 for those that have none."""

    points: NDArray[np.float32]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    name: str = "Drawn points"

    def run(self, models: Models) -> Frames[DatasetInfo]:
        words = (*self.classes, "")
        pairs = zip(self.points.tolist(), self.labels.tolist(), strict=True)
        rows = ((0.5, (repr(x), repr(y), words[label])) for (x, y), label in pairs)
        return frames_of(import_class_rows(rows, self.name, "drawn", ("x", "y", "class"), {}), "Saving the points")


@dataclass(frozen=True, eq=False)
class ImportDrawings:
    """Drawn pictures, (n, h, w, c) uint8 with `labels` (n,) of `classes`."""

    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64] | None = None
    classes: tuple[str, ...] = ()
    name: str = "Drawn pictures"

    def run(self, models: Models) -> Frames[DatasetInfo]:
        work = import_array(self.pixels, self.name, "drawn", labels=self.labels, classes=self.classes)
        return frames_of(work, "Saving the pictures")


@dataclass(frozen=True)
class DuplicateDataset:
    """A copy with other settings: see `importing.copies.duplicate`."""

    data: str
    name: str | None = None
    pictures_as: PictureSettings | None = None
    swap: bool = False
    made_with: Values | None = None

    def run(self, models: Models) -> Frames[DatasetInfo]:
        work = duplicate(
            shelf.find_dataset(self.data),
            name=self.name,
            pictures_as=self.pictures_as,
            swap=self.swap,
            made_with=self.made_with,
        )
        return (yield from _timed(work, "Copying"))


def _timed(work: Work[T], text: str) -> Frames[T]:
    """Frames with the progress of sliced work and the time that is left; returns what it returns."""
    began = time.monotonic()

    def frame(found: Frame) -> Frame:
        done = found.progress.done if found.progress is not None else None
        spent = time.monotonic() - began
        return Frame(progress=Progress(text, done, remaining=spent * (1 - done) / done if done and spent > 2 else None))

    return mapped(frames_of(work, text), frame)


@dataclass(frozen=True)
class RenameDataset:
    """Another title; the id stays."""

    data: str
    title: str

    def run(self, models: Models) -> Frames[Listed]:
        shelf.rename_dataset(shelf.find_dataset(self.data), self.title)
        return (yield from ListDatasets().run(models))


@dataclass(frozen=True)
class RemoveDataset:
    data: str

    def run(self, models: Models) -> Frames[Listed]:
        shelf.delete_dataset(shelf.find_dataset(self.data))
        return (yield from ListDatasets().run(models))


@dataclass(frozen=True)
class UsedBy:
    """Names of the runs that were trained on a dataset, by its hash."""

    data: str

    def run(self, models: Models) -> Frames[tuple[str, ...]]:
        info = shelf.find_dataset(self.data)
        yield Frame(progress=Progress("Looking through the runs"))
        return tuple(run.name for run in runs.list_runs(paths.runs()) if run.dataset.get("hash") == info.sha256)
