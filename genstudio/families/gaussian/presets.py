"""Settings of the Gaussian family that belong together."""

from __future__ import annotations

from genstudio.data.info import DatasetInfo
from genstudio.families.family import Preset, made_for

PRESETS = (
    Preset(
        "digits",
        "Digits, one Gaussian per class",
        "The mean of every digit and how its 64 pixels vary together, in one step. The samples are blurred but "
        "readable digits; Bayes' rule classified 179 of 180 held-out digits correctly.",
        {"ridge": 0.01},
        steps=1,
        data="digits8",
    ),
    Preset(
        "mnist",
        "MNIST: few directions",
        "28x28 pixels: for each digit the 32 directions in which it varies most, and noise in all others "
        "(probabilistic PCA). A few seconds.",
        {"covariance": "low_rank", "rank": 32, "ridge": 0.005},
        steps=1,
        data="mnist10k",
    ),
    Preset(
        "faces",
        "Pixel-art faces",
        "One mean picture plus 48 directions of variation: ghostly faces, with a bit of every hat. Neural networks do "
        "better, and this shows by how much.",
        {"covariance": "low_rank", "rank": 48, "ridge": 0.002},
        steps=1,
        data="pixel-faces",
    ),
    Preset(
        "pictures",
        "Any pictures",
        "Your own pictures: their mean, and the 16 directions in which they differ most.",
        {"covariance": "low_rank", "rank": 16, "ridge": 0.005},
        steps=1,
    ),
    Preset(
        "points",
        "Points: one ellipse",
        "The best single Gaussian. It turns two moons or a ring into one ellipse, half of it in empty space: the "
        "limit of a linear model. A GAN or a VAE can bend.",
        {},
        steps=1,
        data="moons",
    ),
    Preset(
        "too-few",
        "Lesson: too few samples",
        "Two hundred digits, twenty of each, and a full covariance with hardly any ridge: in most of the 64 "
        "directions nothing varies, so any unseen digit that does vary there is almost impossible. The held-out loss "
        "is far above that of the simplest Gaussian, although the fit to the training samples is excellent.",
        {"examples": 200, "ridge": 1e-5},
        steps=1,
        data="digits8",
        cure={"covariance": "low_rank", "rank": 8, "ridge": 0.01},
        cure_text="Eight directions for each digit and equal variance in all others: as much as twenty samples can "
        "support.",
    ),
)


def preset_for(info: DatasetInfo, now: str = "") -> str:
    """Name of the preset to begin with on a dataset."""
    return made_for(PRESETS, info, now, "points" if info.kind == "points" else "pictures")
