"""Settings of two towers that belong together: some to succeed with, some to fail with and to repair."""

from __future__ import annotations

from typing import Any

from genstudio.data.info import DatasetInfo
from genstudio.families.family import Preset, made_for

_STREAMS: dict[str, Any] = {
    "architecture": "two_stream", "pictures": "patches", "layers": 1, "picture_layers": 1, "joint_layers": 1, "batch": 64,
    "mask_share": 0.5, "learning_rate": 3e-3, "evaluate_every": 100,
}  # fmt: skip
_SHAPES: dict[str, Any] = {**_STREAMS, "patch": 6, "learning_rate": 1.5e-3}
"""A shape stands on a grid of 6 pixels, so it lies in the corners of a few patches of that size, whatever its place."""
_EMOJI: dict[str, Any] = {"shift": 2}

PRESETS = (
    Preset(
        "shapes",
        "Shapes in a minute",
        "Shapes with captions, such as 'a small red heart at the top left'. After 200 steps nine of ten captions find their "
        "picture among 100 held-out ones; at the end, after about a minute on one core, nearly all do, also those of "
        "combinations of colour and shape that training never saw.",
        {},
        steps=600,
        data="captioned-shapes",
    ),
    Preset(
        "emoji",
        "Emoji and their names",
        "1,477 emoji with their names. Within a minute one in four names of held-out emoji finds its picture among 100, "
        "where chance is 1%, and half find it among the first ten. More steps do not help: the other names contain words "
        "never seen in training.",
        _EMOJI,
        steps=400,
        data="emoji32",
    ),
    Preset(
        "faces",
        "Faces and their descriptions",
        "Pixel-art faces with a sentence each, such as 'a sad face with long black hair, sunglasses'. After five minutes "
        "of one core, 99% of the descriptions found their face among 100 held-out ones, in each of three seeds.",
        {"context": 32},
        seconds=300,
        data="captioned-faces",
    ),
    Preset(
        "any",
        "Your own pictures and captions",
        "Any pictures with captions. A few hundred are memorised; thousands, with captions that name what they show, teach "
        "the model what words look like.",
        {"shift": 2},
        seconds=300,
    ),
    Preset(
        "patches",
        "Patches instead of convolutions",
        "The picture tower is a transformer over patches of 4x4 pixels. It learns the same from shapes, in more steps: it has to "
        "find out which patches are neighbours.",
        {"pictures": "patches"},
        steps=1000,
        data="captioned-shapes",
    ),
    Preset(
        "streams",
        "Words that look at patches",
        "Patches and words that read a shape together. After 900 steps, about a minute on one idle core, nearly all captions are "
        "correctly matched or rejected, and nearly all masked sizes and colours are read from the picture. Shapes come last: at "
        "the end 19 in 20 are right, where chance is one in four, and the error of masked patches has fallen by 40%.",
        _SHAPES,
        steps=2000,
        data="captioned-shapes",
    ),
    Preset(
        "streams_short",
        "Two streams, half a minute",
        "The same, shorter: masked sizes are read from the picture, and two in three colours. Shapes take longer.",
        _SHAPES,
        steps=500,
        data="captioned-shapes",
    ),
    Preset(
        "streams_faces",
        "Words that look at faces",
        "Masked words of the descriptions of pixel-art faces: which hair, which glasses, which colour behind them.",
        {**_STREAMS, "context": 32},
        seconds=300,
        data="captioned-faces",
    ),
    Preset(
        "streams_shuffled",
        "Lesson: words that cannot look",
        "Two streams trained on shuffled captions. The model learns the order of words, but not what a picture shows: it "
        "guesses masked colours, and does as well with another picture.",
        {**_SHAPES, "shuffled": True},
        steps=600,
        data="captioned-shapes",
        cure={"shuffled": False},
        cure_text="With the right captions, a picture reveals the masked word, and words begin to look at it.",
    ),
    Preset(
        "shuffled",
        "Lesson: shuffled captions",
        "Every picture has the caption of another. The training loss falls because pairs can be memorised, but held-out "
        "pictures are found no more often than at random, and their loss rises above the chance line.",
        {"shuffled": True},
        steps=400,
        data="captioned-shapes",
        cure={"shuffled": False},
        cure_text="With the right captions, what is learned from one picture holds for others: the held-out loss falls with "
                  "the training loss.",
    ),
    Preset(
        "hot",
        "Lesson: a fixed temperature of 1",
        "Cosines lie between -1 and 1. Divided by 1, they can make a picture at most seven times as probable as another one: the "
        "loss stays near 3.9, whatever is learned, and the vectors never come close.",
        {"temperature": 1.0, "learn_temperature": False},
        steps=400,
        data="captioned-shapes",
        cure={"learn_temperature": True, "temperature": 0.07},
        cure_text="A learned temperature makes small differences between cosines count, so pairs can be told apart.",
    ),
)  # fmt: skip


def preset_for(info: DatasetInfo, now: str = "") -> str:
    """Name of the preset to begin with on a dataset: one made for it, the one of `now` first; else any pictures."""
    return made_for(PRESETS, info, now, "any")
