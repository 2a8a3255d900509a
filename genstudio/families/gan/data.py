"""What a GAN can learn from, checked before the first step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from genstudio.data.datasets import ImageDataset, PointDataset
from genstudio.data.learnable.samples import SampleData, Shape, prepared
from genstudio.data.work import Work
from genstudio.errors import Problem
from genstudio.families.gan.config import GANConfig
from genstudio.nn.sizes import doubling_sizes

LEAST, LARGEST = 8, 64


def sizes(network: str) -> tuple[int, ...]:
    """Picture sizes that a network can make: any for an MLP, else a few pixels doubled again and again."""
    return tuple(range(LEAST, LARGEST + 1)) if network == "mlp" else doubling_sizes(LEAST, LARGEST)


def prepare(
    config: GANConfig, dataset: PointDataset | ImageDataset, _kept: Mapping[str, Any] | None = None
) -> Work[SampleData]:
    """The data of a run. Raises DataError or ConfigError for what no GAN here can learn from, saying what would do."""
    return prepared(dataset, None, lambda data: _problems(config, data))


def _problems(config: GANConfig, data: SampleData) -> Iterator[Problem]:
    shape = data.shape
    if shape.kind == "points":
        if config.network == "dcgan":
            yield Problem("network", "dcgan needs pictures, and these are points; choose mlp or residual")
        if config.conditional:
            yield Problem("conditional", "these points have no classes; switch this off")
    else:
        yield from _picture_problems(config, data)
    if config.batch > len(data.train):
        yield Problem("batch", f"{config.batch} is more than the {len(data.train):,} training samples; choose fewer")


def _picture_problems(config: GANConfig, data: SampleData) -> Iterator[Problem]:
    shape = data.shape
    fits = sizes(config.network)
    if shape.height != shape.width or shape.height not in fits:
        some = ", ".join(map(str, fits)) if len(fits) < 40 else f"{fits[0]} to {fits[-1]}"
        yield Problem(
            "network",
            f"{config.network} cannot make {shape.width} x {shape.height} pixels, but squares of {some}; import the pictures "
            "again in such a size" + (", or take mlp" if _small(shape) else ""),
        )
    if not config.conditional:
        return
    if data.labels is None:
        yield Problem("conditional", "not all of these pictures have a label; switch this off, or import labels")
    elif len(np.unique(data.labels)) < 2:
        yield Problem("conditional", "all pictures have the same class, so there is nothing to choose; switch this off")


def _small(shape: Shape) -> bool:
    return shape.height == shape.width and LEAST <= shape.height <= LARGEST
