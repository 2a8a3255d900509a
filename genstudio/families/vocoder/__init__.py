"""The vocoder family: its settings, presets and registration. torch is imported only when a model is built."""

from __future__ import annotations

from typing import Any

from genstudio.data.learnable.audio import AudioData, from_metadata, metadata
from genstudio.families.family import Family, deferred
from genstudio.families.memory import require
from genstudio.families.vocoder.config import VocoderConfig
from genstudio.families.vocoder.cost import cost, drawing
from genstudio.families.vocoder.dashboard import DASHBOARD
from genstudio.families.vocoder.data import prepare, shown
from genstudio.families.vocoder.doctor import doctor
from genstudio.families.vocoder.presets import PRESETS, preset_for
from genstudio.families.weights import exporter

__all__ = ["FAMILY", "VocoderConfig"]

_build = deferred(f"{__name__}.model", "VocoderModel")


def _model(config: VocoderConfig, data: AudioData, device: str, seed: int) -> Any:
    """Raises DeviceError where training takes more memory than is free."""
    from genstudio.training.device import free_bytes

    if len(data):  # it is to be trained
        require(config, None, free_bytes(device), lambda settings, _: cost(settings), ("channels", "d_channels"))
    return _build(config, data, device, seed)


FAMILY: Family[VocoderConfig, AudioData] = Family(
    name="vocoder",
    title="Vocoder (HiFi-GAN)",
    data_kinds=("audio",),
    room="gan",
    abilities=("Vocodes", "Evaluates"),
    config=VocoderConfig,
    presets=PRESETS,
    prepare=prepare,
    model=_model,
    learner=deferred(f"{__name__}.learner", "VocoderLearner"),
    metadata=metadata,
    from_metadata=lambda _config, kept: from_metadata(kept),
    cost=cost,
    drawing=drawing,
    batch=shown,
    dashboard=DASHBOARD,
    export=exporter("vocoder", metadata),
    doctor=doctor,
    saves_memory=("a smaller batch", "fewer channels", "shorter pieces"),
    preset_for=preset_for,
    usual_data="telephone-voice",
)
