"""Sequence to sequence: its settings, presets and registration. torch is imported only when a model is built."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genstudio.data.datasets import PairDataset, TaskDataset
from genstudio.data.learnable.pairs import PairData, from_metadata, metadata, prepare_pairs, tokenizers_of
from genstudio.data.vocabulary import TokenSettings
from genstudio.data.work import Work
from genstudio.families.family import Family, Imported
from genstudio.families.seq2seq.batches import shown
from genstudio.families.seq2seq.config import Seq2SeqConfig, cost, drawing
from genstudio.families.seq2seq.dashboard import DASHBOARD
from genstudio.families.seq2seq.doctor import doctor
from genstudio.families.seq2seq.presets import PRESETS, for_dataset

if TYPE_CHECKING:
    from genstudio.families.seq2seq.learner import Seq2SeqLearner
    from genstudio.families.seq2seq.model import Seq2SeqModel

__all__ = ["FAMILY", "Seq2SeqConfig"]


def _prepare(
    config: Seq2SeqConfig, dataset: PairDataset | TaskDataset, kept: Mapping[str, Any] | None = None
) -> Work[PairData]:
    """What a run learnt or was given is taken from what it kept: another library might learn others, a file may be gone."""
    learnt = kept is not None and config.tokenizer in ("word", "bpe", "file")
    shared = config.vocabularies == "shared"
    return prepare_pairs(
        dataset,
        config.context,
        replace(TokenSettings.of(config.model_dump()), lines=True),
        shared=shared,
        tokenizers=tokenizers_of(kept or {}, shared=shared) if learnt else None,
        split=config.pair_split,
    )


def _model(config: Seq2SeqConfig, data: PairData, device: str, seed: int) -> Seq2SeqModel:
    from genstudio.families.seq2seq.model import Seq2SeqModel

    return Seq2SeqModel(config, data, device, seed)


def _learner(model: Seq2SeqModel, seed: int) -> Seq2SeqLearner:
    from genstudio.families.seq2seq.learner import Seq2SeqLearner

    return Seq2SeqLearner(model, seed)


def _once_read(settings: Mapping[str, Any]) -> tuple[str, ...]:
    """The decoder of a transformer is one that continues a text, with the source in its memory."""
    return ("Writes",) if str(settings.get("architecture", "")).startswith("rnn") else ("Writes", "Traces")


def _export(model: Seq2SeqModel, form: str, step: int) -> Mapping[str, bytes]:
    from genstudio.families.seq2seq.exchange import exported

    return exported(model, form, step)


def _import(folder: Path) -> Work[Imported[Seq2SeqConfig, PairData]]:
    from genstudio.families.seq2seq.exchange import imported

    return imported(folder)


FAMILY: Family[Seq2SeqConfig, PairData] = Family(
    name="seq2seq",
    title="Sequence to sequence (translation)",
    data_kinds=("pairs", "tasks"),
    room="transformer",
    abilities=("Reads", "Translates", "Evaluates"),
    once_read=_once_read,
    config=Seq2SeqConfig,
    presets=PRESETS,
    prepare=_prepare,
    model=_model,
    learner=_learner,
    metadata=metadata,
    from_metadata=lambda config, kept: from_metadata(kept, shared=config.vocabularies == "shared"),
    cost=cost,
    batch=shown,
    drawing=drawing,
    dashboard=DASHBOARD,
    usual_data="toy-en-es",
    doctor=doctor,
    export=_export,
    import_=_import,
    reads=("marian", "pegasus"),
    preset_for=for_dataset,
    saves_memory=("a smaller batch (and more gradient accumulation)", "shorter sentences", "a smaller model"),
)
