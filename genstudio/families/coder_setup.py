"""What autoencoders of every kind say before torch is imported: what they can learn from, and what they cost."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from genstudio.data.batches import PictureBatch, PointBatch
from genstudio.data.info import DatasetInfo
from genstudio.data.learnable import batches
from genstudio.data.learnable.samples import SampleData, Shape
from genstudio.errors import Problem
from genstudio.families.drawing import Chain, Drawing, Part
from genstudio.families.family import Cost, deferred
from genstudio.families.settings import Batches, Coder
from genstudio.nn import cost as networks
from genstudio.nn.cost import Network
from genstudio.nn.sizes import doubling_sizes

_SIZES = doubling_sizes(8, 64)
learner = deferred("genstudio.families.coder", "CoderLearner")
"""What trains a model of this kind."""


def problems(config: Coder, data: SampleData, conditional: bool = False) -> Iterator[Problem]:
    """What is wrong with these settings for these data."""
    yield from shape_problems(config, data.shape)
    if conditional:
        yield from class_problems(data)


def misfits(config: Coder, info: DatasetInfo) -> Iterator[Problem]:
    """What of these settings does not fit a dataset, as far as its description tells."""
    return shape_problems(config, Shape.of(info))


def shape_problems(config: Coder, shape: Shape) -> Iterator[Problem]:
    """What is wrong with these settings for samples of this shape."""
    if config.network == "conv" and shape.kind == "points":
        yield Problem("network", "conv needs pictures, and these are points; choose dense or linear")
    elif not _readable(config, shape):
        sizes = ", ".join(map(str, _SIZES))
        yield Problem("network", f"conv cannot halve {shape.width} x {shape.height} pixels repeatedly; choose dense, "
            f"or square pictures of {sizes}")
    if config.code > shape.numbers:
        yield Problem("code", f"these samples have {shape.numbers} values; a larger code is not a bottleneck")


def class_problems(data: SampleData) -> Iterator[Problem]:
    """Why a model cannot be told the classes of these samples."""
    if data.labels is None:
        yield Problem("conditional", "not all of these samples have a class; switch this off")
    elif len(np.unique(data.labels)) < 2:
        yield Problem("conditional", "all samples have the same class, so there is nothing to choose; switch this off")
    elif len(data.train) and len(missing := _untrained(data)):
        yield Problem("conditional", f"no training sample has the class '{missing[0]}'"
            f"{f', nor {len(missing) - 1} others' if len(missing) > 1 else ''}; add some, or switch this off")


def _untrained(data: SampleData) -> list[str]:
    """Classes of which nothing can be learnt: all that there is of them is held out, or there is nothing."""
    assert data.labels is not None
    known = set(data.labels[data.train].tolist())
    return [name for index, name in enumerate(data.shape.classes) if index not in known]


def cost(config: Coder, batch: int, info: DatasetInfo, outputs: int, conditional: bool = False, more: int = 0) -> Cost:
    """What a training costs; the encoder gives `outputs` numbers, and there are `more` parameters beside both halves.
    Nothing where the network cannot read such samples."""
    shape = Shape.of(info)
    if not _readable(config, shape):
        return Cost(0, 0.0, 0.0, batch)
    classes = len(shape.classes) if conditional else 0
    both = _encoder(config, shape, outputs, classes) + _decoder(config, shape, classes)
    count = both.parameters + more
    return Cost(count, 4 * (4 * count + 3 * batch * (both.held + 3 * shape.numbers)), 6 * batch * both.work, batch)


def drawing(config: Coder, info: DatasetInfo, *, conditional: bool = False, variational: bool = False) -> Drawing:
    """Both halves with the code between them; a `variational` encoder gives each number of the code a mean and a spread."""
    shape, n = Shape.of(info), config.code
    if not _readable(config, shape):
        return (Chain((Part(info.title), Part("No network", "of this kind reads these"), Part("Code"))),)
    classes = len(shape.classes) if conditional else 0
    inside = {"conv": "convolutions", "linear": "one matrix"}.get(config.network, f"{config.layers} layers of {config.width}")
    sample = f"{shape.numbers:,} numbers" + (" and a class" if classes else "")
    code = f"{n} number{'s' * (n > 1)}" + (" and the class" if classes else "")
    drawn = (Part("Mean, spread", f"{n} of each"), Part("Code z", f"drawn: {code}")) if variational else (Part("Code", code),)
    return (Chain((
        Part("Sample", sample),
        Part("Encoder", inside, _encoder(config, shape, n * (1 + variational), classes).parameters, module="encoder"),
        *drawn,
        Part(
            "Decoder", inside, _decoder(config, shape, classes).parameters + variational, module="decoder",  # its own noise too
        ),
        Part("Copy", f"{shape.numbers:,} numbers"),
    )),)  # fmt: skip


def _readable(config: Coder, shape: Shape) -> bool:
    """Whether the network can read samples of this shape: conv halves squares."""
    return config.network != "conv" or (shape.kind == "images" and shape.height == shape.width in _SIZES)


def _encoder(config: Coder, shape: Shape, outputs: int, classes: int) -> Network:
    body, features = Network(0, 0, 0), shape.numbers
    if config.network == "conv":
        body, features = networks.down(shape.channels, config.channels, shape.height, kind="strided")
    elif config.network == "dense":
        body, features = networks.hidden(shape.numbers, config.width, config.layers), config.width
    return body + networks.linear(features + classes, outputs)


def _decoder(config: Coder, shape: Shape, classes: int) -> Network:
    inputs = config.code + classes
    if config.network == "conv":
        return networks.up(inputs, config.channels, shape.height, shape.channels, kind="strided")
    if config.network == "linear":
        return networks.linear(inputs, shape.numbers)
    return networks.hidden(inputs, config.width, config.layers) + networks.linear(config.width, shape.numbers)


def shown(config: Batches, data: SampleData, seed: int, step: int, conditional: bool = False) -> PictureBatch | PointBatch:
    """The samples of a step, as the encoder is fed them."""
    chosen = batches.draw(data, (config.batch,), seed, step, config.examples)
    return batches.shown(data, chosen, labelled=conditional, low=0.0)
