"""What goes wrong with a diffusion model, as rules about numbers of its training. Numpy only."""

from __future__ import annotations

from collections.abc import Iterable

from genstudio.events import Diagnosis
from genstudio.families.rules import NOT_FINITE, diverged, not_finite, overfitting, plateau
from genstudio.training.doctor import Doctor

RULES = (
    NOT_FINITE,
    diverged(("Clip the gradient norm", {"clip": 1.0})),
    plateau("simple_loss", "always predicting the mean", ("Raise the learning rate", {"learning_rate": 2e-3})),
    overfitting(("Use more samples", {})),
)


def doctor(told: Iterable[Diagnosis] = (), _data: object = None) -> Doctor:
    """What watches a diffusion model; `told` are the diagnoses of its run so far."""
    return Doctor(RULES, None, told, broken=not_finite)
