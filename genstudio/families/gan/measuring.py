"""Fidelity and diversity of a generator, at bounded cost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from genstudio.families.gan import planar
from genstudio.training.loop import Measured

if TYPE_CHECKING:
    from genstudio.families.gan.learner import GANLearner

_SEED = 1_000_003
_MANY = 10_000


def measure(learner: GANLearner, exact: bool) -> Iterator[Measured]:
    """Numbers of the generator's average, of noise that is the same at every step. Yields nothing without data."""
    if not len(learner.data.real):
        return
    if learner.data.shape.kind == "points":
        yield _points(learner, _MANY if exact else planar.SAMPLES)


def _points(learner: GANLearner, count: int) -> Measured:
    data = learner.data
    fake = data.outside(learner.make(learner.noise(count, _SEED)).cpu().numpy())
    rng = np.random.default_rng(_SEED)
    real = data.outside(data.real[rng.integers(0, len(data.real), count)])
    values = planar.divergences(real, fake, data.extent)
    if data.centres is not None and data.sigma:
        values |= planar.mixture_scores(fake, data.centres, data.sigma)
    return Measured(values)
