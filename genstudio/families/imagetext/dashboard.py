"""What a run of two towers shows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from genstudio.families.dashboard import (
    DOCTOR,
    LIVE,
    PROMPT,
    SIDE,
    TIMELINE,
    Chart,
    Dashboard,
    Field,
    Line,
    Measure,
    Pane,
    smaller_pictures,
)

if TYPE_CHECKING:
    from genstudio.runs import RunInfo


def said(info: RunInfo, _references: Mapping[str, float]) -> str:
    """How often pictures and texts find each other, against chance."""
    text, image, chance = (info.losses.get(name) for name in ("recall_at_1_text", "recall_at_1_image", "chance"))
    if text is None or image is None or not chance:
        return ""
    step = info.measured.get("recall_at_1_text", info.step)
    when = "" if step == info.step else f" (step {step:,})"
    words = (
        f"Among {round(1 / chance)} held-out pictures {text:.1%} of the texts find their picture first, and {image:.1%} of the "
        f"pictures their text{when}; chance: {chance:.1%}"
    )
    unseen = info.losses.get("unseen_recall_at_1_text")
    return words + ("." if unseen is None else f". Of combinations that training never saw: {unseen:.1%}.")


_UNSEEN = "unseen_recall_at_1_"
DASHBOARD = Dashboard(
    charts=(
        Chart(
            "loss", "Contrastive loss", "nats",
            (
                Line("train_loss", "training", "training", True), Line("val_loss", "held out", "validation"),
                Line("simple_loss", "chance: everything alike", "simple"),
            ),
            "Loss", large=True,
        ),
        Chart(
            "recall", "Found first", "share of held-out pictures",
            (Line("recall_at_1_text", "text finds picture", "validation"),
             Line("recall_at_1_image", "picture finds text", "training"), Line("chance", "chance", "simple")),
            "Retrieval",
        ),
        Chart(
            "recall_10", "Among the first ten", "share of held-out pictures",
            (Line("recall_at_10_text", "text finds picture", "validation"),
             Line("recall_at_10_image", "picture finds text", "training"), Line("chance_10", "chance", "simple")),
            "Retrieval",
        ),
        Chart(
            "unseen", "Combinations never seen", "share found first",
            (Line(f"{_UNSEEN}text", "text finds picture", "validation"),
             Line(f"{_UNSEEN}image", "picture finds text", "training"), Line("unseen_chance", "chance", "simple")),
            "Retrieval", when="hold_out=True",
        ),
        Chart("temperature", "Temperature", "", (Line("temperature", "temperature", "rate"),), "Loss", log=True),
        Chart("learning_rate", "Learning rate", "", (Line("learning_rate", "rate", "rate"),), "Loss"),
        Chart("gradient_norm", "Gradient norm", "", (Line("gradient_norm", "norm", "norm", True),), "Loss"),
    ),
    panes=(
        Pane(("similarity",), "Similarity", note="held-out pictures and their captions"),
        Pane(("meeting",), "Where both meet", note="held-out pictures and their captions"),
        Pane(
            ("found",), "Search", SIDE, score="cosine", picks=False, note="held-out pictures, the nearest first",
            field=Field(
                "text", "Text", "The held-out pictures nearest to this text are shown while it learns. Empty, or without a "
                "known word: the caption of a held-out picture", "a red heart",
            ),
            meaning="cosine of the picture's vector with that of the text",
        ),
    ),
    tools=(PROMPT, LIVE, DOCTOR, TIMELINE),
    result=(
        Measure("recall_at_1_text", "Texts that find their picture", "higher"),
        Measure("val_loss", "Held-out loss", "lower", "nats"),
    ),
    summary=(Measure("train_loss", "loss"), Measure("val_loss", "val"), Measure("recall_at_1_text", "recall")),
    handles=("learning_rate", "clip", "schedule", "final_rate", "shift"),
    smaller=smaller_pictures,
    said=said,
    welcome="Press Start: a picture tower and a text tower learn which pictures and captions belong together, and the diagonal "
    "of the similarity matrix lights up. Your own pictures work the same way: a folder with a table of captions, or a text file "
    "beside each picture.",
)  # fmt: skip
