"""How good and how fast the models of runs translate, by the length of the source; measured once for the weights of a step."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genstudio import storage
from genstudio.errors import DataError, GenstudioError
from genstudio.runs import Run
from genstudio.tasks.evaluate import Evaluate
from genstudio.tasks.models import ModelRef, Models
from genstudio.tasks.task import Frames, Quiet

if TYPE_CHECKING:
    from genstudio.evaluation.lengths import LengthRow

FILE = "by_length.json"
_LARGEST = 1 << 20
MEASURES = {
    "exact_match": "exact match", "token_accuracy": "token accuracy", "bleu": "BLEU", "chrf": "chrF",
    "sentences_per_second": "sentences per second",
}  # fmt: skip
"""The numbers of a row, and what they are called."""


@dataclass(frozen=True, slots=True)
class LengthReport:
    """What was measured of the weights of a run at `step`: a row per length of the source, and the numbers of all of them."""

    run: str
    step: int
    rows: tuple[LengthRow, ...]
    whole: Mapping[str, float]


@dataclass(frozen=True)
class MeasureLengths:
    """Translate all held-out pairs of a run with its newest weights, and keep what was measured beside them.

    Raises DataError for a model that is not measured by the length of a source.
    """

    run_path: str

    def run(self, models: Models) -> Frames[LengthReport]:
        result: dict[str, Any] = yield from Evaluate(ModelRef(self.run_path, "last")).run(models)
        rows = result.get("by_length")
        if not rows:
            raise DataError("This model is not measured by the length of a source.", "Choose one that translates.")
        whole = {name: float(result[name]) for name in MEASURES if name in result}
        report = LengthReport(self.run_path, int(result["step"]), tuple(rows), whole)
        said = {"step": report.step, "rows": list(rows), "whole": whole}
        storage.write_atomic(Path(self.run_path) / FILE, json.dumps(said).encode(), sync=False)
        return report


@dataclass(frozen=True)
class KnownLengths(Quiet):
    """What is known of these runs already: no report of one that was not measured, or that has newer weights since."""

    run_paths: tuple[str, ...]

    def run(self, models: Models) -> Frames[tuple[LengthReport, ...]]:
        yield from ()
        found = []
        for path in self.run_paths:
            report = read_report(path)
            if report is not None and _newest(path) == report.step:
                found.append(report)
        return tuple(found)


def read_report(path: str) -> LengthReport | None:
    """What the folder of a run holds; None where there is nothing that can be believed."""
    place = Path(path) / FILE
    try:
        if place.stat().st_size > _LARGEST:
            return None
        said = json.loads(place.read_bytes())
        rows: list[Any] = [_row(row) for row in said["rows"]]
        whole = {name: _number(value) for name, value in said["whole"].items() if name in MEASURES}
        return LengthReport(path, int(said["step"]), tuple(rows), whole) if rows else None
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def points(rows: Sequence[LengthRow], measure: str) -> tuple[list[int], list[float]]:
    """The middle of each row's lengths, and its number."""
    values: list[Mapping[str, Any]] = [dict(row) for row in rows]
    return [(row["low"] + row["high"]) // 2 for row in values], [float(row[measure]) for row in values]


def _newest(path: str) -> int | None:
    try:
        return max(Run.open(path).info.checkpoints, default=None)
    except GenstudioError:
        return None


def _row(said: Any) -> dict[str, Any]:
    row = {name: int(said[name]) for name in ("low", "high", "count")} | {name: _number(said[name]) for name in MEASURES}
    if not 0 <= row["low"] <= row["high"] < 1 << 31 or row["count"] < 1:
        raise ValueError("no lengths")
    return row


def _number(value: Any) -> float:
    if type(value) not in (int, float) or not math.isfinite(value):
        raise ValueError("no number")
    return float(value)
