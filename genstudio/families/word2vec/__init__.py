"""The Word2Vec family: its settings, presets and registration. torch is imported only when a model is built."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from genstudio.data.datasets import TextDataset
from genstudio.data.work import Work
from genstudio.families.family import Family
from genstudio.families.word2vec.batches import shown
from genstudio.families.word2vec.config import Word2VecConfig, cost, drawing
from genstudio.families.word2vec.dashboard import DASHBOARD
from genstudio.families.word2vec.data import WordData, from_metadata, metadata, prepare
from genstudio.families.word2vec.doctor import doctor
from genstudio.families.word2vec.presets import PRESETS, preset_for

if TYPE_CHECKING:
    from genstudio.families.word2vec.learner import Word2VecLearner
    from genstudio.families.word2vec.model import Word2VecModel

__all__ = ["FAMILY", "Word2VecConfig"]


def _prepare(config: Word2VecConfig, dataset: TextDataset, kept: Mapping[str, Any] | None = None) -> Work[WordData]:
    return prepare(config, dataset, kept)


def _model(config: Word2VecConfig, data: WordData, device: str, seed: int) -> Word2VecModel:
    from genstudio.families.word2vec.model import Word2VecModel

    return Word2VecModel(config, data, device, seed)


def _learner(model: Word2VecModel, seed: int) -> Word2VecLearner:
    from genstudio.families.word2vec.learner import Word2VecLearner

    return Word2VecLearner(model, seed)


def _export(model: Word2VecModel, form: str, step: int) -> Mapping[str, bytes]:
    from genstudio.families.word2vec.exchange import exported

    return exported(model, form, step)


FAMILY: Family[Word2VecConfig, WordData] = Family(
    name="word2vec",
    title="Word2Vec (word vectors)",
    room="transformer",
    data_kinds=("text",),
    abilities=("Reads", "Embeds", "Evaluates"),
    config=Word2VecConfig,
    presets=PRESETS,
    prepare=_prepare,
    model=_model,
    learner=_learner,
    metadata=metadata,
    from_metadata=lambda _config, kept: from_metadata(kept),
    cost=lambda config, _info, tokens: cost(config, tokens),
    drawing=lambda config, _info, tokens: drawing(config, tokens),
    dashboard=DASHBOARD,
    batch=shown,
    export=_export,
    doctor=doctor,
    preset_for=preset_for,
    saves_memory=("a smaller vocabulary", "shorter vectors", "a smaller batch"),
    usual_data="analogies",
)
