"""Settings of the VAE family that belong together: some to succeed with, one to fail with and to mend."""

from __future__ import annotations

from typing import Any

from genstudio.families.family import Preset

_CONV: dict[str, Any] = {"network": "conv", "channels": 16, "batch": 64}

PRESETS = (
    Preset(
        "digits",
        "Digits on a map",
        "Handwritten digits and a code of two numbers, in half a minute: the map is filled without gaps, and every place of it "
        "is a digit or something between two.",
        {"code": 2},
        steps=2000,
        data="digits8",
    ),
    Preset(
        "classes",
        "Digits, choose the class",
        "Both halves are told which digit it is, so the code says only how it is written. Half a minute.",
        {"code": 6, "conditional": True, "width": 64},
        steps=2000,
        data="digits8",
    ),
    Preset(
        "mnist",
        "MNIST",
        "28x28 pixels by convolutions, a code of sixteen numbers: digits one can read, softer than those of a GAN. About two "
        "minutes on one core.",
        _CONV | {"code": 16},
        steps=3000,
        data="mnist10k",
    ),
    Preset(
        "faces",
        "Pixel-art faces",
        "16x16 pixels in colour, a code of thirty-two numbers. Drag from one face to another: hats and hair change, and between "
        "them are faces too. About two minutes on one core.",
        _CONV | {"code": 32, "channels": 32},
        steps=3000,
        data="pixel-faces",
    ),
    Preset(
        "linear",
        "Linear: pPCA",
        "One matrix each way, all digits in every step. Its bound comes to the exact likelihood of probabilistic PCA, which an "
        "evaluation computes beside it.",
        {"network": "linear", "code": 4, "batch": 2048, "learning_rate": 0.01, "hold": 0.2},
        steps=1500,
        data="digits8",
    ),
    Preset(
        "points",
        "Points: two moons",
        "A code of two numbers and a decoder with a narrow noise bend a round cloud into two moons, with a thread between "
        "them: what is one piece stays one.",
        {"code": 2, "width": 64, "layers": 3},
        steps=3000,
        data="moons",
    ),
    Preset(
        "pictures",
        "Any pictures",
        "Pictures of your own, of any size, and a code of thirty-two numbers.",
        {"code": 32, "width": 256, "batch": 64},
        steps=3000,
    ),
    Preset(
        "collapse",
        "Lesson: posterior collapse",
        "The KL weighs thirty times as much as the bound says: it is cheapest to say nothing at all. Every number of the code "
        "falls silent, and all reconstructions are the same grey mean.",
        {"code": 8, "beta": 30.0},
        steps=1500,
        data="digits8",
        cure={"beta": 1.0, "kl_warmup": 300},
        cure_text="The weight that the bound gives it, and reached slowly: by then the codes mean something, and are worth "
        "their price.",
    ),
)
