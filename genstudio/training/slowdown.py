"""Noticing that other programs hold a training up: it runs at a third of its speed while they keep the processor busy."""

from __future__ import annotations

import multiprocessing
import os
import statistics
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import psutil

SPAN, SPANS = 0.5, 5
"""Seconds of training over which one speed is measured, and how many speeds make a median."""

_SLOW, _FAST = 1 / 3, 1 / 2
_OTHERS, _IDLE = 0.5, 0.25


@dataclass(frozen=True, slots=True)
class Usage:
    """Seconds since some beginning: of all processors `busy` and in all, of this process, and on the clock.

    `known` is False where the system does not tell, or where child processes of this program are at work too.
    """

    busy: float
    total: float
    own: float
    clock: float
    known: bool = True


def usage() -> Usage:
    """What the processors have done so far."""
    busy, total = _times()
    known = total > 0 and not multiprocessing.active_children()
    return Usage(busy, total, time.process_time(), time.monotonic(), known)


class Slowdown:
    """Compares the median of recent speeds with the best such median since `restart`.

    Speeds are steps per second of training, so a pause, a checkpoint or another task does not count; spans in which no
    step was made, as while it evaluates, are left out.
    """

    def __init__(self, measure: Callable[[], Usage] = usage, processors: int | None = None) -> None:
        self._measure, self._processors = measure, processors or os.cpu_count() or 1
        self.restart()

    def restart(self) -> None:
        """Forget all speeds: settings have changed."""
        self._speeds: deque[float] = deque(maxlen=SPANS)
        self._held: deque[bool | None] = deque(maxlen=SPANS)
        self._best, self._slow = 0.0, False
        self._step, self._began = -1, (0, 0.0, self._measure())

    def see(self, step: int, elapsed: float) -> str:
        """What to say at this step, reached after so many seconds of training; mostly nothing."""
        began_step, began, before = self._began
        if step <= self._step or self._step < 0:
            self._began = (step, elapsed, self._measure())
        elif elapsed - began >= SPAN:
            now = self._measure()
            self._speeds.append((step - began_step) / (elapsed - began))
            self._held.append(self._by_others(before, now))
            self._judge()
            self._began = (step, elapsed, now)
        self._step = step
        return self._words() if self._slow else ""

    def _judge(self) -> None:
        if len(self._speeds) == SPANS:
            speed = statistics.median(self._speeds)
            self._best = max(self._best, speed)
            self._slow = speed < self._best * (_FAST if self._slow else _SLOW)

    def _words(self) -> str:
        known = [held for held in self._held if held is not None]
        if not known:
            return "much slower than before; another program may be using the processor"
        return "another program is using the processor" if statistics.median(known) == 1 else ""

    def _by_others(self, before: Usage, now: Usage) -> bool | None:
        """Whether others were at work and left little idle; None where that is not known."""
        total, clock = now.total - before.total, now.clock - before.clock
        if not (before.known and now.known and total > 0 and clock > 0):
            return None
        share = (now.busy - before.busy) / total
        others = share * self._processors - (now.own - before.own) / clock
        return others >= _OTHERS and 1 - share <= _IDLE


def _times() -> tuple[float, float]:
    """Seconds that all processors were busy, and that they were there."""
    times = psutil.cpu_times()._asdict()
    total = sum(times.values()) - times.get("guest", 0.0) - times.get("guest_nice", 0.0)  # both are in user and nice
    return total - times["idle"] - times.get("iowait", 0.0), total
