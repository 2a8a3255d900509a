"""Moments of a run, read before they are looked at and kept while there is room."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from PySide6.QtCore import QObject, Signal

from genstudio.errors import Failure
from genstudio.events import Frame
from genstudio.tasks.timeline import ReadTimelineEntries, TimelineEntry
from genstudio.ui.engine import Engine

ROOM = 96_000_000
"""Bytes of moments that are kept for scrubbing; the ones used longest ago go first."""
_AHEAD, _BEHIND = 12, 4


class Moments(QObject):
    """What one run showed at its kept steps: `arrived(Moment)` for each that was read, `failed(Failure)`."""

    arrived = Signal(object)
    failed = Signal(object)

    def __init__(self, engine: Engine, parent: QObject) -> None:
        super().__init__(parent)
        self._engine = engine
        self._path = ""
        self._kept: OrderedDict[int, TimelineEntry] = OrderedDict()
        self._bytes = 0
        self._job = ""
        self._asked: tuple[int, ...] = ()

    def set_run(self, path: str) -> None:
        """Forget everything; from now on the moments of this run are meant."""
        self.stop()
        self._path, self._bytes = path, 0
        self._kept.clear()

    @property
    def reading(self) -> bool:
        """Whether some are on their way."""
        return bool(self._job)

    def get(self, step: int) -> TimelineEntry | None:
        """The moment of a step, if it was read; it is used now."""
        if step in self._kept:
            self._kept.move_to_end(step)
        return self._kept.get(step)

    def read(self, steps: Sequence[int], place: int, direction: int) -> None:
        """Read the step at this place and its neighbours, most of them in the direction of travel: 1 or -1."""
        wanted = [place] + [place + direction * n for n in range(1, _AHEAD + 1)]
        wanted += [place - direction * n for n in range(1, _BEHIND + 1)]
        missing = tuple(steps[n] for n in wanted if 0 <= n < len(steps) and steps[n] not in self._kept)
        if not missing or (self._job and steps[place] in (*self._kept, *self._asked)):
            return
        self.stop()
        self._asked = missing
        path = self._path
        self._job = self._engine.start(
            ReadTimelineEntries(path, missing),
            lambda frame: self._came(path, frame),
            lambda failure: self._ended(path, missing, failure),
        )

    def stop(self) -> None:
        """Read no more of what was asked for."""
        if self._job:
            self._engine.stop(self._job)
        self._job, self._asked = "", ()

    def _came(self, path: str, frame: Frame) -> None:
        for snapshot in frame.snapshots:
            if isinstance(snapshot, TimelineEntry) and path == self._path:
                if snapshot.step not in self._kept:
                    self._bytes += snapshot.bytes
                self._kept[snapshot.step] = snapshot
                self._kept.move_to_end(snapshot.step)
                self.arrived.emit(snapshot)
        while len(self._kept) > 1 and self._bytes > ROOM:
            self._bytes -= self._kept.popitem(last=False)[1].bytes

    def _ended(self, path: str, asked: tuple[int, ...], failure: Failure | None) -> None:
        if asked is self._asked:
            self._job, self._asked = "", ()
        if failure is not None and path == self._path:
            self.failed.emit(failure)
