"""Small GANs and what they learn from, for tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from genstudio.data.datasets import ImageDataset, PointDataset
from genstudio.data.info import DatasetInfo
from genstudio.data.work import finished
from genstudio.families.gan.config import GANConfig
from genstudio.families.gan.data import prepare
from genstudio.families.gan.learner import GANLearner
from genstudio.families.gan.model import GANModel

SMALL = {"width": 8, "layers": 2, "batch": 8, "channels": 4, "latent": 3}


def info(kind: Any = "points") -> DatasetInfo:
    return DatasetInfo("made", "Made", kind, "generated", Path("made"), 1, "0" * 64)


def points(count: int = 200) -> PointDataset:
    centres, rng = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 2.0]], np.float32), np.random.default_rng(1)
    drawn = centres[rng.integers(0, 3, count)] + 0.1 * rng.normal(size=(count, 2))
    return PointDataset(info(), drawn.astype(np.float32), centres, 0.1)


def pictures(count: int = 60, size: int = 8, channels: int = 1, labels: bool = True) -> ImageDataset:
    """Pictures whose class shows in the half that is light."""
    told = np.arange(count) % 2
    pixels = np.random.default_rng(2).integers(0, 60, (count, size, size, channels))
    pixels[told == 0, : size // 2] += 150
    pixels[told == 1, size // 2 :] += 150
    return ImageDataset(info("images"), pixels.astype(np.uint8), told if labels else None, ("up", "down"))


def learner(dataset: PointDataset | ImageDataset | None = None, seed: int = 0, **values: Any) -> GANLearner:
    config = GANConfig.parse({**SMALL, **values})
    return GANLearner(GANModel(config, finished(prepare(config, dataset or points())), "cpu", seed), seed)


def train(trained: GANLearner, first: int, last: int, of: int = 100) -> None:
    for step in range(first, last + 1):
        trained.training_step(trained.batch(step), step, (step - 1) / of)


def weights(of: GANLearner, *parts: str) -> dict[str, torch.Tensor]:
    modules = of.model.modules
    return {f"{p}.{k}": v.clone() for p in parts or modules for k, v in modules[p].state_dict().items()}


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[k], other[k]) for k in one)
