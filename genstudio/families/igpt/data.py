"""What a model of pixels learns from, what it is fed and what it costs. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genstudio.data import palette as palettes
from genstudio.data.batches import PictureBatch
from genstudio.data.datasets import ImageDataset
from genstudio.data.info import DatasetInfo
from genstudio.data.learnable import batches
from genstudio.data.learnable.pixels import LARGEST, PixelData, prepare_pixels
from genstudio.data.learnable.samples import Shape
from genstudio.data.work import Work
from genstudio.errors import ConfigError, Problem
from genstudio.families.drawing import Chain, Drawing, Part
from genstudio.families.family import Cost
from genstudio.families.igpt.config import IGPTConfig
from genstudio.families.stack import cost_for, parts_for


def prepare(config: IGPTConfig, dataset: ImageDataset, kept: Mapping[str, Any] | None = None) -> Work[PixelData]:
    """The data of a run, in the palette that it kept where there is one. Raises DataError or ConfigError for what nothing here
    can learn from."""
    data = yield from prepare_pixels(dataset, config.colours, config.size, config.split, kept)
    used = min(config.examples or len(data.train), len(data.train))
    if config.batch > used:
        raise ConfigError([Problem("batch", f"{config.batch} is more than the {used:,} training pictures; choose fewer")])
    return data


def draw(config: IGPTConfig, data: PixelData, seed: int, step: int) -> NDArray[np.int64]:
    """Indices (accumulation, batch) of training pictures; depends on settings, seed and step alone. Raises DataError."""
    return batches.draw(data, (config.accumulation, config.batch), seed, step, config.examples)


def shown(config: IGPTConfig, data: PixelData, seed: int, step: int) -> PictureBatch:
    """The pictures of a step in the colours of the palette."""
    found = batches.shown(data, draw(config, data, seed, step).reshape(-1), labelled=False, low=0.0)
    assert isinstance(found, PictureBatch)
    return found


def _sizes(config: IGPTConfig, info: DatasetInfo) -> tuple[Shape, int, int, int]:
    """The shape that the shelf knows of, the height and width after they were reduced, and the colours."""
    shape = Shape.of(info)
    longest = max(shape.height, shape.width)
    size = min(config.size or longest, longest, LARGEST)
    height, width = (max(1, round(side * size / longest)) for side in (shape.height, shape.width))
    known = info.details.get("colours")
    colours = min(config.colours, known if type(known) is int else palettes.LARGEST)
    return shape, height, width, colours


def cost(config: IGPTConfig, info: DatasetInfo, _tokens: int = 0) -> Cost:
    """What a training costs; of a set with fewer colours than the palette may have, a little more than it does."""
    _, height, width, colours = _sizes(config, info)
    return cost_for(config, config, colours + 1, height * width)


def drawing(config: IGPTConfig, info: DatasetInfo, _tokens: int = 0) -> Drawing:
    """From a picture to the distribution of its next pixel."""
    _, height, width, colours = _sizes(config, info)
    picture = Part("Picture", f"{width} x {height} = {height * width:,} pixels in reading order")
    return (Chain((picture, *parts_for(config, colours + 1, height * width), Part("Next pixel", f"{colours} colours"))),)
