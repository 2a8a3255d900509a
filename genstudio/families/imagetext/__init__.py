"""The family of pictures and texts: its settings, presets and registration. torch is imported only when a model is built."""

from __future__ import annotations

from genstudio.data.learnable.captions import CaptionData, from_metadata, metadata
from genstudio.families.family import Family, deferred
from genstudio.families.imagetext.config import ImageTextConfig
from genstudio.families.imagetext.cost import cost, drawing
from genstudio.families.imagetext.dashboard import DASHBOARD
from genstudio.families.imagetext.data import prepare, shown
from genstudio.families.imagetext.doctor import doctor
from genstudio.families.imagetext.presets import PRESETS, preset_for
from genstudio.families.weights import exporter

__all__ = ["FAMILY", "ImageTextConfig"]

FAMILY: Family[ImageTextConfig, CaptionData] = Family(
    name="imagetext",
    title="CLIP (pictures and texts)",
    room="transformer",
    data_kinds=("captioned",),
    abilities=("Reads", "Matches", "Evaluates"),
    config=ImageTextConfig,
    presets=PRESETS,
    prepare=prepare,
    model=deferred(f"{__name__}.model", "ImageText"),
    learner=deferred(f"{__name__}.learner", "ImageTextLearner"),
    metadata=metadata,
    from_metadata=lambda _config, kept: from_metadata(kept),
    cost=cost,
    drawing=drawing,
    dashboard=DASHBOARD,
    batch=shown,
    export=exporter("imagetext"),
    doctor=doctor,
    preset_for=preset_for,
    usual_data="captioned-shapes",
    saves_memory=("a smaller batch", "fewer channels", "a shorter context"),
)
