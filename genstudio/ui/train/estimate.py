"""What a training would take on this computer, measured while nothing else is at work and remembered."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from genstudio import __version__
from genstudio.config import Config, Values
from genstudio.runs.plan import ENDLESS
from genstudio.ui.engine import Engine
from genstudio.ui.layouts import single_shot

if TYPE_CHECKING:
    from genstudio.tasks.estimate import EstimateTime

WAIT_MS = 1200
_KEPT = 300
"""Measurements that are remembered from one start to the next: the newest ones."""
_HOUR = 3600.0


class TimeEstimate(QObject):
    """Measures the settings that `question` gives, some time after they were changed; `changed()` when there is an answer.

    `question()` is None where there is nothing to measure, `ready()` says whether now is the time. Other work goes first:
    it stops a measurement, which is made up for later. What others cost is remembered from one start to the next, as long as
    computer and program are the same; what is set up is measured once in each.
    """

    changed = Signal()

    def __init__(
        self, engine: Engine, question: Callable[[], EstimateTime | None], ready: Callable[[], bool], parent: QObject
    ) -> None:
        super().__init__(parent)
        self._engine, self._question, self._ready = engine, question, ready
        self._known: dict[str, float | None] = {}
        self._before: dict[str, float] = {}
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
        return None if task is None else self._known.get(key := _key(task), self._before.get(key))

    def remembered(self) -> dict[str, dict[str, float]]:
        """What was measured on this computer, by its name, to be given to `restore` at the next start."""
        found = self._before | {key: seconds for key, seconds in self._known.items() if seconds is not None}
        return {_computer(): dict([*found.items()][-_KEPT:])}

    def restore(self, kept: object) -> None:
        """Take up what was remembered; of another computer, or of what is damaged, nothing."""
        found = kept.get(_computer()) if isinstance(kept, Mapping) else None
        items = found.items() if isinstance(found, Mapping) else ()
        self._before = {str(key): float(value) for key, value in items if isinstance(value, float) and value > 0}

    def _next(self) -> EstimateTime | None:
        """What is to be measured first."""
        first = self._question()
        if first is not None and _key(first) not in self._known:
            return first
        return next((task for task in self._others_wanted if _key(task) not in self._known | self._before), None)

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
    words = json.dumps(asdict(task), sort_keys=True, default=str)
    return hashlib.blake2b(words.encode(), digest_size=8).hexdigest()


def _computer() -> str:
    """What a measurement holds for: the computer with its cores, and the version of the program."""
    return f"{platform.node()}, {platform.machine()}, {os.cpu_count()} cores, genstudio {__version__}"


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


def without_end(config: type[Config], values: Values) -> str:
    """What a training that ends only when it is stopped leaves undone: nothing can fall, or grow, towards its end."""
    kept = [words for one in config.settings() if (words := one.without_end(values))]
    if not kept:
        return ""
    return f"Without an end, {' and '.join(kept)}. Plan a length to end at its best."


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
