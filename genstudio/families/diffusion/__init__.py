"""The diffusion family: its settings, presets and registration. torch is imported only when a model is built."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from genstudio.data.learnable.samples import Learnable, SampleData, Shape, from_metadata, metadata, prepared
from genstudio.data.work import Work
from genstudio.families import coder_setup
from genstudio.families.diffusion.config import DiffusionConfig
from genstudio.families.diffusion.cost import cost, drawing, problems, shape_problems
from genstudio.families.diffusion.dashboard import DASHBOARD
from genstudio.families.diffusion.doctor import doctor
from genstudio.families.diffusion.presets import PRESETS, preset_for
from genstudio.families.family import Family, deferred
from genstudio.families.memory import fitting
from genstudio.families.weights import exporter

__all__ = ["FAMILY", "DiffusionConfig"]


def _prepare(config: DiffusionConfig, dataset: Learnable, _kept: Mapping[str, Any] | None = None) -> Work[SampleData]:
    return prepared(dataset, config.split, lambda data: problems(config, data))


FAMILY: Family[DiffusionConfig, SampleData] = Family(
    name="diffusion",
    title="Diffusion and flow matching",
    room="latent",
    data_kinds=("points", "images"),
    abilities=("Samples", "Denoises", "Encodes", "Reconstructs", "Evaluates"),
    config=DiffusionConfig,
    presets=PRESETS,
    prepare=_prepare,
    model=fitting(deferred(f"{__name__}.model", "Diffusion"), cost, "width", "channels"),
    learner=deferred(f"{__name__}.learner", "DiffusionLearner"),
    metadata=metadata,
    from_metadata=lambda _config, kept: from_metadata(kept),
    cost=lambda config, info, _tokens: cost(config, Shape.of(info)),
    drawing=lambda config, info, _tokens: drawing(config, Shape.of(info)),
    dashboard=DASHBOARD,
    batch=lambda config, data, seed, step: coder_setup.shown(config, data, seed, step, config.conditional),
    export=exporter("diffusion"),
    doctor=doctor,
    misfits=lambda config, info: shape_problems(config, Shape.of(info)),
    preset_for=preset_for,
)
