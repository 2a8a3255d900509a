"""What a run of Word2Vec shows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from genstudio.families.dashboard import (
    DOCTOR,
    LIVE,
    SIDE,
    STAGE,
    TIMELINE,
    Chart,
    Dashboard,
    Field,
    Line,
    Measure,
    Pane,
    optimizer_charts,
)

if TYPE_CHECKING:
    from genstudio.runs import RunInfo


def said(info: RunInfo, _references: Mapping[str, float]) -> str:
    """The validation loss of a model against knowing frequencies alone, and the share of analogies that come out right."""
    loss, simple, right = (info.losses.get(name) for name in ("val_loss", "baseline_loss", "analogy_accuracy"))
    if loss is None or not math.isfinite(loss):
        return ""
    step = info.measured.get("val_loss", info.step)
    words = [f"Validation {loss:.3f} nats per prediction" + ("" if step == info.step else f" (step {step:,})")]
    if simple is not None:
        how = "better" if loss < simple else "worse"
        words.append(f"{abs(simple - loss):.3f} {how} than word frequencies alone ({simple:.3f})")
    if right is not None:
        words.append(f"{right:.1%} of the known analogies right")
    return "; ".join(words) + "."


DASHBOARD = Dashboard(
    charts=(
        Chart(
            "loss", "Loss", "nats per prediction",
            (
                Line("train_loss", "training", "training", True), Line("val_loss", "validation", "validation"),
                Line("baseline_loss", "word frequencies alone", "simple"),
            ),
            "Loss",
        ),
        Chart(
            "analogies", "How good", "share",
            (
                Line("analogy_accuracy", "analogies", "validation"),
                Line("told_apart", "near beats random", "training"),
                Line("baseline_told_apart", "by frequency", "simple"),
            ),
            "Loss",
        ),
        *optimizer_charts("Training", "words"),
    ),
    panes=(
        Pane(("map",), "Map of words", STAGE, note="the most frequent words"),
        Pane(
            ("neighbours",), "Neighbours", SIDE,
            field=Field("word", "Word", "The words nearest to this one are named while it learns", ""),
        ),
    ),
    tools=(LIVE, DOCTOR, TIMELINE),
    result=(
        Measure("analogy_accuracy", "analogies right", "higher"),
        Measure("val_loss", "validation", "lower", "nats per prediction"),
    ),
    summary=(Measure("train_loss", "loss"), Measure("val_loss", "val"), Measure("analogy_accuracy", "analogies")),
    speed=Measure("tokens_per_second", "speed", "higher", "words/s"),
    handles=("learning_rate", "clip", "schedule", "final_rate"),
    said=said,
    welcome="Press Start: words that are used alike move together on the map, and king - man + woman becomes queen. Your own "
    "text works the same way: drop the file on the window.",
)  # fmt: skip
