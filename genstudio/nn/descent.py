"""Optimisers by their formulas, in plain numpy: to race on a surface, and to be compared with torch's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Kind = Literal["sgd", "momentum", "rmsprop", "adam", "muon"]
TITLES: Mapping[Kind, str] = {
    "sgd": "SGD", "momentum": "Momentum", "rmsprop": "RMSProp", "adam": "Adam", "muon": "Muon",
}  # fmt: skip
FORMULAS: Mapping[Kind, str] = {
    "sgd": "w ← w - η g",
    "momentum": "v ← β v + g;  w ← w - η v   (Polyak 1964)",
    "rmsprop": "s ← ρ s + (1 - ρ) g²;  w ← w - η g / √s   (Hinton 2012)",
    "adam": "m, s: running means of g and g²;  w ← w - η m̂ / √ŝ   (Kingma & Ba 2015)",
    "muon": "momentum, made orthogonal as a matrix: every direction moves equally far   (Jordan et al. 2024)",
}
_EPSILON = 1e-8
_A, _B, _C = 3.4445, -4.7750, 2.0315


@dataclass
class Descent:
    """One optimiser and what it remembers of earlier steps. Muon moves matrices; vectors beside them move by Adam."""

    kind: Kind
    momentum: float = 0.9
    decay: float = 0.99
    beta2: float = 0.999
    steps: int = 0
    first: list[Array] = field(default_factory=list)
    second: list[Array] = field(default_factory=list)

    def step(self, parameters: Sequence[Array], gradients: Sequence[Array], rate: float) -> list[Array]:
        """The parameters after one step, new arrays."""
        if not self.first:
            self.first = [np.zeros_like(p, np.float64) for p in parameters]
            self.second = [np.zeros_like(p, np.float64) for p in parameters]
        self.steps += 1
        rows = enumerate(zip(parameters, gradients, strict=True))
        return [p - rate * self._direction(index, np.asarray(g, np.float64)) for index, (p, g) in rows]

    def _direction(self, index: int, g: Array) -> Array:
        if self.kind == "sgd":
            return g
        if self.kind == "momentum":
            self.first[index] = self.momentum * self.first[index] + g
            return self.first[index]
        if self.kind == "rmsprop":
            self.second[index] = self.decay * self.second[index] + (1 - self.decay) * g**2
            return np.asarray(g / (np.sqrt(self.second[index]) + _EPSILON))
        if self.kind == "muon" and g.ndim == 2:
            self.first[index] = self.momentum * self.first[index] + (1 - self.momentum) * g
            ahead = self.momentum * self.first[index] + (1 - self.momentum) * g  # Nesterov's
            scale = np.sqrt(max(1.0, g.shape[0] / g.shape[1]))
            return np.asarray(orthogonal(ahead) * scale)
        self.first[index] = self.momentum * self.first[index] + (1 - self.momentum) * g
        self.second[index] = self.beta2 * self.second[index] + (1 - self.beta2) * g**2
        mean = self.first[index] / (1 - self.momentum**self.steps)
        spread = np.sqrt(self.second[index] / (1 - self.beta2**self.steps))
        return np.asarray(mean / (spread + _EPSILON))


def orthogonal(matrix: Array, steps: int = 5) -> Array:
    """The nearest semi-orthogonal matrix, roughly: Newton-Schulz with the quintic of Jordan et al. 2024."""
    turned = matrix.shape[0] > matrix.shape[1]
    x = (matrix.T if turned else matrix) / (np.linalg.norm(matrix) + 1e-7)
    for _ in range(steps):
        gram = x @ x.T
        x = _A * x + (_B * gram + _C * gram @ gram) @ x
    return np.asarray(x.T if turned else x)
