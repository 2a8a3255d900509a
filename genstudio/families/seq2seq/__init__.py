"""Sequence to sequence: its settings, presets and registration. torch is imported only when a model is built."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from genstudio.data.datasets import PairDataset, TaskDataset
from genstudio.data.learnable.pairs import PairData, from_metadata, metadata, prepare_pairs, tokenizers_of
from genstudio.data.vocabulary import TokenSettings
from genstudio.data.work import Work
from genstudio.families.family import Family, deferred
from genstudio.families.seq2seq.batches import shown
from genstudio.families.seq2seq.config import Seq2SeqConfig, cost, drawing
from genstudio.families.seq2seq.dashboard import DASHBOARD
from genstudio.families.seq2seq.doctor import doctor
from genstudio.families.seq2seq.presets import PRESETS, for_dataset

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


def _once_read(settings: Mapping[str, Any]) -> tuple[str, ...]:
    """The decoder of a transformer is one that continues a text, with the source in its memory."""
    return ("Writes",) if str(settings.get("architecture", "")).startswith("rnn") else ("Writes", "Traces")


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
    model=deferred(f"{__name__}.model", "Seq2SeqModel"),
    learner=deferred(f"{__name__}.learner", "Seq2SeqLearner"),
    metadata=metadata,
    from_metadata=lambda config, kept: from_metadata(kept, shared=config.vocabularies == "shared"),
    cost=cost,
    batch=shown,
    drawing=drawing,
    dashboard=DASHBOARD,
    usual_data="toy-en-es",
    doctor=doctor,
    export=deferred(f"{__name__}.exchange", "exported"),
    import_=deferred(f"{__name__}.exchange", "imported"),
    reads=("marian", "pegasus"),
    preset_for=for_dataset,
    saves_memory=("a smaller batch (and more gradient accumulation)", "shorter sentences", "a smaller model"),
)
