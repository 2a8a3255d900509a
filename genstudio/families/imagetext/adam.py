"""The updates of whatever reads pictures and texts."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

from genstudio.families.imagetext.config import ImageTextConfig
from genstudio.training.learner import Values
from genstudio.training.optim import adamw, schedule
from genstudio.training.updates import Updates


class Adam:
    """AdamW over all that learns in these modules, and the rate over time."""

    def __init__(self, config: ImageTextConfig, modules: Mapping[str, nn.Module]) -> None:
        weights = [p for module in modules.values() for p in module.parameters() if p.requires_grad]
        self.optimizers: dict[str, torch.optim.Optimizer] = {
            "adamw": adamw(weights, rate=1e-3, betas=(config.beta1, config.beta2), weight_decay=config.weight_decay)
        }
        self._updates = Updates(modules.values(), self.optimizers)

    def step(self, config: ImageTextConfig, step: int, progress: float) -> Values:
        """One update by the gradients there are; `gradient_norm` and `learning_rate`. A gradient that is not finite changes
        nothing but is reported."""
        factor = schedule(config.schedule, progress, step, warmup=config.warmup, hold=config.hold, final=config.final_rate)
        rate = config.learning_rate * factor
        self._updates.set_rates({"adamw": rate})
        return {"gradient_norm": self._updates.step(clip=config.clip), "learning_rate": rate}
