"""From logits to the next token. numpy alone: the window draws with the same functions."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genstudio.errors import ConfigError, Problem

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class SamplingOptions:
    """How to choose. `temperature` 0 or `greedy`: always the likeliest; `top_k` 0 and `top_p` 1: no limit."""

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    greedy: bool = False

    def problems(self) -> Iterator[Problem]:
        """Everything that is wrong with these numbers."""
        if not (math.isfinite(self.temperature) and self.temperature >= 0):
            yield Problem("temperature", f"{self.temperature} is not a number from 0 upwards")
        if self.top_k < 0:
            yield Problem("top_k", f"{self.top_k} is below 0, which means no limit")
        if not 0 < self.top_p <= 1:
            yield Problem("top_p", f"{self.top_p} is not above 0 and at most 1")

    def check(self) -> None:
        """Raises ConfigError with every problem there is."""
        if problems := list(self.problems()):
            raise ConfigError(problems)


def distribution(logits: Floats, options: SamplingOptions) -> NDArray[np.float64]:
    """Probabilities (V,) float64 of logits (V,), limited to the top k and then to the smallest set that reaches p.

    Ties are decided by the lower id, as in a stable sort from the likeliest down; at least one token is always left.
    -inf is an impossible token. Raises ValueError for NaN, for +inf, and when no token is possible.
    """
    values = np.asarray(logits, np.float64)
    highest = values.max()
    if not np.isfinite(highest):
        raise ValueError("the logits hold a number that is not finite, or no possible token")
    if options.greedy or not options.temperature:
        return _one_hot(values)
    with np.errstate(over="ignore"):  # to -inf, which is probability 0
        weights = np.exp((values - highest) / options.temperature)
    limited = 0 < options.top_k < len(values) or options.top_p < 1
    order = np.argsort(-values, kind="stable") if limited else np.empty(0, np.int64)
    if 0 < options.top_k < len(values):
        weights[order[options.top_k :]] = 0.0
    if options.top_p < 1:
        reached = np.cumsum(weights[order])
        enough = int(np.searchsorted(reached, options.top_p * reached[-1])) + 1
        weights[order[enough:]] = 0.0
    return weights / weights.sum()


def pick(probabilities: NDArray[np.float64], rng: np.random.Generator) -> int:
    """An id drawn from probabilities (V,) with one uniform number; one of probability 0 is never drawn."""
    reached = np.cumsum(probabilities)
    return int(np.searchsorted(reached, rng.random() * reached[-1], side="right"))


def _one_hot(values: NDArray[np.float64]) -> NDArray[np.float64]:
    probabilities = np.zeros(len(values))
    probabilities[int(values.argmax())] = 1.0
    return probabilities
