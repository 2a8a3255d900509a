"""What goes wrong with a Gaussian, as rules about numbers of its fit. Numpy only."""

from __future__ import annotations

import math
from collections.abc import Iterable

from genstudio.events import Diagnosis
from genstudio.families.rules import NOT_FINITE, advice, number
from genstudio.training.doctor import Doctor, Finding, Rule, Window

FLAT = 1e-7


def overfitting(window: Window) -> Finding | None:
    """Held-out samples are less likely than under the simplest Gaussian."""
    held, simple, train = (window.last(name) for name in ("val_loss", "simple_loss", "train_loss"))
    fitted = window.all("train_loss")[0][-1:] <= window.all("val_loss")[0][-1:]  # measured since the fit
    if math.isnan(train) or not fitted.all() or not held > max(simple, train):
        return None
    return Finding(
        f"Held-out samples are less likely than under a single diagonal Gaussian: {held:.4g} against {simple:.4g} nats.",
        {"nats, samples fitted": train, "nats, held-out samples": held, "the simplest Gaussian": simple},
        advice(
            window,
            ("Raise the ridge, so that every direction keeps some variance",
                {"ridge": max(10 * number(window, "ridge"), 0.01)}),
            ("Start a new run with few directions (low rank), or with a diagonal covariance", {}),
            ("Fit more samples", {}),
        ),
    )


def flat(window: Window) -> Finding | None:
    """A direction without spread: what moves in it is impossible, and the likelihood has no bound."""
    least = window.last("least_variance")
    if not least < FLAT:
        return None
    return Finding(
        f"The samples do not vary in some direction (variance {least:.2g}): any sample that does is almost impossible "
        "under the model.",
        {"smallest variance": least}, advice(window, ("Raise the ridge", {"ridge": 1e-3})),
    )  # fmt: skip


def not_finite(window: Window) -> Finding | None:
    """The likelihood is infinite."""
    return Finding(
        "The likelihood is infinite: the samples do not vary at all in some direction.", {},
        advice(window, ("Raise the ridge, so that every direction keeps some variance", {"ridge": 1e-3})),
    )  # fmt: skip


RULES = (
    Rule("overfitting", "Overfitting", "Held-out samples are less likely than under a single diagonal Gaussian.",
        overfitting),
    Rule("flat", "No variance", f"The smallest variance is below {FLAT:g}.", flat),
    NOT_FINITE,
)


def doctor(told: Iterable[Diagnosis] = (), _data: object = None) -> Doctor:
    """What watches a fit; `told` are the diagnoses of its run so far. It is asked at once, for there is one step."""
    return Doctor(RULES, None, told, broken=not_finite, every=1)
