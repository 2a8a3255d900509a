"""Settings of the Gaussian family that belong together."""

from __future__ import annotations

from genstudio.data.info import DatasetInfo
from genstudio.families.family import Preset, made_for

PRESETS = (
    Preset(
        "digits",
        "Digits, one for each class",
        "The mean of every digit and how its 64 pixels vary together, in one step. The samples are blurred digits one can "
        "read; Bayes' rule named 179 of 180 digits right that it never saw.",
        {"ridge": 0.01},
        steps=1,
        data="digits8",
    ),
    Preset(
        "mnist",
        "MNIST: few directions",
        "28x28 pixels, of each digit the 32 directions in which it varies most, and noise in all others (probabilistic PCA). "
        "Some seconds.",
        {"covariance": "low_rank", "rank": 32, "ridge": 0.005},
        steps=1,
        data="mnist10k",
    ),
    Preset(
        "faces",
        "Pixel-art faces",
        "What all faces have in common is one mean picture, and 48 directions of change: ghosts of faces, with every hat "
        "worn a little. Nets do better, and this says by how much.",
        {"covariance": "low_rank", "rank": 48, "ridge": 0.002},
        steps=1,
        data="pixel-faces",
    ),
    Preset(
        "pictures",
        "Any pictures",
        "Pictures of your own: their mean, and the 16 directions in which they differ most.",
        {"covariance": "low_rank", "rank": 16, "ridge": 0.005},
        steps=1,
    ),
    Preset(
        "points",
        "Points: one ellipse",
        "The best single Gaussian. Of two moons or a ring it makes one ellipse, half of it where nothing is: what a model with "
        "straight lines can know. A GAN or a VAE can bend.",
        {},
        steps=1,
        data="moons",
    ),
    Preset(
        "too-few",
        "Lesson: too few samples",
        "Two hundred digits, twenty of each, and a full covariance with hardly any ridge: in most of 64 directions nothing "
        "varied, so whatever varies there in a digit it never saw is next to impossible. The held-out loss is far above that "
        "of the simplest Gaussian, and the fit to its own samples is splendid.",
        {"examples": 200, "ridge": 1e-5},
        steps=1,
        data="digits8",
        cure={"covariance": "low_rank", "rank": 8, "ridge": 0.01},
        cure_text="Eight directions for each digit and an even spread in all others: as much as twenty samples can tell.",
    ),
)


def preset_for(info: DatasetInfo, now: str = "") -> str:
    """Name of the preset to begin with on a dataset."""
    return made_for(PRESETS, info, now, "points" if info.kind == "points" else "pictures")
