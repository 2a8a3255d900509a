"""A step of training on its way."""

from __future__ import annotations

from dataclasses import dataclass

from genstudio.events import Snapshot

ON_THE_WAY = "moment"
"""The channel of what is looked at on the way of a step, which is never kept: a step does not end with it."""


@dataclass(frozen=True, slots=True, eq=False)
class StepStage(Snapshot):
    """Where a step is: at the stage `number` (from 1), of update `update` out of `updates`; its `formula` with the current
    `values` (a name and a number each), and the `path` of what it runs through; `last` when the step ends with it."""

    number: int
    title: str
    formula: str
    values: tuple[tuple[str, float], ...]
    path: tuple[str, ...]
    update: int = 1
    updates: int = 1
    last: bool = False
