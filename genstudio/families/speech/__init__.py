"""The speech family (wav2vec 2.0): its settings, presets and registration. torch is imported only when a model is built."""

from __future__ import annotations

from genstudio.data.learnable.audio import metadata
from genstudio.families.family import Family, deferred
from genstudio.families.speech.config import SpeechConfig, cost, drawing, resolved
from genstudio.families.speech.dashboard import DASHBOARD
from genstudio.families.speech.data import SpeechData, from_metadata, prepare, shown
from genstudio.families.speech.doctor import doctor
from genstudio.families.speech.presets import PRESETS, preset_for

__all__ = ["FAMILY", "SpeechConfig"]

FAMILY: Family[SpeechConfig, SpeechData] = Family(
    name="speech",
    title="Speech (wav2vec 2.0)",
    data_kinds=("audio",),
    room="transformer",
    abilities=("Transcribes", "Evaluates"),
    abilities_by=lambda values: (*(("Transcribes",) if values.get("task", "pretrain") == "transcribe" else ()), "Evaluates"),
    config=SpeechConfig,
    presets=PRESETS,
    prepare=prepare,
    model=deferred(f"{__name__}.model", "built"),
    learner=deferred(f"{__name__}.learner", "SpeechLearner"),
    metadata=metadata,
    from_metadata=from_metadata,
    cost=cost,
    drawing=drawing,
    batch=shown,
    dashboard=DASHBOARD,
    usual_data="vowels",
    doctor=doctor,
    preset_for=preset_for,
    resolve=resolved,
    saves_memory=("a smaller batch", "shorter pieces", "a smaller model"),
)
