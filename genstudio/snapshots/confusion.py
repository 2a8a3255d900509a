"""Which class is taken for which."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from genstudio.events import Array, Held, Snapshot


@dataclass(frozen=True, slots=True, eq=False)
class Confusion(Snapshot):
    """`counts` (classes, classes): how many samples of the class of a row were given the class of a column, or (classes,
    columns) how many met one of the `columns`, where these are something else. Of pictures, some of them: `pixels` (m, h, w, c)
    uint8, and the row and column of each in `cells` (m, 2)."""

    counts: Annotated[Array, Held("int64", "classes named")]
    classes: Annotated[tuple[str, ...], Held("", "classes")]
    pixels: Annotated[Array | None, Held("uint8", "m height width channels")] = None
    cells: Annotated[Array | None, Held("int64", "m 2")] = None
    columns: tuple[str, ...] = ()

    def sound(self) -> bool:
        if self.counts.shape[1] != len(self.columns or self.classes) or (self.counts < 0).any():
            return False
        if (self.pixels is None) != (self.cells is None):
            return False
        if self.pixels is None or self.cells is None:
            return True
        return self.pixels.shape[3] in (1, 3) and bool(((self.cells >= 0) & (self.cells < len(self.classes))).all())

    def examples(self, row: int, column: int) -> Array:
        """The pictures of a cell that are held, (k, h, w, c) uint8; none where there are no pictures."""
        if self.pixels is None or self.cells is None:
            return np.zeros((0, 1, 1, 1), np.uint8)
        found: Array = self.pixels[(self.cells == (row, column)).all(1)]
        return found

    @property
    def accuracy(self) -> float:
        """The share on the diagonal; where columns are something else, of what is in the largest cell of its column (purity)."""
        right = self.counts.max(0).sum() if self.columns else self.counts.trace()
        return float(right / max(self.counts.sum(), 1))
