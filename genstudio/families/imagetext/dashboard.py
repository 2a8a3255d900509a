"""What a run of two towers shows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from genstudio.families.dashboard import (
    DOCTOR,
    LIVE,
    SIDE,
    TIMELINE,
    Chart,
    Dashboard,
    Field,
    Line,
    Measure,
    Pane,
    optimizer_charts,
    smaller_pictures,
)
from genstudio.families.imagetext.config import CONTRASTIVE, TWO_STREAM

if TYPE_CHECKING:
    from genstudio.runs import RunInfo


def said(info: RunInfo, _references: Mapping[str, float]) -> str:
    """How often pictures and texts find each other, against chance."""
    if "word_accuracy" in info.losses:
        return _said_of_words(info)
    text, image, chance = (info.losses.get(name) for name in ("recall_at_1_text", "recall_at_1_image", "chance"))
    if text is None or image is None or not chance:
        return ""
    step = info.measured.get("recall_at_1_text", info.step)
    when = "" if step == info.step else f" (step {step:,})"
    words = (
        f"Among {round(1 / chance)} held-out pictures, {text:.1%} of the texts rank their own picture first, and {image:.1%} "
        f"of the pictures their own text{when}; chance: {chance:.1%}"
    )
    unseen = info.losses.get("unseen_recall_at_1_text")
    return words + ("." if unseen is None else f". Of combinations that training never saw: {unseen:.1%}.")


def _said_of_words(info: RunInfo) -> str:
    """How many masked words are filled in from the picture, against what the text alone tells."""
    names = ("word_accuracy", "text_only_accuracy", "other_picture_accuracy", "match_accuracy")
    word, text, other, match = (info.losses.get(name, math.nan) for name in names)
    step = info.measured.get("word_accuracy", info.step)
    when = "" if step == info.step else f" (step {step:,})"
    unseen = info.losses.get("unseen_word_accuracy")
    further = "" if unseen is None else f" Masked words of combinations never seen: {unseen:.1%}."
    return (
        f"Held-out masked words correct: {word:.1%}{when}; from the text alone {text:.1%}, with another picture {other:.1%}. "
        f"Captions correctly matched or rejected: {match:.1%}; chance: 50%.{further}"
    )


_UNSEEN = "unseen_recall_at_1_"
DASHBOARD = Dashboard(
    charts=(
        Chart(
            "loss", "Loss", "nats",
            (
                Line("train_loss", "training", "training", True), Line("val_loss", "held out", "validation"),
                Line("simple_loss", "chance", "simple"),
            ),
            "Loss", units={TWO_STREAM: "nats, and squared error of patches"},
        ),
        Chart(
            "words", "Masked words", "share correct",
            (Line("word_accuracy", "held out", "validation"),
             Line("other_picture_accuracy", "with another picture", "training"),
             Line("text_only_accuracy", "text alone", "simple")),
            "Words", when=TWO_STREAM,
        ),
        Chart(
            "match", "Belong together?", "share correct",
            (Line("match_accuracy", "held out", "validation"), Line("match_chance", "chance", "simple")), "Words",
            when=TWO_STREAM,
        ),
        Chart(
            "unseen_words", "Combinations never seen", "share correct",
            (Line("unseen_word_accuracy", "masked words", "validation"),
             Line("unseen_match_accuracy", "belong together?", "training")),
            "Words", when=f"{TWO_STREAM}&hold_out=True",
        ),
        Chart(
            "patches", "Masked patches", "squared error, from -1 to 1",
            (Line("patch_error", "held out", "validation"), Line("mean_patch_error", "mean patch", "simple")), "Loss",
            when=TWO_STREAM,
        ),
        Chart(
            "recall", "Found first", "share of held-out pictures",
            (Line("recall_at_1_text", "text finds picture", "validation"),
             Line("recall_at_1_image", "picture finds text", "training"), Line("chance", "chance", "simple")),
            "Retrieval", when=CONTRASTIVE,
        ),
        Chart(
            "recall_10", "Among the first ten", "share of held-out pictures",
            (Line("recall_at_10_text", "text finds picture", "validation"),
             Line("recall_at_10_image", "picture finds text", "training"), Line("chance_10", "chance", "simple")),
            "Retrieval", when=CONTRASTIVE,
        ),
        Chart(
            "unseen", "Combinations never seen", "share found first",
            (Line(f"{_UNSEEN}text", "text finds picture", "validation"),
             Line(f"{_UNSEEN}image", "picture finds text", "training"), Line("unseen_chance", "chance", "simple")),
            "Retrieval", when=f"{CONTRASTIVE}&hold_out=True",
        ),
        Chart("temperature", "Temperature", "", (Line("temperature", "temperature", "rate"),), "Training", log=True,
              when=CONTRASTIVE),
        *optimizer_charts("Training")[:2],
    ),
    panes=(
        Pane(("similarity",), "Similarity", note="held-out pictures and their captions"),
        Pane(
            ("words",), "Words and patches", when=TWO_STREAM,
            field=Field(
                "question", "Text with [MASK]", "Read together with the pictures during training. Empty: their own "
                                                "captions, with one word masked in each", "",
            ),
        ),
        Pane(
            ("filled", "seen"), "Masked patches", choices=("Filled in", "What is seen"),
            choice_title="What is shown beside the originals",
            choice_help="The pictures with the masked patches filled in by the model, or only the patches that it sees",
            beside="real", beside_title="Originals", beside_note="held out", paired=True, score="error", picks=False,
            when=TWO_STREAM, note="the same patches masked throughout", meaning="mean squared error of the masked patches",
        ),
        Pane(("meeting",), "Where both meet", note="held-out pictures and their captions", when=CONTRASTIVE),
        Pane(
            ("found",), "Search", SIDE, score="cosine", picks=False, note="held-out pictures, the nearest first",
            when=CONTRASTIVE,
            field=Field(
                "text", "Text", "The held-out pictures nearest to this text, shown during training. Empty, or without a "
                                "known word: the caption of a held-out picture", "a red heart",
            ),
            meaning="cosine of the picture's vector with that of the text",
        ),
    ),
    tools=(LIVE, DOCTOR, TIMELINE),
    result=(
        Measure("recall_at_1_text", "texts that find their picture", "higher"),
        Measure("word_accuracy", "masked words correct", "higher"),
        Measure("val_loss", "held-out loss", "lower", "nats"),
        Measure("recall_at_1_image", "pictures that find their text", "higher"),
        Measure("chance", "chance"),
        Measure(f"{_UNSEEN}text", "texts of combinations never seen that find their picture", "higher"),
        Measure("match_accuracy", "captions correctly matched or rejected", "higher"),
        Measure("text_only_accuracy", "masked words correct from the text alone"),
        Measure("other_picture_accuracy", "masked words correct with another picture"),
        Measure("unseen_word_accuracy", "masked words of combinations never seen", "higher"),
    ),
    summary=(Measure("train_loss", "loss"), Measure("val_loss", "val"), Measure("recall_at_1_text", "recall"),
             Measure("word_accuracy", "words"), Measure("match_accuracy", "match")),
    handles=("learning_rate", "clip", "schedule", "final_rate", "shift", "mask_share", "hide_share"),
    smaller=smaller_pictures,
    said=said,
    welcome="Press Start: pictures and texts that belong together find each other, and the diagonal of the similarity matrix "
    "lights up. Your own pictures work the same way: a folder with a table of captions, or a text file "
    "beside each picture.",
)  # fmt: skip
