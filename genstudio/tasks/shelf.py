"""Tasks about what is on the disk: datasets and runs. They read and write files, so the window does not."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genstudio import paths, runs
from genstudio.data import shelf
from genstudio.data.text import statistics
from genstudio.errors import RunError
from genstudio.events import Answer, Frame, Progress
from genstudio.runs import Run
from genstudio.tasks.models import Models
from genstudio.tasks.task import sliced

Frames = Generator[Frame, None, None]


def _answer(channel: str, value: Any) -> Frame:
    return Frame(snapshots=(Answer(channel, 0, value),))


@dataclass(frozen=True)
class ListDatasets:
    def run(self, models: Models) -> Frames:
        yield _answer("datasets", tuple(shelf.list_datasets()))


@dataclass(frozen=True)
class Look:
    """Figures and an excerpt of a dataset."""

    data: str
    seed: int = 0

    def run(self, models: Models) -> Frames:
        info = shelf.find_dataset(self.data)
        yield Frame(progress=Progress("Reading the text"))
        text = shelf.open_text(info).text
        found = yield from sliced(statistics(text, self.seed), "Reading the text")
        yield _answer("look", (info, found))


@dataclass(frozen=True)
class ImportText:
    """Copy a text file onto the shelf; the original is never changed."""

    path: str
    name: str | None = None

    def run(self, models: Models) -> Frames:
        info = yield from sliced(shelf.import_text(Path(self.path), self.name), "Importing")
        yield _answer("imported", info)


@dataclass(frozen=True)
class RemoveDataset:
    data: str

    def run(self, models: Models) -> Frames:
        shelf.delete_dataset(shelf.find_dataset(self.data))
        yield _answer("datasets", tuple(shelf.list_datasets()))


@dataclass(frozen=True)
class ListRuns:
    folder: Path | None = None

    def run(self, models: Models) -> Frames:
        yield _answer("runs", tuple(runs.list_runs(self.folder or paths.runs())))


@dataclass(frozen=True)
class ReadRun:
    """A run as it was shown: all its numbers in slices, its notices, and the newest snapshot of each channel."""

    path: str

    def run(self, models: Models) -> Frames:
        run = Run.open(self.path)
        yield _answer("opened", run.info)
        for series in run.history():
            yield Frame(series=series, progress=Progress("Reading the curves"))
        yield Frame(notices=tuple(run.notices()))
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
        runs.delete(Run.open(self.path))
        yield _answer("runs", tuple(runs.list_runs(Path(self.path).parent)))
