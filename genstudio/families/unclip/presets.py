"""Settings of text to picture that belong together: some to succeed with, some to fail with and to repair."""

from __future__ import annotations

from typing import Any

from genstudio.data.info import DatasetInfo
from genstudio.families.family import Preset, made_for

_SHAPES: dict[str, Any] = {"patch": 3}

PRESETS = (
    Preset(
        "quick",
        "Shapes in half a minute",
        "Colour, size and position come first, as blobs. After half a minute on one idle core, pictures follow the text; "
        "shapes take longer. Uses the included CLIP of these shapes, or your own.",
        _SHAPES,
        steps=200,
        data="captioned-shapes",
    ),
    Preset(
        "shapes",
        "Shapes in five minutes",
        "The same for five minutes on one idle core: blobs become circles, squares, triangles and hearts. At the end a "
        "separately trained classifier sees the requested colour in all pictures and the requested shape in 98% and 99% (two "
        "seeds). Then type a sentence, sweep the guidance and go from one picture to another under 'Noise to "
        "samples'.",
        _SHAPES,
        steps=1800,
        data="captioned-shapes",
    ),
    Preset(
        "text",
        "The text alone, without CLIP's pictures",
        "For comparison: the decoder is given the vectors of texts directly, so there is no prior and no path from one "
        "picture to another.",
        _SHAPES | {"condition": "text"},
        steps=1800,
        data="captioned-shapes",
    ),
    Preset(
        "faces",
        "Faces from descriptions",
        "Pixel-art faces from a sentence, such as 'a sad face with long black hair'. Needs a CLIP run on the faces with "
        "descriptions. Allow several minutes.",
        {},
        seconds=300,
        data="captioned-faces",
    ),
    Preset(
        "any",
        "Your own pictures and captions",
        "Any captioned pictures that a CLIP run was trained on. Thousands teach the model what words look like; a few "
        "hundred are memorised.",
        {"halvings": 2},
        seconds=300,
    ),
    Preset(
        "prior-off",
        "Lesson: the prior off",
        "The decoder was trained on vectors of pictures only, but is given those of texts. With the included CLIP these have "
        "cosine 0.80 with the vectors of their pictures, and what the prior makes of them 0.99: see the chart 'Prior'.",
        _SHAPES | {"prior": False},
        steps=400,
        data="captioned-shapes",
        cure={"prior": True},
        cure_text="The prior predicts a picture's vector from the text, so the decoder is given what it was trained on.",
    ),
    Preset(
        "shuffled",
        "Lesson: shuffled captions",
        "Every picture has the caption of another. The decoder learns to draw, but the prior learns nothing: whatever the "
        "text, it gives the mean of all pictures, and agreement stays at chance.",
        _SHAPES | {"shuffled": True},
        steps=400,
        data="captioned-shapes",
        cure={"shuffled": False},
        cure_text="With the right captions, a text describes its picture, and the prior can learn that.",
    ),
)  # fmt: skip


def preset_for(info: DatasetInfo, now: str = "") -> str:
    """Name of the preset to begin with on a dataset: one made for it, the one of `now` first; else any pictures."""
    return made_for(PRESETS, info, now, "any")
