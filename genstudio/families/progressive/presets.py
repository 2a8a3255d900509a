"""Settings of the progressive family that belong together: some to succeed with, some to fail with and to repair."""

from __future__ import annotations

from genstudio.data.info import DatasetInfo
from genstudio.families.family import Preset, made_for

PRESETS = (
    Preset(
        "digits", "Digits 8x8", "Digits.", {"channels": 32}, steps=1000, data="digits8",
    ),
    Preset(
        "any", "Any pictures", "Pictures.", {}, steps=3000,
    ),
)  # fmt: skip


def preset_for(info: DatasetInfo, now: str = "") -> str:
    """Name of the preset to begin with on a dataset: one made for it, the one of `now` first; else any pictures."""
    return made_for(PRESETS, info, now, "any")
