"""What a run of a model that speaks shows."""

from __future__ import annotations

import math
from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING

from genstudio.data import shelf
from genstudio.data.info import DatasetInfo
from genstudio.data.work import mapped
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
    Reference,
    optimizer_charts,
)
from genstudio.families.tts.config import TTSConfig
from genstudio.families.tts.data import SpokenData, prepare

if TYPE_CHECKING:
    from genstudio.runs import RunInfo

ATTENTION, DURATIONS = "architecture=attention", "architecture=durations"


def baselines(data: SpokenData) -> Generator[float, None, dict[str, float]]:
    """Errors on held-out clips that need no network: see `simple_errors`."""
    from genstudio.families.tts.model import simple_errors

    if not len(data.held):
        return {}
    return (yield from mapped(simple_errors(data, data.held), lambda score: score.done))


def _references(config: TTSConfig, info: DatasetInfo) -> Generator[float, None, Mapping[str, float]]:
    data = yield from prepare(config, shelf.open_dataset(info))  # type: ignore[arg-type]
    return (yield from baselines(data))


def _smaller(config: TTSConfig, info: DatasetInfo) -> tuple[str, TTSConfig, DatasetInfo] | None:
    """Half the width, as far as its heads allow."""
    half = config.d_model // 2
    if half < 16 or half % (2 * config.heads):
        return None
    return f"a d_model of {half}", config.model_copy(update={"d_model": half}), info


def said(info: RunInfo, references: Mapping[str, float]) -> str:
    """How near it speaks to recordings, against what needs no network."""
    error = info.losses.get("mel_error")
    if error is None or not math.isfinite(error):
        return ""
    words = f"What it speaks is {error:.2f} dB from the recordings of held-out sentences"
    if "nearest_clip_mel_error" in references:
        words += f"; the training clip with the nearest text: {references['nearest_clip_mel_error']:.2f} dB"
    diagonality = info.losses.get("diagonality")
    return words + (f"; {diagonality:.0%} of the alignment is near the diagonal." if diagonality is not None else ".")


DASHBOARD = Dashboard(
    charts=(
        Chart(
            "mel_error", "Error of what is spoken", "dB from the recording", (Line("mel_error", "held-out", "validation"),),
            "Speech", large=True,
            references=(
                Reference("mean_mel_error", "mean spectrum {:.2f}", "mean"),
                Reference("nearest_clip_mel_error", "nearest clip {:.2f}", "nearest", beaten="Beats the nearest recording"),
            ),
        ),
        Chart(
            "loss", "Error of each frame", "dB",
            (Line("train_loss", "training", "training", True), Line("val_loss", "held-out", "validation")), "Speech",
        ),
        Chart(
            "diagonality", "Alignment near the diagonal", "share", (Line("diagonality", "held-out", "validation"),), "Alignment",
        ),
        Chart(
            "letters", "Letters that are looked at", "share",
            (Line("coverage", "looked at", "validation"), Line("stopped", "sentences that end"),
             Line("going_back", "steps back")),
            "Alignment", when=ATTENTION,
        ),
        Chart("guided_loss", "Attention off the diagonal", "", (Line("guided_loss", "training", "training", True),), "Alignment",
              when=ATTENTION),
        Chart("alignment_loss", "Expected frames", "squared error", (Line("alignment_loss", "training", "training", True),),
              "Alignment", when=DURATIONS),
        Chart("duration_error", "Error of durations", "ms per letter", (Line("duration_error", "held-out", "validation"),),
              "Alignment", when=DURATIONS),
        Chart("length_error", "Error of the length", "share of the recording", (Line("length_error", "held-out", "validation"),),
              "Alignment"),
        *optimizer_charts("Training"),
    ),
    panes=(
        Pane(
            ("spoken", "recorded"), "Spoken", STAGE, note="The same held-out sentences at every step",
            field=Field("sentence", "Your sentence", "It is spoken at every step, before the held-out ones", ""), tall=True,
        ),
        Pane(("attention",), "Attention", SIDE, when=ATTENTION),
    ),
    tools=(LIVE, DOCTOR, TIMELINE),
    result=(Measure("mel_error", "error of what is spoken", "lower", "dB"), Measure("diagonality", "diagonality", "higher")),
    summary=(Measure("train_loss", "loss"), Measure("mel_error", "spoken"), Measure("diagonality", "diagonal")),
    handles=("learning_rate", "guided", "prenet_dropout", "stop_weight", "duration_weight", "clip", "schedule", "final_rate"),
    references=_references,
    race="architecture",
    smaller=_smaller,
    said=said,
    welcome="Press Start: a voice that says digits, in about a minute. You will see the spectrogram and its alignment with the "
    "letters appear, and hear it. Your own recordings work the same way: drop a folder with clips and their transcripts on the "
    "window.",
)  # fmt: skip
