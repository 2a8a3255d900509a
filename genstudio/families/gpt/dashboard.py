"""What a run of a GPT shows."""

from __future__ import annotations

import math
from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING, Literal

from genstudio.data import shelf
from genstudio.data.datasets import TaskDataset
from genstudio.data.info import DatasetInfo
from genstudio.data.learnable.questions import prepare_questions
from genstudio.data.learnable.tokens import prepare_text
from genstudio.data.split import SplitSettings
from genstudio.data.vocabulary import TokenSettings
from genstudio.evaluation.ngram import reference_lines
from genstudio.evaluation.questions import baselines
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
    Reference,
    against,
    optimizer_charts,
)
from genstudio.families.gpt.config import GPTConfig

if TYPE_CHECKING:
    from genstudio.runs import RunInfo

LINES = {"uniform": "uniform", "unigram": "unigram", "kneser_ney": "Kneser-Ney 6"}
"""Losses that need no neural network, by their names, the weakest first: what they are called on screen."""


_BEATEN = {"unigram": "Beats letter frequencies", "kneser_ney": "Beats Kneser-Ney"}


def _references(config: GPTConfig, info: DatasetInfo) -> Generator[float, None, Mapping[str, float]]:
    """Those of LINES in nats per token, from the cache where it has them; `characters_per_token` of the validation text. Of a
    toy task, its `baselines`."""
    values = config.model_dump()
    tokens = TokenSettings.of(values)
    if info.kind == "tasks":
        task, backwards = shelf.open_dataset(info), config.answers == "backwards"
        assert isinstance(task, TaskDataset)
        split = SplitSettings.of(values)
        return baselines((yield from prepare_questions(task, config.context, tokens, split=split, backwards=backwards)))
    markers: Literal["none", "lines"] = "lines" if tokens.lines else "none"
    prepared = yield from prepare_text(shelf.open_text(info), markers, 2, tokens)
    lines = yield from reference_lines(prepared)
    if len(prepared.validation) > 1:
        lines["characters_per_token"] = prepared.validation_characters / (len(prepared.validation) - 1)
    return lines


def _smaller(config: GPTConfig, info: DatasetInfo) -> tuple[str, GPTConfig, DatasetInfo] | None:
    """Half the layers."""
    half = config.layers // 2
    return (f"{half} layer{'s' * (half > 1)}", config.model_copy(update={"layers": half}), info) if half else None


def said(info: RunInfo, references: Mapping[str, float]) -> str:
    """The share of questions that are answered exactly, of a toy task. Else the validation loss of a model as perplexity and in
    bits per character, and against each reference line.

    Bits per character need `characters_per_token` among the references.
    """
    loss = info.losses.get("val_loss")
    if (exact := info.losses.get("exact_match")) is not None:
        usual = references.get("usual")
        than = "" if usual is None else f"; always giving the most frequent answer: {usual:.1%}"
        return f"Exact match {exact:.1%} of the held-out questions{than}."
    if loss is None or not math.isfinite(loss):
        return ""
    step = info.measured.get("val_loss", info.step)
    when = "" if step == info.step else f" (step {step:,})"
    unit = {"char": "character", "byte": "byte"}.get(TokenSettings.of(info.config).kind, "token")
    words = [f"Validation {loss:.3f} nats per {unit}{when} = perplexity {math.exp(min(loss, 700)):,.3g}"]
    if ratio := references.get("characters_per_token"):
        words.append(f"{loss / math.log(2) / ratio:.2f} bits per character")
    return ", ".join(words) + _against(loss, references) + "."


def _against(loss: float, references: Mapping[str, float]) -> str:
    """Which reference lines a loss beats, and by how much it misses the others."""
    words = against(loss, ((words, references[name]) for name, words in LINES.items() if name in references))
    return f"; {words}" if words else ""


DASHBOARD = Dashboard(
    charts=(
        Chart(
            "loss", "Loss", "nats per token",
            (Line("train_loss", "training", "training", True), Line("val_loss", "validation", "validation")),
            "Loss", large=True, units={"tokenizer=char": "nats per character", "tokenizer=byte": "nats per byte"},
            references=tuple(
                Reference(name, words + " {:.3f}", beaten=_BEATEN.get(name, "")) for name, words in LINES.items()
            ),
            nats=True,
        ),
        Chart(
            "exact_match", "Exact match", "share of held-out questions", (Line("exact_match", "exact match", "validation"),),
            "Loss", kinds=("tasks",), large=True,
            references=(Reference("usual", "always the most frequent answer {:.1%}", "guess {:.1%}"),),
        ),
        Chart(
            "parts", "Network and counts", "nats per token",
            (Line("val_network", "network alone", "speed"), Line("val_counts", "counts alone", "norm"),
             Line("val_together", "together", "validation")),
            "Counts", units={"tokenizer=char": "nats per character", "tokenizer=byte": "nats per byte"}, nats=True,
            when="counts=mix|gate",
        ),
        Chart(
            "counts_share", "Share of the counts", "mean over validation tokens", (Line("val_share", "share", "rate"),), "Counts",
            when="counts=mix|gate",
        ),
        *optimizer_charts("Loss", "tokens"),
    ),
    panes=(
        Pane(
            ("sample",), "Samples", SIDE, kinds=("text",),
            field=Field("prompt", "Prompt", "The live sample continues this text", "ROMEO:"),
        ),
        Pane(
            ("answers",), "Answers", SIDE, kinds=("tasks",), note="The same held-out questions at every step",
            rows=("question", "answer", "model"),
            field=Field("question", "Your question", "It is answered at every step, before the held-out ones", ""),
        ),
        Pane(
            ("attention",), "Attention", SIDE,
            field=Field("probe", "Probe", "Text for which the attention is shown", "First Citizen: Speak, speak."),
        ),
        Pane(("layers",), "Layers", SIDE),
    ),
    tools=(LIVE, DOCTOR, TIMELINE),
    result=(Measure("exact_match", "exact match", "higher"), Measure("val_loss", "validation", "lower", "nats per token"),),
    summary=(Measure("train_loss", "loss"), Measure("val_loss", "val"), Measure("exact_match", "exact")),
    speed=Measure("tokens_per_second", "speed", "higher", "tokens/s"),
    handles=("learning_rate", "muon_rate", "clip", "schedule", "final_rate"),
    references=_references,
    smaller=_smaller,
    said=said,
    explorers=("scaling",),
    welcome="Press Start: the model learns Shakespeare in about two minutes. You will see the loss fall, the samples turn "
    "into words, and the attention take shape. Your own text works the same way: drop the file on the window.",
)  # fmt: skip
