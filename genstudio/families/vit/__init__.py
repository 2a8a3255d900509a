"""The ViT family: its settings, presets and registration. torch is imported only when a model is built."""

from __future__ import annotations

from genstudio.data.learnable.samples import metadata
from genstudio.families.family import Family, deferred
from genstudio.families.memory import fitting
from genstudio.families.vit.config import ViTConfig, cost, cost_of, drawing, resolved
from genstudio.families.vit.dashboard import DASHBOARD
from genstudio.families.vit.data import ViTData, from_metadata, prepare, shown
from genstudio.families.vit.doctor import doctor
from genstudio.families.vit.presets import PRESETS, preset_for

__all__ = ["FAMILY", "ViTConfig"]

FAMILY: Family[ViTConfig, ViTData] = Family(
    name="vit",
    title="ViT (pictures as patches)",
    data_kinds=("images",),
    room="transformer",
    abilities=("Classifies", "Encodes", "LooksAtPatches", "Evaluates"),
    config=ViTConfig,
    presets=PRESETS,
    prepare=prepare,
    model=fitting(deferred(f"{__name__}.model", "ViTModel"), cost_of, "d_model", "layers"),
    learner=deferred(f"{__name__}.learner", "ViTLearner"),
    metadata=metadata,
    from_metadata=from_metadata,
    cost=cost,
    drawing=drawing,
    batch=shown,
    dashboard=DASHBOARD,
    usual_data="digits8",
    doctor=doctor,
    preset_for=preset_for,
    export=deferred(f"{__name__}.exchange", "exported"),
    import_=deferred(f"{__name__}.exchange", "imported"),
    reads=("vit",),
    resolve=resolved,
    saves_memory=("a smaller batch", "larger patches", "a smaller model"),
)
