"""Settings of the diffusion family that belong together: some to succeed with, some to fail with and to repair."""

from __future__ import annotations

from typing import Any

from genstudio.families.family import Preset

_POINTS: dict[str, Any] = {"batch": 256, "sampler": "heun", "sampling_steps": 20, "ema": 0.995}

PRESETS = (
    Preset(
        "moons",
        "Two moons",
        "Noise walks to two moons: both are there after some hundred steps, and the rest of the time thins them. Watch "
        "the paths of the points and the learned score beside them. About half a minute on one core.",
        _POINTS,
        steps=3000,
        data="moons",
    ),
)
