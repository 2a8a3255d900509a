"""How good translations of held-out pairs are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from genstudio.evaluation.lengths import LengthRow
from genstudio.evaluation.overlap import bleu, chrf

SINGLE, ROWS = 16, 8
"""Up to how many different lengths each has a row of its own, and how many rows there are otherwise."""


class Record(NamedTuple):
    """One pair: the `length` of its source in tokens, without markers; of its target, given up to each token, the `nats`, how
    many tokens were the likeliest (`right`) and how many there are; the translation `made`, the one `wanted`, and the
    `seconds` that it took among others."""

    length: int
    nats: float
    right: int
    tokens: int
    made: str
    wanted: str
    seconds: float


@dataclass(frozen=True, slots=True)
class TranslationScore:
    """What these records say together; nothing before there are some.

    `natural`: the pairs are sentences, so that n-grams of words say something. `left_out` pairs were too long.
    """

    records: tuple[Record, ...]
    done: float = 1.0
    natural: bool = True
    left_out: int = 0
    _numbers: dict[str, float] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __eq__(self, other: object) -> bool:
        """The time that it took is no part of the score."""
        return isinstance(other, TranslationScore) and self.values == other.values and self.done == other.done

    __hash__ = object.__hash__

    @property
    def values(self) -> Mapping[str, float]:
        """`val_loss` in nats per token; the shares `token_accuracy` and `exact_match`; `chrf`, of sentences `bleu`; and the
        token accuracies of the shortest and the longest third, `short_accuracy` and `long_accuracy`."""
        if self.records and not self._numbers:
            self._numbers.update(self._measured())
        return self._numbers

    @property
    def result(self) -> Mapping[str, Any]:
        """An evaluation's answer, with a `LengthRow` for each length or range of lengths in `by_length`."""
        if not self.records:
            return {}
        values = dict(self.values)
        nats = values.pop("val_loss")
        values.setdefault("bleu", bleu(*_texts(self.records)))
        tokens = sum(record.tokens for record in self.records)
        counted = {"pairs": len(self.records), "tokens": tokens, "left_out": self.left_out}
        return {"loss_nats": nats, **values, **counted, "by_length": by_length(self.records)}

    def _measured(self) -> dict[str, float]:
        records = self.records
        third = max(1, len(records) // 3)
        ordered = sorted(records, key=lambda record: record.length)
        return {
            "val_loss": float(sum(record.nats for record in records)) / sum(record.tokens for record in records),
            "token_accuracy": _accuracy(records),
            "exact_match": _exact(records),
            "chrf": chrf(*_texts(records)),
            **({"bleu": bleu(*_texts(records))} if self.natural else {}),
            "short_accuracy": _accuracy(ordered[:third]),
            "long_accuracy": _accuracy(ordered[-third:]),
        }


def by_length(records: Sequence[Record]) -> tuple[LengthRow, ...]:
    """The same numbers by the length of the source: a row per length, or per range of lengths where there are many."""
    lengths = np.array([record.length for record in records])
    low, high = int(lengths.min()), int(lengths.max())
    width = 1 if high - low < SINGLE else -(-(high - low + 1) // ROWS)
    rows = []
    for start in range(low - low % width, high + 1, width):
        some = [record for record in records if start <= record.length < start + width]
        if some:
            rows.append(_row(some, max(start, low), min(start + width - 1, high)))
    return tuple(rows)


def _row(records: Sequence[Record], low: int, high: int) -> LengthRow:
    return {
        "low": low,
        "high": high,
        "count": len(records),
        "token_accuracy": _accuracy(records),
        "exact_match": _exact(records),
        "bleu": bleu(*_texts(records)),
        "chrf": chrf(*_texts(records)),
        "sentences_per_second": len(records) / max(sum(record.seconds for record in records), 1e-9),
    }


def _accuracy(records: Sequence[Record]) -> float:
    return sum(record.right for record in records) / sum(record.tokens for record in records)


def _exact(records: Sequence[Record]) -> float:
    return sum(record.made == record.wanted for record in records) / len(records)


def _texts(records: Sequence[Record]) -> tuple[list[str], list[str]]:
    return [record.made for record in records], [record.wanted for record in records]
