"""Settings of the GAN family that belong together: some to succeed with, some to fail with and to repair."""

from __future__ import annotations

from typing import Any

from genstudio.data.info import DatasetInfo
from genstudio.families.family import Preset, made_for

_EXACT: dict[str, Any] = {
    "network": "residual",
    "width": 64,
    "layers": 2,
    "batch": 256,
    "r1": 0.003,
    "d_updates": 2,
    "d_rate": 6e-3,
    "g_rate": 1e-3,
    "hold": 0.3,
    "ema": 0.998,
}
_PICTURES: dict[str, Any] = {
    "network": "dcgan",
    "channels": 32,
    "latent": 32,
    "batch": 64,
    "r1": 0.05,
    "penalty_every": 8,
    "d_rate": 2e-3,
    "g_rate": 1e-3,
    "ema": 0.99,
    "evaluate_every": 250,
}
_SMALL_DIGITS: dict[str, Any] = {"network": "mlp", "width": 128, "latent": 16, "batch": 64}
_CLASSIC: dict[str, Any] = {"r1": 0.0, "ema": 0.0, "beta1": 0.5, "schedule": "constant", "latent": 2}

_LIVE: dict[str, Any] = {"d_rate": 6e-3, "g_rate": 3e-3, "hold": 0.3, "ema": 0.998, "r1": 0.003}

