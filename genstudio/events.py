"""What crosses from the engine to whoever watches: frozen, picklable, read-only numpy and strings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]


def frozen(array: Array) -> Array:
    """The same array, read-only from now on."""
    array.setflags(write=False)
    return array


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """Values of one number over steps: `steps` (n,) int64 ascending, `values` (n,) float64."""

    steps: Array
    values: Array

    def __post_init__(self) -> None:
        frozen(self.steps)
        frozen(self.values)

    def __len__(self) -> int:
        return len(self.steps)


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """Something to look at, of one step; a newer snapshot of a channel replaces the older."""

    channel: str
    step: int


@dataclass(frozen=True, slots=True, eq=False)
class Text(Snapshot):
    """A prompt and what the model wrote after it."""

    prompt: str
    text: str


@dataclass(frozen=True, slots=True, eq=False)
class Attention(Snapshot):
    """Attention of one text: `weights` (layers, heads, T, T) float32, row = query; `tokens` are T printable pieces."""

    tokens: tuple[str, ...]
    weights: Array

    def __post_init__(self) -> None:
        frozen(self.weights)


@dataclass(frozen=True, slots=True, eq=False)
class NextTokens(Snapshot):
    """The model's opinion of what comes next: raw `logits` (V,) float32 and each token's printable piece.

    `unknown` are the positions of characters in the prompt that the vocabulary lacks.
    """

    logits: Array
    pieces: tuple[str, ...]
    prompt_pieces: tuple[str, ...] = ()
    unknown: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        frozen(self.logits)


@dataclass(frozen=True, slots=True, eq=False)
class Writing(Snapshot):
    """A continuation so far: `pieces` in order with the `probabilities` (n,) the sampler gave each."""

    prompt: str
    pieces: tuple[str, ...]
    probabilities: Array
    finished: bool = False
    reason: str = ""

    def __post_init__(self) -> None:
        frozen(self.probabilities)

    @property
    def text(self) -> str:
        return "".join(self.pieces)


@dataclass(frozen=True, slots=True, eq=False)
class Answer(Snapshot):
    """The result of a task that computes one thing; `value` is plain data (numbers, strings, tuples, frozen dataclasses)."""

    value: Any


@dataclass(frozen=True, slots=True)
class Notice:
    """A mark on the time axis and a sentence: kind is `saved`, `best`, `changed`, `warning`, `info` or `done`."""

    step: int
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a task is. `done` in [0, 1] or None where the end is not known; `remaining` in seconds."""

    text: str = ""
    done: float | None = None
    step: int = 0
    total: int | None = None
    remaining: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """Everything that happened in one slice of time: all numbers, the newest snapshot of each channel.

    `halt` is empty, or says why the task waits until a person has acted: it is then paused, nothing is lost.
    """

    series: Mapping[str, Series] = field(default_factory=dict)
    snapshots: tuple[Snapshot, ...] = ()
    notices: tuple[Notice, ...] = ()
    progress: Progress | None = None
    halt: str = ""
