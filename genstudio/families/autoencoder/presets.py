"""Settings of the autoencoder family that belong together: some to succeed with, one to fail with and to repair."""

from __future__ import annotations

from typing import Any

from genstudio.families.family import Preset

_LINEAR: dict[str, Any] = {"network": "linear", "code": 8, "batch": 2048, "learning_rate": 0.01, "hold": 0.2}
_CONV: dict[str, Any] = {"network": "conv", "channels": 16, "batch": 64}

PRESETS = (
    Preset(
        "digits",
        "Digits on a map",
        "Handwritten digits through a two-number bottleneck, in half a minute: every digit is a point on the map. PCA "
        "with two components has an error about 50% larger.",
        {"code": 2},
        steps=2000,
        data="digits8",
    ),
    Preset(
        "linear",
        "Linear: the PCA subspace",
        "One matrix to encode and one to decode, with all digits in every step. It finds the PCA subspace: the "
        "largest principal angle falls below 0.01 degrees within half a minute, and the error matches PCA to six "
        "digits.",
        _LINEAR,
        steps=1500,
        data="digits8",
    ),
    Preset(
        "axes",
        "Linear + L2: axes of PCA",
        "Without a penalty only the subspace is found, in arbitrary coordinates. With an L2 penalty each singular "
        "vector of the decoder becomes a principal axis: the cosines reach 1.000. The error rises slightly, because "
        "the weights are kept small.",
        _LINEAR | {"l2": 0.02},
        steps=3000,
        data="digits8",
    ),
    Preset(
        "mnist",
        "MNIST, sixteen numbers",
        "28x28 pixels through convolutions and a 16-number code: after two minutes on one core the copies are hard to "
        "tell from the originals, with 40% of the error of PCA.",
        _CONV | {"code": 16},
        steps=2500,
        data="mnist10k",
    ),
    Preset(
        "denoising",
        "MNIST, denoising",
        "Heavy noise over each digit goes in, and the clean digit has to come out. The model learns what digits have in "
        "common, because noise has no structure to learn.",
        _CONV | {"code": 32, "noise": 0.5},
        steps=2500,
        data="mnist10k",
    ),
    Preset(
        "faces",
        "Pixel-art faces",
        "16x16 pixels in colour through a 32-number code: hair, hats and skin appear first, glasses and mouths later. Two "
        "minutes on one core.",
        _CONV | {"code": 32, "channels": 32},
        steps=3000,
        data="pixel-faces",
    ),
    Preset(
        "points",
        "Two moons, one number",
        "Two coordinates through a one-number code: the decoder traces a curve, and every point is mapped to a nearby "
        "place on it. Arrows show the error.",
        {"code": 1, "width": 64, "layers": 3},
        endless=True,
        steps=2000,
        data="moons",
    ),
    Preset(
        "pictures",
        "Any pictures",
        "Your own pictures, of any size, through a 32-number code.",
        {"code": 32, "width": 256, "batch": 64},
        steps=3000,
    ),
    Preset(
        "by-heart",
        "Lesson: memorisation",
        "Sixty digits, over and over, through an eight-number code: their copies become perfect, while the error on "
        "unseen digits is many times larger and rising.",
        {"code": 8, "examples": 60, "batch": 32},
        steps=2000,
        data="digits8",
        cure={"examples": 0, "batch": 128},
        cure_text="Train on all 1,600 digits: what fits them generalises to new ones. Where there are no more "
        "pictures, noise on the encoder's input and the L2 penalty help as well.",
    ),
)
