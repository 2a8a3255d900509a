"""Fidelity and diversity of a generator, at bounded cost, each number beside what real samples would reach."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch

from genstudio.evaluation.samples import SEED
from genstudio.families.gan.units import dead_units
from genstudio.training.learner import Measured

if TYPE_CHECKING:
    from genstudio.families.gan.model import GANModel

_ROWS = 100


def measure(model: GANModel, exact: bool) -> Iterator[Measured]:
    """Numbers of the generator's average, of noise that is the same at every step: see `Reference` and `dead_units`.
    Conditional fakes are of classes as frequent as in the training samples. Yields nothing without data."""
    reference, data = model.reference, model.data
    if not len(data.real):
        return
    if not (count := reference.count(exact)):
        yield Measured(dead_units(model))
        return
    latents = model.noise(count, SEED)
    labels = reference.asked(count) if model.classes and data.labels is not None else None
    if data.shape.kind == "points":
        yield Measured(reference.points(model.outside(model.made(latents, labels))) | dead_units(model))
        return
    made = []
    for first in range(0, count, _ROWS):
        part = slice(first, first + _ROWS)
        made.append(model.made(latents[part], None if labels is None else labels[part]))
        yield Measured(done=0.0)
    values = yield from reference.pictures(torch.cat(made), labels)
    yield Measured(values | dead_units(model))
