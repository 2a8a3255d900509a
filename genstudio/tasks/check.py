"""Checking a dataset before training, once for the same question."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

from genstudio.data import shelf
from genstudio.data.checks import check
from genstudio.data.split import SplitSettings, arrange, split_shares
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
    parameters: int | None = None

    def run(self, models: Models) -> Generator[Frame, None, None]:
        info = shelf.find_dataset(self.data)
        yield Frame(progress=Progress("Reading the dataset"))
        work = check(models.dataset(info), self.context, self.parameters, self.split, self.lines)
        found = yield from sliced(work, "Checking")
        yield Frame(snapshots=(Answer("checked", 0, (self, found)),))


@dataclass(frozen=True)
class ShowSplit:
    """Which parts of a text validate. Answers `split`: (this task, (parts,) the share of each, characters that train,
    characters that validate)."""

    data: str
    split: SplitSettings
    lines: bool = False
    context: int = 0

    def run(self, models: Models) -> Generator[Frame, None, None]:
        info = shelf.find_dataset(self.data)
        yield Frame(progress=Progress("Reading the dataset"))
        text, files = models.dataset(info).text, info.details.get("files") or ()
        work = arrange(text, self.split, lines=self.lines, context=self.context, files=files)
        found = yield from sliced(work, "Splitting")
        shares = split_shares(len(text), found)
        yield Frame(snapshots=(Answer("split", 0, (self, shares, found.cut, len(found.text) - found.cut)),))
