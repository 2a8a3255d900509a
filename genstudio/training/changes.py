"""What a training can be asked for while it runs. No torch here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from genstudio.config import Values


@dataclass(frozen=True, slots=True)
class Change:
    """Something that a running training is asked to do between two of its frames."""


@dataclass(frozen=True, slots=True)
class SaveNow(Change):
    """Write a checkpoint at the next step boundary."""


@dataclass(frozen=True, slots=True)
class Extend(Change):
    """Plan for this many steps, or seconds of training, in all."""

    steps: int | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Watch(Change):
    """Show what comes of these texts in every preview: by name, as the learner calls what it can watch."""

    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ShowNow(Change):
    """Preview the model as it is at this step: between two previews a paused training stands on another one."""


@dataclass(frozen=True, slots=True)
class SetLive(Change):
    """Change settings from the next step on: name -> value. A checkpoint is taken before, and the change is a mark."""

    values: Values


@dataclass(frozen=True, slots=True)
class GoBack(Change):
    """Return to the checkpoint that was taken before the last `SetLive`, with the settings and weights of then."""


@dataclass(frozen=True, slots=True)
class Pace(Change):
    """How the training moves: `steps` as fast as it can, or `stages`: each frame is one numbered stage of a step.

    `values` are settings that change with it, like those of a `SetLive`, without a checkpoint before.
    """

    by: Literal["steps", "stages"] = "steps"
    values: Values = field(default_factory=dict)
