"""Settings of the dense network. No torch here: the form is shown before torch is imported."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from genstudio.config import setting
from genstudio.errors import Problem
from genstudio.families.settings import Split
from genstudio.nn.initial import Initialisation

_MOST_LAYERS, _WIDEST = 20, 512


class MLPConfig(Split):
    """Settings of a network of dense layers that tells classes apart, and of its descent."""

    layers: int = setting(
        1, "Hidden layers between the inputs and the outputs; 0: none, which separates classes by straight lines only",
        low=0, high=_MOST_LAYERS, group="Model", main=True, label="Hidden layers",
    )
    width: int = setting(
        4, "Neurons in each hidden layer", low=1, high=_WIDEST, group="Model", main=True, label="Neurons per layer",
    )
    widths: str = setting(
        "", "Different numbers of neurons per hidden layer, such as 8, 4; empty: as set above", group="Model",
        label="Neurons, layer by layer",
    )
    activation: Literal["sigmoid", "tanh", "relu", "leaky_relu", "gelu"] = setting(
        "tanh", "What each hidden neuron makes of its sum; the explorer Activations draws them and their slopes",
        group="Model", main=True, source="ReLU: Nair & Hinton 2010; GELU: Hendrycks & Gimpel 2016",
    )
    initialisation: Initialisation = setting(
        "xavier", "The weights before the first step: all zero, all the same, random and small, random with the variance of "
        "Xavier or of He, or random and too large", group="Model", main=True, source="Glorot & Bengio 2010; He et al. 2015",
    )
    loss: Literal["cross_entropy", "squared_error"] = setting(
        "cross_entropy", "What is made smaller: -ln of the probability of the right class, or the squared distance of the "
        "outputs from 0 and 1", group="Loss", main=True, source="Bishop 2006, 5.2",
    )
    optimizer: Literal["sgd", "momentum", "rmsprop", "adam", "muon"] = setting(
        "sgd", "How the weights follow the gradient: plain gradient descent; with momentum; RMSProp; Adam; or Muon for the "
        "weights and Adam for the biases", group="Training", main=True,
        source="momentum: Polyak 1964; RMSProp: Hinton 2012; Adam: Kingma & Ba 2015; Muon: Jordan et al. 2024",
    )
    learning_rate: float = setting(
        0.5, "Step size: how far the weights move against the gradient", low=1e-7, high=100.0, group="Training", live=True,
        main=True, logarithmic=True,
    )
    momentum: float = setting(
        0.9, "Share of the last move that is kept", low=0, high=0.9999, group="Training", live=True,
        when="optimizer=momentum|rmsprop|adam|muon", source="Polyak 1964",
    )
    batch: int = setting(
        0, "Samples whose mean gradient makes one step; 0: all", low=0, high=100_000, group="Training", main=True, live=True,
        label="Batch size",
    )
    standardise: bool = setting(
        True, "Scale each input column to mean 0 and standard deviation 1; pixels always run from 0 to 1", group="Data",
        label="Scale the inputs", source="LeCun et al. 1998, 4.3",
    )
    examples: int = setting(
        0, "Train on only this many samples, to see the effect of too few; 0: all", low=0, high=1_000_000, group="Data",
        label="Samples used",
    )
    clip: float = setting(
        0.0, "Maximum gradient norm; larger gradients are scaled down to it. 0: off", low=0, high=1000, group="Training",
        live=True, label="Gradient clipping", source="Pascanu et al. 2013",
    )
    evaluate_every: int = setting(
        50, "Steps between evaluations of the model", low=1, high=1_000_000, group="Training",
    )

    def rules(self) -> Iterator[Problem]:
        try:
            widths = self.hidden
        except ValueError:
            yield Problem("widths", f"'{self.widths}' is not a list of whole numbers, such as 8, 4")
            return
        if len(widths) > _MOST_LAYERS:
            yield Problem("widths", f"{len(widths)} layers are more than {_MOST_LAYERS}")
        if any(not 1 <= width <= _WIDEST for width in widths):
            yield Problem("widths", f"each layer has 1 to {_WIDEST} neurons")

    @property
    def hidden(self) -> tuple[int, ...]:
        """Neurons of each hidden layer. Raises ValueError where they are not written as numbers."""
        if self.widths.strip():
            return tuple(int(part) for part in self.widths.split(","))
        return (self.width,) * self.layers
