"""Pairs: two texts that belong together, such as a sentence and its translation."""

from __future__ import annotations

from dataclasses import dataclass

from genstudio.data.info import DatasetInfo


@dataclass(frozen=True, eq=False)
class PairDataset:
    """`left[i]` and `right[i]` belong together; `names` says what the two sides are, such as their languages."""

    info: DatasetInfo
    left: tuple[str, ...]
    right: tuple[str, ...]
    names: tuple[str, str]
