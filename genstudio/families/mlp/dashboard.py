"""What a run of a dense network shows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from genstudio.families.dashboard import DOCTOR, LIVE, TIMELINE, Chart, Dashboard, Line, Measure, Pane

if TYPE_CHECKING:
    from genstudio.runs import RunInfo


def said(info: RunInfo, _references: Mapping[str, float]) -> str:
    """How many samples the network classifies correctly, beside one answer for all of them."""
    accuracy, guess = (info.losses.get(name, math.nan) for name in ("accuracy", "accuracy_guess"))
    if not math.isfinite(accuracy):
        return ""
    words = f"{accuracy:.1%} of the samples are classified correctly"
    return words + (f"; always naming the most frequent class: {guess:.1%}." if math.isfinite(guess) else ".")


DASHBOARD = Dashboard(
    charts=(
        Chart(
            "loss", "Loss", "nats per sample",
            (Line("train_loss", "training", "training"), Line("val_loss", "held out", "validation")), "Loss",
            units={"loss=squared_error": "squared error"}, floors={"simple_loss": "class shares alone"},
        ),
        Chart(
            "accuracy", "Accuracy", "share of right answers",
            (Line("train_accuracy", "training", "training"), Line("accuracy", "held out", "validation")), "Loss",
            floors={"accuracy_guess": "most frequent class"},
        ),
        Chart("gradients", "Gradient norm", "", (Line("gradient_norm", "norm", "norm"),), "Gradients", log=True),
        Chart("rates", "Learning rate", "", (Line("learning_rate", "rate", "rate"),), "Gradients"),
        Chart("speed", "Steps per second", "", (Line("steps_per_second", "steps/s", "speed", True),), "Gradients"),
    ),
    panes=(
        Pane(("network",), "Network"),
        Pane(
            ("decisions",), "Decisions", kinds=("images",), score="probability", note="the same pictures throughout",
            picks=False,
        ),
        Pane(("confusion",), "Classes"),
        Pane(("depth",), "Layer by layer"),
    ),
    tools=(LIVE, DOCTOR, TIMELINE),
    result=(Measure("accuracy", "accuracy", "higher"), Measure("val_loss", "loss", "lower")),
    said=said,
    summary=(Measure("train_loss", "loss", "lower"), Measure("train_accuracy", "accuracy", "higher")),
    handles=("learning_rate", "momentum", "batch", "clip"),
    welcome="Press Start: a network of a few neurons learns to tell points apart, with every weight and every slope on the "
    "screen. Then compute a step of it by hand.",
    race="optimizer",
    explorers=("by_hand", "activations", "losses", "optimisers", "depth", "scaling"),
)  # fmt: skip
