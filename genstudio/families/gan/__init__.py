"""The GAN family: its settings, presets and registration. torch is imported only when a learner is built."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genstudio.data.learnable.samples import SampleData, Shape, from_metadata, metadata
from genstudio.families.family import Family, deferred
from genstudio.families.gan.batches import shown
from genstudio.families.gan.config import GANConfig
from genstudio.families.gan.cost import cost, drawing, require_memory
from genstudio.families.gan.dashboard import DASHBOARD
from genstudio.families.gan.data import prepare
from genstudio.families.gan.doctor import doctor
from genstudio.families.gan.presets import PRESETS, preset_for
from genstudio.families.weights import exporter

if TYPE_CHECKING:
    from genstudio.families.gan.model import GANModel

__all__ = ["FAMILY", "GANConfig", "Shape"]


def _model(config: GANConfig, data: SampleData, device: str, seed: int) -> GANModel:
    from genstudio.families.gan.model import GANModel
    from genstudio.training.device import free_bytes

    if len(data.real):  # it is to be trained
        require_memory(config, data.shape, free_bytes(device))
    return GANModel(config, data, device, seed)


FAMILY: Family[GANConfig, SampleData] = Family(
    name="gan",
    title="GAN (generative adversarial network)",
    data_kinds=("points", "images"),
    room="gan",
    abilities=("Samples", "Judges", "Evaluates"),
    config=GANConfig,
    presets=PRESETS,
    prepare=prepare,
    model=_model,
    learner=deferred(f"{__name__}.learner", "GANLearner"),
    metadata=metadata,
    from_metadata=lambda _config, kept: from_metadata(kept),
    cost=lambda config, info, _tokens: cost(config, Shape.of(info)),
    drawing=lambda config, info, _tokens: drawing(config, Shape.of(info)),
    batch=shown,
    dashboard=DASHBOARD,
    export=exporter("gan"),
    doctor=doctor,
    saves_memory=("a smaller batch", "smaller networks", "smaller pictures"),
    preset_for=preset_for,
)
