"""How long things take: several of them in turns, so that what slows the computer slows all, and what limits them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence

import torch

from genstudio.data.work import Work

Times = Mapping[str, list[float]]
"""Seconds of each round, by what was timed."""


def clock() -> float:
    """Seconds. With one thread, the time that other programs take is not counted."""
    return time.thread_time() if torch.get_num_threads() == 1 else time.perf_counter()


def in_turns(
    contenders: Mapping[str, Callable[[], object]], *, seconds: float = 0.0, rounds: int = 5, repeat: int = 1
) -> Work[Times]:
    """Time each, `repeat` times at once, in turns: at least `rounds` rounds after one that is not counted, and for `seconds` in
    all. Yields the fraction done."""
    times: dict[str, list[float]] = {name: [] for name in contenders}
    began, number = time.monotonic(), 0
    while number <= rounds or time.monotonic() - began < seconds:
        for name, work in contenders.items():
            start = clock()
            for _ in range(repeat):
                work()
            times[name].append((clock() - start) / repeat)
            passed = (time.monotonic() - began) / seconds if seconds else 1.0
            yield min(passed, (number + 1) / (rounds + 1), 1.0)
        number += 1
    return {name: taken[1:] for name, taken in times.items()}


def ratio(times: Times, name: str, reference: str) -> float:
    """How many times as fast as the reference something is: the median over the rounds."""
    return statistics.median(slow / fast for slow, fast in zip(times[reference], times[name], strict=True))


def typical(times: Times, name: str) -> float:
    """Seconds: the median over the rounds."""
    return statistics.median(times[name])


def products(shapes: Sequence[tuple[int, int, int]]) -> Callable[[], None]:
    """The matrix products of a training step with linear layers of (rows, inputs, outputs), forwards and both ways backwards,
    and nothing else: no step can be faster."""
    made = [
        (torch.randn(rows, inputs), torch.randn(inputs, outputs), torch.randn(rows, outputs)) for rows, inputs, outputs in shapes
    ]
    into = [(torch.empty_like(y), torch.empty_like(x), torch.empty_like(w)) for x, w, y in made]

    def run() -> None:
        for (x, w, y), (forward, back, gradient) in zip(made, into, strict=True):
            torch.mm(x, w, out=forward)
            torch.mm(y, w.T, out=back)
            torch.mm(x.T, y, out=gradient)

    return run


def reading(count: int) -> Mapping[str, Callable[[], object]]:
    """Two ways of reading `count` float32 numbers once: one half after the other, and both side by side. The faster of them is
    what the memory can give."""
    halves = [torch.ones(count // 2) for _ in range(2)]
    return {"sum": lambda: [half.sum() for half in halves], "dot": lambda: torch.dot(*halves)}
