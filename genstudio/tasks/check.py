"""Checking a dataset before training, once for the same question."""

from __future__ import annotations

from dataclasses import dataclass

from genstudio.data import shelf
from genstudio.data.checks import check
from genstudio.data.checks.finding import Finding
from genstudio.data.split import SplitSettings, arrange, split_shares
from genstudio.events import Array, Frame, Progress
from genstudio.tasks.models import Models
from genstudio.tasks.task import Frames, frames_of


@dataclass(frozen=True)
class CheckDataset:
    """What is worth knowing of a dataset before training."""

    data: str
    context: int | None = None
    split: SplitSettings | None = None
    lines: bool = False
    parameters: int | None = None

    def run(self, models: Models) -> Frames[tuple[Finding, ...]]:
        info = shelf.find_dataset(self.data)
        yield Frame(progress=Progress("Reading the dataset"))
        work = check(models.dataset(info), self.context, self.parameters, self.split, self.lines)
        return (yield from frames_of(work, "Checking"))


@dataclass(frozen=True, slots=True, eq=False)
class SplitParts:
    """`shares` (parts,) of the equal parts of a text that validate, and how many characters `train` and validate."""

    shares: Array
    train: int
    validation: int


@dataclass(frozen=True)
class ShowSplit:
    """Which parts of a text validate."""

    data: str
    split: SplitSettings
    lines: bool = False
    context: int = 0

    def run(self, models: Models) -> Frames[SplitParts]:
        info = shelf.find_dataset(self.data)
        yield Frame(progress=Progress("Reading the dataset"))
        text, files = models.dataset(info).text, info.details.get("files") or ()
        work = arrange(text, self.split, lines=self.lines, context=self.context, files=files)
        found = yield from frames_of(work, "Splitting")
        return SplitParts(split_shares(len(text), found), found.cut, len(found.text) - found.cut)
