"""What goes wrong with text to picture, as rules about numbers of its training. Numpy only."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from genstudio.events import Diagnosis
from genstudio.families import denoising_rules
from genstudio.families.rules import START, advice, not_finite
from genstudio.training.doctor import Doctor, Finding, Rule, Window

GAIN, DEAF = 0.005, 3.0


def prior_off(window: Window) -> Finding | None:
    """The decoder reads texts' vectors as if they were pictures', and the prior would be nearer to these."""
    text, prior = window.last("text_cosine"), window.last("prior_cosine")
    off = window.settings.get("condition") == "picture" and not window.settings.get("prior", True)
    if window.step < START or math.isnan(text + prior) or not off or not prior > text + GAIN:
        return None
    return Finding(
        f"The prior is off: the vectors of texts have cosine {text:.3f} with those of their pictures, the prior's "
        f"{prior:.3f}.",
        {"cosine of texts": text, "cosine of the prior": prior},
        advice(window, ("Use the prior", {"prior": True})),
    )


def deaf(window: Window) -> Finding | None:
    """Made pictures show what texts say no more often than by chance."""
    found, chance = window.last("agreement"), window.last("agreement_chance")
    if math.isnan(found):
        found, chance = window.last("recall_at_1"), window.last("chance")
    if window.step < 2 * START or math.isnan(found + chance) or not found < DEAF * chance:
        return None
    settings, cures = window.settings, list[tuple[str, dict[str, Any]]]()
    if settings.get("shuffled"):
        cures.append(("Use the right captions, in a new run", {"shuffled": False}))
    if float(settings.get("condition_dropout", 0.0)) > 0.5:
        cures.append(("Hide fewer conditions", {"condition_dropout": 0.1}))
    if float(settings.get("guidance", 1.0)) < 1:
        cures.append(("Follow the text", {"guidance": 1.5}))
    if not cures:
        cures.append(("Train for longer", {}))
    return Finding(
        f"The pictures hardly follow the text: {found:.1%} of them show what it says, and chance is {chance:.1%}.",
        {"share that is right": found, "chance": chance}, advice(window, *cures),
    )  # fmt: skip


RULES = (
    *denoising_rules.RULES,
    Rule("prior_off", "Prior off",
         f"After {START} steps the prior is off, although its vectors are closer to those of the pictures than the texts' "
         f"own, by more than {GAIN:g} in cosine.", prior_off),
    Rule("deaf", "Text not followed",
         f"After {2 * START} steps pictures show what their text says less than {DEAF:g} times as often as at random.", deaf),
)  # fmt: skip


def doctor(told: Iterable[Diagnosis] = (), _data: object = None) -> Doctor:
    """What watches text to picture; `told` are the diagnoses of the run so far."""
    return Doctor(RULES, told=told, broken=not_finite)
