"""What goes wrong with two towers, as rules about numbers of their training. Numpy only."""

from __future__ import annotations

import math
from collections.abc import Iterable

from genstudio.events import Diagnosis
from genstudio.families.rules import (
    NOT_FINITE,
    START,
    advice,
    diverged,
    memorising,
    not_finite,
    number,
    overfitting,
    plateau,
)
from genstudio.training.doctor import Doctor, Finding, Rule, Window

HIGH = 0.3
"""The share of the loss of chance that a fixed temperature may leave."""
BLIND, SEEN = 300, 0.05
"""Steps after which words should look at the picture, and the least share of its mistakes beside another picture that a model
then avoids beside its own."""
_USUAL = 0.07


def lowest_loss(temperature: float, batch: int) -> float:
    """The contrastive loss of a batch whose pairs have cosine 1 and all others the least that they can have together,
    -1 / (batch - 1), at a temperature: none is lower (Wang & Isola 2020; Graf et al. 2021)."""
    return math.log1p((batch - 1) * math.exp(-(1 + 1 / (batch - 1)) / temperature))


def fixed_temperature(window: Window) -> Finding | None:
    """A temperature that is not learned keeps the loss high, whatever the vectors are."""
    temperature, batch = number(window, "temperature"), int(number(window, "batch"))
    if window.step < START or window.settings.get("learn_temperature", True) or temperature <= 0 or batch < 2:
        return None
    lowest, chance = lowest_loss(temperature, batch), math.log(batch)
    if not lowest > HIGH * chance:
        return None
    return Finding(
        f"The temperature is fixed at {temperature:g}: no loss below {lowest:.3g} is possible in batches of {batch}, and chance "
        f"is {chance:.3g}.",
        {"temperature": temperature, "lowest possible loss": lowest, "loss at chance": chance},
        advice(window, ("Learn the temperature, in a new run", {"learn_temperature": True, "temperature": _USUAL})),
    )


def ignores_the_picture(window: Window) -> Finding | None:
    """Masked words are filled in as well beside a picture that does not belong to them."""
    own, other = window.last("word_accuracy"), window.last("other_picture_accuracy")
    alone = window.last("text_only_accuracy")
    if window.step < BLIND or math.isnan(own) or own - other > SEEN * (1 - other):
        return None
    return Finding(
        f"After {window.step:,} steps {own:.0%} of the masked words are correct, and {other:.0%} with another picture: the "
        f"model reads only the text, which alone gives {alone:.0%}.",
        {"own picture": own, "another picture": other, "text alone": alone},
        advice(window, ("Use the right captions", {"shuffled": False}), ("Mask fewer patches", {"hide_share": 0.15}),
               ("Use smaller steps", {"learning_rate": 1e-3}), ("Train longer: looking at pictures is learned after the "
                                                                "order of words", {})),
    )  # fmt: skip


RULES = (
    NOT_FINITE,
    diverged(("Clip the gradient norm", {"clip": 1.0})),
    plateau("simple_loss", "chance", ("Use the right captions", {"shuffled": False}), ("Lower the learning rate",
            {"learning_rate": 5e-4})),
    Rule("fixed_temperature", "Fixed temperature",
         f"After {START} steps the temperature is not learned, and at its value even perfect vectors leave more than "
         f"{HIGH:.0%} of the loss at chance.", fixed_temperature),
    Rule("ignores_the_picture", "Ignores the picture",
         f"After {BLIND} steps the right picture corrects less than {SEEN:.0%} of the masked words that are wrong with "
         "another picture.", ignores_the_picture),
    overfitting(("Shift pictures at random", {"shift": 2}), ("Use more samples", {"examples": 0})),
    memorising("known_loss", "val_loss", "the loss",
               "The gain over chance on held-out pictures is less than a third of that on training pictures.",
               lambda mine, theirs, simple: simple - theirs < (simple - mine) / 3,
               ("Shift pictures at random", {"shift": 2})),
)  # fmt: skip


def doctor(told: Iterable[Diagnosis] = (), _data: object = None) -> Doctor:
    """What watches two towers; `told` are the diagnoses of the run so far."""
    return Doctor(RULES, told=told, broken=not_finite)
