"""Encoders, decoders, and the step that trains them: what autoencoders of every kind share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genstudio.data.learnable.batches import draw
from genstudio.data.learnable.samples import SampleData, Shape
from genstudio.events import Snapshot
from genstudio.families.samples import Fixed, Form
from genstudio.families.settings import Batches, Coder, Descent
from genstudio.nn import conv, dense
from genstudio.training.learner import Tick, Values
from genstudio.training.optim import Adam, schedule
from genstudio.training.updates import Updates


class CoderConfig(Coder, Batches, Descent):
    """What the settings of every family of this kind hold."""


class Encoder(nn.Module):
    """Samples (B, ...), and a class for each where there are some, to `outputs` numbers."""

    def __init__(self, config: Coder, shape: Shape, outputs: int, classes: int = 0) -> None:
        super().__init__()
        self.classes = classes
        if config.network == "conv":
            self.body, features = conv.down(shape.channels, config.channels, shape.height, kind="strided")
        else:
            layers = _hidden(config, shape.numbers) if config.network == "dense" else []
            self.body = nn.Sequential(nn.Flatten(), *layers)
            features = config.width if layers else shape.numbers
        self.head = nn.Linear(features + classes, outputs)

    def forward(self, samples: Tensor, labels: Tensor | None = None) -> Tensor:
        """samples (B, 2) or (B, C, H, W), labels (B,) int64 -> (B, outputs)"""
        return self.head(with_classes(self.body(samples), labels, self.classes))


class Decoder(nn.Module):
    """A code (B, code), and a class for each where there are some, to samples (B, 2) or (B, C, H, W) without bounds."""

    def __init__(self, config: Coder, shape: Shape, classes: int = 0) -> None:
        super().__init__()
        self.classes, self.shape = classes, shape
        inputs = config.code + classes
        if config.network == "conv":
            self.body: nn.Sequential = conv.up(inputs, config.channels, shape.height, shape.channels, kind="strided")
        else:
            layers = _hidden(config, inputs) if config.network == "dense" else []
            self.body = nn.Sequential(*layers, nn.Linear(config.width if layers else inputs, shape.numbers))

    @property
    def first(self) -> nn.Linear:
        """The layer that the code meets first."""
        layer = self.body[0]
        assert isinstance(layer, nn.Linear)
        return layer

    def forward(self, code: Tensor, labels: Tensor | None = None) -> Tensor:
        """code (B, code), labels (B,) int64 -> (B, 2) or (B, C, H, W)"""
        made = self.body(with_classes(code, labels, self.classes))
        shape = self.shape
        return made if shape.kind == "points" else made.view(-1, shape.channels, shape.height, shape.width)


def with_classes(features: Tensor, labels: Tensor | None, classes: int) -> Tensor:
    """Features (B, n) with the class of each beside them, one-hot: (B, n + classes)."""
    if not classes:
        return features
    assert labels is not None
    return torch.cat([features, F.one_hot(labels, classes).to(features.dtype)], 1)


def build(
    config: Coder, data: SampleData, seed: int, outputs: int, classes: int = 0, *, centred: bool = True
) -> tuple[Encoder, Decoder]:
    """Both halves, with weights that follow from the seed. Where they are `centred`, linear ones begin with the mean of the
    data taken away and given back, so that they need not learn it."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        encoder, decoder = Encoder(config, data.shape, outputs, classes), Decoder(config, data.shape, classes)
    for module in (*encoder.modules(), *decoder.modules()):
        if isinstance(module, nn.Linear | nn.Conv2d | nn.ConvTranspose2d) and module.bias is not None:
            nn.init.zeros_(module.bias)
    if config.network == "linear" and centred and len(data.train):
        mean = Form(data, torch.device("cpu")).stored(data.train).flatten(1).mean(0)
        with torch.no_grad():
            decoder.first.bias.copy_(mean)
            encoder.head.bias.copy_(-encoder.head.weight[:, : len(mean)] @ mean)
    return encoder, decoder


def _hidden(config: Coder, inputs: int) -> list[nn.Module]:
    return dense.hidden_layers(inputs, config.width, config.layers)


class CoderModel(Protocol):
    """A model that says its own loss."""

    config: Any
    data: SampleData
    device: torch.device
    form: Form
    shown: Fixed
    classes: tuple[str, ...]
    modules: Mapping[str, nn.Module]

    def loss(self, x: Tensor, labels: Tensor | None, step: int) -> tuple[Tensor, dict[str, Tensor | float]]:
        """What is made smaller, a scalar, and the numbers to log."""

    def preview(self, step: int) -> Iterator[Snapshot | Tick]: ...


class CoderLearner:
    """A model and its Adam. All settings but those of the networks may change between two steps."""

    tokens_per_step, preview_every, criterion = 0, 0.3, "val_loss"

    def __init__(self, model: CoderModel, seed: int) -> None:
        self.model, self.seed, self.step = model, seed, 0
        weights = [p for module in model.modules.values() for p in module.parameters() if p.requires_grad]
        self.optimizers: Mapping[str, torch.optim.Optimizer] = {
            "adam": Adam(weights, 1e-3, (model.config.beta1, model.config.beta2))
        }
        self.updates = Updates(model.modules.values(), self.optimizers)
        self.evaluate_every = model.config.evaluate_every
        self.threads = 1 if model.form.points and model.config.width <= 256 else None

    def batch(self, step: int) -> tuple[Tensor, Tensor | None]:
        """Samples (batch, ...) of a step, all where there are no more, and their classes where the model is told them. Raises
        DataError."""
        model, config = self.model, self.model.config
        chosen = model.data.train[: config.examples or None]
        if config.batch < len(chosen) or not len(chosen):
            chosen = draw(model.data, (config.batch,), self.seed, step, config.examples)
        return model.form.stored(chosen), model.form.labels(chosen) if model.classes else None

    def training_step(self, batch: Any, step: int, progress: float) -> Values:
        """One update. A gradient that is not finite changes nothing but is reported."""
        self.step, config, (x, labels) = step, self.model.config, batch
        loss, values = self.model.loss(x, labels, step)
        loss.backward()
        factor = schedule(
            config.schedule, progress, step, warmup=config.warmup, hold=config.hold, final=config.final_rate
        )
        self.updates.set_rates({"adam": config.learning_rate * factor})
        norm = self.updates.step("adam", clip=config.clip)
        return {**values, "gradient_norm": norm, "learning_rate": config.learning_rate * factor}

    def change(self, values: Mapping[str, Any]) -> None:
        """Other values of the live settings from the next step on. Raises ConfigError."""
        self.model.config = type(self.model.config).parse({**self.model.config.model_dump(), **values})

    def opening(self, step: int) -> Iterator[Snapshot]:
        """The real pictures, before anything is learnt."""
        if not self.model.form.points and len(self.model.shown.chosen):
            yield self.model.shown.real(self.model.data, step)

    def preview(self) -> Iterator[Snapshot | Tick]:
        yield from self.model.preview(self.step)
