"""The VAE family: its settings, presets and registration. torch is imported only when a model is built."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from genstudio.data.learnable.samples import Learnable, SampleData, from_metadata, metadata, prepared
from genstudio.data.work import Work
from genstudio.families import coder_setup
from genstudio.families.family import Family, deferred, made_for
from genstudio.families.vae.config import VAEConfig
from genstudio.families.vae.dashboard import DASHBOARD
from genstudio.families.vae.doctor import doctor
from genstudio.families.vae.presets import PRESETS
from genstudio.families.weights import exporter

__all__ = ["FAMILY", "VAEConfig"]


def _prepare(config: VAEConfig, dataset: Learnable, _kept: Mapping[str, Any] | None = None) -> Work[SampleData]:
    return prepared(dataset, config.split, lambda data: coder_setup.problems(config, data, config.conditional))


FAMILY: Family[VAEConfig, SampleData] = Family(
    name="vae",
    title="VAE (variational autoencoder)",
    room="latent",
    data_kinds=("points", "images"),
    abilities=("Samples", "Encodes", "Reconstructs", "Evaluates"),
    config=VAEConfig,
    presets=PRESETS,
    prepare=_prepare,
    model=deferred(f"{__name__}.model", "VAE"),
    learner=coder_setup.learner,
    metadata=metadata,
    from_metadata=lambda _config, kept: from_metadata(kept),
    cost=lambda config, info, _tokens: coder_setup.cost(
        config, config.batch, info, 2 * config.code, config.conditional, more=1
    ),
    drawing=lambda config, info, _tokens: coder_setup.drawing(
        config, info, conditional=config.conditional, variational=True
    ),
    dashboard=DASHBOARD,
    batch=lambda config, data, seed, step: coder_setup.shown(config, data, seed, step, config.conditional),
    export=exporter("vae"),
    doctor=doctor,
    misfits=coder_setup.misfits,
    preset_for=lambda info, now: made_for(PRESETS, info, now, "points" if info.kind == "points" else "pictures"),
)
