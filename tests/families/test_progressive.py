"""Networks that grow: what fading in means, the layers of Karras et al. 2018, growth by steps, clock or plan."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from genstudio.data import shelf
from genstudio.data.work import finished
from genstudio.families import get
from genstudio.nn import growing
from genstudio.nn.growing import (
    GrowingDiscriminator,
    GrowingGenerator,
    doubled,
    halved,
    pixel_norm,
)

FAMILY = get("progressive")
SMALL = {"channels": 4, "largest": 8, "latent": 6, "batch": 8, "growth": "steps", "stage_steps": 10}
MAPS = (8, 8, 4)
DATA: dict[str, Any] = {}


def learner(seed: int = 0, data: str = "digits8", **values: Any) -> Any:
    config = FAMILY.config.parse({**SMALL, **values})
    if data not in DATA:
        DATA[data] = finished(FAMILY.prepare(config, shelf.open_dataset(shelf.find_dataset(data))))
    return FAMILY.learner(FAMILY.model(config, DATA[data], "cpu", seed), seed)


def networks(seed: int = 0) -> tuple[GrowingGenerator, GrowingDiscriminator]:
    torch.manual_seed(seed)
    return GrowingGenerator(6, MAPS, 1), GrowingDiscriminator(MAPS, 1)


def fades_right(generator: GrowingGenerator, discriminator: GrowingDiscriminator) -> bool:
    """Whether a fade of 0 is the smaller network and one of 1 the larger one without a skip, bitwise."""
    z, pictures = torch.randn(5, 6), torch.randn(5, 1, 16, 16)
    smaller = torch.equal(generator(z, 2, 0.0), doubled(generator(z, 1)))
    larger = torch.equal(generator(z, 2, 1.0), alone(generator, z))
    judged = torch.equal(discriminator(pictures, 2, 0.0), discriminator(halved(pictures), 1))
    between = generator(z, 2, 0.25)
    mixed = torch.allclose(between, 0.75 * generator(z, 2, 0.0) + 0.25 * generator(z, 2, 1.0), atol=1e-6)
    return smaller and larger and judged and mixed


def alone(generator: GrowingGenerator, z: Tensor) -> Tensor:
    """The network of the full size, without anything of the sizes before."""
    x = growing.rectified(generator.begin(pixel_norm(z)).unflatten(1, (-1, 4, 4)), True)
    x = growing.rectified(generator.first(x), True)
    for block in generator.blocks:
        x = block(doubled(x))
    made: Tensor = generator.outputs[-1](x)
    return made


def test_a_fade_of_0_is_the_smaller_network_and_of_1_the_larger_without_a_skip() -> None:
    assert fades_right(*networks())


def test_an_inverted_fade_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Broken twin."""
    right = torch.lerp
    monkeypatch.setattr(growing.torch, "lerp", lambda start, end, weight: right(start, end, 1 - weight))
    assert not fades_right(*networks())
