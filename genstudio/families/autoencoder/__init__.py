"""The autoencoder family: its settings, presets and registration. torch is imported only when a model is built."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from genstudio.data.learnable.samples import Learnable, SampleData, from_metadata, metadata, prepared
from genstudio.data.work import Work
from genstudio.families import coder_setup
from genstudio.families.autoencoder.config import AutoencoderConfig
from genstudio.families.autoencoder.dashboard import DASHBOARD
from genstudio.families.autoencoder.doctor import doctor
from genstudio.families.autoencoder.presets import PRESETS
from genstudio.families.family import Family, deferred, made_for
from genstudio.families.weights import exporter

__all__ = ["FAMILY", "AutoencoderConfig"]


def _prepare(config: AutoencoderConfig, dataset: Learnable, _kept: Mapping[str, Any] | None = None) -> Work[SampleData]:
    return prepared(dataset, config.split, lambda data: coder_setup.problems(config, data))


FAMILY: Family[AutoencoderConfig, SampleData] = Family(
    name="autoencoder",
    title="Autoencoder",
    room="latent",
    data_kinds=("points", "images"),
    abilities=("Samples", "Encodes", "Reconstructs", "Evaluates"),
    config=AutoencoderConfig,
    presets=PRESETS,
    prepare=_prepare,
    model=deferred(f"{__name__}.model", "Autoencoder"),
    learner=coder_setup.learner,
    metadata=metadata,
    from_metadata=lambda _config, kept: from_metadata(kept),
    cost=lambda config, info, _tokens: coder_setup.cost(config, config.batch, info, config.code),
    drawing=lambda config, info, _tokens: coder_setup.drawing(config, info),
    dashboard=DASHBOARD,
    batch=coder_setup.shown,
    export=exporter("autoencoder"),
    doctor=doctor,
    misfits=coder_setup.misfits,
    preset_for=lambda info, now: made_for(PRESETS, info, now, "points" if info.kind == "points" else "pictures"),
)
