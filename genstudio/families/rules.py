"""What goes wrong with more than one family, as rules about numbers of a training. Numpy only."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from genstudio.events import Advice
from genstudio.training.doctor import Finding, Rule, Window

START, LONG = 300, 200
"""The first step at which a rule may hold, and the steps that it looks back."""
LOST, RISEN, GAP, NOTHING = 0.5, 0.1, 2.0, 0.02
Tried = tuple[str, Mapping[str, Any]]


def number(window: Window, name: str) -> float:
    """A setting that holds now; 0 where it is no number."""
    value = window.settings.get(name, 0)
    return float(value) if isinstance(value, int | float) else 0.0


def lower(window: Window, name: str, times: float) -> float:
    """A setting made smaller by a factor."""
    return float(f"{max(number(window, name) / times, 1e-7):.4g}")


def slower(window: Window, times: float) -> Tried:
    """Every rate of the optimiser that holds now made smaller by a factor."""
    return "Lower the learning rate", {name: lower(window, name, times) for name in _rates(window)}


def faster(window: Window, times: float) -> Tried:
    """Every rate made larger by a factor, to 0.1 at most."""
    return "Raise the learning rate", {name: min(lower(window, name, 1 / times), 0.1) for name in _rates(window)}


def _rates(window: Window) -> list[str]:
    muon = window.settings.get("optimizer") == "muon"
    names = ("learning_rate", "muon_rate", "g_rate", "d_rate")
    return [name for name in names if name in window.settings and (muon or name != "muon_rate")]


def advice(window: Window, *tried: Tried) -> tuple[Advice, ...]:
    """What can still be tried: nothing that is so already, and no setting that this family has not."""
    settings = window.settings
    return tuple(
        Advice(text, dict(values))
        for text, values in tried
        if not values
        or (values.keys() <= settings.keys() and any(settings[name] != value for name, value in values.items()))
    )


def not_finite(window: Window) -> Finding | None:
    """A loss or a gradient is infinite or not a number; asked by the training when it ends because of that."""
    norm = window.last("gradient_norm")
    return Finding(
        "A loss or a gradient is no longer finite, so the training stopped; the last good weights are safe.",
        {} if math.isnan(norm) else {"gradient norm one step before": norm},
        advice(
            window,
            slower(window, 10),
            ("Clip the gradient norm", {"clip": 1.0}),
        ),
    )


NOT_FINITE = Rule(
    "not_finite", "Not a number", "A loss or a gradient is infinite or not a number.", lambda _: None, severity="error"
)


def diverged(*cures: Tried, name: str = "train_loss") -> Rule:
    """The training loss has given back most of what was learnt."""

    def judge(window: Window) -> Finding | None:
        _, values = window.all(name)
        if window.step < 50 or len(values) < 40:
            return None
        means = np.convolve(values, np.full(20, 0.05), "valid")
        first, best, now = float(means[0]), float(means.min()), float(means[-1])
        if not now - best > LOST * max(first - best, 0.1 * abs(best), 1e-12):
            return None
        return Finding(
            f"The training loss rose from {best:.4g} to {now:.4g}: the learning rate is too high.",
            {"lowest loss": best, "current loss": now, "initial loss": first},
            advice(window, slower(window, 10), *cures),
        )

    return Rule(
        "diverged", "Diverged", f"The mean training loss of 20 steps is above its lowest by more than {LOST:.0%} of "
        "the total improvement.", judge,
    )  # fmt: skip


def plateau(baseline: str, words: str, *cures: Tried, name: str = "val_loss") -> Rule:
    """No better than the simplest model there is."""

    def judge(window: Window) -> Finding | None:
        loss, simple = window.last(name), window.last(baseline)
        if window.measured(name) < START or math.isnan(loss) or not loss > simple - NOTHING * abs(simple):
            return None
        return Finding(
            f"After {window.measured(name):,} steps the model is no better than {words}: {loss:.4g} against {simple:.4g}.",
            {"held-out loss": loss, words: simple},
            advice(window, *cures),
        )

    return Rule(
        "plateau", "Stuck at a trivial solution",
        f"After {START} steps the held-out loss is not {NOTHING:.0%} below that of {words}.", judge,
    )  # fmt: skip


def overfitting(*cures: Tried, name: str = "val_loss", what: str = "held-out loss") -> Rule:
    """What is learnt no longer holds for other samples; `name` is the number that says so, and `what` it is in words."""

    def judge(window: Window) -> Finding | None:
        steps, values = window.all(name)
        if len(values) < 4:
            return None
        best = int(values.argmin())
        lowest, now, first = float(values[best]), float(values[-1]), float(values[0])
        rising = len(values) - best >= 3 and (values[best + 1 :] > lowest).all()
        if not (rising and now - lowest > RISEN * max(first - lowest, 1e-12)):
            return None
        return Finding(
            f"The {what} was lowest at step {steps[best]:,} ({lowest:.4g}) and is {now:.4g} now.",
            {f"lowest {what}": lowest, "now": now, "step of the lowest loss": float(steps[best])},
            advice(window, *cures),
        )

    return Rule(
        "overfitting", "Overfitting",
        f"The {what} has risen since then by more than {RISEN:.0%} of the total improvement.", judge,
    )  # fmt: skip


def memorising(
    train: str, held: str, what: str, says: str, worse: Callable[[float, float, float], bool], *cures: Tried
) -> Rule:  # fmt: skip
    """What holds for samples that were trained on does not hold for others: `worse(train, held, simple)`, in words `says`."""

    def judge(window: Window) -> Finding | None:
        # the training loss of every step may have fallen far since the last evaluation
        mine, theirs, simple = window.beside(train, held), window.last(held), window.last("simple_loss")
        if window.measured(held) < START or math.isnan(mine) or math.isnan(theirs) or not worse(mine, theirs, simple):
            return None
        return Finding(
            f"The model memorises its training samples: {what} is {mine:.4g} for them and {theirs:.4g} for held-out "
            "samples.",
            {f"{what}, training samples": mine, f"{what}, held-out samples": theirs},
            advice(window, *cures, ("Add training samples: this helps most", {})),
        )

    return Rule(
        "memorising", "Memorisation (overfitting)", says, judge,
    )  # fmt: skip
