"""What goes wrong with word vectors, as rules about numbers of their training. Numpy only."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import numpy as np

from genstudio.events import Diagnosis
from genstudio.families.rules import NOT_FINITE, START, advice, diverged, not_finite, number, overfitting, plateau
from genstudio.families.word2vec.batches import Integers, keep_shares
from genstudio.families.word2vec.data import WordData
from genstudio.training.doctor import Doctor, Finding, Rule, Window

EMPTY, MISSED, NARROW = 0.1, 0.7, 2
"""Shares of the text that are too little to be left, and of the analogies that are too few to be right; a narrow window."""


def thinned(counts: Integers) -> Callable[[Window], Finding | None]:
    """Of words that occur so often: subsampling skips nearly all of the text."""

    def judge(window: Window) -> Finding | None:
        left = float((counts * keep_shares(counts, number(window, "subsampling"))).sum() / max(int(counts.sum()), 1))
        if not left < EMPTY:
            return None
        return Finding(
            f"Subsampling skips {1 - left:.0%} of the text: hardly a word has another one near it.",
            {"share of the text that is left": left},
            advice(window, ("Start again and skip only very frequent words", {"subsampling": 1e-3})),
        )

    return judge


def too_narrow(window: Window) -> Finding | None:
    """What words are about is farther away than the window reaches."""
    right, reach = window.last("analogy_accuracy"), number(window, "window")
    if window.step < 2 * START or reach > NARROW or math.isnan(right) or not right < MISSED:
        return None
    return Finding(
        f"With a window of {reach:g} only {right:.0%} of the known analogies come out right: it sees how words are put "
        "together, not what they are about.",
        {"share of the analogies right": right, "window": reach},
        advice(window, ("Start again with a wider window", {"window": 10})),
    )


RULES = (
    NOT_FINITE,
    diverged(("Shorten long gradients", {"clip": 1.0})),
    plateau("baseline_loss", "knowing how frequent each word is", ("Start again with a wider window", {"window": 10}),
            ("Look at the text: words in random order say nothing about each other", {})),
    overfitting(("Stop here: the best checkpoint is kept, and can be chosen in the Playground", {}),
                ("Start again with shorter vectors", {"dimension": 32}), ("More text helps most", {})),
    Rule("too_narrow", "Window too narrow",
         f"The window is at most {NARROW}, and after {2 * START} steps less than {MISSED:.0%} of the known analogies are right.",
         too_narrow),
)  # fmt: skip


def doctor(told: Iterable[Diagnosis] = (), data: WordData | None = None) -> Doctor:
    """What watches word vectors that learn from `data`; `told` are the diagnoses of their run so far."""
    counts = np.zeros(0, np.int64) if data is None else data.counts
    says = f"Subsampling leaves less than {EMPTY:.0%} of the text."
    rare = Rule("thinned", "Subsampling skips too much", says, thinned(counts))
    return Doctor((*RULES, rare) if len(counts) else RULES, lambda _: {}, told, broken=not_finite)
