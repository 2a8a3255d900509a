"""The family of text to picture: its settings, presets and registration. torch is imported only when a model is built."""

from __future__ import annotations

from genstudio.families.family import Family, deferred
from genstudio.families.unclip.config import UnclipConfig
from genstudio.families.unclip.cost import cost, drawing
from genstudio.families.unclip.dashboard import DASHBOARD
from genstudio.families.unclip.data import UnclipData, from_metadata, metadata, prepare, shown
from genstudio.families.unclip.doctor import doctor
from genstudio.families.unclip.presets import PRESETS, preset_for
from genstudio.families.weights import exporter

__all__ = ["FAMILY", "UnclipConfig"]

FAMILY: Family[UnclipConfig, UnclipData] = Family(
    name="unclip",
    title="unCLIP (text to picture)",
    room="latent",
    data_kinds=("captioned",),
    abilities=("Samples", "Denoises", "Illustrates", "Encodes", "Reconstructs", "Evaluates"),
    config=UnclipConfig,
    presets=PRESETS,
    prepare=prepare,
    model=deferred(f"{__name__}.model", "Unclip"),
    learner=deferred(f"{__name__}.model", "UnclipLearner"),
    metadata=metadata,
    from_metadata=from_metadata,
    cost=cost,
    drawing=drawing,
    dashboard=DASHBOARD,
    batch=shown,
    export=exporter("unclip"),
    doctor=doctor,
    preset_for=preset_for,
    usual_data="captioned-shapes",
    saves_memory=("a smaller batch", "fewer channels", "larger patches"),
)
