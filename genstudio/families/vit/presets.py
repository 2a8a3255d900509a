"""Settings of the ViT family that belong together: some to succeed with, some to fail with and to repair."""

from __future__ import annotations

from typing import Any

from genstudio.data.info import DatasetInfo
from genstudio.families.family import Preset, made_for

_DIGITS: dict[str, Any] = {"patch": 2, "layers": 2}
_SMALL: dict[str, Any] = {"patch": 4}

PRESETS = (
    Preset(
        "digits",
        "Digits in half a minute",
        "Handwritten digits of 8x8 pixels as sixteen patches. Half a minute comes near 97% of held-out digits. Compare it with "
        "the lines of k nearest neighbours and logistic regression, which need no network.",
        _DIGITS,
        steps=600,
        data="digits8",
    ),
    Preset(
        "any",
        "Pictures with classes",
        "For pictures whose sides are multiples of 4: MNIST, Fashion, or your own folder with a folder for each class.",
        _SMALL,
        seconds=300,
    ),
    Preset(
        "bag",
        "Lesson: no positions",
        "Without positions a picture is a bag of patches: shuffling them changes nothing, and the model confuses classes that "
        "differ only in where things are.",
        _DIGITS | {"positions": "none"},
        steps=600,
        data="digits8",
        cure={"positions": "learned"},
        cure_text="A learned vector for each place is added to its patch, so that the same stroke at the top and at the bottom "
        "are different things (Dosovitskiy et al. 2021, 3.1).",
    ),
)


def preset_for(info: DatasetInfo, now: str) -> str:
    """The one made for the dataset; else the one that is chosen, unless it is made for another dataset; else the general one."""
    general = any(preset.name == now and not preset.data for preset in PRESETS)
    return made_for(PRESETS, info, now, now if general else "any")
