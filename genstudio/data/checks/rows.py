"""Checks of rows of numbers with a class each."""

from __future__ import annotations

import numpy as np

from genstudio.data.checks.finding import Finding
from genstudio.data.datasets import RowDataset
from genstudio.data.work import Work

_RARE, _UNEVEN = 5, 0.9
_SMALL = 4
"""Rows of a set that is small on purpose, such as XOR."""


def check_rows(dataset: RowDataset) -> Work[tuple[Finding, ...]]:
    """Everything that can be said of rows with classes."""
    yield 0.1
    rows, labels, found = dataset.rows, dataset.labels, list[Finding]()
    count, counts = len(rows), np.bincount(labels[labels >= 0], minlength=len(dataset.classes))
    if (counts > 0).sum() < 2:
        found.append(Finding(
            "at least two classes", "error", "All rows have the same class: there is nothing to tell apart.", count, (),
            "Add rows of another class, or choose another column for the class.",
        ))  # fmt: skip
    none = np.flatnonzero(labels < 0)
    if len(none):
        found.append(Finding(
            "every row has a class", "warning" if len(none) < 0.5 * count else "error",
            f"{len(none):,} of {count:,} rows have no class; they are not used.", len(none), (), "Fill in the classes.",
        ))  # fmt: skip
    still = [name for name, spread in zip(dataset.columns, rows.std(0).tolist(), strict=True) if spread == 0]
    if still:
        found.append(Finding(
            "columns that vary", "warning", f"{len(still)} columns hold the same number in every row: {', '.join(still[:5])}.",
            len(still), (), "Leave these columns out: nothing can be learned from them.",
        ))  # fmt: skip
    yield 0.5
    rare = [name for name, many in zip(dataset.classes, counts.tolist(), strict=True) if 0 < many < _RARE]
    if rare and count > _SMALL:
        found.append(Finding(
            "enough rows per class", "warning", f"{len(rare)} classes have fewer than {_RARE} rows: {', '.join(rare[:5])}.",
            len(rare), (), "Add rows of these classes.",
        ))  # fmt: skip
    if count > _SMALL and counts.sum() and counts.max() / counts.sum() > _UNEVEN:
        found.append(Finding(
            "balanced classes", "warning",
            f"{counts.max() / counts.sum():.0%} of the rows are '{dataset.classes[int(counts.argmax())]}': always answering that "
            "is right as often.", int(counts.max()), (), "Add rows of the other classes.",
        ))  # fmt: skip
    _, many = np.unique(np.column_stack([rows, labels]), axis=0, return_counts=True)
    twice = int((many - 1).sum())
    if twice:
        found.append(Finding(
            "different rows", "info", f"{twice:,} of {count:,} rows occur more than once.", twice, (),
            "A row that is in both parts of the split makes the evaluation too good.",
        ))  # fmt: skip
    return tuple(found)
