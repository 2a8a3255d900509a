"""A text with its n-gram counts, as a GPT that is mixed with them learns from it. No torch here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from genstudio.data.learnable.tokens import TextData, metadata
from genstudio.data.tokenizers import Ids
from genstudio.data.work import Work, scaled
from genstudio.errors import ConfigError, Problem
from genstudio.evaluation import count_tables
from genstudio.evaluation.ngram import KneserNey, fit_kneser_ney
from genstudio.families.gpt.config import GPTConfig
from genstudio.families.start import StartedText

FILE = "counts.safetensors"
"""What the counts are called in the folder of a run."""

_HELD, _SHARE, _LEAST = 8192, 10, 16
"""Tokens that are held back at most, the part of the training text that they are at most, and how few are of no use."""
_COUNTED, _VOCABULARY = 4_000_000, 1 << 16


@dataclass(frozen=True, eq=False)
class HeldBack:
    """The last `ids` (n,) of the training text, which the network does not learn from, and the `counts` of all before them: new
    to both, so they tell which of them to trust."""

    ids: Ids
    counts: KneserNey


@dataclass(frozen=True, eq=False)
class CountedText(StartedText):
    """A text, and the `counts` of its whole training part. `train` is that part without what is `held` back."""

    counts: KneserNey | None = None
    held: HeldBack | None = None


def counted(config: GPTConfig, data: TextData, kept: Mapping[str, Any] | None) -> Work[TextData]:
    """The same text with its counts, where the settings want them: those that a run kept, or counted from the training tokens and
    from nothing else. Yields the fraction done.

    What is held back says how long n-grams are counted, up to the length that the settings want. Of a long text the last 4
    million tokens are counted. Raises ConfigError where there are too many kinds of tokens to count.
    """
    if config.counts == "none":
        return data
    size, order = data.tokenizer.size, config.counts_length + 1
    if size > _VOCABULARY:
        words = f"with {size:,} kinds of tokens each is too rare to be counted; turn the counts off, or choose other tokens"
        raise ConfigError([Problem("counts", words)])
    known = count_tables.load(kept[FILE], size) if kept is not None and FILE in kept else None
    if known is not None:
        order = len(known.orders)
    count = min(_HELD, len(data.train) // _SHARE)
    held, train = None, data.train
    if count >= _LEAST and len(data.train) - count > config.context + 1:
        train = data.train[: len(data.train) - count]
        rest = data.train[len(train) :]
        before = yield from scaled(fit_kneser_ney(train[-_COUNTED:], size, order, rest if known is None else None), 0.0, 0.5)
        held, order = HeldBack(rest, before), len(before.orders)
    if (counts := known) is None:
        counts = yield from scaled(fit_kneser_ney(data.train[-_COUNTED:], size, order), 0.5, 1.0)
    return _with(data, train, counts, held)


def counts_metadata(data: TextData) -> dict[str, Any]:
    """What a run must hold to be opened without its dataset: its tokens and, where it has them, its counts."""
    counts = data.counts if isinstance(data, CountedText) else None
    return metadata(data) | ({} if counts is None else {FILE: count_tables.dump(counts)})


def reopened(config: GPTConfig, data: TextData, kept: Mapping[str, Any]) -> TextData:
    """Data without content, with the counts that a run kept, where its settings want them. Raises DataError."""
    if config.counts == "none":
        return data
    return _with(data, data.train, count_tables.load(kept.get(FILE, b""), data.tokenizer.size), None)


def _with(data: TextData, train: Ids, counts: KneserNey, held: HeldBack | None) -> CountedText:
    values = {each.name: getattr(data, each.name) for each in fields(data)}
    return replace(CountedText(**values), train=train, counts=counts, held=held)
