"""What goes wrong with a CycleGAN, as rules about numbers of its training. Numpy only."""

from __future__ import annotations

import math
from collections.abc import Iterable

from genstudio.events import Diagnosis
from genstudio.families.adversarial_rules import RULES as SHARED
from genstudio.families.adversarial_rules import not_finite
from genstudio.families.rules import advice, lower, number
from genstudio.training.doctor import Doctor, Finding, Rule, Window

START = 500
"""The first step at which translations can be expected to be any good."""
UNCHANGED, TAKEN, KNOWN = 0.5, 0.5, 0.8
LOST, CAME_BACK, WRONG = 0.5, 0.35, 1.0


def identity_collapse(window: Window) -> Finding | None:
    """Pictures stay as they are: less than TAKEN of the translations are taken for the other set by an encoder that is right
    about more than KNOWN of real pictures, and they change by less than UNCHANGED of what lies between two pictures of a
    set."""
    change, between = window.last("change"), window.last("pair_error")
    agreement, real = window.last("agreement"), window.last("agreement_real")
    if window.measured("change") < START or math.isnan(change + between + agreement + real):
        return None
    if not (real > KNOWN and agreement < TAKEN and change < UNCHANGED * between):
        return None
    return Finding(
        f"The pictures stay as they are: only {agreement:.0%} of the translations look like the other set.",
        {"translations taken for the other set": agreement, "real pictures told apart": real,
            "change of a picture": change, "difference between two pictures of a set": between},
        advice(
            window,
            ("Switch the identity loss off", {"identity": 0.0}),
            ("Lower the weight of the cycle losses", {"cycle": lower(window, "cycle", 4),
                "cycle_back": lower(window, "cycle_back", 4)}),
            ("Give the discriminators' opinion more weight",
             {"generator_weight": 4 * max(number(window, "generator_weight"), 0.25)}),
        ),
    )  # fmt: skip


def permutation(window: Window) -> Finding | None:
    """Translations look right but show something else: what comes back differs by more than LOST of what lies between two
    pictures of a set; or it comes back to within CAME_BACK of that, while the translation is further from the true partner
    than WRONG times the mean picture."""
    back, between = window.last("cycle_error"), window.last("pair_error")
    if window.measured("cycle_error") < START or math.isnan(back + between):
        return None
    evidence = {"difference of what comes back": back, "difference between two pictures of a set": between}
    cures = (
        ("Raise the weights of the cycle losses", {name: max(2 * number(window, name), 2.0) for name in ("cycle", "cycle_back")}),
        ("Switch the identity loss on", {"identity": max(number(window, "identity"), 1.0)}),
    )
    if back > LOST * between:
        return Finding(
            f"What comes back is not what went in: it differs {back / between:.0%} as much as another picture of the set.",
            evidence, advice(window, *cures, ("Lower the generators' rate", {"g_rate": lower(window, "g_rate", 4)})),
        )  # fmt: skip
    partner, mean = window.last("partner_error"), window.last("partner_error_mean")
    if math.isnan(partner + mean) or back > CAME_BACK * between or not partner > WRONG * mean:
        return None
    return Finding(
        "The pictures are permuted: each comes back, but what it becomes is further from its true partner than the mean picture.",
        evidence | {"difference from the true partner": partner, "difference of the mean picture from it": mean},
        advice(window, cures[1], ("Start a new run with another seed", {})),
    )


_NAMES = ("discriminator_wins", "generator_wins", "vanishing_gradient", "not_finite", "memorising")
RULES = (
    Rule("identity_collapse", "Identity collapse",
         f"After {START} steps an encoder takes less than {TAKEN:.0%} of the translations for the other set, and they differ "
         f"from their originals by less than {UNCHANGED:.0%} of the difference between two pictures of a set.",
         identity_collapse),
    Rule("permutation", "Permutation",
         f"After {START} steps what comes back differs from what went in by more than {LOST:.0%} of the difference between two "
         "pictures of a set; or it comes back, but its translation is further from the true partner than the mean picture.",
         permutation),
    *(rule for rule in SHARED if rule.name in _NAMES),
)  # fmt: skip


def doctor(told: Iterable[Diagnosis] = (), _data: object = None) -> Doctor:
    """What watches a CycleGAN; `told` are the diagnoses of its run so far."""
    return Doctor(RULES, told=told, broken=not_finite)
