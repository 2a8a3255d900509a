"""What goes wrong with models that speak, as rules about numbers of their training. Numpy only."""

from __future__ import annotations

from collections.abc import Iterable

from genstudio.events import Diagnosis
from genstudio.families.rules import (
    NOT_FINITE,
    START,
    Tried,
    advice,
    diverged,
    not_finite,
    overfitting,
    plateau,
)
from genstudio.families.tts.data import SpokenData, mean_error
from genstudio.training.doctor import Doctor, Finding, Rule, Window

DIAGONAL, LOOKED, ENDS, BACK, LEFT_OUT = 0.7, 0.6, 0.6, 0.1, 0.1
_GUIDE: Tried = ("Start again with guided attention", {"guided": 1.0})
_TOGETHER: Tried = ("Start again with more frames per step", {"together": 5})
_START: Tried = ("Start again with attention near the diagonal", {"diagonal_start": True})
_DROP: Tried = ("Start again with prenet dropout", {"prenet_dropout": 0.5})
_FORGET: Tried = ("Start again with more frames forgotten", {"frame_dropout": 0.5})
_DURATIONS: Tried = ("Start again with durations, which cannot skip", {"architecture": "durations"})


def _attends(window: Window) -> bool:
    return window.step >= START and window.settings.get("architecture") == "attention"


def not_diagonal(window: Window) -> Finding | None:
    """No head goes through the letters in their order."""
    share = window.last("diagonality")
    if not _attends(window) or not share < DIAGONAL:
        return None
    return Finding(
        f"Attention does not go through the letters in their order: {share:.0%} of it is near the diagonal. What is spoken is a "
        "mumble that does not depend on the text.",
        {"attention near the diagonal": share},
        advice(window, _GUIDE, _START, _DROP, _TOGETHER, _DURATIONS),
    )


def skips(window: Window) -> Finding | None:
    """Letters that nothing looks at, or attention that goes back, though it is diagonal by and large."""
    looked, back, diagonal = (window.last(name) for name in ("coverage", "going_back", "diagonality"))
    if not _attends(window) or diagonal < DIAGONAL or not (looked < LOOKED or back > BACK):
        return None
    what = (
        f"{1 - looked:.0%} of the letters are skipped" if looked < LOOKED
        else f"attention goes back at {back:.0%} of the steps, which repeats what was said"
    )  # fmt: skip
    return Finding(
        f"When it speaks by itself, {what}. With the right frames before each, in training, this does not show.",
        {"letters that are looked at": looked, "steps back": back},
        advice(window, _GUIDE, _FORGET, _DROP, ("Train longer: this often goes away", {}), _DURATIONS),
    )


def never_stops(window: Window) -> Finding | None:
    """The stop output stays low."""
    share = window.last("stopped")
    if not _attends(window) or not share < ENDS:
        return None
    return Finding(
        f"Only {share:.0%} of the held-out sentences come to an end; the others are cut off at twice the length of the "
        f"recording.",
        {"sentences that end": share},
        advice(window, ("Let the stop count more", {"stop_weight": 20.0}), _GUIDE, ("Train longer", {})),
    )


def left_out(window: Window) -> Finding | None:
    """Clips are not learnt from, because they are too long."""
    share = window.last("left_out")
    if not share > LEFT_OUT:
        return None
    return Finding(
        f"{share:.0%} of the clips are ignored: they are longer than {window.settings.get('longest'):g} seconds, or have "
        f"more letters "
        "than frames.",
        {"share of the clips": share},
        advice(window, ("Start again with longer clips", {"longest": 15.0}), ("Start again with a shorter hop", {"hop": 64})),
    )


RULES = (
    NOT_FINITE,
    diverged(("Clip the gradient norm", {"clip": 1.0})),
    plateau("mean_mel_error", "the mean spectrum at all times", ("Use the settings of the first preset", {}), name="mel_error"),
    overfitting(("Stop here: the best checkpoint is kept", {}), ("Start again with more dropout", {"dropout": 0.2})),
    Rule("not_diagonal", "Attention is not diagonal",
         f"After {START} steps of a model with attention, less than {DIAGONAL:.0%} of the attention of its best head is near the "
         "diagonal of held-out sentences.", not_diagonal),
    Rule("skips", "Letters are skipped or repeated",
         f"What is spoken without help looks at less than {LOOKED:.0%} of the letters, or goes back at more than "
         f"{BACK:.0%} of the "
         "steps, while attention is diagonal.", skips),
    Rule("never_stops", "It does not stop", f"Less than {ENDS:.0%} of the held-out sentences come to an end by themselves.",
         never_stops),
    Rule("left_out", "Clips too long", f"More than {LEFT_OUT:.0%} of the clips with a transcript are not used.", left_out),
)  # fmt: skip


def doctor(told: Iterable[Diagnosis] = (), data: SpokenData | None = None) -> Doctor:
    """What watches a model that learns from `data`; `told` are the diagnoses of its run so far."""
    known = {}
    if data is not None and len(data.train):
        every = len(data.train) + len(data.held) + data.left_out
        known = {"left_out": data.left_out / every, "mean_mel_error": mean_error(data)}
    return Doctor(RULES, told=told, broken=not_finite, known=known)
