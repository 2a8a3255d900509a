"""The training loop: a generator that knows nothing of files, windows, printing or optimisers."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from genstudio.events import Snapshot


@dataclass(frozen=True, slots=True)
class Metrics:
    """Numbers of one step; tensors stay on their device until a frame reads them all at once."""

    step: int
    values: Mapping[str, Tensor | float]


@dataclass(frozen=True, slots=True)
class Tick:
    """Nothing to show, but time passed: a chance for others to take their turn."""


@dataclass(frozen=True, slots=True)
class Scored:
    """Sums over validation tokens: negative log-likelihood in nats, tokens and characters scored."""

    nats: float
    tokens: int
    characters: int
    done: float = 1.0

    @property
    def loss(self) -> float:
        return self.nats / max(self.tokens, 1)


class Learner(Protocol):
    """Modules and optimisers of one family.

    All randomness of step s comes from (seed, s): `batch(step)` is a pure function, and `fit` seeds torch's generators
    before each step. So resuming needs no generator state, and previews cannot change the training.
    """

    parts: Mapping[str, nn.Module]
    optimizers: Mapping[str, torch.optim.Optimizer]
    seed: int

    def batch(self, step: int) -> Any:
        """The batch of a step (from 1)."""

    def training_step(self, batch: Any, step: int, progress: float) -> Mapping[str, Tensor | float]:
        """One update; `progress` in [0, 1] is the share of the planned training done before it."""

    def evaluate(self, exact: bool = False) -> Iterator[Scored]:
        """Running sums over a fixed sample of the validation split, or over all of it; the last one is the result."""

    def preview(self) -> Iterator[Snapshot | Tick]:
        """Things to look at. Changes nothing in the learner."""
