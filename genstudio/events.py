"""What crosses from the engine to whoever watches: frozen, picklable, read-only numpy and strings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def frozen(array: Array) -> Array:
    """The same array, read-only from now on."""
    array.setflags(write=False)
    return array


@dataclass(frozen=True, slots=True, eq=False)
class Frozen:
    """Its arrays are read-only: those of its fields, and those in a tuple or mapping that is a field."""

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if isinstance(value, np.ndarray):
                value.setflags(write=False)
                continue
            parts = value.values() if isinstance(value, Mapping) else value if isinstance(value, tuple) else ()
            for part in parts:
                if isinstance(part, np.ndarray):
                    part.setflags(write=False)
                elif part is not None:
                    break  # 50,000 names of tokens are not looked at one by one

    def sound(self) -> bool:
        """Whether values of the right types and shapes make sense together: asked of what a file holds."""
        return True


@dataclass(frozen=True, slots=True)
class Held:
    """How an array, or a tuple, is stored (in `Annotated`): `axes` has one word for each of its axes: a number, a name (the
    same size throughout an object), or a sum of them. `dtype` is "json" where it may not be finite, float16 where it becomes
    a colour or a length, "" for a tuple."""

    dtype: str
    axes: str


@dataclass(frozen=True, slots=True, eq=False)
class Series(Frozen):
    """Values of one number over steps: `steps` (n,) int64 ascending, `values` (n,) float64."""

    steps: Array
    values: Array

    def __len__(self) -> int:
        return len(self.steps)


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot(Frozen):
    """Something to look at, of one step; a newer snapshot of a channel replaces the older."""

    channel: str
    step: int


@dataclass(frozen=True, slots=True)
class Notice:
    """A mark on the time axis and a sentence: kind is `saved`, `best`, `changed`, `warning`, `milestone`, `info` or `done`."""

    step: int
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Advice:
    """What to try, in words, and the settings that do it; none where a person has to do something else."""

    text: str
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Something that goes wrong since `step`, in words: the `sentence` says what, `rule` when that is said, `evidence` the
    numbers it was said on. `severity` is `warning` or `error`. `until` is the step at which it was over, None before.
    """

    name: str
    title: str
    step: int
    sentence: str
    rule: str
    evidence: Mapping[str, float]
    advice: tuple[Advice, ...] = ()
    severity: str = "warning"
    until: int | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a task is. `done` in [0, 1] or None where the end is not known; `remaining` in seconds; `note` says what
    holds it up; `elapsed` are the seconds that a training has spent at work."""

    text: str = ""
    done: float | None = None
    step: int = 0
    total: int | None = None
    remaining: float | None = None
    note: str = ""
    elapsed: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """Everything that happened in one slice of time: all numbers, the newest snapshot of each channel.

    `run` is the folder that a training writes, said once, before its first step. `settings` are those of the run,
    whenever they may have changed. `back` is the step that a training went back to: what came later is no more.
    `halt` is empty, or says why the task waits until a person has acted: it is then paused, nothing is lost.
    """

    series: Mapping[str, Series] = field(default_factory=dict)
    snapshots: tuple[Snapshot, ...] = ()
    notices: tuple[Notice, ...] = ()
    progress: Progress | None = None
    halt: str = ""
    run: str = ""
    settings: Mapping[str, Any] | None = None
    back: int | None = None
    diagnoses: tuple[Diagnosis, ...] = ()


