"""The GPT family: its settings, presets and registration. torch is imported only when a learner is built."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from genstudio.data.datasets import TaskDataset, TextDataset
from genstudio.data.info import DatasetInfo
from genstudio.data.learnable.questions import prepare_questions
from genstudio.data.learnable.tokens import TextData, from_metadata, prepare_text
from genstudio.data.split import SplitSettings
from genstudio.data.vocabulary import TokenSettings
from genstudio.data.work import Work, scaled
from genstudio.errors import ConfigError, Problem
from genstudio.families.drawing import Chain, Drawing, Part
from genstudio.families.family import Family, deferred
from genstudio.families.gpt.batches import shown
from genstudio.families.gpt.config import GPTConfig
from genstudio.families.gpt.counted import counted, counts_metadata, reopened
from genstudio.families.gpt.dashboard import DASHBOARD
from genstudio.families.gpt.doctor import doctor
from genstudio.families.gpt.presets import PRESETS, USUAL, preset_for
from genstudio.families.stack import cost, parts
from genstudio.families.start import find_vectors, with_vectors

__all__ = ["FAMILY", "GPTConfig"]


def _prepare(
    config: GPTConfig, dataset: TextDataset | TaskDataset, kept: Mapping[str, Any] | None = None
) -> Work[TextData]:
    """What a run learnt or was given is taken from what it kept: another library might learn others, a file may be gone."""
    learnt = kept is not None and config.tokenizer in ("word", "bpe", "file")
    tokenizer = _from_metadata(config, kept or {}).tokenizer if learnt else None
    values = config.model_dump()
    settings, split = TokenSettings.of(values), SplitSettings.of(values)
    if isinstance(dataset, TaskDataset):
        _refuse_for_questions(config)
        backwards = config.answers == "backwards"
        return (yield from prepare_questions(dataset, config.context, settings, tokenizer, split, backwards=backwards))
    start = find_vectors(config.start_embeddings, config.d_model) if kept is None else None
    whole = 1.0 if config.counts == "none" else 0.5
    found: TextData = yield from scaled(
        prepare_text(dataset, config.markers, config.context, settings, tokenizer, split), 0.0, whole
    )
    started = found if start is None else with_vectors(found, start)
    return (yield from scaled(counted(config, started, kept), whole, 1.0))


def _refuse_for_questions(config: GPTConfig) -> None:
    """Raises ConfigError for settings that toy tasks cannot have."""
    problems = []
    if config.tokenizer == "file":
        problems.append(Problem("tokenizer", "a toy task is trained on characters, bytes, words or byte pairs"))
    if config.counts != "none":
        problems.append(Problem("counts", "a toy task has a rule, and no text to count; turn the counts off"))
    if config.start_embeddings:
        problems.append(Problem("start_embeddings", "a toy task has letters and digits, not words; leave this empty"))
    if problems:
        raise ConfigError(problems)


def _drawing(config: GPTConfig, _info: DatasetInfo, tokens: int) -> Drawing:
    ends = Part("Text", f"up to {config.context} tokens"), Part("Next token", f"{tokens:,} probabilities")
    return (Chain((ends[0], *parts(config, tokens), ends[1])),)


def _from_metadata(config: GPTConfig, kept: Mapping[str, Any]) -> TextData:
    data = from_metadata(kept, config.markers == "lines" if config.tokenizer == "file" else None)
    return reopened(config, data, kept)


FAMILY: Family[GPTConfig, TextData] = Family(
    name="gpt",
    title="GPT (decoder-only transformer)",
    data_kinds=("text", "tasks"),
    room="transformer",
    abilities=("Reads", "Writes", "Traces", "Evaluates"),
    config=GPTConfig,
    presets=PRESETS,
    prepare=_prepare,
    model=deferred(f"{__name__}.model", "GPTModel"),
    learner=deferred(f"{__name__}.learner", "GPTLearner"),
    metadata=counts_metadata,
    from_metadata=_from_metadata,
    cost=lambda config, _info, tokens: cost(config, tokens),
    batch=shown,
    dashboard=DASHBOARD,
    usual_data=USUAL,
    drawing=_drawing,
    preset_for=preset_for,
    doctor=doctor,
    export=deferred(f"{__name__}.exchange", "exported"),
    bench=deferred(f"{__name__}.bench", "measure"),
    import_=deferred(f"{__name__}.importing", "imported"),
    saves_memory=("a smaller batch (and more gradient accumulation)", "a shorter context", "a smaller model"),
)
