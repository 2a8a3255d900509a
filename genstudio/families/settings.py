"""Settings that families share: each is worded once. A family inherits the groups it needs and restates what differs."""

from __future__ import annotations

import copy
from typing import Any, Literal

from genstudio.config import Config, setting
from genstudio.data.split import SplitSettings

AdversarialLoss = Literal["nonsaturating", "minimax", "least_squares", "hinge", "wasserstein", "wasserstein_gp"]
"""Objectives of a generator and a discriminator; what they are is in `training.adversarial`."""


def restated(group: type[Config], name: str, default: Any, **changed: str) -> Any:
    """The same setting with another default, and with another `help`, `label` or `when` where that is said."""
    field = copy.copy(group.model_fields[name])
    field.default = default
    field.description = changed.pop("help", field.description)
    if changed:
        assert isinstance(field.json_schema_extra, dict)
        field.json_schema_extra = {**field.json_schema_extra, **changed}
    return field


SampleRate = Literal["8000", "11025", "16000", "22050", "data"]
"""Samples per second that clips are brought to; data: as they are."""


def rate_of(chosen: SampleRate) -> int:
    """Samples per second as a number; 0 for those of the clips."""
    return 0 if chosen == "data" else int(chosen)


class Batches(Config):
    """How many samples a step sees, and how often a training is measured."""

    batch: int = setting(
        128, "Samples processed together in one update", low=2, high=4096, group="Training", main=True,
        label="Batch size",
    )
    examples: int = setting(
        0, "Train on only this many samples, to see the effect of too few; 0: all", low=0, high=1_000_000,
        group="Training", label="Samples used",
    )
    evaluate_every: int = setting(
        100, "Steps between evaluations of the model", low=1, high=1_000_000,
        group="Training",
    )


class Split(Config):
    """Which samples are kept from training."""

    validation_share: float = setting(
        0.1, "Share of the data held out for evaluation", low=0.001, high=0.5, group="Data",
    )
    split_seed: int = setting(0, "A different seed selects different samples", low=0, high=2**31 - 1, group="Data")

    @property
    def split(self) -> SplitSettings:
        return SplitSettings("random", self.validation_share, self.split_seed)


class Descent(Config):
    """Adam, the rate over time, and clipping."""

    learning_rate: float = setting(
        2e-3, "Step size of Adam", low=1e-7, high=1.0, group="Training", live=True, main=True, logarithmic=True,
        source="Kingma & Ba 2015",
    )
    beta1: float = setting(0.9, "Adam: momentum, the decay rate of the mean gradient", low=0, high=0.9999,
        group="Training", label="Adam beta 1")
    beta2: float = setting(
        0.99, "Adam: decay rate of the mean squared gradient", low=0, high=0.99999, group="Training",
        label="Adam beta 2",
    )
    clip: float = setting(
        1.0, "Maximum gradient norm; larger gradients are scaled down to it. 0: off", low=0, high=1000,
        group="Training", live=True, label="Gradient clipping", source="Pascanu et al. 2013",
    )
    schedule: Literal["linear", "cosine", "constant"] = setting(
        "linear", "Learning rate after the warm-up: constant, then linear decay; cosine decay; or constant",
        group="Training", live=True, plan="linear|cosine: the learning rate stays at its full value",
        source="cosine: Loshchilov & Hutter 2017; linear after a constant part: Haegele et al. 2024",
    )
    warmup: int = setting(
        0, "Steps over which the learning rate rises from zero", low=0, high=100_000, group="Training",
        label="Warm-up steps",
        source="Vaswani et al. 2017, 5.3",
    )
    hold: float = setting(
        0.3, "Share of the training before the linear decay begins", low=0, high=1, group="Training", live=True,
        label="Constant part", when="schedule=linear",
    )
    final_rate: float = setting(
        0.0, "Learning rate at the end, relative to the peak", low=0, high=1, group="Training", live=True,
        label="Final rate", when="schedule=linear|cosine",
    )


class AdversarialDescent(Config):
    """Adam of a generator and of a discriminator, and their rates over time."""

    d_rate: float = setting(
        1e-3, "Step size of the discriminator's Adam", low=1e-7, high=1.0, group="Training", main=True, logarithmic=True,
        label="Discriminator's rate", live=True, source="Kingma & Ba 2015; separate rates: Heusel et al. 2017",
    )
    g_rate: float = setting(
        1e-3, "Step size of the generator's Adam", low=1e-7, high=1.0, group="Training", main=True, logarithmic=True,
        label="Generator's rate", live=True, source="Kingma & Ba 2015; separate rates: Heusel et al. 2017",
    )
    beta1: float = setting(
        0.0, "Adam: momentum, the decay rate of the mean gradient", low=0, high=0.9999, group="Training",
        label="Adam beta 1", live=True,
    )
    beta2: float = setting(
        0.99, "Adam: decay rate of the mean squared gradient", low=0, high=0.99999, group="Training",
        label="Adam beta 2", live=True,
    )
    schedule: Literal["constant", "linear"] = setting(
        "linear", "Keep the rates constant, or let them fall linearly to zero after their constant part",
        group="Training", plan="linear: the learning rates stay at their full values",
    )
    hold: float = setting(
        0.5, "Share of the training before the rates fall", low=0, high=1, group="Training", label="Constant part",
        when="schedule=linear",
    )


class Coder(Config):
    """An encoder to a short code and a decoder back, which mirror each other."""

    network: Literal["linear", "dense", "conv"] = setting(
        "dense", "Architecture of encoder and decoder: one matrix each; fully connected layers; or convolutions that "
        "halve and double the picture size", group="Model", main=True, source="conv: Radford et al. 2016",
    )
    code: int = setting(
        2, "Size of the code: the bottleneck that everything has to pass through", low=1, high=1024, group="Model",
        main=True,
        label="Code size",
    )
    width: int = setting(
        128, "Neurons in each hidden layer", low=2, high=4096, group="Model", main=True, when="network=dense",
    )
    layers: int = setting(2, "Hidden layers of each half", low=1, high=12, group="Model", when="network=dense")
    channels: int = setting(
        16, "Feature maps at half the picture size; doubled at each further halving", low=2, high=512,
        group="Model", main=True, when="network=conv",
    )
