"""Which real samples a step looks at. No torch: the same code shows a person the batch before training."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from genstudio.data.batches import PictureBatch, PointBatch
from genstudio.data.learnable import batches
from genstudio.data.learnable.samples import SampleData
from genstudio.families.gan.config import GANConfig


def draw(config: GANConfig, data: SampleData, seed: int, step: int) -> NDArray[np.int64]:
    """Indices (d_updates, batch) of training samples; depends on settings, seed and step alone. Raises DataError."""
    return batches.draw(data, (config.d_updates, config.batch), seed, step, config.examples)


def shown(config: GANConfig, data: SampleData, seed: int, step: int) -> PictureBatch | PointBatch:
    """The first real samples of a step, as the discriminator is fed them."""
    return batches.shown(data, draw(config, data, seed, step)[0], labelled=config.conditional, low=-1.0)
