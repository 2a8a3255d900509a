"""Training of a diffusion model: a step of descent, then the moving average."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from genstudio.events import Snapshot
from genstudio.families.coder import CoderLearner
from genstudio.families.diffusion.model import Diffusion
from genstudio.nn.ema import update_ema
from genstudio.training.learner import Tick, Values


class DiffusionLearner(CoderLearner):
    """A network, its Adam, and the moving average of its weights, by which it is measured."""

    preview_every = 0.5

    def __init__(self, model: Diffusion, seed: int) -> None:
        super().__init__(model, seed)
        self.diffusion = model
        self._newest, self._average = (list(module.parameters()) for module in (model.network, model.average))

    def training_step(self, batch: Any, step: int, progress: float) -> Values:
        """One update of the network, and of its average. A gradient that is not finite changes nothing but is reported."""
        values = super().training_step(batch, step, progress)
        update_ema(self._average, self._newest, self.diffusion.config.ema, step)
        return values

    def preview(self) -> Iterator[Snapshot | Tick]:
        yield from self.diffusion.preview(self.step)
