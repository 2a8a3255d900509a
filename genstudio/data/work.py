"""Long work in slices: generators that yield their fraction done and return a result."""

from __future__ import annotations

from collections.abc import Callable, Generator
from concurrent.futures import Future, wait
from threading import Thread
from typing import Any, TypeVar

A = TypeVar("A")
B = TypeVar("B")
T = TypeVar("T")

_LOOK = 0.005
"""Seconds between two looks at what another thread does."""

Work = Generator[float, None, T]


def finished(work: Generator[Any, None, T]) -> T:
    """The result of sliced work, done in one go."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            result: T = end.value
            return result


def in_thread(work: Callable[[], T]) -> Work[T]:
    """The result of work that cannot be cut, such as one large factorisation, done on another thread meanwhile.

    It must own its data: others take their turns, and may change what they share.
    """
    found: Future[T] = Future()

    def run() -> None:
        try:
            found.set_result(work())
        except (ArithmeticError, ValueError, MemoryError) as error:
            found.set_exception(error)

    thread = Thread(target=run, name="aside", daemon=True)
    thread.start()
    while not wait((found,), _LOOK).done and thread.is_alive():
        yield 0.0
    return found.result(timeout=0)


def mapped(work: Generator[A, None, T], each: Callable[[A], B]) -> Generator[B, None, T]:
    """The same work, yielding `each` of what it yields; closing it closes the work."""
    try:
        while True:
            try:
                found = next(work)
            except StopIteration as end:
                result: T = end.value
                return result
            yield each(found)
    finally:
        work.close()


def scaled(work: Work[T], start: float, stop: float) -> Work[T]:
    """The same work as the part of a larger one from `start` to `stop`; closing it closes the work."""
    return mapped(work, lambda done: start + (stop - start) * done)
