"""The Word2Vec family: its settings, presets and registration. torch is imported only when a model is built."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from genstudio.data.datasets import TextDataset
from genstudio.data.work import Work
from genstudio.families.family import Family, deferred
from genstudio.families.word2vec.batches import shown
from genstudio.families.word2vec.config import Word2VecConfig, cost, drawing
from genstudio.families.word2vec.dashboard import DASHBOARD
from genstudio.families.word2vec.data import WordData, from_metadata, metadata, prepare
from genstudio.families.word2vec.doctor import doctor
from genstudio.families.word2vec.presets import PRESETS, preset_for

__all__ = ["FAMILY", "Word2VecConfig"]


def _prepare(config: Word2VecConfig, dataset: TextDataset, kept: Mapping[str, Any] | None = None) -> Work[WordData]:
    return prepare(config, dataset, kept)


FAMILY: Family[Word2VecConfig, WordData] = Family(
    name="word2vec",
    title="Word2Vec (word vectors)",
    room="transformer",
    data_kinds=("text",),
    abilities=("Reads", "Embeds", "Evaluates"),
    config=Word2VecConfig,
    presets=PRESETS,
    prepare=_prepare,
    model=deferred(f"{__name__}.model", "Word2VecModel"),
    learner=deferred(f"{__name__}.learner", "Word2VecLearner"),
    metadata=metadata,
    from_metadata=lambda _config, kept: from_metadata(kept),
    cost=lambda config, _info, tokens: cost(config, tokens),
    drawing=lambda config, _info, tokens: drawing(config, tokens),
    dashboard=DASHBOARD,
    batch=shown,
    export=deferred(f"{__name__}.exchange", "exported"),
    doctor=doctor,
    preset_for=preset_for,
    saves_memory=("a smaller vocabulary", "shorter vectors", "a smaller batch"),
    usual_data="analogies",
)
