"""What a GAN cannot learn from is refused before the first step, in words that say what would do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from gans import SMALL, info, pictures, points

from genstudio.data.datasets import ImageDataset, PointDataset
from genstudio.data.learnable.samples import Shape
from genstudio.data.work import finished
from genstudio.errors import ConfigError, DataError, DeviceError
from genstudio.families.gan.config import GANConfig
from genstudio.families.gan.cost import cost
from genstudio.families.gan.data import prepare, sizes
from genstudio.families.gan.presets import PRESETS, preset_for
from genstudio.families.memory import require


def refusals() -> Iterator[tuple[str, Any, dict[str, Any], str]]:
    same_pixels = np.zeros((60, 8, 8, 1), np.uint8)
    one_class = pictures().pixels.copy()
    yield "one picture", pictures(1), {}, "only one picture"
    yield "constant", ImageDataset(info("images"), same_pixels), {}, "are the same"
    one = ImageDataset(info("images"), one_class, np.zeros(60, np.int64), ("a",))
    yield "one class", one, {"conditional": True}, "have the same class"
    yield "no labels", pictures(labels=False), {"conditional": True}, "have a label"
    yield "few", pictures(20), {"batch": 64}, "more than the 18"
    yield "size", pictures(60, 30), {"network": "dcgan"}, "8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64"
    yield "too large", pictures(60, 80), {"network": "mlp"}, "squares of 8 to 64"
    yield "dcgan of points", points(), {"network": "dcgan"}, "choose mlp or residual"
    yield "classes of points", points(), {"conditional": True}, "no classes"
    yield "equal points", PointDataset(info(), np.ones((9, 2), np.float32)), {}, "fewer than two distinct points"
    strange = np.array([[0, 1], [np.nan, 2]], np.float32)
    yield "not finite", PointDataset(info(), strange), {}, "not finite"


@pytest.mark.parametrize(("name", "dataset", "values", "words"), list(refusals()), ids=lambda v: v if isinstance(v, str) else "")
def test_what_cannot_be_learnt_from_is_refused_with_what_would_do(
    name: str, dataset: Any, values: dict[str, Any], words: str
) -> None:
    config = GANConfig.parse({**SMALL, **values})
    with pytest.raises((ConfigError, DataError), match=words):
        finished(prepare(config, dataset))


def test_too_little_memory_is_refused_with_what_fits() -> None:
    config = GANConfig.parse({"network": "dcgan", "channels": 64, "batch": 256, "pack": 2})
    shape = finished(prepare(GANConfig.parse({"batch": 2}), pictures(20, 64, 3))).shape
    needed = cost(config, shape).bytes
    require(config, shape, int(needed) + 1, cost, ("width", "channels"))
    with pytest.raises(DeviceError, match=r"GB of memory.*a batch of 64\.") as refused:
        require(config, shape, int(needed / 2.5), cost, ("width", "channels"))
    fitting = config.model_copy(update={"batch": 64})
    assert cost(fitting, shape).bytes <= needed / 2.5 and "channels" not in str(refused.value)
    with pytest.raises(DeviceError, match="channels"):
        require(config, shape, int(needed / 200), cost, ("width", "channels"))


def test_sizes_that_a_network_can_make() -> None:
    assert {8, 16, 28, 32, 64} <= set(sizes("dcgan")) and 30 not in sizes("dcgan") and 29 in sizes("mlp")


def test_the_shelf_knows_the_shape_of_pictures_that_are_not_square() -> None:
    told = {"width": 12, "height": 8, "channels": 3, "classes": ["a", "b"]}
    assert Shape.of(replace(info("images"), details=told)) == Shape("images", 8, 12, 3, ("a", "b"))
    assert Shape.of(info()) == Shape("points")


@pytest.mark.parametrize(
    ("kind", "details", "name"),
    [
        ("points", {}, "plane"),
        ("images", {"height": 32, "width": 32, "channels": 3}, "pictures"),
        ("images", {"height": 32, "width": 32, "channels": 3, "classes": ["cat", "dog"]}, "classes"),
    ],
)
def test_data_of_ones_own_begins_with_settings_for_its_kind(kind: str, details: dict[str, Any], name: str) -> None:
    own = replace(info(kind), id="mine", details=details)
    assert preset_for(own, "ring-live") == name
    config = GANConfig.parse(next(p.values for p in PRESETS if p.name == name))
    assert config.conditional == ("classes" in details) and (config.network == "dcgan") == (kind == "images")


def test_a_preset_that_was_made_for_the_data_stays() -> None:
    ring = replace(info("points"), id="gaussian-ring")
    assert preset_for(ring, "ring") == "ring" and preset_for(ring, "digits") == "ring-live"
