"""What a CycleGAN can learn from, checked before the first step. No torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genstudio.data import shelf
from genstudio.data.batches import PictureBatch
from genstudio.data.datasets import ImageDataset
from genstudio.data.info import DatasetInfo
from genstudio.data.learnable import batches
from genstudio.data.learnable.samples import Shape
from genstudio.data.learnable.sides import A, B, SideData, from_sides, second_of
from genstudio.data.work import Work
from genstudio.errors import ConfigError, DataError, Problem
from genstudio.families.cyclegan.config import CycleGANConfig

LARGEST, LEAST = 128, 8


def resolve(config: CycleGANConfig) -> CycleGANConfig:
    """The second dataset by its id, a file or folder imported for that. Raises ConfigError where it is no pictures."""
    if not config.data_b.strip():
        return config.model_copy(update={"data_b": ""})
    try:
        info = shelf.find_dataset(config.data_b, ("images",))
    except DataError as error:
        raise ConfigError([Problem("data_b", f"{error.message} {error.hint}".rstrip("."))]) from None
    if info.kind != "images":
        raise ConfigError([Problem("data_b", f"'{info.title}' holds {info.kind}, not pictures; choose another dataset")])
    return config.model_copy(update={"data_b": info.id})


def prepare(config: CycleGANConfig, dataset: ImageDataset, kept: Mapping[str, Any] | None = None) -> Work[SideData]:
    """The data of a run; with what one `kept`, the same second dataset as it had. Raises DataError or ConfigError for what no
    CycleGAN here can learn from, saying what would do."""
    yield 0.1
    second = None
    if kept and second_of(kept):
        second = shelf.open_dataset(shelf.find_again(second_of(kept)))
    elif config.data_b:
        second = shelf.open_dataset(shelf.find_dataset(config.data_b, ("images",)))
    yield 0.5
    if second is not None and not isinstance(second, ImageDataset):
        raise ConfigError([Problem("data_b", f"'{second.info.title}' holds no pictures; choose another dataset")])
    if found := size_problem(config, *dataset.pixels.shape[1:3]):
        raise ConfigError([found])
    data = from_sides(dataset, second, config.from_.strip(), config.to.strip(), config.examples)
    yield 1.0
    return data


def misfits(config: CycleGANConfig, info: DatasetInfo) -> Iterator[Problem]:
    """Pictures of a size that the networks cannot halve, and two sets that are the same."""
    shape = Shape.of(info)
    if found := size_problem(config, shape.height, shape.width):
        yield found
    if not config.data_b.strip() and config.from_.strip() and config.from_.strip() == config.to.strip():
        yield Problem("to", f"both sets are '{config.to.strip()}'; choose another class")


def size_problem(config: CycleGANConfig, height: int, width: int) -> Problem | None:
    """Why pictures of this size cannot be turned into others."""
    said, unit = f"pictures of {width} x {height} pixels", 2**config.halvings
    if not LEAST <= min(height, width) <= max(height, width) <= LARGEST:
        return Problem("data", f"{said} are outside {LEAST} to {LARGEST} pixels a side; import them again in such a size")
    if height % unit or width % unit:
        often = f"{config.halvings} times" if config.halvings > 1 else "once"
        return Problem("halvings", f"{said} cannot be halved {often}; choose fewer, or import them in a size that {unit} divides")
    if min(height, width) < 2**config.patch_layers:
        return Problem("patch_layers", f"{said} cannot be halved {config.patch_layers} times; choose fewer")
    return None


def draw(config: CycleGANConfig, data: SideData, seed: int, step: int) -> NDArray[np.int64]:
    """Indices (2, batch) of training pictures of A and of B; depends on settings, seed and step alone. Raises DataError."""
    return np.stack([
        batches.draw_among(data.of(data.train, side), (config.batch,), seed * 2 + side, step) for side in (A, B)
    ])  # fmt: skip


def shown(config: CycleGANConfig, data: SideData, seed: int, step: int) -> PictureBatch:
    """The pictures of a step, those of A before those of B, as the networks are fed them."""
    found = batches.shown(data, draw(config, data, seed, step).reshape(-1), labelled=True, low=-1.0)
    assert isinstance(found, PictureBatch)
    return found
