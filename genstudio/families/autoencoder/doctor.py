"""What goes wrong with an autoencoder, as rules about numbers of its training. Numpy only."""

from __future__ import annotations

from collections.abc import Iterable

from genstudio.events import Diagnosis
from genstudio.families.rules import NOT_FINITE, diverged, memorising, not_finite, overfitting, plateau
from genstudio.training.doctor import Doctor

_LESS = (("Add noise to the encoder's input", {"noise": 0.2}), ("Raise the weight decay", {"l2": 1e-3}))
RULES = (
    NOT_FINITE,
    diverged(),
    plateau("simple_loss", "predicting the mean", ("Raise the learning rate", {"learning_rate": 2e-3}),
            ("Use less noise", {"noise": 0.0}), ("Remove the L2 penalty", {"l2": 0.0}), ("Use a larger code", {})),
    overfitting(*_LESS),
    memorising("known_error", "val_loss", "the error", "The error on held-out samples is more than twice as large.",
             lambda mine, theirs, _: theirs > 2 * mine, *_LESS,
             ("Use a smaller code", {})),
)  # fmt: skip


def doctor(told: Iterable[Diagnosis] = (), _data: object = None) -> Doctor:
    """What watches an autoencoder; `told` are the diagnoses of its run so far."""
    return Doctor(RULES, None, told, broken=not_finite)
