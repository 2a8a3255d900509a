"""What a run of a sequence-to-sequence model shows."""

from __future__ import annotations

import math
from collections.abc import Generator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from genstudio.data import shelf
from genstudio.data.info import DatasetInfo
from genstudio.data.learnable.pairs import PairData, prepare_pairs
from genstudio.data.vocabulary import TokenSettings
from genstudio.evaluation.ngram import uniform, unigram
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
from genstudio.families.seq2seq.config import Seq2SeqConfig

if TYPE_CHECKING:
    from genstudio.runs import RunInfo


def baselines(data: PairData) -> dict[str, float]:
    """Losses on held-out targets that need no network and no source, in nats per token: guessing blindly (`uniform`), and
    knowing how frequent each token is (`unigram`). The begin marker is never predicted."""
    begin, size = data.tokenizer.begin, data.tokenizer.size
    train, held = (part.targets.ids[part.targets.ids != begin] for part in (data.train, data.held))
    if not len(train) or len(held) < 2:
        return {}
    return {"uniform": uniform(size), "unigram": unigram(train, held, size)}


def _references(config: Seq2SeqConfig, info: DatasetInfo) -> Generator[float, None, Mapping[str, float]]:
    values = config.model_dump()
    data = yield from prepare_pairs(
        shelf.open_dataset(info),  # type: ignore[arg-type]
        config.context,
        replace(TokenSettings.of(values), lines=True),
        shared=config.vocabularies == "shared",
        split=config.pair_split,
    )
    return baselines(data)


def _smaller(config: Seq2SeqConfig, info: DatasetInfo) -> tuple[str, Seq2SeqConfig, DatasetInfo] | None:
    """Half the layers."""
    half = config.layers // 2
    return (f"{half} layer{'s' * (half > 1)}", config.model_copy(update={"layers": half}), info) if half else None


def said(info: RunInfo, references: Mapping[str, float]) -> str:
    """How many held-out pairs are translated without an error, and the loss against what the frequencies alone give."""
    exact, loss = info.losses.get("exact_match"), info.losses.get("val_loss")
    if exact is None:
        return ""
    words = f"Of the held-out pairs {exact:.1%} are translated without an error"
    if loss is not None and math.isfinite(loss):
        step = info.measured.get("val_loss", info.step)
        words += f", at {loss:.3f} nats per token" + ("" if step == info.step else f" (step {step:,})")
        if "unigram" in references:
            words += f"; knowing only how frequent each token is: {references['unigram']:.3f}"
    return f"{words}."


DASHBOARD = Dashboard(
    charts=(
        Chart(
            "loss", "Loss", "nats per token",
            (Line("train_loss", "training", "training", True), Line("val_loss", "held-out", "validation")),
            "Loss", large=True, units={"tokenizer=char": "nats per character", "tokenizer=byte": "nats per byte"},
            references=(
                Reference("uniform", "uniform {:.3f}"),
                Reference("unigram", "unigram {:.3f}", beaten="Beats token frequencies"),
            ),
        ),
        Chart(
            "exact_match", "Exact match", "share of pairs",
            (Line("exact_match", "exact match", "validation"),), "Quality",
        ),
        Chart(
            "token_accuracy", "Right tokens", "share of target tokens",
            (
                Line("token_accuracy", "all", "validation"), Line("short_accuracy", "short"), Line("long_accuracy", "long"),
            ),
            "Quality",
        ),
        Chart("bleu", "BLEU", "0 to 100", (Line("bleu", "BLEU", "validation"),), "Quality", kinds=("pairs",)),
        Chart("chrf", "chrF", "0 to 100", (Line("chrf", "chrF", "validation"),), "Quality"),
        *optimizer_charts("Training"),
    ),
    panes=(
        Pane(
            ("translations",), "Translations", STAGE,
            note="The same held-out pairs at every step",
            field=Field("sentence", "Your sentence", "It is translated at every step, before the held-out ones", ""),
        ),
        Pane(("attention",), "Attention", SIDE),
    ),
    tools=(LIVE, DOCTOR, TIMELINE),
    result=(
        Measure("exact_match", "exact match", "higher"), Measure("val_loss", "held-out loss", "lower", "nats per token"),
    ),
    summary=(Measure("train_loss", "loss"), Measure("val_loss", "held-out"), Measure("exact_match", "exact")),
    handles=("learning_rate", "muon_rate", "clip", "teacher_forcing", "label_smoothing", "schedule", "final_rate"),
    references=_references,
    race="architecture",
    smaller=_smaller,
    said=said,
    welcome="Press Start: English to Spanish with a small grammar, one minute. You will see sentences become "
    "right, and which words the model looks at. Your own pairs work the same way: drop a table with two columns on the window.",
)  # fmt: skip
