"""Which class is taken for which."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from genstudio.events import Array, Held, Snapshot


@dataclass(frozen=True, slots=True, eq=False)
class Confusion(Snapshot):
    """`counts` (classes, classes): how many samples of the class of a row were given the class of a column."""

    counts: Annotated[Array, Held("int64", "classes classes")]
    classes: Annotated[tuple[str, ...], Held("", "classes")]

    def sound(self) -> bool:
        return not (self.counts < 0).any()

    @property
    def accuracy(self) -> float:
        """The share on the diagonal."""
        return float(self.counts.trace() / max(self.counts.sum(), 1))
