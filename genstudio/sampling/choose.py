"""From logits to the next token. numpy alone: the window draws with the same functions."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genstudio.errors import ConfigError, Problem, TrainingError

Floats = NDArray[np.floating[Any]]
Seen = Sequence[int] | NDArray[np.integer[Any]]

_FEW, _LIKELY = 256, 1024
"""Up to how many tokens sorting all is quickest, and how many of the most probable are sorted first, where there are more:
nearly always enough to find where top-p ends."""


@dataclass(frozen=True, slots=True)
class SamplingOptions:
    """How to choose. `temperature` 0 or `greedy`: always the most probable; `top_k` 0, `top_p` 1 and `min_p` 0: no limit;
    `repetition_penalty` 1: none."""

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    greedy: bool = False
    min_p: float = 0.0
    repetition_penalty: float = 1.0

    def problems(self) -> Iterator[Problem]:
        """Everything that is wrong with these numbers."""
        if not (math.isfinite(self.temperature) and self.temperature >= 0):
            yield Problem("temperature", f"{self.temperature} is not a number from 0 upwards")
        if self.top_k < 0:
            yield Problem("top_k", f"{self.top_k} is below 0; use 0 for no limit")
        if not 0 < self.top_p <= 1:
            yield Problem("top_p", f"{self.top_p} is not above 0 and at most 1")
        if not 0 <= self.min_p <= 1:
            yield Problem("min_p", f"{self.min_p} is not from 0 to 1")
        if not 0.01 <= self.repetition_penalty <= 100:
            yield Problem("repetition_penalty", f"{self.repetition_penalty} is not from 0.01 to 100")

    def check(self) -> None:
        """Raises ConfigError with every problem there is."""
        if problems := list(self.problems()):
            raise ConfigError(problems)


def distribution(logits: Floats, options: SamplingOptions, seen: Seen = ()) -> NDArray[np.float64]:
    """Probabilities (V,) float64 of logits (V,) after the sampler.

    In this order: the repetition penalty on the logits of the tokens `seen` (Keskar et al. 2019, 4.1; as everybody does
    it since, a logit below 0 is multiplied, so that a penalty above 1 always makes a token less likely); the
    temperature; the top k; of these the smallest set that reaches the share p; and of these the tokens with at least
    min_p times the probability of the most probable (Nguyen et al. 2024).

    Ties are decided by the lower id, as in a stable sort from the most probable down; at least one token is always left.
    -inf is an impossible token. Raises ValueError for NaN, for +inf, and when no token is possible.
    """
    values = _penalised(np.asarray(logits, np.float64), options.repetition_penalty, seen)
    highest = values.max()
    if not np.isfinite(highest):
        raise ValueError("the logits hold a number that is not finite, or no possible token")
    if options.greedy or not options.temperature:
        return _one_hot(values)
    with np.errstate(over="ignore"):  # to -inf, which is probability 0
        weights = np.exp((values - highest) / options.temperature)
    if 0 < options.top_k < len(values):
        kept = most_probable(values, options.top_k)
        if options.top_p < 1:
            reached = np.cumsum(weights[kept])
            kept = kept[: int(np.searchsorted(reached, options.top_p * reached[-1])) + 1]
        some, weights = weights[kept], np.zeros(len(values))
        weights[kept] = some
    elif options.top_p < 1:
        _keep_first(weights, values, _enough(weights, options.top_p))
    if options.min_p > 0:
        weights[weights < options.min_p] = 0.0  # the most probable token has the weight 1
    return np.asarray(weights / weights.sum())


def pick(probabilities: NDArray[np.float64], rng: np.random.Generator) -> int:
    """An id drawn from probabilities (V,) with one uniform number; one of probability 0 is never drawn."""
    return place(probabilities, rng.random())


def place(probabilities: NDArray[np.float64], uniform: float) -> int:
    """The id that a number in [0, 1) stands for where ids lie side by side, each as wide as its probability (V,)."""
    reached = np.cumsum(probabilities)
    return int(np.searchsorted(reached, uniform * reached[-1], side="right"))


def distributions(logits: Floats, options: SamplingOptions) -> NDArray[np.float64]:
    """`distribution` of each row of logits (n, V), where nothing was seen before: (n, V)"""
    if options.greedy or not options.temperature or options.top_k or options.top_p < 1 or options.min_p:
        return np.stack([distribution(row, options) for row in logits])
    values = np.asarray(logits, np.float64)
    highest = values.max(-1, keepdims=True)
    if not np.isfinite(highest).all():
        raise ValueError("the logits hold a number that is not finite, or no possible token")
    with np.errstate(over="ignore"):
        weights = np.exp((values - highest) / options.temperature)
    return np.asarray(weights / weights.sum(-1, keepdims=True))


def _penalised(values: NDArray[np.float64], penalty: float, seen: Seen) -> NDArray[np.float64]:
    if penalty == 1 or not len(seen):
        return values
    ids = np.unique(np.asarray(seen, np.int64))
    some = values[ids]
    values = values.copy()
    values[ids] = np.where(some < 0, some * penalty, some / penalty)
    return values


def _keep_first(weights: NDArray[np.float64], values: NDArray[np.float64], count: int) -> None:
    """Set all but the `count` first of a stable sort of `values` from the highest down to 0."""
    if count >= len(values):
        return
    least = np.partition(values, len(values) - count)[len(values) - count]
    weights[values < least] = 0.0
    tied = np.flatnonzero(values == least)
    weights[tied[count - int(np.count_nonzero(values > least)) :]] = 0.0


def _enough(weights: NDArray[np.float64], share: float) -> int:
    """How many of the largest weights it takes to reach this share of their sum; at least 1."""
    wanted = share * weights.sum()
    weights = weights[weights > 0]
    for count in (_LIKELY, len(weights)):
        if count < len(weights):
            likely = np.partition(weights, len(weights) - count)[len(weights) - count :]
        else:
            likely = weights
        reached = np.cumsum(np.sort(likely)[::-1])
        if reached[-1] >= wanted:
            break
    return int(np.searchsorted(reached, wanted)) + 1


def _one_hot(values: NDArray[np.float64]) -> NDArray[np.float64]:
    probabilities = np.zeros(len(values))
    probabilities[int(values.argmax())] = 1.0
    return probabilities


def softmax(logits: Floats) -> NDArray[np.float64]:
    """Probabilities of logits (..., V) along the last axis, as they are without a sampler."""
    values = np.asarray(logits, np.float64)
    weights = np.exp(values - values.max(-1, keepdims=True))
    return np.asarray(weights / weights.sum(-1, keepdims=True))


def entropy(probabilities: Floats) -> NDArray[np.float64]:
    """In bits, of probabilities (..., V) along the last axis."""
    shares = np.asarray(probabilities, np.float64)
    return np.asarray(-(shares * np.log2(np.where(shares > 0, shares, 1.0))).sum(-1) + 0.0)


def most_probable(values: Floats, count: int) -> NDArray[np.int64]:
    """Ids (count,) of the highest of values (V,), the highest first, ties in the order of their ids."""
    count = min(count, len(values))
    if count < 1:
        return np.empty(0, np.int64)
    if len(values) <= _FEW:
        return np.argsort(-values, kind="stable")[:count]
    least = np.partition(values, len(values) - count)[len(values) - count]
    above = np.flatnonzero(values > least)
    ids = np.concatenate([above, np.flatnonzero(values == least)[: count - len(above)]])
    return ids[np.argsort(-values[ids], kind="stable")]


def not_finite() -> TrainingError:
    """The error for a model whose numbers are spoiled."""
    return TrainingError(
        "The model's output is not finite, so there is no prediction for the next token.",
        "Open an earlier checkpoint, or train a new run with a lower learning rate.",
    )
