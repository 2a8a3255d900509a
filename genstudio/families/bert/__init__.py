"""The BERT family: its settings, presets and registration. torch is imported only when a model is built."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from genstudio.families.bert.batches import shown
from genstudio.families.bert.config import BertConfig, cost, drawing, resolved
from genstudio.families.bert.dashboard import DASHBOARD
from genstudio.families.bert.data import BertData, from_metadata, metadata, prepare
from genstudio.families.bert.doctor import doctor
from genstudio.families.bert.presets import PRESETS, preset_for
from genstudio.families.family import Family

if TYPE_CHECKING:
    from genstudio.families.bert.learner import BertLearner
    from genstudio.families.bert.model import BertModel

__all__ = ["FAMILY", "BertConfig"]


def _model(config: BertConfig, data: BertData, device: str, seed: int) -> BertModel:
    from genstudio.families.bert.model import BertModel

    return BertModel(config, data, device, seed)


def _learner(model: BertModel, seed: int) -> BertLearner:
    from genstudio.families.bert.learner import BertLearner

    return BertLearner(model, seed)


def _export(model: BertModel, form: str, step: int) -> Mapping[str, bytes]:
    from genstudio.families.bert.exchange import exported

    return exported(model, form, step)


FAMILY: Family[BertConfig, Any] = Family(
    name="bert",
    title="BERT (masked language model)",
    data_kinds=("text", "labelled"),
    room="transformer",
    abilities=("Reads", "FillsIn", "Traces", "Classifies", "Follows", "Evaluates"),
    config=BertConfig,
    presets=PRESETS,
    prepare=prepare,
    model=_model,
    learner=_learner,
    metadata=metadata,
    from_metadata=from_metadata,
    cost=cost,
    batch=shown,
    drawing=drawing,
    dashboard=DASHBOARD,
    usual_data="shakespeare",
    doctor=doctor,
    preset_for=preset_for,
    export=_export,
    resolve=resolved,
    saves_memory=("a smaller batch", "a shorter context", "a smaller model"),
)
