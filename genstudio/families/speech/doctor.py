"""What goes wrong with models of speech, as rules about numbers of their training. Numpy only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from genstudio.events import Diagnosis
from genstudio.families.rules import NOT_FINITE, START, advice, diverged, not_finite, number, overfitting, slower
from genstudio.families.speech.data import SpeechData
from genstudio.families.text_rules import DROPOUT
from genstudio.training.doctor import Doctor, Finding, Rule, Window

COLLAPSED, AT_CHANCE, SILENT, _FALLEN = 1.5, 0.05, 0.9, 0.9


def collapsed(window: Window) -> Finding | None:
    """The codebooks have hardly more than one entry in use."""
    used, entries = window.last("codebook_perplexity"), number(window, "entries")
    if window.settings.get("task") != "pretrain" or window.step < 100 or not used < COLLAPSED:
        return None
    return Finding(
        f"The codebooks have collapsed: of {entries:.0f} entries each, {used:.2f} are in use. Nearly every sound is "
        f"the same unit, "
        "so nothing is left to tell it from.",
        {"entries in use": used, "entries": entries},
        advice(
            window, ("Start a new run that asks for all entries to be used", {"diversity": 1.0}),
            ("Start a new run with a lower learning rate", {"learning_rate": 3e-3}),
        ),
    )  # fmt: skip


def at_chance(window: Window) -> Finding | None:
    """Hidden frames are recognised no better than by guessing."""
    right, guessed = window.last("contrastive_accuracy"), window.last("chance_accuracy")
    if window.settings.get("task") != "pretrain" or window.step < START or not right < guessed + AT_CHANCE or guessed > 0.5:
        return None
    return Finding(
        f"After {window.step:,} steps {right:.1%} of the hidden frames are told from the others, where guessing "
        f"gets {guessed:.1%}: "
        "it finds nothing in what is left to hear.",
        {"hidden frames recognised": right, "by guessing": guessed},
        advice(
            window,
            *([("Hide shorter stretches, so that what is around them says more", {"mask_span": 2})]
              if number(window, "mask_span") > 4 else []),
            *([("Hide fewer frames", {"mask_share": 0.3})] if number(window, "mask_share") > 0.5 else []),
            slower(window, 3),
            ("Train longer: the units have to settle before they can be recognised", {}),
        ),
    )  # fmt: skip


def silent(window: Window) -> Finding | None:
    """CTC says the blank at every frame: the plateau on which every such training begins."""
    empty = window.last("empty")
    if window.settings.get("task") != "transcribe" or window.step < START or not empty >= SILENT:
        return None
    return Finding(
        f"After {window.step:,} steps {empty:.0%} of the held-out clips are transcribed as nothing: no "
        "letter is as probable as none, at any frame. Each training with CTC passes through this; some do not leave it.",
        {"clips transcribed as nothing": empty},
        advice(
            window,
            *([("Hide fewer frames", {"augment": 0.0})] if number(window, "augment") > 0.2 else []),
            slower(window, 3),
            ("Start a new run from a pre-trained one, which hears sounds already", {}),
            ("Start a new run that trains the whole model", {"trained": "all"}),
            ("Train longer: it often leaves the plateau all at once", {}),
        ),
    )  # fmt: skip


_OVERFITTING, _OVERFITTING_UNITS = (
    overfitting(("Stop here: the best checkpoint is kept", {}), ("Hide more frames", more), DROPOUT, name=name, what=what)
    for more, name, what in (
        ({"augment": 0.3}, "val_loss", "held-out loss"),
        ({"mask_share": 0.6}, "loss_above_guessing", "held-out loss above that of guessing"),
    )
)


def overfits(window: Window) -> Finding | None:
    """The held-out loss rises. Of units the loss itself does so at first in every training, because few are in use and there is
    little to tell a frame from; so it is that above guessing, and what is recognised has to have fallen as well."""
    if window.settings.get("task") != "pretrain":
        return _OVERFITTING.judge(window)
    _, right = window.all("contrastive_accuracy")
    return _OVERFITTING_UNITS.judge(window) if len(right) and right[-1] < _FALLEN * right.max() else None


RULES = (
    NOT_FINITE,
    diverged(("Clip the gradient norm", {"clip": 1.0})),
    Rule("collapsed", "Codebook collapse", f"Of each codebook fewer than {COLLAPSED:g} entries are in use on held-out clips.",
         collapsed, severity="error"),
    Rule("at_chance", "No better than guessing", f"After {START} steps the share of hidden frames that are "
    f"recognised is less than "
         f"{AT_CHANCE:.0%} above that of guessing.", at_chance),
    Rule("silent", "Nothing is written", f"After {START} steps at least {SILENT:.0%} of the held-out clips are "
    f"transcribed as nothing.",
         silent),
    replace(_OVERFITTING, judge=overfits),
)  # fmt: skip


def doctor(told: Iterable[Diagnosis] = (), _data: SpeechData | None = None) -> Doctor:
    """What watches the training of a model of speech; `told` are the diagnoses of its run so far."""
    return Doctor(RULES, None, told, broken=not_finite)
