"""What goes wrong with a vocoder, as rules about numbers of its training. Numpy only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from genstudio.events import Diagnosis
from genstudio.families.adversarial_rules import LONG, not_finite
from genstudio.families.adversarial_rules import RULES as SHARED
from genstudio.families.rules import (
    NOT_FINITE,
    Tried,
    advice,
    diverged,
    lower,
    memorising,
    number,
    overfitting,
    plateau,
)
from genstudio.training.doctor import Doctor, Finding, Window

_WORSE = 1.6
_GUIDED: tuple[Tried, ...] = (
    ("Turn feature matching on", {"feature": 2.0}),
    ("Turn the mel loss on", {"mel": 45.0}),
)
_MORE: tuple[Tried, ...] = (("Use all clips", {"examples": 0}),)
_WINS = next(rule for rule in SHARED if rule.name == "discriminator_wins")
_FOOLED = next(rule for rule in SHARED if rule.name == "generator_wins")


def unguided(window: Window) -> Finding | None:
    """The discriminators win, while nothing but their opinion leads the generator."""
    found = _WINS.judge(window)
    if found is None or number(window, "feature") or number(window, "mel"):
        return None
    d_rate = lower(window, "d_rate", 4)
    return replace(found, advice=advice(window, *_GUIDED, ("Lower the discriminators' rate", {"d_rate": d_rate})))


RULES = (
    plateau("random_phase_mel_error", "random phases", *_GUIDED, name="mel_error"),
    replace(
        _WINS, judge=unguided, says=f"Over {LONG} steps the discriminators are right more than nine times in ten, and the "
        "generator has neither feature matching nor a mel loss to learn from.",
    ),
    _FOOLED,
    diverged(name="mel_loss"),
    overfitting(*_MORE, name="mel_error"),
    memorising(
        "mel_loss", "mel_error", "the distance of the mels",
        f"The mels of held-out clips are {_WORSE:g} times as far from the given ones as those of training pieces.",
        lambda train, held, _: held > _WORSE * train, *_MORE,
    ),
    NOT_FINITE,
)  # fmt: skip


def doctor(told: Iterable[Diagnosis] = (), _data: object = None) -> Doctor:
    """What watches the training; `told` are the diagnoses of its run so far."""
    return Doctor(RULES, None, told, broken=not_finite)
