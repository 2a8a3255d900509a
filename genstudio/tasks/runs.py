"""Tasks about the runs on the disk. They read and write files, so the window does not."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

from genstudio import paths, runs
from genstudio.errors import RunError
from genstudio.events import Frame, Notice, Progress
from genstudio.runs import Run, RunInfo
from genstudio.runs.info import hint
from genstudio.tasks import live
from genstudio.tasks.models import Models
from genstudio.tasks.task import Frames, Quiet

Listed = tuple[RunInfo, ...]


@dataclass(frozen=True)
class ListRuns(Quiet):
    folder: Path | None = None

    def run(self, models: Models) -> Frames[Listed]:
        yield Frame()
        return tuple(runs.list_runs(self.folder or paths.runs()))


@dataclass(frozen=True)
class ReadRun:
    """A run as it was shown: all its numbers in slices, its notices, and the newest snapshot of each channel.

    Settings as they stand after every change, and all diagnoses, are said as a training says them.
    """

    path: str

    def run(self, models: Models) -> Frames[None]:
        run = Run.open(self.path)
        info = run.info
        for series in run.history():
            yield Frame(series=series, progress=Progress("Reading the curves"))
        wrong = (Notice(info.step, "warning", f"{info.reason} {hint(info)}"),) if info.reason else ()
        yield Frame(notices=(*run.notices(), *wrong))
        with contextlib.suppress(RunError):
            yield Frame(settings=live.settings(run, info.step).model_dump())
        yield Frame(diagnoses=tuple(run.diagnoses()))
        for channel in run.snapshot_channels():
            steps = run.snapshot_steps(channel)
            with contextlib.suppress(RunError):
                yield Frame(snapshots=tuple(run.load_snapshot(channel, step) for step in steps[-1:]))


@dataclass(frozen=True)
class DescribeRun(Quiet):
    """What a run folder says of itself now: see `RunInfo`."""

    path: str

    def run(self, models: Models) -> Frames[RunInfo]:
        yield Frame()
        return Run.open(self.path).info


@dataclass(frozen=True)
class RenameRun:
    path: str
    name: str

    def run(self, models: Models) -> Frames[Listed]:
        runs.rename(Run.open(self.path), self.name)
        return (yield from ListRuns(Path(self.path).parent).run(models))


@dataclass(frozen=True)
class RemoveRun:
    path: str

    def run(self, models: Models) -> Frames[Listed]:
        models.forget(self.path)
        runs.delete(Run(Path(self.path)))
        return (yield from ListRuns(Path(self.path).parent).run(models))
