"""One line of a chart: its name, its points, and the same smoothed."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from genstudio.events import Array
from genstudio.families.dashboard import Line
from genstudio.ui import theme
from genstudio.ui.views.decimate import Growing, Smoother

_BACKLOG = 4096
"""Points that may wait to be smoothed: of a chart that nobody sees many together, but never so many that it shows."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened at a step: kind as in events.Notice."""

    step: int
    kind: str
    text: str


class Curve:
    """The points of one line, and the same smoothed, both only ever extended; smoothed when they are asked for."""

    def __init__(self, line: Line, color: str, decay: float) -> None:
        self.line, self._color = line, color
        self.raw, self._smooth = Growing(), Growing()
        self.set_decay(decay)

    def append(self, steps: Array, values: Array) -> None:
        backwards = len(self.raw) and len(steps) and steps[0] <= self.raw.steps[-1]
        self.raw.append(steps, values)
        if backwards:
            self.set_decay(self._decay)
        if len(self.raw) - len(self._smooth) > _BACKLOG:
            self._catch_up()

    def set_decay(self, decay: float) -> None:
        self._decay = decay
        self._smoother = Smoother(decay) if self.line.smooth and decay else None
        self._smooth.clear()

    @property
    def color(self) -> str:
        """The line's colour, light enough for the theme."""
        return theme.visible(self._color)

    @property
    def smoothed(self) -> bool:
        """Whether the strong line is another than the raw one."""
        return self._smoother is not None

    @property
    def shown(self) -> Growing:
        """The strong line."""
        self._catch_up()
        return self.raw if self._smoother is None else self._smooth

    def _catch_up(self) -> None:
        if self._smoother is not None and (known := len(self._smooth)) < len(self.raw):
            self._smooth.append(self.raw.steps[known:], self._smoother.extend(self.raw.values[known:]))

    def at(self, step: float) -> tuple[int, float] | None:
        """The last point at or before a step, as shown."""
        steps = self.raw.steps
        index = (int(np.searchsorted(steps, math.floor(step), side="right")) if math.isfinite(step) else len(steps)) - 1
        return (int(self.raw.steps[index]), float(self.shown.values[index])) if index >= 0 else None
