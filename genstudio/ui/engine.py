"""The one worker thread: it advances every running job by one frame in turn, and sends what happened to the window."""

from __future__ import annotations

import gc
import itertools
import os
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from PySide6.QtCore import QObject, Qt, QThread, QTimer, Signal, Slot

from genstudio.errors import Failure
from genstudio.events import Frame
from genstudio.tasks.task import Task
from genstudio.training.changes import Change, SaveNow

R = TypeVar("R")


class _Worker(QObject):
    """Lives on the engine thread. Owns the open models and all jobs."""

    framed = Signal(str, object)
    ended = Signal(str, object, object)
    halted = Signal(str, str)
    advanced = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._jobs: dict[str, Any] = {}
        self._paused: dict[str, Any] = {}
        self._models: Any = None
        self._timer: QTimer | None = None

    @Slot()
    def begin(self) -> None:
        """First thing on the thread: step back behind the interface, make the timer that turns the jobs."""
        _be_nice()
        self._timer = QTimer(self)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._advance)

    @Slot(str, object)
    def start(self, name: str, task: Task[Any]) -> None:
        try:
            if self._models is None:
                from genstudio.tasks.models import Models

                self._models = Models()
            self._jobs[name] = task.run(self._models)
        except BaseException as error:  # noqa: BLE001 - work may fail in any way; here it becomes a message
            self.ended.emit(name, Failure.of(error), None)
        self._tick()

    @Slot(str)
    def pause(self, name: str) -> None:
        if name in self._jobs:
            self._paused[name] = self._jobs.pop(name)
        self._tick()

    @Slot(str)
    def resume(self, name: str) -> None:
        if name in self._paused:
            self._jobs[name] = self._paused.pop(name)
        self._tick()

    @Slot(str)
    def advance(self, name: str) -> None:
        """One frame of a paused job, which stays paused."""
        if name in self._paused:
            self._step(name, self._paused[name])
            self.advanced.emit(name)

    @Slot(str, object)
    def adjust(self, name: str, change: Change) -> None:
        job = self._jobs.get(name) or self._paused.get(name)
        if job is not None and hasattr(job, "adjust"):
            self._guarded(name, lambda: self._deliver(name, job.adjust(change)))

    @Slot(str)
    def stop(self, name: str) -> None:
        job = self._jobs.pop(name, None) or self._paused.pop(name, None)
        if job is not None:
            self._guarded(name, job.close, ends=True)
        self._tick()

    @Slot()
    def save_all(self) -> None:
        for name in [*self._jobs, *self._paused]:
            self.adjust(name, SaveNow())

    @Slot()
    def stop_all(self) -> None:
        for name in [*self._jobs, *self._paused]:
            self.stop(name)

    def _advance(self) -> None:
        name, job = next(iter(self._jobs.items()))
        self._jobs[name] = self._jobs.pop(name)
        self._step(name, job)

    def _step(self, name: str, job: Any) -> None:
        try:
            frame = next(job)
        except StopIteration as end:
            self._finish(name, None, end.value)
        except BaseException as error:  # noqa: BLE001 - Rust extensions panic past Exception
            self._finish(name, Failure.of(error))
        else:
            self._deliver(name, frame)

    def _deliver(self, name: str, frame: Frame | None) -> None:
        if frame is not None:
            self.framed.emit(name, frame)
            if frame.halt:
                self.pause(name)
                self.halted.emit(name, frame.halt)

    def _guarded(self, name: str, work: Callable[[], None], ends: bool = False) -> None:
        failure = None
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - saving may fail in any way
            failure = Failure.of(error)
        if ends or failure is not None:
            self._finish(name, failure)

    def _finish(self, name: str, failure: Failure | None, result: Any = None) -> None:
        self._jobs.pop(name, None)
        self._paused.pop(name, None)
        self.ended.emit(name, failure, result)
        self._tick()

    def _tick(self) -> None:
        if self._timer is not None:
            if self._jobs and not self._timer.isActive():
                self._timer.start()
            elif not self._jobs:
                self._timer.stop()


