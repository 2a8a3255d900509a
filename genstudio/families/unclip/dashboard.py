"""What a run of text to picture shows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from genstudio.families.dashboard import (
    DENOISE,
    DOCTOR,
    EXPLORE,
    LIVE,
    SAMPLE,
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
from genstudio.families.sample_charts import GRADIENTS, losses

if TYPE_CHECKING:
    from genstudio.runs import RunInfo


def said(info: RunInfo, _references: Mapping[str, float]) -> str:
    """How often the pictures show what their text says, against chance."""
    found, chance = info.losses.get("agreement"), info.losses.get("agreement_chance")
    what = "show what their caption names, judged by a classifier of real pictures"
    if found is None:
        found, chance, what = info.losses.get("recall_at_1"), info.losses.get("chance"), "find their own caption first, by CLIP"
    if found is None or chance is None:
        return ""
    step = info.measured.get("agreement", info.measured.get("recall_at_1", info.step))
    when = "" if step == info.step else f" (step {step:,})"
    return f"{found:.1%} of the pictures of held-out captions {what}{when}; chance: {chance:.1%}."


DASHBOARD = Dashboard(
    charts=(
        losses("Denoising loss", "mean squared error", "always the mean"),
        Chart(
            "agreement", "Shows what the text says", "share of generated pictures",
            (Line("agreement", "all named factors", "fake"), Line("agreement_class", "class", "training"),
             Line("agreement_colour", "colour", "validation"), Line("agreement_chance", "chance", "simple")),
            "Text", floors={"agreement_real": "real pictures"}, large=True,
        ),
        Chart(
            "recall", "Own caption first, by CLIP", "share of generated pictures",
            (Line("recall_at_1", "generated", "fake"), Line("chance", "chance", "simple")), "Text",
            floors={"recall_at_1_real": "real pictures"},
        ),
        Chart(
            "prior", "Prior", "cosine with the picture's vector",
            (Line("prior_cosine", "prior", "validation"), Line("text_cosine", "text itself", "simple")), "Text",
            when="condition=picture",
        ),
        Chart(
            "prior_loss", "Prior loss", "squared error", (Line("prior_loss", "training", "training", True),), "Text", log=True,
            when="condition=picture",
        ),
        *GRADIENTS,
    ),
    panes=(
        Pane(
            ("samples", "expected"), "Samples", choices=("Samples", "Expected half-way"), choice_title="What is shown",
            choice_help="Finished pictures, one row per caption, or the clean pictures that the decoder predicts when half "
                        "of the noise is left", note="same captions and same noise throughout", picks=False,
        ),
        Pane(
            ("sentence",), "Your sentence", picks=False, note="from noise to picture, one per row",
            field=Field(
                "text", "Text", "Pictures are generated from this text during training. Empty, or without a known word: "
                                "from the first caption", "a small red heart at the top left",
            ),
        ),
        Pane(("loss_by_level",), "Loss by noise level", SIDE),
    ),
    tools=(LIVE, SAMPLE, DOCTOR, TIMELINE, EXPLORE, DENOISE),
    result=(
        Measure("agreement", "shows what the text says", "higher"), Measure("recall_at_1", "own caption first", "higher"),
        Measure("val_loss", "held-out loss", "lower"),
    ),
    summary=(Measure("train_loss", "loss", "lower"), Measure("prior_loss", "prior", "lower"), Measure("agreement", "right")),
    handles=("guidance", "prior", "learning_rate", "ema", "sampler", "sampling_steps"),
    smaller=smaller_pictures,
    said=said,
    welcome="unCLIP needs a CLIP run on the same pictures: one for shapes is included; for other pictures train one first, in "
            "the Transformer tab. Then press Start: a decoder learns to turn CLIP's vectors into pictures, and a prior to turn "
            "a text into such a vector. Type a sentence and watch it become a picture.",
    race="condition",
)  # fmt: skip
