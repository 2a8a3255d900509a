"""What a task is: a frozen request; running it gives a job, an iterator of frames that others take turns with."""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, TypeVar

from genstudio.data.slices import Slices
from genstudio.events import Frame, Progress

if TYPE_CHECKING:
    from genstudio.tasks.models import Models

T = TypeVar("T")
R_co = TypeVar("R_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Change:
    """Something a running job is asked to do between two of its frames."""


@dataclass(frozen=True, slots=True)
class SaveNow(Change):
    """Write a checkpoint at the next step boundary."""


@dataclass(frozen=True, slots=True)
class Extend(Change):
    """Plan for this many steps, or seconds of training, in all."""

    steps: int | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class ShowPrompt(Change):
    """Write the live sample from this prompt, and show the attention of this probe sentence."""

    prompt: str | None = None
    probe: str | None = None


@dataclass(frozen=True, slots=True)
class ShowNow(Change):
    """Preview the model as it is at this step: between two previews a paused training stands on another one."""


@dataclass(frozen=True, slots=True)
class SetLive(Change):
    """Change settings from the next step on: name -> value. A checkpoint is taken before, and the change is a mark."""

    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class GoBack(Change):
    """Return to the checkpoint that was taken before the last `SetLive`, with the settings and weights of then."""


@dataclass(frozen=True, slots=True)
class Pace(Change):
    """How the training moves: `steps` as fast as it can, or `stages`: each frame is one numbered stage of a step.

    `train` names the parts that are updated from now on; the others only run. Empty: all of them.
    """

    by: Literal["steps", "stages"] = "steps"
    train: tuple[str, ...] = ()


Frames = Generator[Frame, None, T]
"""A running task: `next` gives a frame, `close` stops it and saves what there is to save, its return value is the result.

One that can be steered also has `adjust(change)`, called between two frames; it may give a frame of its own.
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
        yield Frame(progress=Progress("Loading the engine"))
        import torch

        from genstudio.training.device import choose, describe

        weight = torch.zeros(2, 2, requires_grad=True)
        optimizer = torch.optim.AdamW([weight], fused=True)
        weight.sum().backward()
        optimizer.step()
        device = describe(choose("auto"))
        yield Frame(progress=Progress(f"Ready, torch {torch.__version__}"))
        return device


def sliced(work: Slices[T], text: str, seconds: float = 0.05) -> Frames[T]:
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
