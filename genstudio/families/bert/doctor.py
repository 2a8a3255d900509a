"""What goes wrong with masked language models, as rules about numbers of their training. Numpy only."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from genstudio.events import Diagnosis
from genstudio.families.bert.data import BertData
from genstudio.families.rules import (
    NOT_FINITE,
    NOTHING,
    START,
    advice,
    diverged,
    memorising,
    not_finite,
    overfitting,
    slower,
)
from genstudio.families.text_rules import DEAD_UNITS, DROPOUT, RATE_TOO_HIGH, RATE_TOO_LOW, observe
from genstudio.training.doctor import Doctor, Finding, Rule, Window

RECALLED = 0.5


def stuck(window: Window) -> Finding | None:
    """It fills every gap with whatever is frequent: nothing around the gap has been used yet."""
    loss, simple = window.last("val_loss"), window.last("unigram")
    accuracy, common = window.last("masked_accuracy"), window.last("unigram_accuracy")
    if window.measured("val_loss") < START or not loss > simple - NOTHING * abs(simple):
        return None
    settings = window.settings
    if settings.get("task") == "classify":
        return Finding(
            f"It names the most frequent class, whatever the text is: {loss:.3g} nats per text, where knowing only how "
            f"frequent each class is gives {simple:.3g}.",
            {"loss on held-out texts": loss, "loss of the class frequencies": simple},
            advice(
                window, slower(window, 5), ("Start from a pre-trained run", {}),
                ("Start a new run that trains the whole model", {"trained": "all"}),
            ),
        )
    return Finding(
        f"It is stuck on the plateau at the unigram line: {loss:.3g} nats per hidden token, where knowing only how frequent each "
        f"token is gives {simple:.3g}. It fills every gap with a frequent token and does not read what stands around it.",
        {"loss on held-out tokens": loss, "unigram loss": simple, "masked accuracy": accuracy, "unigram accuracy": common},
        advice(
            window,
            *([("Start a new run with the norm before each sub-layer, which needs no warm-up", {"norm_place": "pre"})]
              if settings.get("norm_place") == "post" else []),
            *([("Start a new run that hides fewer tokens, so that something is left to read", {"mask_share": 0.15})]
              if float(settings.get("mask_share", 0)) > 0.4 else []),
            slower(window, 5),
            ("Start a new run with a longer warm-up", {"warmup": 300}),
            ("Train longer: a model often leaves the plateau all at once", {}),
        ),
    )  # fmt: skip


RULES = (
    NOT_FINITE,
    diverged(("Clip the gradient norm", {"clip": 1.0})),
    Rule("plateau", "Stuck at the unigram line",
         f"After {START} steps the loss on held-out tokens is not {NOTHING:.0%} below the loss of the frequencies of the tokens.",
         stuck),
    overfitting(("Stop here: the best checkpoint is kept, and can be chosen in the Playground", {}), DROPOUT),
    memorising("train_loss", "val_loss", "the loss", f"The training loss is below {RECALLED:.0%} of the validation loss.",
               lambda mine, theirs, _: mine < RECALLED * theirs, DROPOUT),
    RATE_TOO_LOW, RATE_TOO_HIGH, DEAD_UNITS,
)  # fmt: skip


def baselines(data: BertData) -> dict[str, float]:
    """What needs no neural network, for hidden tokens of the validation text: `uniform` and `unigram` loss in nats, and
    `unigram_accuracy`, the share of the most frequent token."""
    if (found := data.labelled) is not None:
        counts = np.bincount(found.labels[found.train], minlength=len(data.classes)) + 1.0
        held = found.labels[found.validation]
        return {
            "uniform": float(np.log(len(data.classes))),
            "unigram": float(-np.log(counts / counts.sum())[held].mean()),
            "baseline_accuracy": float((held == int(counts.argmax())).mean()),
        }
    wanted = data.validation.astype(np.int64)
    if data.tokenizer.unknown is not None:
        wanted = wanted[wanted != data.tokenizer.unknown]
    if not len(wanted) or not len(data.train):
        return {}
    return {
        "uniform": float(np.log(data.tokenizer.base.size)),
        "unigram": float(-np.log(data.frequencies[wanted]).mean()),
        "unigram_accuracy": float((wanted == int(data.counts.argmax())).mean()),
    }


def doctor(told: Iterable[Diagnosis] = (), data: BertData | None = None) -> Doctor:
    """What watches a masked language model that learns from `data`; `told` are the diagnoses of its run so far."""
    return Doctor(RULES, observe, told, broken=not_finite, known={} if data is None else baselines(data))
