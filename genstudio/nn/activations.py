"""What a neuron makes of its sum z, the slope of that, and the losses of a prediction: plain numpy, in the lecture's formulas.

torch computes the same in `DenseNetwork`; tests hold both equal, and each slope equal to finite differences.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
LEAK = 0.01
"""Slope of a leaky rectifier below 0 (Maas et al. 2013)."""
_erf = np.frompyfunc(math.erf, 1, 1)


@dataclass(frozen=True, slots=True)
class Function:
    """A function of one number with its `slope`, both (...) -> (...), and both in words. `short` is its sign in a formula."""

    title: str
    short: str
    value: Callable[[Array], Array]
    slope: Callable[[Array], Array]
    formula: str
    slope_formula: str
    says: str
    source: str


def sigmoid(z: Array) -> Array:
    """1 / (1 + e^-z), without overflow."""
    small = np.exp(-np.abs(z))
    return np.asarray(np.where(z >= 0, 1, small) / (1 + small))


def _sigmoid_slope(z: Array) -> Array:
    a = sigmoid(z)
    return a * (1 - a)


def _normal(z: Array) -> Array:
    """The share of a standard normal below z."""
    return np.asarray(0.5 * (1 + np.asarray(_erf(np.asarray(z, np.float64) / math.sqrt(2)), np.float64)))


def _gelu_slope(z: Array) -> Array:
    return np.asarray(_normal(z) + z * np.exp(-np.square(z) / 2) / math.sqrt(2 * math.pi))


ACTIVATIONS: Mapping[str, Function] = {
    "sigmoid": Function(
        "Sigmoid", "σ", sigmoid, _sigmoid_slope, "σ(z) = 1 / (1 + e⁻ᶻ)", "σ'(z) = σ(z) (1 - σ(z))",
        "Between 0 and 1. Its slope is at most 1/4 and vanishes on both sides: a saturated neuron hardly learns.",
        "Rumelhart et al. 1986",
    ),
    "tanh": Function(
        "Tanh", "tanh", np.tanh, lambda z: np.asarray(1 - np.square(np.tanh(z))), "tanh(z) = 2 σ(2z) - 1",
        "tanh'(z) = 1 - tanh²(z)",
        "Between -1 and 1, centred at 0. Its slope is 1 in the middle and vanishes on both sides.", "LeCun et al. 1998",
    ),
    "relu": Function(
        "ReLU", "ReLU", lambda z: np.asarray(np.maximum(z, 0.0)), lambda z: np.asarray(z > 0, np.float64),
        "ReLU(z) = max(0, z)", "ReLU'(z) = 1 where z > 0, else 0",
        "Slope 1 for every positive sum, however large, and 0 for every negative one: a neuron whose sum is always negative "
        "no longer learns (a dead unit).", "Nair & Hinton 2010",
    ),
    "leaky_relu": Function(
        "Leaky ReLU", "LReLU", lambda z: np.asarray(np.where(z > 0, z, LEAK * z)),
        lambda z: np.asarray(np.where(z > 0, 1.0, LEAK)), f"LReLU(z) = z where z > 0, else {LEAK:g} z",
        f"LReLU'(z) = 1 where z > 0, else {LEAK:g}",
        f"As ReLU, with a slope of {LEAK:g} for negative sums: no neuron is dead for good.", "Maas et al. 2013",
    ),
    "gelu": Function(
        "GELU", "GELU", lambda z: np.asarray(z * _normal(z)), _gelu_slope, "GELU(z) = z Φ(z)", "GELU'(z) = Φ(z) + z φ(z)",
        "z times the share of a standard normal below z: a smooth ReLU that is a little below 0 for small negative sums.",
        "Hendrycks & Gimpel 2016",
    ),
}  # fmt: skip
"""Activation functions by the names of the setting."""


def softmax(z: Array) -> Array:
    """e^z over their sum along the last axis."""
    shifted = np.exp(z - z.max(-1, keepdims=True))
    return np.asarray(shifted / shifted.sum(-1, keepdims=True))


def log_sigmoid(z: Array) -> Array:
    """ln σ(z), without overflow."""
    return np.asarray(np.minimum(z, 0) - np.log1p(np.exp(-np.abs(z))))


LOSSES: Mapping[str, Function] = {
    "squared_error": Function(
        "Squared error", "(a - y)²", lambda z: np.asarray(np.square(sigmoid(z) - 1)),
        lambda z: np.asarray(2 * (sigmoid(z) - 1) * _sigmoid_slope(z)), "C = (a - y)²", "dC/dz = 2 (a - y) σ'(z)",
        "Its slope contains σ'(z): where the network is confidently wrong, σ is flat, and there is little to learn from.",
        "Bishop 2006, 5.2",
    ),
    "cross_entropy": Function(
        "Cross-entropy", "-ln p", lambda z: np.asarray(-log_sigmoid(z)), lambda z: np.asarray(sigmoid(z) - 1),
        "C = -[y ln a + (1 - y) ln(1 - a)]", "dC/dz = a - y",
        "σ'(z) cancels: the more wrong, the steeper, up to 1.", "Bishop 2006, 5.2",
    ),
    "hinge": Function(
        "Hinge", "max(0, 1 - z)", lambda z: np.asarray(np.maximum(0.0, 1 - z)), lambda z: np.asarray(np.where(z < 1, -1.0, 0.0)),
        "C = max(0, 1 - z)", "dC/dz = -1 where z < 1, else 0",
        "Slope -1 until the answer is right by a margin of 1, then 0: what is right enough is left alone.",
        "Cortes & Vapnik 1995",
    ),
}  # fmt: skip
"""Losses of one prediction whose right answer is y = 1, as functions of its sum z, where a = σ(z)."""