def _be_nice() -> None:
    """The interface is to go first, and yet training is to get its share where others are at work on the computer: at
    nice 10 it stood still there."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 4)
    else:
        QThread.currentThread().setPriority(QThread.Priority.LowPriority)


@dataclass(frozen=True, slots=True)
class _Listener:
    """Whom to tell of one task."""

    on_frame: Callable[[Frame], None] | None = None
    on_result: Callable[[Any], object] | None = None
    on_end: Callable[[Failure | None], None] | None = None


class Engine(QObject):
    """The window's side: start tasks, steer them, hear of them.

    `framed(name, Frame)` for every frame, `advanced(name)` after that of `advance`, `ended(name, Failure | None)` once a
    job is over, `halted(name, reason)` when a job waits for the person, `superseded(name, reason)` when one is stopped for
    another. `close()` stops and saves everything and joins the thread.
    """

    framed = Signal(str, object)
    ended = Signal(str, object)
    halted = Signal(str, str)
    superseded = Signal(str, str)
    advanced = Signal(str)
    changed = Signal()

    _start = Signal(str, object)
    _pause = Signal(str)
    _resume = Signal(str)
    _advance = Signal(str)
    _adjust = Signal(str, object)
    _stop = Signal(str)
    _save_all = Signal()
    _stop_all = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.running: dict[str, str] = {}
        self.tasks: dict[str, Task[Any]] = {}
        self.ending = ""  # the kind of the task whose end is being told
        self._quiet: set[str] = set()
        self._names = itertools.count(1)
        self._listeners: dict[str, _Listener] = {}
        self._thread = QThread()
        self._thread.setObjectName("engine")
        self._worker = _Worker()
        self._worker.moveToThread(self._thread)
        self._thread.started.connect(self._worker.begin)
        self._thread.finished.connect(self._worker.deleteLater)
        queued = Qt.ConnectionType.QueuedConnection
        for signal, slot in (
            (self._start, self._worker.start),
            (self._pause, self._worker.pause),
            (self._resume, self._worker.resume),
            (self._advance, self._worker.advance),
            (self._adjust, self._worker.adjust),
            (self._stop, self._worker.stop),
        ):
            signal.connect(slot, queued)
        self._save_all.connect(self._worker.save_all, Qt.ConnectionType.BlockingQueuedConnection)
        self._stop_all.connect(self._worker.stop_all, Qt.ConnectionType.BlockingQueuedConnection)
        self._worker.framed.connect(self._on_frame, queued)
        self._worker.ended.connect(self._on_end, queued)
        self._worker.halted.connect(self._on_halt, queued)
        self._worker.advanced.connect(self.advanced, queued)
        self._collector = _Collector(self)
        self._thread.start()

    def start(
        self,
        task: Task[R],
        on_frame: Callable[[Frame], None] | None = None,
        on_end: Callable[[Failure | None], None] | None = None,
        *,
        on_result: Callable[[R], object] | None = None,
        name: str = "",
    ) -> str:
        """Ask for a task; returns its name. The callbacks run on the interface thread.

        `on_result` gets what the task returned, once and before `on_end`; a task that fails or is stopped has none.
        """
        name = name or f"{type(task).__name__}-{next(self._names)}"
        self.running[name] = "running"
        self.tasks[name] = task
        if getattr(task, "quiet", False):
            self._quiet.add(name)
        self._listeners[name] = _Listener(on_frame, on_result, on_end)
        self._start.emit(name, task)
        self.changed.emit()
        return name

    def work(self) -> dict[str, str]:
        """Names and states of the jobs that a person started: see `tasks.task.Quiet`."""
        return {name: state for name, state in self.running.items() if name not in self._quiet}

    def pause(self, name: str) -> None:
        if self.running.get(name) == "running":
            self.running[name] = "paused"
            self._pause.emit(name)
            self.changed.emit()

    def resume(self, name: str) -> None:
        if self.running.get(name) == "paused":
            self.running[name] = "running"
            self._resume.emit(name)
            self.changed.emit()

    def advance(self, name: str) -> None:
        """Let a paused job give one frame; it stays paused."""
        if self.running.get(name) == "paused":
            self._advance.emit(name)

    def adjust(self, name: str, change: Change) -> None:
        self._adjust.emit(name, change)

    def stop(self, name: str, because: str = "") -> None:
        """Close the job; it saves, then `ended` comes. `because` says which other work begins in its place, if one does."""
        if self.running.get(name, "stopping") != "stopping":
            if because:
                self.superseded.emit(name, because)
            self.running[name] = "stopping"
            self._stop.emit(name)
            self.changed.emit()

    def drop(self, name: str, because: str = "") -> None:
        """Stop the job and hear no more of it: neither what it sent already nor how it ends."""
        self._listeners.pop(name, None)
        self.stop(name, because)

    def save(self) -> None:
        """Let every job that trains write a checkpoint; returns once they are written."""
        if self._thread.isRunning():
            self._save_all.emit()

    def close(self) -> None:
        """Stop and save every job and end the thread. Safe to call twice."""
        if self._thread.isRunning():
            self.running = dict.fromkeys(self.running, "stopping")  # what is cut off has no result
            self._stop_all.emit()
            self._thread.quit()
            self._thread.wait()
        self._collector.close()

    def _on_frame(self, name: str, frame: Frame) -> None:
        listener = self._listeners.get(name)
        if listener is not None and listener.on_frame is not None:
            listener.on_frame(frame)
        self.framed.emit(name, frame)

    def _on_end(self, name: str, failure: Failure | None, result: object) -> None:
        stopped = self.running.pop(name, "") == "stopping"
        self._quiet.discard(name)
        self.ending = type(self.tasks.pop(name, None)).__name__
        listener = self._listeners.pop(name, _Listener())
        try:
            if listener.on_result is not None and failure is None and not stopped:
                listener.on_result(result)
            if listener.on_end is not None:
                listener.on_end(failure)
            self.ended.emit(name, failure)
        finally:
            self.ending = ""
        self.changed.emit()

    def settle(self) -> None:
        """Call once the large libraries are loaded."""
        self._collector.settle()

    def _on_halt(self, name: str, reason: str) -> None:
        if name in self.running:
            self.running[name] = "paused"
            self.halted.emit(name, reason)
            self.changed.emit()


class _Collector(QObject):
    """Collects Python's cycles on the interface thread only: freeing a QObject on the engine thread crashes Qt."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._was_enabled = gc.isenabled()
        gc.disable()
        self._timer = QTimer(self)
        self._timer.setInterval(250)
        self._timer.timeout.connect(self._collect)
        self._timer.start()

    def _collect(self) -> None:
        for generation, (count, threshold) in reversed(
            list(enumerate(zip(gc.get_count(), gc.get_threshold(), strict=True)))
        ):
            if count > threshold > 0:
                gc.collect(generation)
                return

    def settle(self) -> None:
        """What is alive now stays (torch alone brings a million objects): no collection walks it again."""
        gc.freeze()

    def close(self) -> None:
        self._timer.stop()
        gc.unfreeze()
        if self._was_enabled:
            gc.enable()
