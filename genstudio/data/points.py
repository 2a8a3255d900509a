"""Points in the plane: distributions simple enough to be seen whole."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genstudio.data.info import DatasetInfo


@dataclass(frozen=True, eq=False)
class PointDataset:
    """`points` (n, 2) float32, read-only. `centres` (k, 2) and their common `sigma` where the distribution is known."""

    info: DatasetInfo
    points: NDArray[np.float32]
    centres: NDArray[np.float32] | None = None
    sigma: float | None = None

    def __post_init__(self) -> None:
        for array in (self.points, self.centres):
            if array is not None:
                array.setflags(write=False)
