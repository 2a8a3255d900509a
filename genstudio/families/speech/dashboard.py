"""What a run of a model of speech shows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from genstudio.data.info import DatasetInfo
from genstudio.families.dashboard import (
    DOCTOR,
    LIVE,
    SIDE,
    TIMELINE,
    Chart,
    Dashboard,
    Line,
    Measure,
    Pane,
    Reference,
)
from genstudio.families.sample_charts import GRADIENTS
from genstudio.families.speech.config import SpeechConfig

if TYPE_CHECKING:
    from genstudio.runs import RunInfo

_UNITS, _WORDS = "task=pretrain", "task=transcribe"


def _smaller(config: SpeechConfig, info: DatasetInfo) -> tuple[str, Any, DatasetInfo] | None:
    """Half the layers; else half the feature maps."""
    if half := config.layers // 2:
        return f"{half} layer{'s' * (half > 1)}", config.model_copy(update={"layers": half}), info
    half = config.channels // 2
    return (f"{half} feature maps", config.model_copy(update={"channels": half}), info) if half >= 16 else None


def said(info: RunInfo, _references: Mapping[str, float]) -> str:
    """What its units stand for, beside units that are drawn; or how many letters it gets wrong."""
    losses = info.losses
    if "cer" in losses and math.isfinite(losses["cer"]):
        return (f"Of the letters spoken in held-out clips {losses['cer']:.1%} are wrong, and of the words "
                f"{losses.get('wer', math.nan):.1%}.")  # fmt: skip
    if "contrastive_accuracy" not in losses:
        return ""
    words = (f"Of the hidden frames {losses['contrastive_accuracy']:.1%} are told from the others; guessing gets "
             f"{losses.get('chance_accuracy', math.nan):.1%}")  # fmt: skip
    if "phone_purity" in losses:
        words += (f". Its units say which phone sounds in {losses['phone_purity']:.1%} of the frames; the same units shuffled "
                  f"in {losses.get('chance_purity', math.nan):.1%}")  # fmt: skip
    return f"{words}."


DASHBOARD = Dashboard(
    charts=(
        Chart(
            "loss", "Loss", "nats per hidden frame",
            (Line("train_loss", "training", "training", True), Line("val_loss", "held out", "validation")), "Progress",
            units={_WORDS: "nats per letter"}, floors={"chance_loss": "guessing"},
        ),
        Chart(
            "accuracy", "Hidden frames recognised", "share",
            (Line("contrastive_accuracy", "held out", "validation"), Line("train_accuracy", "training", "training", True)),
            "Progress", floors={"chance_accuracy": "guessing"}, when=_UNITS,
        ),
        Chart(
            "errors", "Errors", "share of letters, of words",
            (Line("cer", "letters (CER)", "validation"), Line("wer", "words (WER)", "rate")), "Progress", when=_WORDS,
            references=(Reference("", "nothing said {:.0%}", "silent", value=1.0),),
        ),
        Chart(
            "purity", "Phone purity", "share of held-out frames", (Line("phone_purity", "units", "validation"),), "Units",
            floors={"chance_purity": "the same units shuffled", }, when=_UNITS,
        ),
        Chart(
            "codebook", "Entries in use", "perplexity of a codebook",
            (Line("codebook_perplexity", "held out", "variety"),), "Units", when=_UNITS,
        ),
        Chart(
            "gain", "Loss above guessing", "nats per hidden frame", (Line("loss_above_guessing", "held out", "validation"),),
            "Units", references=(Reference("", "guessing", value=0.0, beaten="Beats guessing"),), when=_UNITS,
        ),
        *GRADIENTS,
    ),
    panes=(
        Pane(("listening",), "Listening", note="held-out clips"),
        Pane(("phones",), "Units and phones", SIDE, when=_UNITS),
        Pane(("attention",), "Attention", SIDE),
    ),
    tools=(LIVE, DOCTOR, TIMELINE),
    result=(
        Measure("cer", "letter errors", "lower"),
        Measure("phone_purity", "phone purity", "higher"),
        Measure("contrastive_accuracy", "hidden frames recognised", "higher"),
        Measure("val_loss", "held-out loss", "lower"),
        Measure("wer", "word errors", "lower"),
        Measure("chance_purity", "purity of the units shuffled"),
        Measure("chance_accuracy", "recognised by guessing"),
    ),
    summary=(
        Measure("train_loss", "loss"), Measure("val_loss", "held out"), Measure("contrastive_accuracy", "recognised"),
        Measure("phone_purity", "purity"), Measure("cer", "CER"),
    ),
    handles=(
        "learning_rate", "diversity", "mask_share", "mask_span", "distractors", "contrast_temperature", "augment", "clip",
    ),
    race="start",
    smaller=_smaller,
    said=said,
    welcome="Press Start: parts of a clip are hidden, and the model learns to recognise the hidden sounds among others of the "
    "same clip. To do so it finds units of its own, and nobody tells it which sounds there are: with the vowels these are known, "
    "so you can see what each unit stands for. A run that has learned to listen can then learn to write from few transcripts.",
)  # fmt: skip
