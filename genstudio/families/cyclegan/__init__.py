"""The CycleGAN family: its settings, presets and registration. torch is imported only when a model is built."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genstudio.data.learnable.sides import SideData, from_metadata, metadata
from genstudio.families.cyclegan.config import CycleGANConfig
from genstudio.families.cyclegan.cost import cost, drawing
from genstudio.families.cyclegan.dashboard import DASHBOARD
from genstudio.families.cyclegan.data import prepare, resolve, shown
from genstudio.families.cyclegan.doctor import doctor
from genstudio.families.cyclegan.presets import PRESETS, preset_for
from genstudio.families.family import Family
from genstudio.families.weights import exporter

if TYPE_CHECKING:
    from genstudio.families.cyclegan.learner import CycleGANLearner
    from genstudio.families.cyclegan.model import CycleGAN

__all__ = ["FAMILY", "CycleGANConfig"]


def _model(config: CycleGANConfig, data: SideData, device: str, seed: int) -> CycleGAN:
    from genstudio.families.cyclegan.model import CycleGAN

    return CycleGAN(config, data, device, seed)


def _learner(model: CycleGAN, seed: int) -> CycleGANLearner:
    from genstudio.families.cyclegan.learner import CycleGANLearner

    return CycleGANLearner(model, seed)


FAMILY: Family[CycleGANConfig, SideData] = Family(
    name="cyclegan",
    title="CycleGAN (image translation)",
    data_kinds=("images",),
    room="gan",
    abilities=("Judges", "TranslatesPictures", "Evaluates"),
    config=CycleGANConfig,
    presets=PRESETS,
    prepare=prepare,
    model=_model,
    learner=_learner,
    metadata=metadata,
    from_metadata=lambda _config, kept: from_metadata(kept),
    cost=cost,
    drawing=drawing,
    batch=shown,
    dashboard=DASHBOARD,
    export=exporter("cyclegan"),
    doctor=doctor,
    resolve=resolve,
    usual_data="coloured-shapes",
    saves_memory=("a smaller batch", "fewer channels", "smaller pictures"),
    preset_for=preset_for,
)
