"""A dense network and the ways in which its weights may start."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genstudio.nn.activations import LEAK
from genstudio.nn.initial import SAME, Initialisation, deviation_of

Activation = Literal["sigmoid", "tanh", "relu", "leaky_relu", "gelu"]
_FUNCTIONS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "sigmoid": torch.sigmoid, "tanh": torch.tanh, "relu": F.relu, "gelu": F.gelu,
    "leaky_relu": lambda z: F.leaky_relu(z, LEAK),
}  # fmt: skip


class DenseNetwork(nn.Module):
    """Linear layers of these sizes, the inputs first; an activation behind each but the last."""

    def __init__(self, sizes: Sequence[int], activation: Activation) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in itertools.pairwise(sizes))
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        """x (B, inputs) -> z of the last layer (B, outputs)"""
        function = _FUNCTIONS[self.activation]
        for layer in self.layers[:-1]:
            x = function(layer(x))
        last: Tensor = self.layers[-1](x)
        return last


@torch.no_grad()
def initialise(network: DenseNetwork, kind: Initialisation, generator: torch.Generator) -> None:
    """Weights of a kind, see `initial`; biases begin at 0."""
    for layer in network.layers:
        assert isinstance(layer, nn.Linear)
        outputs, inputs = layer.weight.shape
        deviation = deviation_of(kind, inputs, outputs)
        if kind in ("zeros", "same"):
            layer.weight.fill_(SAME if kind == "same" else 0.0)
        else:
            layer.weight.copy_(deviation * torch.randn(outputs, inputs, generator=generator))
        layer.bias.zero_()
