"""Settings of the autoencoder family that belong together: some to succeed with, one to fail with and to mend."""

from __future__ import annotations

from typing import Any

from genstudio.families.family import Preset

_LINEAR: dict[str, Any] = {"network": "linear", "code": 8, "batch": 2048, "learning_rate": 0.01, "hold": 0.2}
_CONV: dict[str, Any] = {"network": "conv", "channels": 16, "batch": 64}

PRESETS = (
    Preset(
        "digits",
        "Digits on a map",
        "Handwritten digits through a bottleneck of two numbers, in half a minute: every digit is a place of the map. PCA with "
        "two numbers loses half as much again.",
        {"code": 2},
        steps=2000,
        data="digits8",
    ),
    Preset(
        "linear",
        "Linear: the plane of PCA",
        "One matrix there and one back, all digits in every step. It finds the very plane of PCA: the largest principal "
        "angle falls below 0.01 degrees within half a minute, and the error is that of PCA to six digits.",
        _LINEAR,
        steps=1500,
        data="digits8",
    ),
    Preset(
        "axes",
        "Linear + L2: axes of PCA",
        "Without a penalty only the plane is found, in any coordinates. With one on the weights each singular vector of the "
        "decoder becomes a principal axis: the cosines reach 1.000. The error rises a little: weights are held small.",
        _LINEAR | {"l2": 0.02},
        steps=3000,
        data="digits8",
    ),
    Preset(
        "mnist",
        "MNIST, sixteen numbers",
        "28x28 pixels by convolutions through sixteen numbers: copies that are hard to tell from the originals after two "
        "minutes on one core, at two fifths of the error of PCA.",
        _CONV | {"code": 16},
        steps=2500,
        data="mnist10k",
    ),
    Preset(
        "denoising",
        "MNIST, made clean",
        "The encoder sees each digit under heavy noise, and the clean one is to be made. What is learnt is what digits have in "
        "common, for noise has nothing.",
        _CONV | {"code": 32, "noise": 0.5},
        steps=2500,
        data="mnist10k",
    ),
    Preset(
        "faces",
        "Pixel-art faces",
        "16x16 pixels in colour through thirty-two numbers: hair, hats and skin come first, glasses and mouths later. Two "
        "minutes on one core.",
        _CONV | {"code": 32, "channels": 32},
        steps=3000,
        data="pixel-faces",
    ),
    Preset(
        "points",
        "Two moons, one number",
        "Two coordinates through one number: the decoder draws a curve, and every point is copied to its nearest place on it. "
        "Arrows say what is lost.",
        {"code": 1, "width": 64, "layers": 3},
        steps=2000,
        data="moons",
    ),
    Preset(
        "pictures",
        "Any pictures",
        "Pictures of your own, of any size, through thirty-two numbers.",
        {"code": 32, "width": 256, "batch": 64},
        steps=3000,
    ),
    Preset(
        "by-heart",
        "Lesson: memorising",
        "Sixty digits, again and again, through eight numbers: the copies of these become perfect, while the error on digits it "
        "never saw is many times as large and rises.",
        {"code": 8, "examples": 60, "batch": 32},
        steps=2000,
        data="digits8",
        cure={"examples": 0, "batch": 128},
        cure_text="All digits: what holds for sixteen hundred holds for the next one too. Noise on what the encoder sees and "
        "the L2 penalty help as well where there are no more pictures.",
    ),
)
