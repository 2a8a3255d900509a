"""Child processes that decode pictures, so that a picture can neither stop the program nor make it wait."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import time
from collections import deque
from collections.abc import Iterable, Iterator
from multiprocessing.connection import Connection, wait
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from genstudio.data.importing import decode
from genstudio.data.importing.scale import Limits

Tag = TypeVar("Tag")
Result = decode.Decoded | str

_MEMORY = 3 << 30
_START = 30.0
_BAD = (EOFError, OSError, ValueError, LookupError, TypeError)
SECONDS = 1.0
"""Time one picture of up to 4 megapixels may take in the second try, alone; larger ones have more in proportion."""
_SILENCE = 15.0
"""Time a child may say nothing while it decodes a batch: more than the largest picture takes."""


class _Child:
    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe: Connection
        self.pipe, other = context.Pipe()
        self.process = context.Process(target=decode.serve, args=(other, _MEMORY), daemon=True)
        self.process.start()
        other.close()
        self.due = time.monotonic() + _START
        self.started = False

    def ready(self, seconds: float = 0.0) -> bool:
        """Whether it has started: what is sent before would make the sender wait."""
        with contextlib.suppress(OSError, EOFError):
            if not self.started and self.pipe.poll(seconds):
                self.started = self.pipe.recv_bytes() == b"ready"
        return self.started

    def close(self) -> None:
        self.pipe.close()
        self.process.kill()
        self.process.join(5)
        self.process.close()


class _Job(Generic[Tag]):
    def __init__(self, tag: Tag, pictures: list[bytes]) -> None:
        self.tag, self.pictures = tag, pictures
        self.results: list[Result] | None = None
        self.child: _Child | None = None
        self.due = 0.0
        self.signs = 0


class Decoders(Generic[Tag]):
    """Decodes batches of pictures in several processes, or in this one where none can be started.

    Results come in the order of the batches. A batch whose process dies or takes too long is decoded again picture by
    picture, and the guilty one is called broken.
    """

    def __init__(
        self,
        workers: int,
        size: tuple[int, int] | None,
        fit: str,
        grey: bool,
        scale: Limits | None = None,
        scale_bytes: bool = False,
    ) -> None:
        self._settings = (size, fit, grey, scale, scale_bytes)
        self._children: list[_Child] = []
        with contextlib.suppress(OSError, RuntimeError, ImportError, ValueError):
            for _ in range(workers):
                self._children.append(_Child())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for child in self._children:
            child.close()
        self._children = []

    def run(self, batches: Iterable[tuple[Tag, list[bytes]]]) -> Iterator[tuple[Tag, list[bytes], list[Result]] | None]:
        """Tag, pictures and results of each batch; None now and then while waiting."""
        waiting: deque[_Job[Tag]] = deque()
        given = iter(batches)
        ended = False
        while waiting or not ended:
            while not ended and len(waiting) <= 2 * len(self._children):
                batch = next(given, None)
                if batch is None:
                    ended = True
                    break
                waiting.append(_Job(*batch))
                self._hand_out(waiting)
            self._hand_out(waiting)
            if waiting and waiting[0].results is None:
                self._wait(waiting)
            while waiting and waiting[0].results is not None:
                job = waiting.popleft()
                yield job.tag, job.pictures, job.results or []
            yield None

    def _hand_out(self, waiting: deque[_Job[Tag]]) -> None:
        busy = {id(job.child) for job in waiting if job.child is not None}
        self._bury(busy)
        free = [child for child in self._children if id(child) not in busy and child.ready()]
        for job in waiting:
            if job.results is not None or job.child is not None:
                continue
            if not self._children:
                job.results = list(decode.decode_many(job.pictures, *self._settings))
            elif free:
                child = free.pop()
                job.child, job.due = child, time.monotonic() + _SILENCE
                try:
                    child.pipe.send_bytes(decode.request(job.pictures, *self._settings))
                except (OSError, ValueError):
                    self._again(job)

    def _bury(self, busy: set[int]) -> None:
        """Take away what died or stalled while it started."""
        for child in list(self._children):
            if id(child) not in busy:
                late = time.monotonic() > child.due and not child.started
                if late or not child.process.is_alive():
                    child.close()
                    self._children.remove(child)

    def _wait(self, waiting: deque[_Job[Tag]]) -> None:
        running = {job.child.pipe: job for job in waiting if job.child is not None}
        ready = wait(list(running) or [child.pipe for child in self._children], timeout=0.05)
        for pipe, job in running.items():
            if pipe in ready:
                try:
                    message = pipe.recv_bytes()
                    if message == decode.ALIVE and job.signs < len(job.pictures):
                        job.due, job.signs = time.monotonic() + _SILENCE, job.signs + 1
                        continue
                    job.results = _results(message, len(job.pictures))
                    job.child = None
                except _BAD:
                    self._again(job)
            elif time.monotonic() > job.due:
                self._again(job)

    def _again(self, job: _Job[Tag]) -> None:
        """Find out which picture of the batch it was, each alone; without a process that starts, decode here."""
        dead = job.child
        job.child = None
        if dead is not None:
            dead.close()
            self._children.remove(dead)
        results: list[Result] = []
        child: _Child | None = None
        for picture in job.pictures:
            if child is None and (child := _started()) is None:
                results.extend(decode.decode_many([picture], *self._settings))
                continue
            answer = _alone(child, picture, self._settings)
            if answer is None:
                child.close()
                child = None
            results.append(answer or "takes too long to decode, or crashes the decoder")
        job.results = results
        if child is not None:
            self._children.append(child)


def workers(pictures: int) -> int:
    """A process for every 200 pictures, at most one for each processor this program may use."""
    try:
        cores = len(os.sched_getaffinity(0))
    except (AttributeError, OSError):
        cores = os.cpu_count() or 1
    return max(1, min(cores, 8, pictures // 200))


def _started() -> _Child | None:
    """A process that is ready, or None."""
    try:
        child = _Child()
    except (OSError, RuntimeError, ImportError, ValueError):
        return None
    with contextlib.suppress(OSError, EOFError):
        if child.ready(_START):
            return child
    child.close()
    return None


def _alone(child: _Child, picture: bytes, settings: tuple[Any, ...]) -> Result | None:
    with contextlib.suppress(*_BAD):
        child.pipe.send_bytes(decode.request([picture], *settings))
        due = time.monotonic() + SECONDS * max(1.0, decode.megapixels(picture) / 4)
        while child.pipe.poll(max(0.0, due - time.monotonic())):
            if (message := child.pipe.recv_bytes()) != decode.ALIVE:
                return _results(message, 1)[0]
    return None


def _results(message: bytes, count: int) -> list[Result]:
    found = decode.results(message)
    if len(found) != count:
        raise ValueError("a different number of pictures")
    return list(found)
