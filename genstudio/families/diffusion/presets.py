"""Settings of the diffusion family that belong together: some to succeed with, some to fail with and to repair."""

from __future__ import annotations

from typing import Any

from genstudio.data.info import DatasetInfo
from genstudio.families.family import Preset, made_for

_POINTS: dict[str, Any] = {
    "objective": "v", "width": 64, "layers": 4, "batch": 256, "learning_rate": 4e-3, "shared_targets": True, "ema": 0.995,
    "sampler": "heun", "sampling_steps": 30, "evaluate_every": 1000,
}  # fmt: skip
_PICTURES: dict[str, Any] = {
    "network": "unet", "channels": 16, "objective": "v", "batch": 64, "sampling_steps": 20, "ema": 0.99,
    "evaluate_every": 250,
}  # fmt: skip

PRESETS = (
    Preset(
        "moons",
        "Two moons",
        "Noise turns into two moons: both appear after a few hundred steps, and the rest of the time thins them. Watch "
        "the paths of the points and the learned score. Less than a minute on one idle core.",
        _POINTS,
        steps=3000,
        data="moons",
    ),
    Preset(
        "ring",
        "Ring, by flow matching",
        "Eight narrow Gaussians on a circle, by flow matching: the network learns the velocity along straight paths from noise "
        "to data, and the paths of the points show it. Less than a minute on one idle core.",
        _POINTS | {"objective": "flow"},
        steps=3000,
        data="gaussian-ring",
    ),
    Preset(
        "roll",
        "Swiss roll",
        "A spiral whose turns lie close together: a disc at first, then the turns come apart, from the outside to the middle. "
        "Half a minute on one idle core, after which the energy distance is 1.3 times that of real points on average.",
        _POINTS,
        steps=3000,
        data="swiss-roll",
    ),
    Preset(
        "plane",
        "Any points",
        "For spirals, rings or points you have drawn: the shape appears within a few hundred steps.",
        _POINTS,
        steps=3000,
    ),
    Preset(
        "digits",
        "Digits, choose the class",
        "Handwritten digits of 8x8 pixels, conditional on the class: strokes after half a minute, digits after a minute, "
        "cleaner until the end. Then compare samplers, numbers of steps and guidance under 'Noise to samples'.",
        _PICTURES | {"conditional": True},
        steps=1500,
        data="digits8",
    ),
    Preset(
        "faces",
        "Pixel-art faces",
        "16x16 pixels in colour: heads on their backgrounds first, then hair, eyes and mouths. Each step takes about four "
        "times as long as one of 8x8 pixels, so allow several minutes.",
        _PICTURES | {"channels": 24, "halvings": 2},
        steps=1500,
        data="pixel-faces",
    ),
    Preset(
        "mnist",
        "MNIST, choose the class",
        "28x28 pixels, read in patches of 2x2, which makes a step about three times as fast: strokes within half a minute, the "
        "first digits after a minute, cleaner until the end. About nine minutes on one idle core.",
        _PICTURES | {"channels": 24, "patch": 2, "conditional": True},
        steps=1500,
        data="mnist10k",
    ),
    Preset(
        "shapes",
        "Shapes, choose the class",
        "White squares, ellipses and hearts of 32x32 pixels: blobs after a minute, corners and curves until the end. About nine "
        "minutes on one idle core. After five, where 2,100 steps were planned, 73% of the samples showed the chosen class.",
        _PICTURES | {"halvings": 3, "batch": 16, "conditional": True, "guidance": 3.0},
        steps=4000,
        data="shapes",
    ),
    Preset(
        "pictures",
        "Any pictures",
        "Your own pictures without classes, of any size. Four times as many pixels take about four times as long.",
        _PICTURES | {"halvings": 2},
        steps=1500,
    ),
    Preset(
        "classes",
        "Any pictures with classes",
        "The same for pictures with classes: you choose the class, and guidance says how strictly it is followed.",
        _PICTURES | {"halvings": 2, "conditional": True},
        steps=1500,
    ),
    Preset(
        "few-steps",
        "Lesson: too few steps",
        "Five DDIM steps from noise to a sample: the points shrink towards the middle, however well the network learns. "
        "Even a perfect network loses spread in so few steps: see 'A perfect network' under 'Noise to samples'.",
        _POINTS | {"sampler": "ddim", "sampling_steps": 5},
        steps=3000,
        data="moons",
        cure={"sampler": "heun", "sampling_steps": 20},
        cure_text="Twenty steps of Heun's method follow the curved paths from noise to data, because each looks at both of "
        "its ends.",
    ),
)


def preset_for(info: DatasetInfo, now: str = "") -> str:
    """Name of the preset to begin with on a dataset: one made for it, the one of `now` first; else one for its kind."""
    kind = "plane" if info.kind == "points" else "classes" if info.details.get("classes") else "pictures"
    return made_for(PRESETS, info, now, kind)
