"""What goes wrong with a VAE, as rules about numbers of its training. Numpy only."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from genstudio.events import Diagnosis, Snapshot
from genstudio.families.rules import (
    NOT_FINITE,
    START,
    advice,
    diverged,
    lower,
    memorising,
    not_finite,
    overfitting,
    plateau,
)
from genstudio.snapshots.samples import Bars
from genstudio.training.doctor import Doctor, Finding, Rule, Window

COLLAPSED, IN_USE, NAMED = 0.01, 0.25, 64
_RELEASE = (
    ("Set the KL weight to 1", {"beta": 1.0}),
    ("Let the KL weight rise slowly", {"kl_warmup": 2000}),
)


def observe(snapshot: Snapshot) -> Mapping[str, float]:
    """The KL of each number of the code, the first ones."""
    if not isinstance(snapshot, Bars) or snapshot.channel != "kl_by_number":
        return {}
    return {f"kl_{number}": float(value) for number, value in enumerate(snapshot.values[:NAMED].tolist(), 1)}


def collapse(window: Window) -> Finding | None:
    """Hardly a number of the code says anything: the decoder answers without it."""
    size = int(window.settings.get("code", 0))
    found = {number: window.last(f"kl_{number}") for number in range(1, min(size, NAMED) + 1)}
    if window.step < START or not found or any(math.isnan(value) for value in found.values()):
        return None
    silent = [number for number, value in found.items() if value < COLLAPSED]
    if len(found) - len(silent) >= IN_USE * len(found):
        return None
    names = ", ".join(map(str, silent[:12])) + (" and others" if len(silent) > 12 else "")
    return Finding(
        f"{len(silent)} of {len(found)} code dimensions carry no information (dimension {names}): the decoder ignores them.",
        {"active dimensions": float(len(found) - len(silent)), "KL of the code (nats)": window.last("kl")},
        advice(window, *_RELEASE, ("Halve the KL weight", {"beta": lower(window, "beta", 2)}),
               ("Start a new run with a smaller fixed deviation, so that errors cost more", {})),
    )  # fmt: skip


RULES = (
    NOT_FINITE,
    diverged(("Clip the gradient norm", {"clip": 1.0})),
    Rule("collapse", "Posterior collapse",
         f"After {START} steps fewer than {IN_USE:.0%} of the code dimensions have a KL above {COLLAPSED:g} nats.",
         collapse, 100),
    plateau("simple_loss", "a code without information", *_RELEASE,
        ("Raise the learning rate", {"learning_rate": 2e-3})),
    overfitting(("Raise the KL weight", {"beta": 2.0}), ("Use more samples", {})),
    memorising("known_loss", "val_loss", "the negative ELBO, in nats,",
             "On held-out samples the model gains less than half of what it gains on training samples over a code "
             "without information.",
             lambda mine, theirs, simple: simple - theirs < 0.5 * (simple - mine),
             ("Raise the KL weight", {"beta": 2.0})),
)  # fmt: skip


def doctor(told: Iterable[Diagnosis] = (), _data: object = None) -> Doctor:
    """What watches a VAE; `told` are the diagnoses of its run so far."""
    return Doctor(RULES, observe, told, broken=not_finite)
