"""Text to speech: its settings, presets and registration. torch is imported only when a model is built."""

from __future__ import annotations

from genstudio.families.family import Family, deferred
from genstudio.families.tts.config import TTSConfig, cost, drawing
from genstudio.families.tts.dashboard import DASHBOARD
from genstudio.families.tts.data import SpokenData, from_metadata, metadata, prepare, shown
from genstudio.families.tts.doctor import doctor
from genstudio.families.tts.presets import PRESETS, for_dataset
from genstudio.families.weights import exporter

__all__ = ["FAMILY", "TTSConfig"]

FAMILY: Family[TTSConfig, SpokenData] = Family(
    name="tts",
    title="Text to speech (FastSpeech, Tacotron)",
    data_kinds=("transcribed",),
    room="transformer",
    abilities=("Reads", "Speaks", "Evaluates"),
    config=TTSConfig,
    presets=PRESETS,
    prepare=prepare,
    model=deferred(f"{__name__}.model", "TTSModel"),
    learner=deferred(f"{__name__}.learner", "TTSLearner"),
    metadata=metadata,
    from_metadata=from_metadata,
    cost=cost,
    batch=shown,
    drawing=drawing,
    dashboard=DASHBOARD,
    usual_data="spoken-digits",
    doctor=doctor,
    preset_for=for_dataset,
    export=exporter("tts", lambda data: {"data.json": metadata(data)}),
    saves_memory=("a smaller batch", "shorter clips", "a smaller model"),
)
