"""What goes wrong with language models, as rules about numbers of their training. Numpy only."""

from __future__ import annotations

from collections.abc import Iterable

from genstudio.data.learnable.questions import QuestionData
from genstudio.data.learnable.tokens import TextData
from genstudio.evaluation.ngram import uniform, unigram
from genstudio.evaluation.questions import baselines
from genstudio.events import Diagnosis
from genstudio.families.rules import NOT_FINITE, diverged, memorising, not_finite, overfitting, plateau
from genstudio.families.text_rules import DEAD_UNITS, DROPOUT, RATE_TOO_HIGH, RATE_TOO_LOW, observe
from genstudio.training.doctor import Doctor

RECALLED = 0.5

RULES = (
    NOT_FINITE,
    diverged(("Clip the gradient norm", {"clip": 1.0})),
    plateau(
        "unigram", "predicting by token frequency alone",
        ("Use the settings of the first preset", {}),
        ("Check the text: one without any structure cannot be predicted better", {}),
    ),
    overfitting(("Stop here: the best checkpoint is kept and can be chosen in the Playground", {}), DROPOUT),
    memorising("train_loss", "val_loss", "the loss", f"The training loss is below {RECALLED:.0%} of the validation loss.",
               lambda mine, theirs, _: mine < RECALLED * theirs, DROPOUT),
    RATE_TOO_LOW, RATE_TOO_HIGH, DEAD_UNITS,
)  # fmt: skip


def doctor(told: Iterable[Diagnosis] = (), data: TextData | None = None) -> Doctor:
    """What watches a language model that learns from `data`; `told` are the diagnoses of its run so far."""
    known: dict[str, float] = {}
    if isinstance(data, QuestionData):
        known = baselines(data)
    elif data is not None and len(data.train) and len(data.validation) > 1:
        size = data.tokenizer.size
        known = {"uniform": uniform(size), "unigram": unigram(data.train, data.validation, size)}
    return Doctor(RULES, observe, told, broken=not_finite, known=known)
