"""The BERT family: its settings, presets and registration. torch is imported only when a model is built."""

from __future__ import annotations

from typing import Any

from genstudio.families.bert.batches import shown
from genstudio.families.bert.config import BertConfig, cost, drawing, misfits, resolved
from genstudio.families.bert.dashboard import DASHBOARD
from genstudio.families.bert.data import from_metadata, metadata, prepare
from genstudio.families.bert.doctor import doctor
from genstudio.families.bert.presets import PRESETS, preset_for
from genstudio.families.family import Family, deferred

__all__ = ["FAMILY", "BertConfig"]

FAMILY: Family[BertConfig, Any] = Family(
    name="bert",
    title="BERT (masked language model)",
    data_kinds=("text", "labelled"),
    room="transformer",
    abilities=("Reads", "FillsIn", "Traces", "Classifies", "Follows", "Evaluates"),
    config=BertConfig,
    presets=PRESETS,
    prepare=prepare,
    model=deferred(f"{__name__}.model", "BertModel"),
    learner=deferred(f"{__name__}.learner", "BertLearner"),
    metadata=metadata,
    from_metadata=from_metadata,
    cost=cost,
    batch=shown,
    drawing=drawing,
    dashboard=DASHBOARD,
    usual_data="shakespeare",
    doctor=doctor,
    preset_for=preset_for,
    misfits=misfits,
    export=deferred(f"{__name__}.exchange", "exported"),
    resolve=resolved,
    saves_memory=("a smaller batch", "a shorter context", "a smaller model"),
)
