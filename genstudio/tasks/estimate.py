"""How fast a training with some settings would be on this computer: a few steps of it, thrown away; and what fits into a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any, ClassVar

from genstudio import families
from genstudio.config import Config, Values
from genstudio.data import shelf
from genstudio.events import Frame, Progress
from genstudio.tasks.models import Models
from genstudio.tasks.task import Frames, frames_of
from genstudio.tasks.train import Train, fitting
from genstudio.training.learner import Learner

STEPPING = 0.88
"""Share of a training's time that goes into its steps; previews, measures and checkpoints take the rest."""
_SECONDS, _SMALL, _GROWTH, _LONG, _PREPARING = 0.6, 8, 4, 0.3, 5.0


@dataclass(frozen=True)
class EstimateTime:
    """Time some steps of a training that is never kept; no run is touched.

    Returns the seconds per step of such a training, previews and checkpoints included, or None where preparing the data
    would take too long to ask. Raises what the training itself would raise before its first step.
    """

    family: str
    data: str
    config: Values = field(default_factory=dict)
    device: str = "auto"
    quiet: ClassVar[bool] = True

    def run(self, models: Models) -> Frames[float | None]:
        from genstudio.training.device import choose

        yield Frame(progress=Progress("Estimating the time"))
        family, config = Train(self.family, self.data, self.config).parsed()
        device = choose(self.device)
        work = _for_at_most(_PREPARING, family.prepare(config, shelf.open_dataset(fitting(family, self.data))))
        data = yield from frames_of(work, "Estimating the time")
        if data is None:
            return None
        batches = int(config.model_dump().get("accumulation", 1))
        alone = config.model_copy(update={"accumulation": 1} if batches > 1 else {})
        seconds = yield from _per_batch(lambda settings: family.learner(family.model(settings, data, device, 0), 0), alone)
        return seconds * batches / STEPPING


@dataclass(frozen=True)
class FitPreset:
    """Time the sizes of a preset that is chosen by its time, from the smallest up.

    Returns the settings of the largest that this computer trains in that time, those of the preset where preparing the data
    takes too long to ask. Raises what `EstimateTime` raises.
    """

    family: str
    data: str
    preset: str
    device: str = "auto"
    quiet: ClassVar[bool] = True

    def run(self, models: Models) -> Frames[Values]:
        preset = families.preset_called(families.get(self.family).presets, self.preset)
        if preset is None:
            raise KeyError(self.preset)
        known: dict[str, float | None] = {}
        while True:
            values, wanted = preset.fitted(lambda size: known.get(str(size)))
            if wanted is None or str(wanted) in known:
                return values
            known[str(wanted)] = yield from EstimateTime(self.family, self.data, wanted, self.device).run(models)


def _per_batch(learner: Callable[[Config], Learner], config: Config) -> Generator[Frame, None, float]:
    """Seconds per step, from small batches up, so that no step holds the engine long; what is too large to be tried is on
    the line through the two largest that were."""
    values = config.model_dump()
    batch, pack = int(values.get("batch", 0)), int(values.get("pack", 1))
    size = min(max(_SMALL // pack, 1) * pack, batch)
    before, spent = 0, 0.0
    while size < batch:
        taken = yield from _timed(learner(config.model_copy(update={"batch": size})), _SECONDS / 4)
        slope = max((taken - spent) / (size - before), 0.0)
        if taken > _LONG:
            return taken + slope * (batch - size)
        before, spent, size = size, taken, min(size * _GROWTH, batch)
    return (yield from _timed(learner(config), _SECONDS))


def _timed(learner: Learner, seconds: float) -> Generator[Frame, None, float]:
    """Seconds per step of a learner, over at least one step after the first, and at least `seconds` in all."""
    from genstudio.training.device import threads

    spent, counted, step = 0.0, 0, 0
    while not counted or spent < seconds:
        step += 1
        began = time.monotonic()
        with threads(learner.threads):
            values = learner.training_step(learner.batch(step), step, 0.0)
            float(next(iter(values.values())))  # a GPU answers before it has computed
        if step > 1:
            spent, counted = spent + time.monotonic() - began, counted + 1
        yield Frame()
    return spent / counted


def _for_at_most(seconds: float, work: Generator[float, None, Any]) -> Generator[float, None, Any]:
    """What the work returns, or None where it takes longer."""
    due = time.monotonic() + seconds
    while time.monotonic() < due:
        try:
            yield next(work)
        except StopIteration as end:
            return end.value
    work.close()
    return None
