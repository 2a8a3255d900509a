"""Which samples a step looks at. No torch: the same code shows a person the batch before training."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from genstudio.data.batches import PictureBatch, PointBatch
from genstudio.data.learnable.samples import SampleData
from genstudio.errors import DataError

_TOGETHER = 64
"""Steps whose samples are drawn at once."""


def draw(data: SampleData, shape: tuple[int, ...], seed: int, step: int, examples: int = 0) -> NDArray[np.int64]:
    """Indices (*shape) of training samples, of the first `examples` ones where not 0; depends on data, seed and step alone.
    Raises DataError."""
    return draw_among(data.train[: examples or None], shape, seed, step)


def draw_among(chosen: NDArray[np.int64], shape: tuple[int, ...], seed: int, step: int) -> NDArray[np.int64]:
    """Some of the `chosen` ones (n,), (*shape); depends on their number, seed and step alone. Raises DataError."""
    if not len(chosen):
        raise DataError("There is nothing to train on.", "Open a dataset.")
    return chosen[_drawn(seed % 2**64, step // _TOGETHER, len(chosen), shape)[step % _TOGETHER]]


@lru_cache(maxsize=4)
def _drawn(seed: int, block: int, count: int, shape: tuple[int, ...]) -> NDArray[np.int64]:
    """Places below `count` for _TOGETHER steps in a row, (steps, *shape): a generator of its own for every step would
    cost a small network a tenth of its time."""
    places = np.random.Generator(np.random.Philox(key=[seed, block])).integers(0, count, (_TOGETHER, *shape))
    places.flags.writeable = False
    return places


def shown(data: SampleData, chosen: NDArray[np.int64], *, labelled: bool, low: float) -> PictureBatch | PointBatch:
    """These samples as a network is fed them: points standardised, pictures from `low` to 1."""
    if data.shape.kind == "points":
        mean, scale = data.mean.tolist(), data.scale
        return PointBatch(data.real[chosen], (mean[0], mean[1]), (scale, scale))
    labels = data.labels[chosen] if labelled and data.labels is not None else None
    pixels = data.real[chosen].astype(np.float32) / np.float32(255 / (1 - low)) + np.float32(low)
    return PictureBatch(pixels, labels, data.shape.classes if labels is not None else (), low)
