"""Tasks that change the shelf in small ways, and say who depends on a dataset."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from genstudio import paths, runs
from genstudio.data import shelf
from genstudio.events import Answer, Frame, Progress
from genstudio.tasks.models import Models

Frames = Generator[Frame, None, None]


def _answer(channel: str, value: Any) -> Frame:
    return Frame(snapshots=(Answer(channel, 0, value),))


@dataclass(frozen=True)
class RenameDataset:
    """Another title; the id stays. Answers `datasets`."""

    data: str
    title: str

    def run(self, models: Models) -> Frames:
        shelf.rename_dataset(shelf.find_dataset(self.data), self.title)
        yield _answer("datasets", tuple(shelf.list_datasets()))


@dataclass(frozen=True)
class UsedBy:
    """Names of the runs that were trained on a dataset, by its hash. Answers `used_by`: (id, names)."""

    data: str

    def run(self, models: Models) -> Frames:
        info = shelf.find_dataset(self.data)
        yield Frame(progress=Progress("Looking through the runs"))
        found = tuple(run.name for run in runs.list_runs(paths.runs()) if run.dataset.get("hash") == info.sha256)
        yield _answer("used_by", (info.id, found))
