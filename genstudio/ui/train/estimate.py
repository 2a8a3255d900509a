"""What a training would take on this computer, measured while nothing else is at work and remembered."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict

from PySide6.QtCore import QObject, Signal

from genstudio.runs.plan import ENDLESS
from genstudio.tasks.estimate import EstimateTime
from genstudio.ui.engine import Engine
from genstudio.ui.layouts import single_shot

WAIT_MS = 1200
_HOUR = 3600.0


class TimeEstimate(QObject):
    """Measures the settings that `question` gives, some time after they were changed; `changed()` when there is an answer.

    `question()` is None where there is nothing to measure, `ready()` says whether now is the time. Other work goes first:
    it stops a measurement, which is made up for later.
    """

    changed = Signal()

    def __init__(
        self, engine: Engine, question: Callable[[], EstimateTime | None], ready: Callable[[], bool], parent: QObject
    ) -> None:
        super().__init__(parent)
        self._engine, self._question, self._ready = engine, question, ready
        self._known: dict[str, float | None] = {}
        self._others_wanted: tuple[EstimateTime, ...] = ()
        self._job = ""
        self._timer = single_shot(self, WAIT_MS)
        self._timer.timeout.connect(self._begin)
        engine.changed.connect(self._others)

    def ask(self) -> None:
        """The settings may be others now."""
        self._stop()
        if self._next() is not None:
            self._timer.start()

    def want(self, tasks: Sequence[EstimateTime]) -> None:
        """Measure these as well, one after another, once the settings as they are were measured."""
        self._others_wanted = tuple(tasks)
        if not self._job and not self._timer.isActive():
            self.ask()

    def seconds(self, task: EstimateTime | None = None) -> float | None:
        """Seconds per step with the settings as they are, or those of a task, where that was measured."""
        task = task or self._question()
        return None if task is None else self._known.get(_key(task))

    def _next(self) -> EstimateTime | None:
        """What is to be measured first."""
        asked = (self._question(), *self._others_wanted)
        return next((task for task in asked if task is not None and _key(task) not in self._known), None)

    def _begin(self) -> None:
        task = self._next()
        if task is None or self._engine.work() or self._job or not self._ready():
            return
        key = _key(task)
        self._job = self._engine.start(
            task,
            on_result=lambda seconds: self._known.update({key: seconds}),
            on_end=lambda failure: self._ended(key, failure),
        )

    def _ended(self, key: str, failure: object) -> None:
        self._job = ""
        if failure is not None:
            self._known[key] = None  # Start says what is wrong
        self.changed.emit()

    def _others(self) -> None:
        if self._engine.work():
            self._stop()
        elif not self._job and not self._timer.isActive():
            self.ask()

    def _stop(self) -> None:
        self._timer.stop()
        if self._job:
            self._engine.stop(self._job)


def _key(task: EstimateTime) -> str:
    return json.dumps(asdict(task), sort_keys=True, default=str)


def about(seconds: float) -> str:
    """A rough time in words.

    >>> [about(s) for s in (0.4, 25, 100, 384, 9600, 400_000)]
    ['a second', '25 s', '1 min 40 s', '6 min', '2 h 40 min', '4.6 days']
    """
    if seconds < 1.5:
        return "a second"
    if seconds < 60:
        return f"{seconds:.0f} s"
    if seconds < 300:
        minutes, rest = divmod(round(seconds / 10) * 10, 60)
        return f"{minutes:.0f} min" + (f" {rest:.0f} s" if rest else "")
    if seconds < _HOUR:
        return f"{seconds / 60:.0f} min"
    if seconds < 48 * _HOUR:
        hours, minutes = divmod(round(seconds / 600) * 10, 60)
        return f"{hours} h" + (f" {minutes} min" if minutes else "")
    return f"{seconds / 24 / _HOUR:.1f} days"


def in_words(per_step: float, steps: int | None, seconds: float | None, faster: tuple[tuple[str, float], ...]) -> str:
    """What a plan takes, or how far it comes, and how long it would take in another way: (words, share of the cost)."""
    rate = 1 / per_step
    speed = f"{rate:,.0f} steps/s" if rate >= 10 else f"{rate:.1f} steps/s" if rate >= 1 else f"{per_step:.1f} s per step"
    if steps is None:
        return f"About {speed} on this computer: about {(seconds or 0) * rate:,.0f} steps in {about(seconds or 0)}."
    if steps == ENDLESS:
        return f"About {speed} on this computer."
    whole = steps * per_step
    words = f"About {about(whole)} on this computer ({steps:,} step{'s' * (steps != 1)} at {speed})."
    others = [f"{name}: about {about(whole * share)}" for name, share in faster if whole > _HOUR and share < 0.7]
    return f"{words} Faster, estimated: {'; '.join(others)}." if others else words
