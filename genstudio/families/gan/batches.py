"""Which real samples a step looks at. No torch: the same code shows a person the batch before training."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from genstudio.data.batches import PictureBatch, PointBatch
from genstudio.data.learnable.samples import SampleData
from genstudio.errors import DataError
from genstudio.families.gan.config import GANConfig

_TOGETHER = 64
"""Steps whose samples are drawn at once."""


def draw(config: GANConfig, data: SampleData, seed: int, step: int) -> NDArray[np.int64]:
    """Indices (d_updates, batch) of training samples; depends on settings, seed and step alone. Raises DataError."""
    if not len(data.train):
        raise DataError("There is nothing to train on.", "Open a dataset.")
    count = min(config.examples or len(data.train), len(data.train))
    drawn = _drawn(seed % 2**64, step // _TOGETHER, count, (config.d_updates, config.batch))
    return data.train[drawn[step % _TOGETHER]]


@lru_cache(maxsize=2)
def _drawn(seed: int, block: int, count: int, shape: tuple[int, int]) -> NDArray[np.int64]:
    """Places below `count` for _TOGETHER steps in a row, (steps, *shape): a generator of its own for every step would
    cost a small network a tenth of its time."""
    places = np.random.Generator(np.random.Philox(key=[seed, block])).integers(0, count, (_TOGETHER, *shape))
    places.flags.writeable = False
    return places


def shown(config: GANConfig, data: SampleData, seed: int, step: int) -> PictureBatch | PointBatch:
    """The first real samples of a step, as the discriminator is fed them."""
    chosen = draw(config, data, seed, step)[0]
    if data.shape.kind == "points":
        mean, scale = data.mean.tolist(), data.scale
        return PointBatch(data.real[chosen], (mean[0], mean[1]), (scale, scale))
    labels = data.labels[chosen] if config.conditional and data.labels is not None else None
    pixels = data.real[chosen].astype(np.float32) / np.float32(127.5) - np.float32(1)
    return PictureBatch(pixels, labels, data.shape.classes if labels is not None else ())
