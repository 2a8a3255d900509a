"""One example on its way through a network that is shown: plain numpy, worked out from a snapshot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genstudio.inspection.depth import network_of
from genstudio.nn.by_hand import Backward, Forward, HandNetwork, backward, forward, losses, targets_of
from genstudio.snapshots.network import NetworkState

Array = NDArray[Any]

__all__ = ["Worked", "network_of", "worked"]


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


def worked(state: NetworkState, network: HandNetwork, example: int) -> Worked:
    """An example of a snapshot, by its number, with every number."""
    targets = targets_of(state.labels[example : example + 1], state.sizes[-1])
    return Worked.of(network, state.inputs[example], targets[0])
