"""Settings of the CycleGAN family that belong together: some to succeed with, some to fail with and to repair."""

from __future__ import annotations

from typing import Any

from genstudio.data.info import DatasetInfo
from genstudio.families.family import Preset, made_for

_SHAPES: dict[str, Any] = {"evaluate_every": 250}

PRESETS = (
    Preset(
        "shapes",
        "Shapes: orange and blue",
        "Orange shapes become blue and blue ones orange, by sets that show different shapes: the colours change within 200 "
        "steps, the details later. At the end, after less than two minutes on one idle core, the error to the true partners is "
        "a fifth of that of leaving pictures as they are or of the mean picture.",
        _SHAPES,
        steps=1000,
        data="coloured-shapes",
    ),
    Preset(
        "digits",
        "Digits: 3 and 8",
        "Threes of 8x8 pixels become eights and eights threes, within half a minute on one idle core: strokes that close the "
        "loops appear after a few hundred steps. A separately trained classifier then takes nearly all for the other digit.",
        {"from_": "3", "to": "8", "evaluate_every": 250},
        steps=500,
        data="digits8",
    ),
    Preset(
        "mnist",
        "MNIST: 3 and 8",
        "The same with 28x28 pixels. For a hundred steps the pictures stay as they are; strokes then appear that close loops, "
        "or vanish. Discriminators that see more of a picture and no identity loss get it going, and the rates stay constant. A "
        "separately trained classifier then takes 92 to 99% for the other digit. Two to three minutes on one core.",
        {
            "from_": "3", "to": "8", "patch_layers": 3, "halvings": 2, "cycle": 1.0, "cycle_back": 1.0, "identity": 0.0,
            "schedule": "constant", "evaluate_every": 200,
        },
        steps=600,
        data="mnist10k",
    ),
    Preset(
        "faces",
        "Faces: without glasses and with",
        "Faces of 16x16 pixels get glasses, or lose them. Each set is one value of an attribute; try 'mouth=sad' and "
        "'mouth=happy', or 'hair=short' and 'hair=long', in the same way. After 500 steps, less than a minute on one idle core, "
        "a separately trained classifier takes about 80% for the other set.",
        {"from_": "without glasses", "to": "with glasses"},
        steps=1500,
        data="pixel-faces",
    ),
    Preset(
        "any",
        "Any two sets of pictures",
        "Two datasets of pictures of one size, such as two folders of your own (choose the second one under Settings), or two "
        "classes of one dataset. The more alike the sets are apart from what is to change, the better. Four times as many "
        "pixels take about four times as long.",
        {},
        steps=3000,
    ),
    Preset(
        "no-cycle",
        "Lesson: without the cycle loss",
        "Only the discriminators say what is right: the pictures look like the other set, but shapes and lightness drift, for "
        "nothing holds a picture and its translation together. What comes back differs seven times as much "
        "as with it.",
        _SHAPES | {"cycle": 0.0, "cycle_back": 0.0, "identity": 0.0},
        steps=1000,
        data="coloured-shapes",
        cure={"cycle": 2.0, "cycle_back": 2.0, "identity": 1.0},
        cure_text="A picture that has to come back cannot lose what it showed: shape, place and lightness stay, and only the "
        "colour changes.",
    ),
    Preset(
        "no-identity",
        "Lesson: without identity",
        "A generator also changes pictures of its target set: without the identity loss, blue shapes are recoloured by the "
        "generator that makes blue ones. Watch the identity error stay high.",
        _SHAPES | {"identity": 0.0},
        steps=1000,
        data="coloured-shapes",
        cure={"identity": 1.0},
        cure_text="A generator that leaves its own set alone changes only what has to change.",
    ),
    Preset(
        "collapse",
        "Lesson: identity collapse",
        "The cycle and identity losses weigh five times as much: leaving every picture as it is satisfies both, and the "
        "discriminators' opinion counts for too little. After 200 steps no picture is taken for one of the other set.",
        _SHAPES | {"cycle": 10.0, "cycle_back": 10.0, "identity": 5.0},
        steps=1000,
        data="coloured-shapes",
        cure={"cycle": 2.0, "cycle_back": 2.0, "identity": 1.0},
        cure_text="With smaller weights the discriminators are heard.",
    ),
)  # fmt: skip


def preset_for(info: DatasetInfo, now: str = "") -> str:
    """Name of the preset to begin with on a dataset: one made for it, the one of `now` first; else any two sets."""
    return made_for(PRESETS, info, now, "any")
