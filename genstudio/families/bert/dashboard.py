"""What a run of a BERT shows."""

from __future__ import annotations

import math
from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from genstudio.data import shelf
from genstudio.data.info import DatasetInfo
from genstudio.evaluation.hidden_letters import best_nats
from genstudio.families.bert.batches import held_out, turns
from genstudio.families.bert.config import BertConfig
from genstudio.families.bert.data import BertData, prepare
from genstudio.families.bert.doctor import baselines
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
    optimizer_charts,
)

if TYPE_CHECKING:
    from genstudio.runs import RunInfo


_WINDOWS = 256
"""Windows of the validation text between two chances for others."""


def _references(config: BertConfig, info: DatasetInfo) -> Generator[float, None, Mapping[str, float]]:
    """Losses and accuracy that need no neural network; `optimum` where the chain that wrote the text is known."""
    data = yield from prepare(config, cast("Any", shelf.open_dataset(info)))
    lines = baselines(data)
    if data.labelled is not None:
        lines["class_frequencies"] = lines["unigram"]
    elif "entropy_rate" in info.details and config.tokenizer == "char":
        lines |= yield from _best_possible(config, data)
    return lines


def _best_possible(config: BertConfig, data: BertData) -> Generator[float, None, dict[str, float]]:
    """The nats per hidden letter of the validation text that no model can do better than."""
    from genstudio.data.generators.markov import SYMBOLS, transitions

    base, body = data.tokenizer.base, min(config.context - 1, len(data.validation))
    if body < 2 or base.pieces(range(base.size)) != tuple(SYMBOLS):
        return {}
    windows, rounds = np.arange(len(data.validation) // body), turns(config, len(data.validation))
    parts = [(turn, first) for turn in range(rounds) for first in range(0, len(windows), _WINDOWS)]
    nats = list[Any]()
    for number, (turn, first) in enumerate(parts):
        drawn = held_out(data, config, windows[first : first + _WINDOWS], turn)
        nats.append(best_nats(transitions(), drawn.targets[:, 1:], drawn.chosen[:, 1:]))
        yield number / len(parts)
    return {"optimum": float(np.concatenate(nats).mean())}


def _smaller(config: BertConfig, info: DatasetInfo) -> tuple[str, BertConfig, DatasetInfo] | None:
    """Half the layers."""
    half = config.layers // 2
    return (f"{half} layer{'s' * (half > 1)}", config.model_copy(update={"layers": half}), info) if half else None


def said(info: RunInfo, references: Mapping[str, float]) -> str:
    """Loss and accuracy on hidden tokens, against what the frequencies alone give."""
    if "accuracy" in info.losses:
        words = f"Of the held-out texts {info.losses['accuracy']:.1%} are classified correctly"
        beside = references.get("baseline_accuracy")
        return words + ("." if beside is None else f"; always naming the most frequent one: {beside:.1%}.")
    loss, accuracy = info.losses.get("val_loss"), info.losses.get("masked_accuracy")
    if loss is None or accuracy is None or not math.isfinite(loss):
        return ""
    step = info.measured.get("val_loss", info.step)
    when = "" if step == info.step else f" (step {step:,})"
    words = f"Of the hidden tokens {accuracy:.1%} are predicted correctly{when}, at {loss:.3f} nats each"
    if "unigram_accuracy" in references:
        words += f"; the most frequent token alone: {references['unigram_accuracy']:.1%}, {references['unigram']:.3f} nats"
    if "optimum" in references:
        words += f"; the best possible: {references['optimum']:.3f} nats"
    return f"{words}."


DASHBOARD = Dashboard(
    charts=(
        Chart(
            "loss", "Loss", "nats per hidden token",
            (Line("train_loss", "training", "training", True), Line("val_loss", "validation", "validation")),
            "Loss", large=True, units={"task=classify": "nats per text"},
            references=(
                Reference("uniform", "uniform {:.3f}"),
                Reference("unigram", "unigram {:.3f}", when="task=pretrain", beaten="Beats token frequencies"),
                Reference("class_frequencies", "class frequencies {:.3f}", beaten="Beats class frequencies"),
                Reference("optimum", "best possible {:.3f}"),
            ),
        ),
        Chart(
            "accuracy", "Accuracy", "share of hidden tokens",
            (Line("masked_accuracy", "hidden tokens", "validation"), Line("accuracy", "texts")), "Loss",
            units={"task=classify": "share of texts"},
            references=(
                Reference("unigram_accuracy", "unigram {:.3f}"), Reference("baseline_accuracy", "most frequent {:.3f}"),
            ),
        ),
        *optimizer_charts("Loss", "tokens", "More"),
        Chart(
            "next_sentence", "Next sentence", "share correct",
            (Line("next_sentence_accuracy", "validation", "validation"),), "More",
            references=(Reference("", "chance {:.1f}", value=0.5, when="nsp=True"),),
        ),
    ),
    panes=(
        Pane(
            ("filled", "confusion"), "Predictions", SIDE,
            field=Field("text", "Text", "Its gaps, written [MASK], are filled at every preview",
                        "To be, or not to be, that is the [MASK]:", when="task=pretrain"),
        ),
        Pane(
            ("attention",), "Attention", SIDE,
            field=Field("probe", "Probe", "The attention is shown for this text", "What is your [MASK], my lord?"),
        ),
        Pane(("layers",), "Layers", SIDE),
    ),
    tools=(LIVE, DOCTOR, TIMELINE),
    result=(
        Measure("accuracy", "accuracy", "higher"),
        Measure("masked_accuracy", "masked accuracy", "higher"),
        Measure("val_loss", "validation", "lower", "nats per hidden token"),
    ),
    summary=(
        Measure("train_loss", "loss"), Measure("val_loss", "val"), Measure("masked_accuracy", "accuracy"),
        Measure("accuracy", "accuracy"),
    ),
    speed=Measure("tokens_per_second", "speed", "higher", "tokens/s"),
    handles=("learning_rate", "muon_rate", "clip", "schedule", "final_rate"),
    race="start",
    references=_references,
    smaller=_smaller,
    said=said,
    welcome="Hide some words of a text and let a transformer that reads from both sides name them. The loss first falls to the "
    "unigram line, where every gap is filled with a frequent word, and leaves it when the words around a gap are used.",
)  # fmt: skip