PRESETS = (
    Preset(
        "ring-live",
        "Ring, live",
        "Eight narrow Gaussians on a circle, with networks small enough to watch: a few hundred iterations per second "
        "on one core. All eight modes are found within two or three seconds. At the end 94 to 97% of the samples lie "
        "on a mode, with half the true width; the next preset is more accurate.",
        _LIVE,
        endless=True,
        steps=6000,
        data="gaussian-ring",
    ),
    Preset(
        "ring",
        "Ring: all eight modes",
        "Eight narrow Gaussians on a circle. A good minute on one core: all eight modes are found within seconds, and "
        "the rest of the time shapes them while the learning rates fall. Thirteen of fourteen seeds kept all modes, with "
        "93 to 98% of the samples on one; the mode of the least true width had 69 to 85% of it.",
        _EXACT,
        steps=6000,
        data="gaussian-ring",
    ),
    Preset(
        "grid-live",
        "Grid, live",
        "Twenty-five narrow Gaussians on a grid, with smaller batches and fewer updates than the next preset. All modes "
        "are found within ten seconds; at the end, after a minute on one core, about 96% of the samples lie on a mode.",
        _LIVE | {"network": "residual", "layers": 2},
        endless=True,
        steps=9000,
        data="gaussian-grid",
    ),
    Preset(
        "grid",
        "Grid: all twenty-five modes",
        "Twenty-five narrow Gaussians on a grid, the standard test for dropped modes. Some two minutes on one core: all "
        "modes are found early, then fewer and fewer samples fall between them. In three seeds, 96% of the samples lay "
        "on a mode, and that of the least true width had 62 to 72% of it.",
        _EXACT,
        steps=11_000,
        data="gaussian-grid",
    ),
    Preset(
        "plane",
        "Any points",
        "Small and fast, for moons, spirals or points you have drawn: most of the shape appears within a few seconds.",
        {},
        endless=True,
        steps=4000,
        data="moons",
    ),
    Preset(
        "digits",
        "Digits, choose the class",
        "Handwritten digits of 8x8 pixels, conditional on the class. Half a minute on one core: a separately "
        "trained classifier recognises the requested digit about 97% of the time.",
        _PICTURES | {"channels": 64, "conditional": True, "r1": 0.03},
        steps=1500,
        data="digits8",
    ),
    Preset(
        "mnist",
        "MNIST, choose the digit",
        "28x28 pixels, conditional on the class: strokes after half a minute, digits after one or two minutes, "
        "improving until the end. About four minutes on two cores. In three seeds, a separately trained classifier "
        "recognised the requested digit 97 to 99% of the time, real ones 99%, and the coverage was 88 to 90%, that of real "
        "ones 97%.",
        _PICTURES | {"conditional": True, "condition": "projection"},
        steps=3000,
        data="mnist10k",
    ),
    Preset(
        "fashion",
        "Clothes",
        "28x28 pixels, conditional on the class: outlines after half a minute, then sleeves, heels and handles. About four "
        "minutes on two cores. In three seeds, a separately trained classifier recognised the requested kind 90 to 92% of "
        "the time, real ones 88%, and the coverage was 80 to 81%, that of real ones 97%.",
        _PICTURES | {"conditional": True, "condition": "projection"},
        steps=3000,
        data="fashion10k",
    ),
    Preset(
        "faces",
        "Pixel-art faces",
        "16x16 pixels in colour: heads with hair, eyes and mouths in the right places within half a minute, speckled "
        "at first; hats, glasses and plain backgrounds come later. About two minutes on one core. In three seeds, the "
        "Fréchet distance was 3.9 to 5.4, where other real faces have 0.3, and the coverage 74 to 78%. Single wrong pixels "
        "give the fakes away: near the end the doctor reports, correctly, that the discriminator wins.",
        _PICTURES | {"r1": 0.3, "d_rate": 1e-3},
        steps=3000,
        data="pixel-faces",
    ),
    Preset(
        "icons",
        "Icons",
        "32x32 pixels. The hardest of the small datasets, because hardly any two icons are alike: the strokes and "
        "frames look drawn, but few of them are recognisable objects. About six minutes on two cores.",
        _PICTURES | {"latent": 64, "r1": 0.3, "d_rate": 1e-3},
        steps=3000,
        data="icons32",
    ),
    Preset(
        "pictures",
        "Any pictures",
        "Your own pictures, 8 to 64 pixels, without classes. At 16 pixels, outlines appear within half a minute on "
        "one core; four times as many pixels take about four times as long. The more similar the pictures, the better "
        "the result.",
        _PICTURES | {"r1": 0.3, "d_rate": 1e-3},
        steps=3000,
    ),
    Preset(
        "classes",
        "Any pictures with classes",
        "The same for pictures with classes: you choose the class, and a separately trained classifier reports how "
        "often it recognises it.",
        _PICTURES | {"conditional": True, "condition": "projection"},
        steps=3000,
    ),
    Preset(
        "collapse",
        "Lesson: mode collapse",
        "A generator that gets five updates, with larger steps, for each update of a slow discriminator puts all its "
        "samples where the discriminator is currently weakest, and jumps elsewhere once the discriminator has caught "
        "up: at most one mode at a time, mostly none.",
        _CLASSIC | {"g_updates": 5, "g_rate": 5e-3, "d_rate": 2e-4},
        steps=3000,
        data="gaussian-ring",
        cure={"g_updates": 1, "g_rate": 1e-3, "d_rate": 1e-3, "r1": 0.1, "beta1": 0.0, "ema": 0.995},
        cure_text="One update each at the same learning rate, and a penalty on the discriminator's slope that keeps "
        "it smooth: all eight modes within 500 steps.",
    ),
    Preset(
        "vanishing",
        "Lesson: vanishing gradient",
        "The minimax loss against a discriminator that is too strong: trained first and updated more often, it tells all "
        "fakes from the real digits, D(G(z)) is 0, and the loss is flat there. The generator's gradient falls to a "
        "fifth of its value with the fix, and no digit appears.",
        _SMALL_DIGITS
        | {
            "r1": 0.0,
            "ema": 0.0,
            "beta1": 0.5,
            "schedule": "constant",
            "loss": "minimax",
            "d_updates": 3,
            "pretrain_discriminator": 300,
            "g_rate": 1e-4,
        },
        steps=1200,
        data="digits8",
        cure={
            "loss": "nonsaturating",
            "d_updates": 1,
            "pretrain_discriminator": 0,
            "g_rate": 1e-3,
            "r1": 0.1,
            "beta1": 0.0,
            "ema": 0.99,
        },
        cure_text="The non-saturating loss is steep exactly where the discriminator is confident, and a penalty on "
        "the slope keeps it from becoming overconfident.",
    ),
    Preset(
        "oscillation",
        "Lesson: oscillation",
        "High learning rates with strong momentum: both networks overshoot, the fakes circle around the real points, "
        "the losses never stop swinging, and no mode is kept.",
        _CLASSIC | {"beta1": 0.95, "d_rate": 5e-3, "g_rate": 5e-3},
        steps=3000,
        data="gaussian-ring",
        cure={"beta1": 0.0, "d_rate": 1e-3, "g_rate": 1e-3, "r1": 0.1, "ema": 0.995},
        cure_text="No momentum, lower learning rates, a penalty on the slope, and the generator EMA, which averages "
        "the oscillation out.",
    ),
    Preset(
        "memorising",
        "Lesson: memorisation",
        "Forty pictures, over and over: the discriminator memorises each one, and the generator moves closer and "
        "closer to them. Watch the distance ratio fall below 1 (0.87 after 1,800 steps, and falling) while the "
        "coverage of all digits stays at a third, and compare samples with their nearest training pictures.",
        _SMALL_DIGITS | {"batch": 16, "r1": 0.01, "examples": 40},
        steps=3000,
        data="digits8",
        cure={"examples": 0, "batch": 64, "r1": 0.05},
        cure_text="More pictures help most: here all of them, with a penalty on the slope that keeps the "
        "discriminator from memorising single ones. The ratio stays above 1, and coverage rises above 0.8.",
    ),
)


def preset_for(info: DatasetInfo, now: str = "") -> str:
    """Name of the preset to begin with on a dataset: one made for it, the one of `now` first; else one for its kind."""
    kind = "plane" if info.kind == "points" else "classes" if info.details.get("classes") else "pictures"
    return made_for(PRESETS, info, now, kind)
