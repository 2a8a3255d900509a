"""Long work in slices: generators that yield their fraction done and return a result."""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeVar

T = TypeVar("T")

Slices = Generator[float, None, T]


def finished(work: Slices[T]) -> T:
    """The result of sliced work, done in one go."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            result: T = end.value
            return result


def scaled(work: Slices[T], start: float, stop: float) -> Slices[T]:
    """The same work as the part of a larger one from `start` to `stop`; closing it closes the work."""
    try:
        while True:
            try:
                done = next(work)
            except StopIteration as end:
                result: T = end.value
                return result
            yield start + (stop - start) * done
    finally:
        work.close()
