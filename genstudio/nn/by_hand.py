"""A small dense network computed by hand: forward, loss, backward, and the factors of each slope. Plain numpy, in float64.

The lecture's formulas, layer l from 1 to L:  z^l = W^l a^(l-1) + b^l,  a^l = f(z^l);  delta^l = dC/dz^l,
delta^(l-1) = f'(z^(l-1)) (W^l)^T delta^l,  dC/dW^l = delta^l (a^(l-1))^T,  dC/db^l = delta^l (Nielsen 2015, BP1 to BP4).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from genstudio.nn.activations import ACTIVATIONS, log_sigmoid, sigmoid, softmax

Array = NDArray[Any]
Loss = Literal["cross_entropy", "squared_error"]


@dataclass(frozen=True, eq=False)
class HandNetwork:
    """`weights` (outputs, inputs) and `biases` (outputs,) of each layer; hidden layers have the `activation`, the last one is
    squashed by a sigmoid, or by a softmax where several classes are scored by cross-entropy."""

    activation: str
    loss: Loss
    weights: tuple[Array, ...]
    biases: tuple[Array, ...]

    @property
    def sizes(self) -> tuple[int, ...]:
        """Neurons of each layer, the inputs first."""
        return (self.weights[0].shape[1], *(len(bias) for bias in self.biases))

    @property
    def softmax(self) -> bool:
        """Whether the outputs are probabilities that sum to 1."""
        return self.loss == "cross_entropy" and len(self.biases[-1]) > 1

    @property
    def parameters(self) -> int:
        return sum(part.size for part in (*self.weights, *self.biases))

    def value(self, layer: int, row: int, column: int) -> float:
        """A weight of a layer (from 0); column -1 is the bias."""
        return float(self.biases[layer][row] if column < 0 else self.weights[layer][row, column])

    def with_weight(self, layer: int, row: int, column: int, value: float) -> HandNetwork:
        """The same with one other weight of a layer (from 0); column -1 is the bias."""
        parts = list(self.biases if column < 0 else self.weights)
        changed = parts[layer] = parts[layer].copy()
        changed[(row,) if column < 0 else (row, column)] = value
        return replace(self, biases=tuple(parts)) if column < 0 else replace(self, weights=tuple(parts))


class Forward(NamedTuple):
    """Sums `z` and activations `a` of each layer, (B, neurons); `a` begins with the inputs."""

    z: tuple[Array, ...]
    a: tuple[Array, ...]

    @property
    def outputs(self) -> Array:
        return self.a[-1]


class Backward(NamedTuple):
    """Slopes of the loss: by the sums, `deltas` (B, neurons) of each example's own loss; of the mean over the examples by
    `weights` and `biases`, in their shapes."""

    deltas: tuple[Array, ...]
    weights: tuple[Array, ...]
    biases: tuple[Array, ...]


class Factor(NamedTuple):
    """One factor of a chain rule: its `sign`, such as dz/dw, what it is equal to in words, and its value."""

    sign: str
    formula: str
    value: float


def forward(network: HandNetwork, inputs: Array) -> Forward:
    """Inputs (B, n) through all layers."""
    z, a = [], [np.asarray(inputs, np.float64)]
    last = len(network.weights) - 1
    for number, (weight, bias) in enumerate(zip(network.weights, network.biases, strict=True)):
        z.append(a[-1] @ weight.T + bias)
        if number < last:
            a.append(ACTIVATIONS[network.activation].value(z[-1]))
        else:
            a.append(softmax(z[-1]) if network.softmax else sigmoid(z[-1]))
    return Forward(tuple(z), tuple(a))


def losses(network: HandNetwork, passed: Forward, targets: Array) -> Array:
    """The loss of each example (B,): targets (B, outputs) of 0 and 1; in nats, or the sum of squares over the outputs."""
    if network.loss == "squared_error":
        return np.asarray(np.square(passed.outputs - targets).sum(1))
    z = passed.z[-1]
    if network.softmax:
        shifted = z - z.max(1, keepdims=True)
        return np.asarray(-(targets * (shifted - np.log(np.exp(shifted).sum(1, keepdims=True)))).sum(1))
    return np.asarray(-(targets * log_sigmoid(z) + (1 - targets) * log_sigmoid(-z)).sum(1))


def backward(network: HandNetwork, passed: Forward, targets: Array) -> Backward:
    """Slopes of the mean loss over the examples, from the last layer to the first."""
    outputs, count = passed.outputs, len(targets)
    delta = outputs - targets  # of cross-entropy, behind a sigmoid as behind a softmax: the slope of either cancels
    if network.loss == "squared_error":
        delta = 2 * delta * outputs * (1 - outputs)
    deltas: list[Array] = [delta]
    for number in range(len(network.weights) - 1, 0, -1):
        slope = ACTIVATIONS[network.activation].slope(passed.z[number - 1])
        deltas.insert(0, slope * (deltas[0] @ network.weights[number]))
    weights = tuple(d.T @ a / count for d, a in zip(deltas, passed.a[:-1], strict=True))
    return Backward(tuple(deltas), weights, tuple(d.mean(0) for d in deltas))


def chain(
    network: HandNetwork, passed: Forward, targets: Array, back: Backward, layer: int, row: int, column: int, example: int = 0
) -> tuple[Factor, ...]:
    """The slope of one example's loss by a weight as the product of its factors: of layer `layer` (from 0), to neuron `row` from
    neuron `column` of the layer before; column -1 is the bias."""
    last = len(network.weights) - 1
    before = 1.0 if column < 0 else float(passed.a[layer][example, column])
    weight = parameter(row, column)
    source = "the inputs" if not layer else f"layer {layer}"
    first = Factor(f"dz{_sub(row)}/d{weight}", "1" if column < 0 else f"a{_sub(column)} of {source}", before)
    z, a = float(passed.z[layer][example, row]), float(passed.a[layer + 1][example, row])
    if layer == last:
        y = float(targets[example, row])
        if network.loss == "squared_error":
            return (
                first, Factor(f"da{_sub(row)}/dz{_sub(row)}", "σ'(z) = a (1 - a)", a * (1 - a)),
                Factor(f"dC/da{_sub(row)}", "2 (a - y)", 2 * (a - y)),
            )  # fmt: skip
        if network.softmax:
            return first, Factor(f"dC/dz{_sub(row)}", "softmax and -ln together: a - y", a - y)
        slope = a * (1 - a)
        if min(slope, abs(a - y)) < 1e-12:  # 0 times infinity: both together are a - y
            return first, Factor(f"dC/dz{_sub(row)}", "σ and its logarithm together: a - y", a - y)
        return (
            first, Factor(f"da{_sub(row)}/dz{_sub(row)}", "σ'(z) = a (1 - a)", slope),
            Factor(f"dC/da{_sub(row)}", "(a - y) / (a (1 - a))", (a - y) / slope),
        )  # fmt: skip
    function = ACTIVATIONS[network.activation]
    behind = float(network.weights[layer + 1][:, row] @ back.deltas[layer + 1][example])
    return (
        first, Factor(f"da{_sub(row)}/dz{_sub(row)}", f"{function.short}'(z)", float(function.slope(np.array(z)))),
        Factor(f"dC/da{_sub(row)}", f"Σ w δ over layer {layer + 2}", behind),
    )  # fmt: skip


def parameter(row: int, column: int) -> str:
    """The sign of a weight, to neuron `row` from neuron `column`; of a bias where that is -1."""
    return f"b{_sub(row)}" if column < 0 else f"w{_sub(row, column)}"


def targets_of(labels: Array, outputs: int) -> NDArray[np.float64]:
    """Classes (n,) as what each output should be: 0 or 1 of one output, else 1 at the place of the class: (n, outputs)."""
    return labels[:, None].astype(np.float64) if outputs == 1 else np.eye(outputs)[labels]


def probabilities(outputs: Array) -> Array:
    """Outputs (..., k) as the probability of each class (..., classes): one output is that of the second of two; several
    that were squashed one by one are shared out."""
    if outputs.shape[-1] == 1:
        return np.concatenate([1 - outputs, outputs], -1)
    return np.asarray(outputs / np.maximum(outputs.sum(-1, keepdims=True), 1e-30))


def _sub(*places: int) -> str:
    """Places from 1 as small digits, with a comma between them where one has two."""
    comma = "," if any(place > 8 for place in places) else ""
    return comma.join("".join(chr(0x2080 + int(digit)) for digit in str(place + 1)) for place in places)
