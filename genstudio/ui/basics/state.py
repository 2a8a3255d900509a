"""One example on its way through a network that is shown: plain numpy, worked out from a snapshot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genstudio.nn.by_hand import Backward, Forward, HandNetwork, backward, forward, losses, targets_of
from genstudio.snapshots.network import NetworkState

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Worked:
    """One example with every number: `inputs` (1, n) as the network reads them, `targets` (1, outputs)."""

    network: HandNetwork
    inputs: Array
    targets: Array
    passed: Forward
    back: Backward

    @classmethod
    def of(cls, network: HandNetwork, inputs: Array, targets: Array) -> Worked:
        """All numbers of these inputs (n,) and targets (outputs,)."""
        row, wanted = np.asarray(inputs, np.float64).reshape(1, -1), np.asarray(targets, np.float64).reshape(1, -1)
        passed = forward(network, row)
        return cls(network, row, wanted, passed, backward(network, passed, wanted))

    @property
    def loss(self) -> float:
        return float(losses(self.network, self.passed, self.targets)[0])

    @property
    def label(self) -> int:
        """The class that the targets name."""
        wanted = self.targets[0]
        return int(wanted[0] > 0.5) if len(wanted) == 1 else int(wanted.argmax())


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


def worked(state: NetworkState, network: HandNetwork, example: int) -> Worked:
    """An example of a snapshot, by its number, with every number."""
    targets = targets_of(state.labels[example : example + 1], state.sizes[-1])
    return Worked.of(network, state.inputs[example], targets[0])
