"""What goes wrong with a dense network, as rules about numbers of its training. Numpy only."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import numpy as np

from genstudio.events import Diagnosis, Snapshot
from genstudio.families.rules import (
    NOT_FINITE,
    advice,
    diverged,
    memorising,
    not_finite,
    overfitting,
    plateau,
)
from genstudio.inspection.depth import network_of
from genstudio.nn.by_hand import forward, targets_of
from genstudio.snapshots.network import Depth, NetworkState
from genstudio.training.doctor import Doctor, Finding, Rule, Window

_SAME, _FLAT, _START, _VANISHED, _SURE, _MANY = 1e-4, 0.8, 100, 1e-3, 0.9, 0.1


def observe(snapshot: Snapshot) -> Mapping[str, float]:
    """How far the neurons of the first hidden layer are apart, relative to their size; the share of answers that are confidently
    wrong; the share of hidden neurons that are saturated; and the slopes of the first layer over those of the last."""
    if isinstance(snapshot, NetworkState):
        network, targets = network_of(snapshot), targets_of(snapshot.labels, snapshot.sizes[-1])
        away = np.abs(forward(network, snapshot.inputs).outputs - targets).max(1)
        found = {"confidently_wrong": float((away > _SURE).mean())}
        if len(snapshot.sizes) > 2 and snapshot.sizes[1] > 1:
            rows = network.weights[0]
            found["apart"] = float(np.abs(rows - rows[0]).max() / max(float(np.abs(rows).max()), 1e-12))
        return found
    if isinstance(snapshot, Depth) and len(snapshot.slopes) > 1:
        ratio = float(snapshot.slopes[0] / max(float(snapshot.slopes[-1]), 1e-30))
        return {"saturated": float(snapshot.saturated[:-1].mean()), "slope_ratio": ratio}
    return {}


def symmetric(window: Window) -> Finding | None:
    """All neurons of a layer compute the same."""
    apart = window.last("apart")
    if window.step < _START or math.isnan(apart) or apart >= _SAME:
        return None
    return Finding(
        "All neurons of the first hidden layer have the same weights: they compute the same, get the same gradient, and so "
        "stay the same. The layer is worth a single neuron.",
        {"largest difference between two neurons, relative": apart},
        advice(window, ("Start a new run with random weights, such as Xavier's", {})),
    )


def saturated(window: Window) -> Finding | None:
    """Most hidden neurons answer where their function is flat."""
    share = window.last("saturated")
    if window.step < _START or math.isnan(share) or share < _FLAT or window.last("accuracy") > 0.98:
        return None
    return Finding(
        f"{share:.0%} of the hidden neurons are saturated: their slope is nearly 0, so hardly any gradient passes through them.",
        {"saturated share": share},
        advice(window, ("Start a new run with smaller weights, such as Xavier's", {}), ("Start a new run with ReLU", {})),
    )


def vanishing(window: Window) -> Finding | None:
    """The gradient does not reach the first layer."""
    ratio = window.last("slope_ratio")
    if window.step < _START or math.isnan(ratio) or ratio >= _VANISHED or window.last("accuracy") > 0.98:
        return None
    return Finding(
        f"Slopes vanish on their way back: those of the first layer are {ratio:.1g} times those of the last, so the first layers "
        "hardly learn.",
        {"slopes of the first layer over the last": ratio},
        advice(window, ("Start a new run with He's weights and ReLU", {}), ("Start a new run with fewer layers", {})),
    )


def slow_when_wrong(window: Window) -> Finding | None:
    """Squared error where the outputs are confidently wrong."""
    share = window.last("confidently_wrong")
    if window.settings.get("loss") != "squared_error" or window.step < _START or math.isnan(share) or share < _MANY:
        return None
    return Finding(
        f"{share:.0%} of the answers are confidently wrong, yet they hardly move the weights: the gradient of the squared error "
        "contains the slope of the sigmoid, which is almost zero where an output is close to 0 or 1.",
        {"answers off by more than 0.9": share, "gradient norm": window.last("gradient_norm")},
        advice(window, ("Start a new run with cross-entropy as the loss", {}), ("Start a new run with smaller weights", {})),
    )


RULES = (
    NOT_FINITE,
    diverged(),
    Rule("symmetric", "Symmetry", f"After {_START} steps the neurons of the first hidden layer differ by less than {_SAME:g} of "
         "their weights.", symmetric),
    Rule("saturated", "Saturation", f"After {_START} steps {_FLAT:.0%} of the hidden neurons have a slope below a twentieth "
         "of the largest.", saturated, 100),
    Rule("vanishing", "Vanishing gradient", f"After {_START} steps the slopes of the first layer are less than {_VANISHED:g} "
         "times those of the last.", vanishing, 100),
    Rule("slow_when_wrong", "Surely wrong and slow", f"With the squared error more than {_MANY:.0%} of the answers are off by "
         f"more than {_SURE:g} after {_START} steps.", slow_when_wrong, 100),
    plateau("simple_loss", "always answering with the class shares", ("Start a new run with more neurons", {}),
            ("Raise the learning rate tenfold", {})),
    overfitting(("Start a new run with fewer neurons", {}), ("Use more samples", {})),
    memorising("train_loss", "val_loss", "the loss", "On held-out samples the model gains less than half of what it gains on "
               "training samples over the class shares.",
               lambda mine, theirs, simple: simple - theirs < 0.5 * (simple - mine),
               ("Start a new run with fewer neurons", {})),
)  # fmt: skip


def doctor(told: Iterable[Diagnosis] = (), _data: object = None) -> Doctor:
    """What watches a dense network; `told` are the diagnoses of its run so far."""
    return Doctor(RULES, observe, told, broken=not_finite)
