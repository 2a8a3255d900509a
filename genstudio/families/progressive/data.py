"""What a growing network can learn from, checked before the first step. No torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genstudio.data.batches import PictureBatch
from genstudio.data.datasets import ImageDataset
from genstudio.data.info import DatasetInfo
from genstudio.data.learnable import batches
from genstudio.data.learnable.samples import SampleData, Shape, prepared
from genstudio.data.work import Work
from genstudio.errors import Problem
from genstudio.families.coder_setup import class_problems
from genstudio.families.progressive.config import ProgressiveConfig
from genstudio.nn.sizes import FIRST, sizes_to

SMALLEST, LARGEST = 2 * FIRST, 128


def prepare(
    config: ProgressiveConfig, dataset: ImageDataset, _kept: Mapping[str, Any] | None = None
) -> Work[SampleData]:
    """The data of a run. Raises DataError or ConfigError for what nothing here can learn from, saying what would do."""
    return prepared(dataset, None, lambda data: _problems(config, data))


def size_problem(height: int, width: int) -> Problem | None:
    """Why pictures of this size cannot be grown to."""
    if height == width and SMALLEST <= height <= LARGEST and sizes_to(height):
        return None
    fits = ", ".join(map(str, sizes_to(LARGEST)[1:]))
    nearest = min(sizes_to(LARGEST)[1:], key=lambda size: abs(size - min(height, width)))
    return Problem(
        "data", f"pictures of {width} x {height} pixels cannot be reached by doubling {FIRST} x {FIRST}: squares of {fits} can; "
        f"import them again in a size of {nearest}",
    )


def misfits(_config: ProgressiveConfig, info: DatasetInfo) -> Iterator[Problem]:
    """The same for the pictures of a dataset."""
    shape = Shape.of(info)
    if found := size_problem(shape.height, shape.width):
        yield found


def _problems(config: ProgressiveConfig, data: SampleData) -> Iterator[Problem]:
    if found := size_problem(data.shape.height, data.shape.width):
        yield found
    if config.conditional:
        yield from class_problems(data)
    used = min(config.examples or len(data.train), len(data.train))
    if config.batch > used:
        yield Problem("batch", f"{config.batch} is more than the {used:,} training pictures; choose fewer")


def draw(config: ProgressiveConfig, data: SampleData, seed: int, step: int) -> NDArray[np.int64]:
    """Indices (batch,) of training pictures; depends on settings, seed and step alone. Raises DataError."""
    return batches.draw(data, (config.batch,), seed, step, config.examples)


def shown(config: ProgressiveConfig, data: SampleData, seed: int, step: int) -> PictureBatch:
    """The real pictures of a step, at their full size."""
    found = batches.shown(data, draw(config, data, seed, step), labelled=config.conditional, low=-1.0)
    assert isinstance(found, PictureBatch)
    return found
