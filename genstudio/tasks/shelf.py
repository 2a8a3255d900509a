"""Tasks about what is on the disk: datasets and runs. They read and write files, so the window does not."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from genstudio import paths, runs
from genstudio.data import shelf
from genstudio.data.images import PictureSettings
from genstudio.data.importing import sources
from genstudio.data.importing.copies import duplicate
from genstudio.data.importing.options import ImportOptions
from genstudio.data.importing.pictures import import_array
from genstudio.data.importing.rows import import_points
from genstudio.data.slices import Slices
from genstudio.errors import RunError
from genstudio.events import Answer, Frame, Notice, Progress
from genstudio.runs import Run, RunInfo
from genstudio.runs.info import hint
from genstudio.tasks import live
from genstudio.tasks.models import Models
from genstudio.tasks.task import Quiet, sliced

Frames = Generator[Frame, None, None]
T = TypeVar("T")


def _answer(channel: str, value: Any) -> Frame:
    return Frame(snapshots=(Answer(channel, 0, value),))


@dataclass(frozen=True)
class ListDatasets(Quiet):
    def run(self, models: Models) -> Frames:
        yield _answer("datasets", tuple(shelf.list_datasets()))


@dataclass(frozen=True)
class Inspect:
    """What files, a folder or a pasted text (a plain `str`) are, before anything is copied. Answers `found`."""

    sources: tuple[str, ...] | str
    options: ImportOptions = field(default_factory=ImportOptions)

    def run(self, models: Models) -> Frames:
        yield Frame(progress=Progress("Looking at the files"))
        yield _answer("found", (yield from sliced(sources.inspect(self.sources, self.options), "Looking at the files")))


@dataclass(frozen=True)
class Import:
    """Copy files, a folder or a pasted text (a plain `str`) onto the shelf; the original is never changed."""

    sources: tuple[str, ...] | str
    options: ImportOptions = field(default_factory=ImportOptions)

    def run(self, models: Models) -> Frames:
        yield _answer("imported", (yield from _timed(sources.import_any(self.sources, self.options), "Importing")))


@dataclass(frozen=True, eq=False)
class ImportPoints:
    """Drawn points, (n, 2). Answers `imported`."""

    points: NDArray[np.float32]
    name: str = "Drawn points"

    def run(self, models: Models) -> Frames:
        yield _answer("imported", (yield from sliced(import_points(self.points, self.name), "Saving the points")))


@dataclass(frozen=True, eq=False)
class ImportDrawings:
    """Drawn pictures, (n, h, w, c) uint8 with `labels` (n,) of `classes`. Answers `imported`."""

    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64] | None = None
    classes: tuple[str, ...] = ()
    name: str = "Drawn pictures"

    def run(self, models: Models) -> Frames:
        work = import_array(self.pixels, self.name, "drawn", labels=self.labels, classes=self.classes)
        yield _answer("imported", (yield from sliced(work, "Saving the pictures")))


@dataclass(frozen=True)
class DuplicateDataset:
    """A copy with other settings: see `importing.copies.duplicate`. Answers `imported`."""

    data: str
    name: str | None = None
    pictures_as: PictureSettings | None = None
    swap: bool = False
    made_with: Mapping[str, Any] | None = None

    def run(self, models: Models) -> Frames:
        work = duplicate(
            shelf.find_dataset(self.data),
            name=self.name,
            pictures_as=self.pictures_as,
            swap=self.swap,
            made_with=self.made_with,
        )
        yield _answer("imported", (yield from _timed(work, "Copying")))


def _timed(work: Slices[T], text: str) -> Generator[Frame, None, T]:
    """Frames with the progress of sliced work and the time that is left; returns what it returns."""
    began = time.monotonic()
    job = sliced(work, text)
    while True:
        try:
            frame = next(job)
        except StopIteration as end:
            result: T = end.value
            return result
        done = frame.progress.done if frame.progress is not None else None
        spent = time.monotonic() - began
        remaining = spent * (1 - done) / done if done and spent > 2 else None
        try:
            yield Frame(progress=Progress(text, done, remaining=remaining))
        except GeneratorExit:
            job.close()
            raise


@dataclass(frozen=True)
class RemoveDataset:
    data: str

    def run(self, models: Models) -> Frames:
        shelf.delete_dataset(shelf.find_dataset(self.data))
        yield _answer("datasets", tuple(shelf.list_datasets()))


@dataclass(frozen=True)
class ListRuns(Quiet):
    folder: Path | None = None

    def run(self, models: Models) -> Frames:
        yield _answer("runs", tuple(runs.list_runs(self.folder or paths.runs())))


@dataclass(frozen=True)
class ReadRun:
    """A run as it was shown: all its numbers in slices, its notices, and the newest snapshot of each channel.

    Answers `opened` with its RunInfo, and `settings` with its settings as they stand after every change.
    """

    path: str

    def run(self, models: Models) -> Frames:
        run = Run.open(self.path)
        info = run.info
        yield _answer("opened", info)
        for series in run.history():
            yield Frame(series=series, progress=Progress("Reading the curves"))
        wrong = (Notice(info.step, "warning", f"{info.reason} {hint(info)}"),) if info.reason else ()
        yield Frame(notices=(*run.notices(), *wrong))
        with contextlib.suppress(RunError):
            yield _answer("settings", live.settings(run, info.step).model_dump())
        yield _answer("doctor", tuple(run.diagnoses()))
        for channel in run.snapshot_channels():
            steps = run.snapshot_steps(channel)
            for step in _spread(steps, 40 if channel == "sample" else 1):
                with contextlib.suppress(RunError):
                    yield Frame(snapshots=(run.load_snapshot(channel, step),))


def _spread(steps: list[int], most: int) -> list[int]:
    """At most `most` of the steps, evenly, the first and the last among them (the last when there is room for one)."""
    if len(steps) <= most:
        return steps
    if most == 1:
        return steps[-1:]
    return [steps[round(i * (len(steps) - 1) / (most - 1))] for i in range(most)]


@dataclass(frozen=True)
class DescribeRun(Quiet):
    """What a run folder says of itself now: see `RunInfo`."""

    path: str

    def run(self, models: Models) -> Generator[Frame, None, RunInfo]:
        yield Frame()
        return Run.open(self.path).info


@dataclass(frozen=True)
class FamilyOfRun(Quiet):
    """Which family the run in a folder is of. Answers `family`."""

    path: str

    def run(self, models: Models) -> Frames:
        yield _answer("family", Run.open(self.path).info.family)


@dataclass(frozen=True)
class RenameRun:
    path: str
    name: str

    def run(self, models: Models) -> Frames:
        runs.rename(Run.open(self.path), self.name)
        yield _answer("runs", tuple(runs.list_runs(Path(self.path).parent)))


@dataclass(frozen=True)
class RemoveRun:
    path: str

    def run(self, models: Models) -> Frames:
        models.forget(self.path)
        runs.delete(Run(Path(self.path)))
        yield _answer("runs", tuple(runs.list_runs(Path(self.path).parent)))
