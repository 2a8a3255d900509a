"""Running a task to its end while a line on the terminal tells how far it is."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from genstudio.cli import findings
from genstudio.events import Frame, Progress
from genstudio.families.dashboard import Dashboard
from genstudio.tasks.task import Task

R = TypeVar("R")


class Bar:
    """A progress line on a terminal; on anything else a line every ten seconds' worth of progress."""

    def __init__(self, quiet: bool, board: Dashboard | None = None) -> None:
        """`board` says which numbers of a training stand in the line."""
        self._quiet, self._board = quiet, board or Dashboard()
        self._live = sys.stderr.isatty()
        self._last: dict[str, float] = {}
        self._tenth = 0
        self._doing = ""

    def show(self, frame: Frame) -> None:
        if self._quiet:
            return
        for name, series in frame.series.items():
            self._last[name] = float(series.values[-1])
        for line in (line for one in frame.diagnoses for line in findings.lines(one)):
            self.say(line)
        known = {f"{one.title}. {one.sentence}" for one in frame.diagnoses}
        for notice in frame.notices:
            if notice.kind != "saved" and notice.text not in known:
                self.say(notice.text)
        progress = frame.progress
        if progress is None or progress.done is None:
            return
        if progress.text != self._doing:
            self._doing, self._tenth = progress.text, 0
            if progress.text.startswith("Preparing"):
                self.say(f"{progress.text}…")
        if self._live:
            print(f"\r\x1b[K{self._line(progress)}", end="", file=sys.stderr, flush=True)
        elif int(progress.done * 10) > self._tenth:
            self._tenth = int(progress.done * 10)
            print(self._line(progress), file=sys.stderr, flush=True)

    def _line(self, progress: Progress) -> str:
        done = progress.done or 0.0
        full = int(done * 24)
        parts = [f"[{'#' * full}{'.' * (24 - full)}] {done:4.0%}"]
        if progress.step:
            parts.append(f"step {progress.step:,}")
        board = self._board
        known = [measure for measure in board.summary if measure.name in self._last]
        parts += [f"{measure.words} {self._last[measure.name]:.3f}" for measure in known]
        if board.speed.name in self._last:
            parts.append(board.speed.rate(self._last[board.speed.name]))
        if progress.remaining is not None:
            parts.append(f"{int(progress.remaining) // 60}:{int(progress.remaining) % 60:02d} left")
        return "  ".join(parts)

    def say(self, text: str) -> None:
        if not self._quiet:
            clear = "\r\x1b[K" if self._live else ""
            print(f"{clear}{text}", file=sys.stderr, flush=True)

    def end(self) -> None:
        if self._live and not self._quiet:
            print(file=sys.stderr)


def frames(task: Any) -> Iterator[Frame]:
    """Every frame of a task."""
    from genstudio.tasks.models import Models

    yield from task.run(Models())


def result(task: Task[R], quiet: bool | None = None, on_frame: Callable[[Frame], None] = lambda _: None) -> R:
    """What a task returns; its progress is shown on a terminal unless `quiet`, and `on_frame` gets every frame."""
    from genstudio.tasks.models import Models

    bar, work = Bar(not sys.stderr.isatty() if quiet is None else quiet), task.run(Models())
    while True:
        try:
            frame = next(work)
        except StopIteration as end:
            bar.end()
            found: R = end.value
            return found
        bar.show(frame)
        on_frame(frame)
