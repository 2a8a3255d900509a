"""Settings of the dense network that belong together: some to succeed with, some to fail with and to repair."""

from __future__ import annotations

from typing import Any

from genstudio.families.family import Preset

_XOR: dict[str, Any] = {"width": 3, "standardise": False, "learning_rate": 1.0, "evaluate_every": 20}

PRESETS = (
    Preset(
        "xor",
        "XOR, every number",
        "Three neurons learn XOR: four corners that no straight line can separate. It takes seconds, and is small enough to "
        "compute a step of it by hand.",
        _XOR, steps=600, data="xor",
    ),
    Preset(
        "points",
        "Two moons",
        "Eight neurons bend a line until it follows both moons; every point is on the right side within half a minute.",
        {"width": 8, "optimizer": "adam", "learning_rate": 0.02, "batch": 64}, steps=1500, data="class-moons",
    ),
    Preset(
        "rings",
        "Rings",
        "A closed line around the inner ring, built from a handful of straight ones.",
        {"width": 6, "optimizer": "adam", "learning_rate": 0.02, "batch": 64}, steps=1500, data="class-rings",
    ),
    Preset(
        "spirals",
        "Spirals",
        "The hardest of these shapes: two layers of sixteen neurons unroll both arms in a minute.",
        {"layers": 2, "width": 16, "optimizer": "adam", "learning_rate": 0.01, "batch": 64}, steps=4000, data="class-spirals",
    ),
    Preset(
        "digits",
        "Digits",
        "8x8 handwritten digits into ten classes: about 97% of unseen digits right in a minute.",
        {"width": 32, "activation": "relu", "initialisation": "he", "optimizer": "adam", "learning_rate": 0.003, "batch": 64,
         "evaluate_every": 100},
        steps=2000, data="digits8",
    ),
    Preset(
        "pictures",
        "Any pictures with classes",
        "Your own pictures, one folder per class.",
        {"width": 64, "activation": "relu", "initialisation": "he", "optimizer": "adam", "learning_rate": 0.002, "batch": 64,
         "evaluate_every": 100},
        steps=3000,
    ),
    Preset(
        "same-weights",
        "Lesson: all weights the same",
        "Eight neurons with the same weights: they get the same gradient and stay the same, so together they do what one neuron "
        "does, draw one straight line, and a tenth of the points stays on the wrong side of it.",
        {"width": 8, "initialisation": "same", "optimizer": "adam", "learning_rate": 0.02}, steps=600, data="class-moons",
        cure={"initialisation": "xavier"},
        cure_text="Start with random weights: each neuron then gets a gradient of its own, and they part.",
    ),
    Preset(
        "too-large",
        "Lesson: too large a start",
        "Three layers of tanh with weights twenty times too large: most neurons are saturated, their slopes are nearly 0, and "
        "after 400 steps the rings are told apart little better than by guessing.",
        {"layers": 3, "width": 8, "initialisation": "large", "learning_rate": 0.1}, steps=400,
        data="class-rings",
        cure={"initialisation": "he", "activation": "relu"},
        cure_text="Weights of the right size and a function that does not saturate: He's variance with ReLU.",
    ),
    Preset(
        "squared-error",
        "Lesson: squared error on a wrong class",
        "A start that makes many answers sure but wrong. The squared error punishes that too little: its slope contains the "
        "sigmoid's, which is flat there, so after 400 steps more than half of the points can still be wrong.",
        {"layers": 2, "width": 16, "activation": "relu", "initialisation": "large", "loss": "squared_error",
         "learning_rate": 0.02},
        steps=400, data="class-moons",
        cure={"loss": "cross_entropy"},
        cure_text="Cross-entropy's slope is a - y: the more wrong the answer, the larger the step.",
    ),
)
