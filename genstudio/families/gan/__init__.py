"""The GAN family: its settings, presets and registration. torch is imported only when a learner is built."""

from __future__ import annotations

from genstudio.data.learnable.samples import SampleData, Shape, from_metadata, metadata
from genstudio.families.family import Family, deferred
from genstudio.families.gan.batches import shown
from genstudio.families.gan.config import GANConfig
from genstudio.families.gan.cost import cost, drawing
from genstudio.families.gan.dashboard import DASHBOARD
from genstudio.families.gan.data import prepare
from genstudio.families.gan.doctor import doctor
from genstudio.families.gan.presets import PRESETS, preset_for
from genstudio.families.memory import fitting
from genstudio.families.weights import exporter

__all__ = ["FAMILY", "GANConfig", "Shape"]


FAMILY: Family[GANConfig, SampleData] = Family(
    name="gan",
    title="GAN (generative adversarial network)",
    data_kinds=("points", "images"),
    room="gan",
    abilities=("Samples", "Judges", "Evaluates"),
    config=GANConfig,
    presets=PRESETS,
    prepare=prepare,
    model=fitting(deferred(f"{__name__}.model", "GANModel"), cost, "width", "channels"),
    learner=deferred(f"{__name__}.learner", "GANLearner"),
    metadata=metadata,
    from_metadata=lambda _config, kept: from_metadata(kept),
    cost=lambda config, info, _tokens: cost(config, Shape.of(info)),
    drawing=lambda config, info, _tokens: drawing(config, Shape.of(info)),
    batch=shown,
    dashboard=DASHBOARD,
    export=exporter("gan"),
    bench=deferred(f"{__name__}.bench", "measure"),
    doctor=doctor,
    saves_memory=("a smaller batch", "smaller networks", "smaller pictures"),
    preset_for=preset_for,
)
