"""What watches the training of a GAN. Numpy only."""

from __future__ import annotations

from collections.abc import Iterable

from genstudio.events import Diagnosis
from genstudio.families.adversarial_rules import RULES, Observer, not_finite
from genstudio.training.doctor import Doctor

__all__ = ["RULES", "Observer", "doctor"]


def doctor(told: Iterable[Diagnosis] = (), _data: object = None) -> Doctor:
    """What watches a GAN; `told` are the diagnoses of its run so far."""
    return Doctor(RULES, Observer(), told, broken=not_finite)
