"""The family of pictures and texts: its settings, presets and registration. torch is imported only when a model is built."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from genstudio.data.batches import PictureBatch
from genstudio.data.learnable.captions import CaptionData, from_metadata, metadata
from genstudio.families.family import Family, deferred
from genstudio.families.imagetext import joint
from genstudio.families.imagetext.config import ImageTextConfig
from genstudio.families.imagetext.cost import cost, drawing
from genstudio.families.imagetext.dashboard import DASHBOARD
from genstudio.families.imagetext.data import prepare, shown
from genstudio.families.imagetext.doctor import doctor
from genstudio.families.imagetext.presets import PRESETS, preset_for
from genstudio.families.weights import exporter

_MODULE = __name__


def _batch(config: ImageTextConfig, data: CaptionData, seed: int, step: int) -> PictureBatch:
    return (joint.shown if config.two_stream else shown)(config, data, seed, step)


def _model(config: ImageTextConfig, data: CaptionData, device: str, seed: int) -> Any:
    name = ("two_stream", "TwoStream") if config.two_stream else ("model", "ImageText")
    return deferred(f"{_MODULE}.{name[0]}", name[1])(config, data, device, seed)


def _learner(model: Any, seed: int) -> Any:
    name = ("two_stream_learner", "TwoStreamLearner") if model.config.two_stream else ("learner", "ImageTextLearner")
    return deferred(f"{_MODULE}.{name[0]}", name[1])(model, seed)


def _abilities(settings: Mapping[str, Any]) -> tuple[str, ...]:
    return ("Reads", "Grounds", "Evaluates") if settings.get("architecture") == "two_stream" else _USUAL


_USUAL = ("Reads", "Matches", "Evaluates")
__all__ = ["FAMILY", "ImageTextConfig"]

FAMILY: Family[ImageTextConfig, CaptionData] = Family(
    name="imagetext",
    title="CLIP (pictures and texts)",
    room="transformer",
    data_kinds=("captioned",),
    abilities=_USUAL,
    abilities_by=_abilities,
    config=ImageTextConfig,
    presets=PRESETS,
    prepare=prepare,
    model=_model,
    learner=_learner,
    metadata=metadata,
    from_metadata=lambda _config, kept: from_metadata(kept),
    cost=cost,
    drawing=drawing,
    dashboard=DASHBOARD,
    batch=_batch,
    export=exporter("imagetext"),
    doctor=doctor,
    preset_for=preset_for,
    usual_data="captioned-shapes",
    saves_memory=("a smaller batch", "fewer channels", "a shorter context"),
)
