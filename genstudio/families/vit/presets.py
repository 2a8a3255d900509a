"""Settings of the ViT family that belong together: some to succeed with, some to fail with and to repair."""

from __future__ import annotations

from typing import Any

from genstudio.data.info import DatasetInfo
from genstudio.families.family import Preset, made_for

_DIGITS: dict[str, Any] = {"patch": 2, "layers": 2}
_VIEWS: dict[str, Any] = {
    "task": "views", "patch": 7, "layers": 2, "shift": 0.12, "rotation": 15.0, "zoom": 0.2, "contrast": 0.3, "batch": 64,
    "dropout": 0.0, "evaluate_every": 200,
}  # fmt: skip

PRESETS = (
    Preset(
        "digits",
        "Digits in half a minute",
        "Handwritten digits of 8x8 pixels as sixteen patches: 97 to 99% of the held-out digits after half a minute. Compare it "
        "with the lines of k nearest neighbours and logistic regression, which need no network.",
        _DIGITS,
        steps=600,
        data="digits8",
    ),
    Preset(
        "any",
        "Pictures with classes",
        "For pictures whose sides are multiples of 4: MNIST, Fashion, or your own folder with a folder for each class.",
        {"patch": 4},
        seconds=300,
    ),
    Preset(
        "faces",
        "Happy or sad",
        "Pixel faces with one of their attributes as the classes: the mouth. After 1,000 steps, 96 to 98% of held-out faces "
        "are right in three seeds. The most frequent mouth is right for 57%, and a logistic regression, for which it is always "
        "in the same place, for 99.7%. Choose another attribute under 'Classes from attribute'.",
        {"patch": 4, "target": "mouth", "layers": 2},
        seconds=120,
        data="pixel-faces",
    ),
    Preset(
        "views",
        "Two views of one picture",
        "Needs no classes: of 64 pictures, find the other variation of the same one. After 400 steps on MNIST, a linear probe "
        "classifies 95% of held-out digits correctly; on an untrained model 72%.",
        _VIEWS,
        steps=400,
        data="mnist10k",
    ),
    Preset(
        "masked",
        "Fill in hidden patches",
        "Needs no classes: the encoder reads 4 of 16 patches, and a small decoder fills in the others while you watch. The "
        "dashed line is the error of the mean picture. After 1,600 steps on MNIST, about a minute on one idle core, a linear "
        "probe names 82 to 85% of held-out digits right; on an untrained model 72%. Afterwards, choose the run under 'Start from "
        "run' and the task classify. For other pictures choose a patch that divides their sides.",
        {"task": "masked", "patch": 7, "layers": 2, "dropout": 0.0, "mask_share": 0.75, "normalised": True,
         "evaluate_every": 200},
        steps=1600,
        data="mnist10k",
    ),
    Preset(
        "teacher",
        "A model that teaches itself",
        "Needs no classes and no other pictures to compare with: predict what a slowly moving copy of the model says of another "
        "view. It learns more slowly than the contrast of two views.",
        _VIEWS | {"objective": "distilled", "temperature": 0.1},
        seconds=300,
        data="mnist10k",
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
    Preset(
        "large-patches",
        "Lesson: too large patches",
        "One patch is the whole picture: there is nothing to attend to, and what is left is a network on the pixels. Its "
        "attention is 100% at itself in every head.",
        {"patch": 8, "layers": 2},
        steps=600,
        data="digits8",
        cure={"patch": 2},
        cure_text="Sixteen patches of 2x2 pixels can attend to each other, so that strokes are put together from parts wherever "
        "they are. Halving the patch size makes four times as many tokens, and attention sixteen times as expensive.",
    ),
    Preset(
        "collapse",
        "Lesson: the collapse",
        "A model that predicts its own slow copy, without anything that keeps answers apart: the same answer to every picture is "
        "always right. The loss falls to zero, and the spread of the vectors with it.",
        _VIEWS | {"objective": "distilled", "temperature": 0.1, "balanced": False},
        steps=400,
        data="mnist10k",
        cure={"balanced": True},
        cure_text="Where each direction must be named equally often within a batch, one answer for all pictures is no longer a "
        "solution (Caron et al. 2020, 3.1).",
    ),
)


def preset_for(info: DatasetInfo, now: str) -> str:
    """The one made for the dataset; else the one that is chosen, unless it is made for another dataset; else the general one."""
    general = any(preset.name == now and not preset.data for preset in PRESETS)
    return made_for(PRESETS, info, now, now if general else "any")
