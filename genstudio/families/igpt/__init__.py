"""The iGPT family: its settings, presets and registration. torch is imported only when a model is built."""

from __future__ import annotations

from genstudio.data.learnable.pixels import PixelData, from_metadata, metadata
from genstudio.families.family import Family, deferred, made_for
from genstudio.families.igpt.config import IGPTConfig
from genstudio.families.igpt.dashboard import DASHBOARD
from genstudio.families.igpt.data import cost, drawing, prepare, shown
from genstudio.families.igpt.doctor import doctor
from genstudio.families.igpt.presets import PRESETS
from genstudio.families.weights import exporter

__all__ = ["FAMILY", "IGPTConfig"]

FAMILY: Family[IGPTConfig, PixelData] = Family(
    name="igpt",
    title="iGPT (pictures pixel by pixel)",
    data_kinds=("images",),
    room="transformer",
    abilities=("Samples", "Completes", "Evaluates"),
    config=IGPTConfig,
    presets=PRESETS,
    prepare=prepare,
    model=deferred(f"{__name__}.model", "IGPTModel"),
    learner=deferred(f"{__name__}.learner", "IGPTLearner"),
    metadata=metadata,
    from_metadata=lambda _config, kept: from_metadata(kept),
    cost=cost,
    drawing=drawing,
    batch=shown,
    dashboard=DASHBOARD,
    export=exporter("igpt"),
    doctor=doctor,
    saves_memory=("a smaller batch (and more gradient accumulation)", "smaller pictures", "a smaller model"),
    preset_for=lambda info, now: made_for(PRESETS, info, now, "pictures"),
    usual_data="digits8",
)
