"""A dense network as a snapshot holds it, and what happens to signals and slopes from layer to layer. Numpy only."""

from __future__ import annotations

import numpy as np

from genstudio.events import Array
from genstudio.nn.activations import ACTIVATIONS, LEAK
from genstudio.nn.by_hand import HandNetwork, backward, forward
from genstudio.snapshots.network import Depth, NetworkState

_FLAT = 0.05
"""The share of its largest slope below which a neuron hardly learns."""


def by_layer(network: HandNetwork, inputs: Array, targets: Array, step: int = 0) -> Depth:
    """Signals, slopes and saturation of each layer for inputs (B, n) and targets (B, outputs)."""
    passed = forward(network, inputs)
    deltas = backward(network, passed, targets).deltas
    function, last = ACTIVATIONS[network.activation], len(network.weights) - 1
    saturated = []
    for number, z in enumerate(passed.z):
        output = ACTIVATIONS["sigmoid"]  # a softmax of two is one
        slopes = np.abs((function if number < last else output).slope(z))
        largest = 0.25 if number == last or network.activation == "sigmoid" else 1.0
        dead = max(_FLAT, 1.01 * LEAK) * largest
        saturated.append(float((slopes < dead).mean()))
    signals = np.array([np.sqrt(a.var(0).mean()) for a in passed.a[1:]])
    return Depth(
        "depth", step, signals, np.array([np.sqrt(np.square(delta).mean()) for delta in deltas]), np.array(saturated)
    )


def unpacked(state: NetworkState, weights: Array, biases: Array) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
    """Numbers that lie in a row as matrices (outputs, inputs) and vectors of each layer, in float64."""
    made: list[Array] = []
    vectors: list[Array] = []
    at = begun = 0
    for inputs, outputs in zip(state.sizes[:-1], state.sizes[1:], strict=True):
        made.append(weights[at : at + inputs * outputs].reshape(outputs, inputs).astype(np.float64))
        vectors.append(biases[begun : begun + outputs].astype(np.float64))
        at, begun = at + inputs * outputs, begun + outputs
    return tuple(made), tuple(vectors)


def network_of(state: NetworkState) -> HandNetwork:
    """The network of a snapshot."""
    loss = "squared_error" if state.loss == "squared_error" else "cross_entropy"
    return HandNetwork(state.activation, loss, *unpacked(state, state.weights, state.biases))  # type: ignore[arg-type]
