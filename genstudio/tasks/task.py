"""What a task is: a frozen request; running it gives a job, an iterator of frames that others take turns with."""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol, TypeVar

from genstudio.data.work import Work
from genstudio.events import Frame, Progress

if TYPE_CHECKING:
    from genstudio.tasks.models import Models

T = TypeVar("T")
R_co = TypeVar("R_co", covariant=True)


Frames = Generator[Frame, None, T]
"""A running task: `next` gives a frame, `close` stops it and saves what there is to save, its return value is the result.

One that can be steered also has `adjust(change)` (`training.changes`), called between two frames; it may give a frame of
its own.
"""


class Task(Protocol[R_co]):
    """A frozen request. What it is asked for is the value that its generator returns."""

    def run(self, models: Models) -> Frames[R_co]:
        """Start; nothing heavy happens before the first frame is asked for."""


class Quiet:
    """A task that no person started: a page looks at something by itself. It is not counted among the work at hand."""

    __slots__ = ()
    quiet: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class WarmUp:
    """Import torch, and what its first backward pass and first update import, so that nobody waits for it later."""

    def run(self, models: Models) -> Frames[str]:
        """Returns the device in words."""
        yield Frame(progress=Progress("Starting the engine"))
        import torch

        from genstudio.training.device import choose, describe
        from genstudio.training.optim import take_step

        weight = torch.zeros(2, 2, requires_grad=True)
        optimizer = torch.optim.AdamW([weight], fused=True)
        weight.sum().backward()
        take_step(optimizer)
        device = describe(choose("auto"))
        yield Frame(progress=Progress(f"Ready, torch {torch.__version__}"))
        return device


def frames_of(work: Work[T], text: str, seconds: float = 0.05) -> Frames[T]:
    """Frames with the progress of sliced work; returns what it returns."""
    due = time.monotonic() + seconds
    while True:
        try:
            done = next(work)
        except StopIteration as stop:
            result: T = stop.value
            return result
        if time.monotonic() >= due:
            yield Frame(progress=Progress(text, done))
            due = time.monotonic() + seconds
