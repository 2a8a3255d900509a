"""Pictures as a ViT learns from them, checked before the first step; and how they vary. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genstudio.data.batches import PictureBatch
from genstudio.data.datasets import ImageDataset
from genstudio.data.learnable import batches, samples
from genstudio.data.learnable.classes import with_classes
from genstudio.data.learnable.samples import SampleData
from genstudio.data.work import Work
from genstudio.errors import ConfigError, Problem
from genstudio.families.start import Start, find
from genstudio.families.vit.config import ViTConfig, patch_problem, patches_of

MOST_PATCHES = 1024


@dataclass(frozen=True, eq=False)
class ViTData(SampleData):
    """Pictures, with the class of each where they have some (-1: unknown). `start` is the run whose weights a new model begins
    with."""

    started: Start | None = None


def prepare(config: ViTConfig, dataset: ImageDataset, kept: Mapping[str, Any] | None = None) -> Work[ViTData]:
    """The data of a run. Raises DataError or ConfigError for what no ViT can learn from, saying what would do."""
    yield 0.1
    started = find(config.start, ("vit",)) if config.start and kept is None else None
    height, width = dataset.pixels.shape[1:3]
    problems = [found] if (found := patch_problem(config, height, width)) else []
    if problems:
        raise ConfigError(problems)
    data = with_classes(dataset, config.split, config.target, needed=config.task == "classify")
    if (count := patches_of(config, data.shape)) > MOST_PATCHES:
        raise ConfigError([Problem("patch", f"{count:,} patches are too many for attention; take larger ones, for at most "
                                   f"{MOST_PATCHES:,}")])  # fmt: skip
    if config.task == "masked" and count < 2:
        raise ConfigError([Problem("patch", "one patch is the whole picture: nothing is left to see when it is hidden")])
    yield 1.0
    return ViTData(**{each.name: getattr(data, each.name) for each in fields(data)}, started=started)


def from_metadata(_config: ViTConfig, kept: Mapping[str, Any]) -> ViTData:
    """Data without content from what `samples.metadata` gave: enough to name classes. Raises DataError."""
    data = samples.from_metadata(kept)
    return ViTData(**{each.name: getattr(data, each.name) for each in fields(data)})


def draw(config: ViTConfig, data: SampleData, seed: int, step: int) -> NDArray[np.int64]:
    """Indices (accumulation, batch) of training pictures; depends on settings, seed and step alone. Raises DataError."""
    return batches.draw(data, (config.accumulation, config.batch), seed, step, config.examples)


def shown(config: ViTConfig, data: ViTData, seed: int, step: int) -> PictureBatch:
    """The pictures of a step, before they are varied."""
    found = batches.shown(data, draw(config, data, seed, step).reshape(-1), labelled=config.task == "classify", low=-1.0)
    assert isinstance(found, PictureBatch)
    return found


def noise(seed: int, step: int) -> np.random.Generator:
    """What varies and hides in a step: from seed and step alone."""
    return np.random.Generator(np.random.Philox(key=[seed % 2**64, (1 << 50) + step]))
