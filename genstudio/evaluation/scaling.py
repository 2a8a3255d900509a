"""How the loss of a language model falls with its size and its data, as three fits say; and what is best for a given compute.

L(N, D) = E + A / N^alpha + B / D^beta in nats per token, for N parameters and D tokens, and C = 6 N D floating-point operations
(Hoffmann et al. 2022, 3.3).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

PER_PARAMETER_AND_TOKEN = 6.0
"""Floating-point operations of a training: two forward, four backward (Kaplan et al. 2020)."""


@dataclass(frozen=True, slots=True)
class Optimum:
    """The `parameters` and `tokens` that reach the lowest `loss` with a given compute."""

    parameters: float
    tokens: float
    loss: float

    @property
    def ratio(self) -> float:
        """Tokens per parameter."""
        return self.tokens / self.parameters


@dataclass(frozen=True, slots=True)
class ScalingLaw:
    """One fit: the loss that no model can go below, and what is added for a model and a text that are not endless."""

    name: str
    title: str
    floor: float
    a: float
    b: float
    alpha: float
    beta: float
    source: str

    def loss(self, parameters: float, tokens: float) -> float:
        """Nats per token."""
        return self.floor + self.a / parameters**self.alpha + self.b / tokens**self.beta

    def optimum(self, compute: float) -> Optimum:
        """What is best for so many floating-point operations, in closed form (Hoffmann et al. 2022, eq. 4)."""
        both = self.alpha + self.beta
        balance = (self.alpha * self.a / (self.beta * self.b)) ** (1 / both)
        pairs = compute / PER_PARAMETER_AND_TOKEN
        parameters, tokens = balance * pairs ** (self.beta / both), pairs ** (self.alpha / both) / balance
        return Optimum(parameters, tokens, self.loss(parameters, tokens))

    def tokens_for(self, parameters: float) -> float:
        """With how many tokens a model of this size is what is best for its compute."""
        both = self.alpha + self.beta
        balance = (self.alpha * self.a / (self.beta * self.b)) ** (1 / both)
        pairs = (parameters / balance) ** (both / self.beta)
        return pairs / parameters

    def tokens_to_reach(self, loss: float, parameters: float) -> float:
        """Tokens after which a model of this size reaches a loss; infinite where it never does."""
        left = loss - self.floor - self.a / parameters**self.alpha
        return math.inf if left <= 0 else (self.b / left) ** (1 / self.beta)


LAWS: tuple[ScalingLaw, ...] = (
    ScalingLaw(
        "hoffmann", "Hoffmann 2022, printed", 1.69, 406.4, 410.7, 0.34, 0.28, "Hoffmann et al. 2022, 'Chinchilla', eq. 10",
    ),
    ScalingLaw(
        "hoffmann_exact", "Hoffmann 2022, source", 1.69, 406.4, 410.7, 0.3392, 0.2849,
        "the TeX source of the same paper, which rounds them",
    ),
    ScalingLaw(
        "epoch", "Besiroglu 2024", 1.8172, 482.01, 2085.43, 0.3478, 0.3658, "Besiroglu et al. 2024, arXiv 2404.10102",
    ),
)  # fmt: skip
"""Three sets of constants for the same measurements."""
DISPUTE = (
    "The three sets of constants come from the same measurements. Besiroglu et al. 2024 read the points off the paper's figure "
    "and fitted them again: the original fit had stopped too early, rounding its exponents biases the result, and its confidence "
    "intervals would have needed more than 600,000 trainings where fewer than 500 were made. Only their fit gives the 20 tokens "
    "per parameter that Chinchilla itself was trained with. All of it was measured on large models and web text in word pieces: "
    "for a small model of characters take the shape of the curves, not the numbers."
)
