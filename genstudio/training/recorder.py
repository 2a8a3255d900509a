"""What a training writes into the folder of its run, and what it still has to tell whoever watches."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import ParamSpec

from genstudio.events import Diagnosis, Notice, Series, Snapshot
from genstudio.runs import Run
from genstudio.snapshots.step_stage import ON_THE_WAY

P = ParamSpec("P")


def is_writer() -> bool:
    """Whether this process writes the run: of those that train one model together, as torchrun numbers them, the first."""
    return os.environ.get("RANK", "0") == "0"


class Recorder:
    """All that a training writes goes through `write`: there alone is asked whether this process does."""

    def __init__(self, run: Run) -> None:
        self.run, self.writes = run, is_writer()
        self._notices: list[Notice] = []
        self._diagnoses: list[Diagnosis] = []
        self._newest: dict[str, Snapshot] = {}

    def write(self, action: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> None:
        """Do what writes into the folder, where this process is the one that writes. Raises what it raises."""
        if self.writes:
            action(*args, **kwargs)

    def tell(self, step: int, kind: str, text: str) -> None:
        """Add a mark on the time axis, to be told with the next frame."""
        self._notices.append(Notice(step, kind, text))

    def diagnose(self, diagnoses: Iterable[Diagnosis]) -> None:
        """Add what the doctor found, to be told with the next frame."""
        self._diagnoses += diagnoses

    def take(self) -> tuple[tuple[Notice, ...], tuple[Diagnosis, ...]]:
        """What was added since the last time; a problem that was found is also a mark on the time axis. Raises
        StorageError."""
        diagnoses, self._diagnoses = tuple(self._diagnoses), []
        warnings = [Notice(d.step, "warning", f"{d.title}. {d.sentence}") for d in diagnoses if d.until is None]
        notices, self._notices = (*self._notices, *warnings), []
        for notice in notices:
            self.write(self.run.notice, notice)
        return notices, diagnoses

    def parts(
        self, series: Mapping[str, Series], elapsed: float, snapshots: Iterable[Snapshot]
    ) -> list[Callable[[], None]]:
        """What writes a frame and the diagnoses that wait, in parts: each can be tried again by itself."""
        shown = [snapshot for snapshot in snapshots if snapshot.channel != ON_THE_WAY]
        self.remember(shown)
        return [
            partial(self.write, self.run.log, series, elapsed),
            *(partial(self.write, self.run.record, snapshot) for snapshot in shown),
            *(partial(self.write, self.run.diagnose, diagnosis) for diagnosis in self._diagnoses),
        ]

    def remember(self, snapshots: Iterable[Snapshot]) -> None:
        """What is looked at now: the last of each channel is written when the training ends."""
        self._newest |= {snapshot.channel: snapshot for snapshot in snapshots}

    def forget(self) -> None:
        """What was looked at never was: the training went back."""
        self._newest.clear()

    def write_last(self) -> None:
        """Write the last snapshot of every channel. Raises StorageError."""
        for snapshot in self._newest.values():
            self.write(self.run.record, snapshot, always=True)
