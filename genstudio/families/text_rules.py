"""What goes wrong with transformers that read text, as rules about numbers of their training. Numpy only."""

from __future__ import annotations

import math

import numpy as np

from genstudio.events import Snapshot
from genstudio.families.rules import START, Tried, advice, faster, slower
from genstudio.snapshots.layers import LayerStatistics
from genstudio.training.doctor import Finding, Rule, Window

SPAN = 100
"""Steps that a mean of the training loss is taken over."""
STILL, SMALL_UPDATE, WORSE = 0.02, 1e-3, 0.05
DEAD = 0.9
DROPOUT: Tried = ("Start a new run with dropout", {"dropout": 0.2})


def observe(snapshot: Snapshot) -> dict[str, float]:
    """Numbers of the layers: `update`, the median over all weights of the norm of an update over the norm of the weight, and
    `dead`, the share of hidden units that are 0 at every token, in the layer where it is largest."""
    if not isinstance(snapshot, LayerStatistics):
        return {}
    updates, dead = (values[np.isfinite(values)] for values in (snapshot.updates, snapshot.dead))
    found = {"update": float(np.median(updates))} if len(updates) else {}
    return found | ({"dead": float(dead.max())} if len(dead) else {})


def rate_too_low(window: Window) -> Finding | None:
    """Updates are tiny at the highest rate of the schedule, and the loss hardly falls."""
    update, values = _update(window), window.recent("train_loss", 2 * SPAN)
    fall = float(values[:SPAN].mean() - values[SPAN:].mean()) if len(values) > SPAN else math.nan
    if window.step < START or not (update < SMALL_UPDATE and fall < STILL):
        return None
    return Finding(
        f"The learning rate is too low: each update changes the weights by only {update:.1e} of their size, and the "
        "loss hardly falls.",
        {"size of an update relative to the weights": update, f"decrease of the loss in {SPAN} steps": fall},
        advice(window, faster(window, 10)),
    )


def rate_too_high(window: Window) -> Finding | None:
    """It has become worse than guessing. The size of updates does not tell: weights that grow hide it."""
    now, guess = window.mean("train_loss", SPAN), window.last("uniform")
    if not now > guess + WORSE:
        return None
    return Finding(
        f"The learning rate is too high: the loss has risen to {now:.2f}, above the {guess:.2f} of uniform guessing.",
        {"training loss": now, "loss of uniform guessing": guess},
        advice(window, slower(window, 10), ("Clip the gradient norm", {"clip": 1.0})),
    )


def dead_units(window: Window) -> Finding | None:
    """Most hidden units of a layer are never active."""
    share = window.last("dead")
    if window.step < START or not share > DEAD:
        return None
    return Finding(
        f"{share:.0%} of the hidden units of a layer are 0 at every token: they pass no signal and rarely recover.",
        {"share of dead units": share},
        advice(window, ("Start a new run with GELU, which is never exactly 0", {"activation": "gelu"}),
            slower(window, 4)),
    )


RATE_TOO_LOW = Rule("rate_too_low", "Learning rate too low",
    f"After {START} steps, an update changes half of the weight matrices by less than {SMALL_UPDATE:g} of their "
    "norm, and "
    f"the loss falls by less than {STILL:g} nats in {SPAN} steps.", rate_too_low, 100)  # fmt: skip
RATE_TOO_HIGH = Rule("rate_too_high", "Learning rate too high",
    f"The mean training loss of {SPAN} steps is more than {WORSE:g} nats above that of uniform guessing.",
    rate_too_high)  # fmt: skip
DEAD_UNITS = Rule("dead_units", "Dead units",
    f"More than {DEAD:.0%} of the hidden units of a layer are 0 at every token tested.", dead_units, 100)  # fmt: skip


def _update(window: Window) -> float:
    """The size of an update as it would be at the highest rate of the schedule."""
    highest, now = float(window.settings.get("learning_rate", 0.0)), window.last("learning_rate")
    return window.last("update") * (highest / now if now > 0 else 1.0)
