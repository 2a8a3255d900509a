"""How one number of a stage comes from those of the stages before it: the sum written out, and where its numbers stand.

A sum is written only where it gives the number that is shown; stages whose sources are not all on the screen (weights,
columns that were not kept) have none.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from genstudio.events import Array
from genstudio.snapshots.layers import Stage
from genstudio.ui.views.heat import cell_text

MOST = 6
"""Terms that are written out, the largest first."""


@dataclass(frozen=True, slots=True)
class Sum:
    """A sum in words, and what it is made of: for keys of stages (row, column), None for a whole row or column."""

    words: str
    lit: Mapping[str, tuple[int | None, int | None]] = field(default_factory=dict)


def sum_of(stages: Mapping[str, Stage], stage: Stage, row: int, column: int) -> Sum | None:
    """How the number of a stage in a row and a column comes from its sources; None where that cannot be shown."""
    value = float(stage.values[row, column])
    sources = [stages[key] for key in stage.sources if key in stages]
    if not math.isfinite(value) or len(sources) != len(stage.sources) or not sources:
        return None
    first, last = sources[0], sources[-1]
    found: tuple[str, float, dict[str, tuple[int | None, int | None]]] | None = None
    if stage.key == "products":
        found = _dot(first.values[row], last.values[column], {first.key: (row, None), last.key: (column, None)})
    elif stage.key == "mixed":
        found = _dot(first.values[row], last.values[:, column], {first.key: (row, None), last.key: (None, column)})
    elif stage.key == "weights":
        scores = first.values[row].astype(np.float64)
        total = float(np.exp(scores[np.isfinite(scores)]).sum())
        one = float(scores[column])
        if math.isfinite(one):
            words = f"exp({cell_text(one)}) / Σ exp = {cell_text(math.exp(one))} / {cell_text(total)}"
            found = words, math.exp(one) / total, {first.key: (row, None)}
    elif stage.key == "scores" and stage.op.startswith("÷"):
        one = float(first.values[row, column])
        size = len(stages[first.sources[0]].values[0]) if first.sources and first.sources[0] in stages else 1
        found = f"{cell_text(one)} / √{size}", one / math.sqrt(size), {first.key: (row, column)}
    elif stage.op == "+ stream" and len(sources) == 2:
        one, other = (float(source.values[row, column]) for source in sources)
        words = f"{cell_text(one)} + {_bracketed(other)}"
        found = words, one + other, {source.key: (row, column) for source in sources}
    if found is None or not math.isclose(found[1], value, rel_tol=1e-3, abs_tol=1e-4):
        return None
    return Sum(f"{found[0]} = {cell_text(value)}", found[2])


def _dot(
    one: Array, other: Array, lit: dict[str, tuple[int | None, int | None]]
) -> tuple[str, float, dict[str, tuple[int | None, int | None]]] | None:
    """A product of two vectors, its largest terms written out and the others as one number."""
    if one.shape != other.shape:
        return None
    terms = np.nan_to_num(one.astype(np.float64)) * np.nan_to_num(other.astype(np.float64))
    order = np.argsort(-np.abs(terms), kind="stable")[:MOST]
    order = order[terms[order] != 0]
    words = [f"{_bracketed(float(one[i]))}·{_bracketed(float(other[i]))}" for i in order.tolist()]
    rest = float(terms.sum() - terms[order].sum())
    others = int(np.count_nonzero(terms)) - len(order)
    if others:
        words.append(f"{_bracketed(rest)} ({others:,} more)")
    return " + ".join(words) or "0", float(terms.sum()), lit


def _bracketed(value: float) -> str:
    text = cell_text(value)
    return f"({text})" if text.startswith("-") else text
