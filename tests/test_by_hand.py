"""Every number that the Basics room shows: equal to torch's autograd, to finite differences, and to the lecture's formulas."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise, product

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hand_torch import by_torch

from genstudio.nn import activations, by_hand
from genstudio.nn.activations import ACTIVATIONS, LOSSES, Function
from genstudio.nn.by_hand import HandNetwork, backward, chain, forward, losses, targets_of

CASES = list(product(ACTIVATIONS, ("cross_entropy", "squared_error"), ((2, 1), (2, 3, 1), (3, 4, 2, 3), (2, 3, 3, 2, 1))))


def network(activation: str, loss: str, sizes: tuple[int, ...], seed: int = 0) -> HandNetwork:
    rng = np.random.default_rng(seed)
    weights = tuple(rng.normal(size=(b, a)) for a, b in pairwise(sizes))
    return HandNetwork(activation, loss, weights, tuple(rng.normal(size=b) for b in sizes[1:]))  # type: ignore[arg-type]


def examples(sizes: tuple[int, ...], count: int = 5, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2 if sizes[-1] == 1 else sizes[-1], count)
    return rng.normal(size=(count, sizes[0])), targets_of(labels, sizes[-1])


def differs(hand: HandNetwork, inputs: np.ndarray, targets: np.ndarray) -> float:
    """The largest difference between slopes by hand and autograd's."""
    back = backward(hand, forward(hand, inputs), targets)
    _, weights, biases = by_torch(hand, inputs, targets)
    pairs = zip((*back.weights, *back.biases), (*weights, *biases), strict=True)
    return max(float(np.abs(mine - theirs).max()) for mine, theirs in pairs)


@pytest.mark.parametrize(("activation", "loss", "sizes"), CASES, ids=str)
def test_loss_and_slopes_are_those_of_autograd(activation: str, loss: str, sizes: tuple[int, ...]) -> None:
    hand, (inputs, targets) = network(activation, loss, sizes), examples(sizes)
    assert losses(hand, forward(hand, inputs), targets).mean() == pytest.approx(by_torch(hand, inputs, targets)[0], abs=1e-9)
    assert differs(hand, inputs, targets) < 1e-6


@pytest.mark.parametrize(("activation", "loss", "sizes"), [CASES[0], CASES[12], CASES[18], CASES[33], CASES[38]], ids=str)
def test_slopes_are_finite_differences_and_products_of_their_factors(activation: str, loss: str, sizes: tuple[int, ...]) -> None:
    """Of one example: each weight and bias, moved a little both ways."""
    hand, (inputs, targets) = network(activation, loss, sizes), examples(sizes, 1)
    passed = forward(hand, inputs)
    back = backward(hand, passed, targets)
    for layer, weights in enumerate(hand.weights):
        for row, column in product(range(weights.shape[0]), range(-1, weights.shape[1])):
            before = hand.biases[layer][row] if column < 0 else weights[row, column]
            moved = (hand.with_weight(layer, row, column, before + step) for step in (1e-5, -1e-5))
            up, down = (float(losses(one, forward(one, inputs), targets)[0]) for one in moved)
            slope = back.biases[layer][row] if column < 0 else back.weights[layer][row, column]
            assert slope == pytest.approx((up - down) / 2e-5, abs=1e-6)
            factors = chain(hand, passed, targets, back, layer, row, column)
            assert np.prod([factor.value for factor in factors]) == pytest.approx(slope, abs=1e-12)
            assert all(factor.sign and factor.formula for factor in factors)


def test_the_lectures_formulas_row_by_row() -> None:
    """dC/dw = a^(L-1) sigma'(z) 2 (a - y); binary cross-entropy -[y ln p + (1 - y) ln(1 - p)]."""
    hand, (inputs, targets) = network("sigmoid", "squared_error", (2, 2, 1)), examples((2, 2, 1), 1)
    passed = forward(hand, inputs)
    back = backward(hand, passed, targets)
    before, z, a, y = passed.a[1][0], float(passed.z[1][0, 0]), float(passed.outputs[0, 0]), float(targets[0, 0])
    slope = np.exp(-z) / (1 + np.exp(-z)) ** 2
    assert back.weights[1][0] == pytest.approx(before * slope * 2 * (a - y), abs=1e-12)
    assert back.biases[1][0] == pytest.approx(slope * 2 * (a - y), abs=1e-12)
    entropy = replace(hand, loss="cross_entropy")
    expected = -(y * np.log(a) + (1 - y) * np.log(1 - a))
    assert losses(entropy, passed, targets)[0] == pytest.approx(expected, abs=1e-12)
    assert backward(entropy, passed, targets).deltas[-1][0, 0] == pytest.approx(a - y, abs=1e-12)


@pytest.mark.parametrize("function", [*ACTIVATIONS.values(), *LOSSES.values()], ids=lambda one: one.title)
def test_each_curve_and_its_slope(function: Function) -> None:
    z = np.linspace(-6, 6, 241) + 1e-3
    slope = (function.value(z + 1e-6) - function.value(z - 1e-6)) / 2e-6
    assert function.slope(z) == pytest.approx(slope, abs=1e-6)
    assert np.isfinite(function.value(np.array([-800.0, 800.0]))).all()


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_are_torchs(name: str) -> None:
    z = torch.linspace(-6, 6, 61, dtype=torch.float64, requires_grad=True)
    theirs = F.leaky_relu(z, activations.LEAK) if name == "leaky_relu" else getattr(F, name)(z)
    theirs.sum().backward()
    assert z.grad is not None
    assert ACTIVATIONS[name].value(z.detach().numpy()) == pytest.approx(theirs.detach().numpy(), abs=1e-9)
    inside = z.detach().numpy() != 0  # at the corner of a rectifier each may choose
    assert ACTIVATIONS[name].slope(z.detach().numpy())[inside] == pytest.approx(z.grad.numpy()[inside], abs=1e-9)


def test_broken_slopes_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong sigmoid', a transposed delta, a sum instead of a mean: each differs from autograd by far more than 1e-6."""
    hand, (inputs, targets) = network("sigmoid", "squared_error", (2, 3, 3, 1)), examples((2, 3, 3, 1))
    assert differs(hand, inputs, targets) < 1e-9
    right = ACTIVATIONS["sigmoid"]
    with monkeypatch.context() as broken:
        broken_slope = replace(right, slope=lambda z: right.value(z))  # the 1 - sigmoid forgotten
        broken.setattr(by_hand, "ACTIVATIONS", {**ACTIVATIONS, "sigmoid": broken_slope})
        assert differs(hand, inputs, targets) > 1e-3
    turned = replace(hand, weights=(hand.weights[0], hand.weights[1].T, hand.weights[2]))
    back, wrong = (backward(one, forward(hand, inputs), targets) for one in (hand, turned))
    _, weights, _ = by_torch(hand, inputs, targets)
    assert float(np.abs(wrong.weights[0] - weights[0]).max()) > 1e-3
    summed = [weight * len(inputs) for weight in back.weights]
    assert max(float(np.abs(a - b).max()) for a, b in zip(summed, weights, strict=True)) > 1e-3
