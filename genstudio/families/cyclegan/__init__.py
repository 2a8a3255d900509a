"""The CycleGAN family: its settings, presets and registration. torch is imported only when a model is built."""

from __future__ import annotations

from genstudio.data.learnable.samples import Shape
from genstudio.data.learnable.sides import SideData, from_metadata, metadata
from genstudio.families.cyclegan.config import CycleGANConfig
from genstudio.families.cyclegan.cost import cost, drawing
from genstudio.families.cyclegan.dashboard import DASHBOARD
from genstudio.families.cyclegan.data import misfits, prepare, resolve, shown
from genstudio.families.cyclegan.doctor import doctor
from genstudio.families.cyclegan.presets import PRESETS, preset_for
from genstudio.families.family import Family, deferred
from genstudio.families.memory import fitting
from genstudio.families.weights import exporter

__all__ = ["FAMILY", "CycleGANConfig"]

FAMILY: Family[CycleGANConfig, SideData] = Family(
    name="cyclegan",
    title="CycleGAN (image translation)",
    data_kinds=("images",),
    room="gan",
    abilities=("Judges", "TranslatesPictures", "Evaluates"),
    config=CycleGANConfig,
    presets=PRESETS,
    prepare=prepare,
    model=fitting(deferred(f"{__name__}.model", "CycleGAN"), cost, "channels"),
    learner=deferred(f"{__name__}.learner", "CycleGANLearner"),
    metadata=metadata,
    from_metadata=lambda _config, kept: from_metadata(kept),
    cost=lambda config, info, _tokens: cost(config, Shape.of(info)),
    drawing=drawing,
    batch=shown,
    dashboard=DASHBOARD,
    export=exporter("cyclegan"),
    doctor=doctor,
    resolve=resolve,
    misfits=misfits,
    usual_data="coloured-shapes",
    saves_memory=("a smaller batch", "fewer channels", "smaller pictures"),
    preset_for=preset_for,
)
