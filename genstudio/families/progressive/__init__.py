"""The progressive family: its settings, presets and registration. torch is imported only when a model is built."""

from __future__ import annotations

from genstudio.data.learnable.samples import SampleData, Shape, from_metadata, metadata
from genstudio.families.family import Family, deferred
from genstudio.families.memory import fitting
from genstudio.families.progressive.config import ProgressiveConfig
from genstudio.families.progressive.cost import cost, drawing
from genstudio.families.progressive.dashboard import DASHBOARD
from genstudio.families.progressive.data import misfits, prepare, shown
from genstudio.families.progressive.doctor import doctor
from genstudio.families.progressive.presets import PRESETS, preset_for
from genstudio.families.weights import exporter

__all__ = ["FAMILY", "ProgressiveConfig"]

FAMILY: Family[ProgressiveConfig, SampleData] = Family(
    name="progressive",
    title="Progressive GAN (growing from 4 x 4)",
    data_kinds=("images",),
    room="gan",
    abilities=("Samples", "Grows", "Judges", "Evaluates"),
    config=ProgressiveConfig,
    presets=PRESETS,
    prepare=prepare,
    model=fitting(deferred(f"{__name__}.model", "ProgressiveModel"), cost, "largest", "channels"),
    learner=deferred(f"{__name__}.learner", "ProgressiveLearner"),
    metadata=metadata,
    from_metadata=lambda _config, kept: from_metadata(kept),
    cost=lambda config, info, _tokens: cost(config, Shape.of(info)),
    drawing=drawing,
    batch=shown,
    dashboard=DASHBOARD,
    export=exporter("progressive"),
    doctor=doctor,
    misfits=misfits,
    saves_memory=("a smaller batch", "fewer channels", "smaller pictures"),
    preset_for=preset_for,
    usual_data="pixel-faces",
)
