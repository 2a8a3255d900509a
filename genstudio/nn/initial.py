"""How the weights of a dense layer may start. No torch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal, get_args

Initialisation = Literal["zeros", "same", "small", "xavier", "he", "large"]
KINDS: tuple[Initialisation, ...] = get_args(Initialisation)
SAME, SMALL, LARGE = 0.5, 0.01, 20.0
"""The weight that all share; the standard deviation of small ones; and how many times that of Xavier large ones have."""
CONSEQUENCES: Mapping[str, str] = {
    "zeros": "All weights 0: every neuron of a layer computes the same, and all gradients but the last layer's biases are 0.",
    "same": f"All weights {SAME:g}: every neuron of a layer computes the same and gets the same gradient, so they stay the same.",
    "small": f"Standard deviation {SMALL:g}: signals and gradients shrink from layer to layer, so deep networks hardly learn.",
    "xavier": "Variance 2 / (inputs + outputs): signals and gradients nearly keep their size through layers of tanh; the slope "
    "of a sigmoid, at most 1/4, still shrinks them.",
    "he": "Variance 2 / inputs: makes up for the half of the signal that a ReLU drops.",
    "large": f"{LARGE:g} times Xavier: sigmoid and tanh saturate, their slopes vanish; ReLU signals explode.",
}


def deviation_of(kind: Initialisation, inputs: int, outputs: int) -> float:
    """The standard deviation of the random weights of a layer: `xavier` is sqrt(2 / (inputs + outputs)) (Glorot & Bengio 2010),
    `he` is sqrt(2 / inputs) (He et al. 2015); 0 where they are not random."""
    xavier = math.sqrt(2 / (inputs + outputs))
    known = {"small": SMALL, "xavier": xavier, "he": math.sqrt(2 / inputs), "large": LARGE * xavier}
    return known.get(kind, 0.0)
