"""What needs no neural network to name the class of a sample: neighbours, class means, and logistic regression. Numpy only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genstudio.data.work import Work

Floats = NDArray[np.floating[Any]]
Integers = NDArray[np.int64]
NEIGHBOURS = 3
"""How many neighbours have a vote."""
_ROWS, _ITERATIONS = 256, 300


@dataclass(frozen=True, eq=False)
class Linear:
    """Log-odds x W + b: `weights` (d, K), `bias` (K,)."""

    weights: Floats
    bias: Floats

    def scores(self, x: Floats) -> Floats:
        """x (n, d) -> (n, K)"""
        return np.asarray(x @ self.weights + self.bias)

    def accuracy(self, x: Floats, labels: Integers) -> float:
        """The share of samples x (n, d) whose best score is that of their class (n,)."""
        return float((self.scores(x).argmax(1) == labels).mean())


def logistic(x: Floats, labels: Integers, classes: int, penalty: float = 1.0, still: float = 1e-4) -> Work[Linear]:
    """Multinomial logistic regression of samples x (n, d) with classes (n,): the weights that minimise the summed
    cross-entropy + penalty / 2 |W|^2. The curvature is bounded by X^T X / 2 whatever the weights are (Boehning 1992), so one
    factorisation serves all steps; each begins ahead of the last (Nesterov 1983). They end once the largest change of a weight
    is below `still` times the largest weight. Yields the fraction done.
    """
    n, d = x.shape
    ones = np.concatenate([x, np.ones((n, 1), x.dtype)], 1)
    ridge = np.full(d + 1, penalty)
    ridge[d] = 1e-6  # the bias is free
    inverse = np.linalg.inv(0.5 * (ones.T @ ones).astype(np.float64) + np.diag(ridge)).astype(x.dtype)
    pull = ridge[:, None].astype(x.dtype)
    here = ahead = np.zeros((d + 1, classes), x.dtype)
    before = 1.0
    yield 0.0
    for number in range(_ITERATIONS):
        shares = _softmax(ones @ ahead)
        shares[np.arange(n), labels] -= 1
        step = inverse @ (ones.T @ shares + pull * ahead)
        now = ahead - step
        if float((step * (now - here)).sum()) > 0:  # it goes back: begin with less speed
            before = 1.0
        speed = (1 + np.sqrt(1 + 4 * before * before)) / 2
        ahead, here = now + (before - 1) / speed * (now - here), now
        before = speed
        yield number / _ITERATIONS
        if float(np.abs(step).max()) < still * max(float(np.abs(now).max()), 1.0):
            break
    return Linear(here[:d], here[d])


def nearest_mean(x: Floats, labels: Integers, classes: int) -> Linear:
    """The class whose mean sample is nearest: that of x (n, d) with classes (n,), as a linear rule. A class without samples is
    never named."""
    found = np.zeros((classes, x.shape[1]))
    counts = np.bincount(labels, minlength=classes)
    np.add.at(found, labels, x)
    found /= np.maximum(counts, 1)[:, None]
    bias = np.where(counts > 0, -0.5 * np.square(found).sum(1), -np.inf)
    return Linear(found.T, bias)


def neighbours(x: Floats, labels: Integers, wanted: Floats, classes: int, k: int = NEIGHBOURS) -> Work[Integers]:
    """The class of each of `wanted` (m, d): that of most of the k samples x (n, d) that are nearest, of classes (n,); of several
    such classes, that of the nearest sample. (m,); yields the fraction done."""
    squares, k = np.square(x).sum(1), min(k, len(x))
    found = np.zeros(len(wanted), np.int64)
    for first in range(0, len(wanted), _ROWS):
        part = wanted[first : first + _ROWS]
        apart = squares - 2 * part @ x.T
        near = np.argpartition(apart, k - 1, 1)[:, :k]
        near = np.take_along_axis(near, np.argsort(np.take_along_axis(apart, near, 1), 1, kind="stable"), 1)
        votes = np.zeros((len(part), classes))
        for place in range(k):
            votes[np.arange(len(part)), labels[near[:, place]]] += 1 + 1e-6 * (k - place)
        found[first : first + _ROWS] = votes.argmax(1)
        yield min(1.0, (first + _ROWS) / len(wanted))
    return found


def _softmax(scores: Floats) -> Floats:
    raised = np.exp(scores - scores.max(1, keepdims=True))
    return np.asarray(raised / raised.sum(1, keepdims=True))
