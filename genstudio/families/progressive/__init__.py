"""The progressive family: its settings, presets and registration. torch is imported only when a model is built."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genstudio.data.learnable.samples import SampleData, from_metadata, metadata
from genstudio.families.family import Family
from genstudio.families.progressive.config import ProgressiveConfig
from genstudio.families.progressive.cost import cost, drawing
from genstudio.families.progressive.dashboard import DASHBOARD
from genstudio.families.progressive.data import prepare, shown
from genstudio.families.progressive.doctor import doctor
from genstudio.families.progressive.presets import PRESETS, preset_for
from genstudio.families.weights import exporter

if TYPE_CHECKING:
    from genstudio.families.progressive.learner import ProgressiveLearner
    from genstudio.families.progressive.model import ProgressiveModel

__all__ = ["FAMILY", "ProgressiveConfig"]


def _model(config: ProgressiveConfig, data: SampleData, device: str, seed: int) -> ProgressiveModel:
    from genstudio.families.progressive.model import ProgressiveModel

    return ProgressiveModel(config, data, device, seed)


def _learner(model: ProgressiveModel, seed: int) -> ProgressiveLearner:
    from genstudio.families.progressive.learner import ProgressiveLearner

    return ProgressiveLearner(model, seed)


FAMILY: Family[ProgressiveConfig, SampleData] = Family(
    name="progressive",
    title="Progressive GAN (growing from 4 x 4)",
    data_kinds=("images",),
    room="gan",
    abilities=("Samples", "Grows", "Judges", "Evaluates"),
    config=ProgressiveConfig,
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
    export=exporter("progressive"),
    doctor=doctor,
    saves_memory=("a smaller batch", "fewer channels", "smaller pictures"),
    preset_for=preset_for,
    usual_data="pixel-faces",
)
