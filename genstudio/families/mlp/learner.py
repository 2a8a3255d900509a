"""Training of a dense network: batches, one update, and every number of it to look at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from genstudio.data.learnable import batches
from genstudio.events import Snapshot
from genstudio.families.mlp.config import MLPConfig
from genstudio.families.mlp.model import ROWS, MLPModel
from genstudio.inspection.depth import by_layer
from genstudio.nn.by_hand import probabilities, targets_of
from genstudio.snapshots.confusion import Confusion
from genstudio.snapshots.samples import Pictures
from genstudio.training.learner import Tick, Values
from genstudio.training.optim import Adam, Muon
from genstudio.training.updates import Updates

Array = NDArray[Any]
_PICTURES, _MEASURED = 60, 128
_ONE_THREAD = 256
_BETA2, _RMS_DECAY = 0.999, 0.99


class MLPLearner:
    """A dense network and its optimiser. Rate, momentum, batch and clipping may change between two steps."""

    tokens_per_step, preview_every, criterion = 0, 0.2, "val_loss"

    def __init__(self, model: MLPModel, seed: int) -> None:
        self.model, self.seed, self.step = model, seed, 0
        self.optimizers: Mapping[str, torch.optim.Optimizer] = optimizers(model)
        self.updates = Updates(model.modules.values(), self.optimizers)
        self.evaluate_every = model.config.evaluate_every
        self.threads: int | None = 1 if max((0, *model.config.hidden)) <= _ONE_THREAD else None

    @property
    def config(self) -> MLPConfig:
        return self.model.config

    def batch(self, step: int) -> Tensor:
        """The rows (n,) of a step: as many as are asked for, drawn with return, or all of them. Raises DataError."""
        return torch.from_numpy(self._rows(step))

    def _rows(self, step: int) -> NDArray[np.int64]:
        data, config = self.model.data, self.config
        among = data.train[: config.examples or None]
        if 0 < config.batch < len(among) or not len(among):
            return batches.draw_among(among, (config.batch or 1,), self.seed, step)
        return among

    def training_step(self, batch: Tensor, step: int, progress: float) -> Values:
        """One update along the mean gradient. A gradient that is not finite changes nothing but is reported."""
        self.step, config, model = step, self.config, self.model
        rows = batch.numpy()
        z, targets = model.network(model.inputs(rows)), model.targets(rows)
        loss = model.losses(z, targets).mean()
        loss.backward()
        self._set_rates()
        norm = self.updates.step(clip=config.clip)
        right = ((z > 0) == (targets > 0.5)) if z.shape[1] == 1 else z.argmax(1) == targets.argmax(1)
        return {
            "train_loss": loss.detach(), "train_accuracy": right.float().mean(), "gradient_norm": norm,
            "learning_rate": config.learning_rate,
        }  # fmt: skip

    def change(self, values: Mapping[str, Any]) -> None:
        """Other values of the live settings from the next step on. Raises ConfigError."""
        self.model.config = type(self.config).parse({**self.config.model_dump(), **values})

    def preview(self) -> Iterator[Snapshot | Tick]:
        """`network` with every number and the classes over the plane of the first two columns, where it is small enough; `depth`;
        `confusion`; of pictures `decisions`, what the network says each is and how sure it is."""
        model, small = self.model, self.model.small
        rows = self._rows(max(self.step, 1))
        if small:
            yield model.network_state(self.step, rows)
            yield Tick()
        hand, some = model.hand(), rows[:_MEASURED]
        targets = targets_of(model.data.labels[some], model.data.shape.outputs)
        yield by_layer(hand, model.data.inside(model.data.real[some]), targets, self.step)
        scored = model.data.scored[:ROWS]
        sure = self._sure(model.inputs(scored))
        labels, classes = model.data.labels[scored], len(model.classes)
        counts = np.bincount(labels * classes + sure.argmax(1), minlength=classes**2).reshape(classes, classes)
        yield Confusion("confusion", self.step, counts.astype(np.int64), model.classes)
        if (size := model.data.shape.size) is not None and size[2] in (1, 3):
            some = model.shown[:_PICTURES]
            found = self._sure(model.inputs(some))
            pixels = model.data.real[some].reshape(-1, *size).copy()
            yield Pictures("decisions", self.step, pixels, found.argmax(1), model.classes, found.max(1))

    @torch.no_grad()
    def _sure(self, x: Tensor) -> Array:
        """Probability of each class (n, classes)."""
        return probabilities(self.model.outputs(self.model.network(x)).cpu().numpy())

    def _set_rates(self) -> None:
        config = self.config
        self.updates.set_rates(dict.fromkeys(self.optimizers, config.learning_rate))
        for name, optimizer in self.optimizers.items():
            for group in optimizer.param_groups:
                if name == "adam":
                    group["betas"] = (config.momentum, _BETA2)
                elif config.optimizer != "sgd":
                    group["momentum"] = config.momentum


def optimizers(model: MLPModel) -> dict[str, torch.optim.Optimizer]:
    """What moves the weights, as the settings say."""
    config, weights = model.config, list(model.network.parameters())
    rate, momentum = config.learning_rate, config.momentum
    if config.optimizer == "adam":
        return {"adam": Adam(weights, rate, (momentum, _BETA2))}
    if config.optimizer == "muon":
        matrices = [p for p in weights if p.ndim == 2]
        return {
            "muon": Muon(matrices, lr=rate, momentum=momentum),
            "adam": Adam([p for p in weights if p.ndim < 2], rate, (momentum, _BETA2)),
        }
    if config.optimizer == "rmsprop":
        return {"rmsprop": torch.optim.RMSprop(weights, lr=rate, alpha=_RMS_DECAY, momentum=momentum)}
    return {"sgd": torch.optim.SGD(weights, lr=rate, momentum=momentum if config.optimizer == "momentum" else 0.0)}
