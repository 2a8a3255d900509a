"""Settings of the VAE family that belong together: some to succeed with, one to fail with and to repair."""

from __future__ import annotations

from typing import Any

from genstudio.families.family import Preset

_CONV: dict[str, Any] = {"network": "conv", "channels": 16, "batch": 64}

PRESETS = (
    Preset(
        "digits",
        "Digits on a map",
        "Handwritten digits with a two-number code, in half a minute: the map is filled without gaps, and every point "
        "of it is a digit or a blend of two.",
        {"code": 2},
        steps=2000,
        data="digits8",
    ),
    Preset(
        "classes",
        "Digits, choose the class",
        "Encoder and decoder know which digit it is, so the code only describes how it is written. Half a minute.",
        {"code": 6, "conditional": True, "width": 64},
        steps=2000,
        data="digits8",
    ),
    Preset(
        "mnist",
        "MNIST",
        "28x28 pixels, convolutions and a 16-number code: readable digits, softer than those of a GAN. About two "
        "minutes on one core.",
        _CONV | {"code": 16},
        steps=3000,
        data="mnist10k",
    ),
    Preset(
        "faces",
        "Pixel-art faces",
        "16x16 pixels in colour with a 32-number code. Drag from one face to another: hats and hair change, and "
        "everything in between is a face too. About two minutes on one core.",
        _CONV | {"code": 32, "channels": 32},
        steps=3000,
        data="pixel-faces",
    ),
    Preset(
        "linear",
        "Linear: pPCA",
        "One matrix each way, all digits in every step. Its bound reaches the exact likelihood of probabilistic PCA, "
        "which an evaluation computes for comparison.",
        {"network": "linear", "code": 4, "batch": 2048, "learning_rate": 0.01, "hold": 0.2},
        steps=1500,
        data="digits8",
    ),
    Preset(
        "points",
        "Points: two moons",
        "A round cloud is bent into two moons, joined by a thread: a continuous map cannot tear the cloud apart. The code has "
        "two numbers, and the decoder adds little noise.",
        {"code": 2, "width": 64, "layers": 3},
        endless=True,
        steps=3000,
        data="moons",
    ),
    Preset(
        "pictures",
        "Any pictures",
        "Your own pictures, of any size, with a 32-number code.",
        {"code": 32, "width": 256, "batch": 64},
        steps=3000,
    ),
    Preset(
        "collapse",
        "Lesson: posterior collapse",
        "The KL weight is thirty times that of the ELBO, so the cheapest code is an empty one. Every code dimension "
        "collapses to the prior, and all reconstructions are the same grey mean.",
        {"code": 8, "beta": 30.0},
        steps=1500,
        data="digits8",
        cure={"beta": 1.0, "kl_warmup": 300},
        cure_text="A KL weight of 1, as in the ELBO, reached slowly: by then the codes carry enough information to be "
        "worth their cost.",
    ),
)
