"""What watches the training of networks that grow. Numpy only."""

from __future__ import annotations

from collections.abc import Iterable

from genstudio.events import Diagnosis
from genstudio.families.adversarial_rules import RULES as SHARED
from genstudio.families.adversarial_rules import Observer, not_finite
from genstudio.training.doctor import Doctor

RULES = (*(rule for rule in SHARED if rule.name != "dead_channels"),)


def doctor(told: Iterable[Diagnosis] = (), _data: object = None) -> Doctor:
    """What watches the training; `told` are the diagnoses of its run so far."""
    return Doctor(RULES, Observer(), told, broken=not_finite)
