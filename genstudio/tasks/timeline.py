"""What a run showed while it trained: the moments that were kept, read one by one, or written as a film."""

from __future__ import annotations

import bisect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np

from genstudio.errors import RunError
from genstudio.events import Frame, Frozen, Snapshot
from genstudio.families.dashboard import Dashboard
from genstudio.runs import Run
from genstudio.tasks.live import settings_of
from genstudio.tasks.models import Models
from genstudio.tasks.task import Frames, Quiet


@dataclass(frozen=True, slots=True)
class Timeline:
    """The steps at which a run can be seen, ascending, and those of each of its channels, the main one first."""

    path: str
    steps: tuple[int, ...]
    channels: Mapping[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True, eq=False)
class TimelineEntry(Snapshot):
    """What a run showed at a step: of each channel the newest snapshot up to then. `damaged` are sentences about those
    that cannot be read."""

    snapshots: tuple[Snapshot, ...]
    damaged: tuple[str, ...] = ()

    @property
    def bytes(self) -> int:
        """How much memory its arrays take."""
        return sum(map(_bytes, self.snapshots))


def _bytes(value: object) -> int:
    """Of the arrays of a snapshot, those of its parts too."""
    if isinstance(value, np.ndarray):
        return value.nbytes
    if isinstance(value, Mapping):
        return sum(map(_bytes, value.values()))
    if isinstance(value, tuple):  # 50,000 names of tokens are not looked at one by one
        return sum(map(_bytes, value)) if value and not isinstance(value[0], str | int | float) else 0
    return sum(_bytes(getattr(value, part.name)) for part in fields(value)) if isinstance(value, Frozen) else 0


@dataclass(frozen=True)
class ReadTimeline(Quiet):
    """Returns a Timeline, without steps where nothing to look at was kept."""

    path: str

    def run(self, models: Models) -> Frames[Timeline]:
        yield from ()
        return timeline(Run.open(self.path))


@dataclass(frozen=True)
class ReadTimelineEntries(Quiet):
    """Shows a Moment for each of the steps, in the order given."""

    path: str
    steps: tuple[int, ...]

    def run(self, models: Models) -> Frames[None]:
        run = Run.open(self.path)
        channels = board_of(run).channels()
        for step in self.steps:
            yield Frame(snapshots=(moment(run, step, channels),))


def timeline(run: Run) -> Timeline:
    """What there is now: a run in training keeps more as it goes, and thins what it kept."""
    there, board = set(run.snapshot_channels()), board_of(run)
    channels = {name: tuple(run.snapshot_steps(name)) for name in board.channels() if name in there}
    steps = sorted({step for name in board.looks() for step in channels.get(name, ())})
    return Timeline(str(run.folder), tuple(steps), channels)


def board_of(run: Run) -> Dashboard:
    """What a run of its family shows. Raises RunError where this version does not know the family."""
    return settings_of(run)[0].dashboard


def moment(run: Run, step: int, channels: Sequence[str]) -> TimelineEntry:
    """What the run showed at a step."""
    shown: list[Snapshot] = []
    damaged: list[str] = []
    for channel in channels:
        steps = run.snapshot_steps(channel)
        if place := bisect.bisect_right(steps, step):
            try:
                shown.append(run.load_snapshot(channel, steps[place - 1]))
            except RunError as error:
                damaged.append(error.message)
    return TimelineEntry("moment", step, tuple(shown), tuple(damaged))
