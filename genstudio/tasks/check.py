"""Checking a dataset before training, once for the same question."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

from genstudio.data import shelf
from genstudio.data.checks import check
from genstudio.data.split import SplitSettings
from genstudio.events import Answer, Frame, Progress
from genstudio.tasks.models import Models
from genstudio.tasks.task import sliced


@dataclass(frozen=True)
class CheckDataset:
    """What is worth knowing of a dataset before training. Answers `checked`: (this task, tuple of Finding)."""

    data: str
    context: int | None = None
    split: SplitSettings | None = None
    lines: bool = False

    def run(self, models: Models) -> Generator[Frame, None, None]:
        info = shelf.find_dataset(self.data)
        yield Frame(progress=Progress("Reading the dataset"))
        work = check(models.dataset(info), self.context, None, self.split, self.lines)
        found = yield from sliced(work, "Checking")
        yield Frame(snapshots=(Answer("checked", 0, (self, found)),))
