"""What goes wrong with a model of pixels, as rules about numbers of its training. Numpy only."""

from __future__ import annotations

from collections.abc import Iterable

from genstudio.events import Diagnosis
from genstudio.families.rules import NOT_FINITE, diverged, memorising, not_finite, overfitting, plateau
from genstudio.families.text_rules import DROPOUT
from genstudio.training.doctor import Doctor

RECALLED = 0.6

RULES = (
    NOT_FINITE,
    diverged(("Clip the gradient norm", {"clip": 1.0})),
    plateau(
        "histogram_bits_per_pixel", "how often each colour occurs at each pixel",
        ("Use the settings of the first preset", {}),
        ("Start a new run with positions: without them a pixel does not know where it is", {"positions": "learned"}),
    ),
    overfitting(("Stop here: the best checkpoint is kept and can be chosen in the Playground", {}), DROPOUT),
    memorising("train_loss", "val_loss", "bits per pixel", f"The training loss is below {RECALLED:.0%} of the held-out loss.",
               lambda mine, theirs, _: mine < RECALLED * theirs, DROPOUT),
)  # fmt: skip


def doctor(told: Iterable[Diagnosis] = (), _data: object = None) -> Doctor:
    """What watches a model of pixels; `told` are the diagnoses of its run so far."""
    return Doctor(RULES, None, told, broken=not_finite)
