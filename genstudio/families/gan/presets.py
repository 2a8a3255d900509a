"""Settings of the GAN family that belong together."""

from __future__ import annotations

from genstudio.families.family import Preset

PRESETS = (
    Preset(
        "ring",
        "Ring of eight",
        "Eight narrow Gaussians on a circle, within a minute.",
        steps=10_000,
    ),
)
