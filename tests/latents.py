"""Small models of room "latent" and what they learn from, for tests."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from gans import info, pictures, points

from genstudio import families
from genstudio.data.datasets import ImageDataset, PointDataset
from genstudio.data.work import finished

__all__ = ["learner", "measured", "pictures", "points", "spread", "train"]


def learner(name: str, dataset: PointDataset | ImageDataset | None = None, seed: int = 0, **values: Any) -> Any:
    family = families.get(name)
    config = family.config.parse(values)
    data = finished(family.prepare(config, dataset or points()))
    return family.learner(family.model(config, data, "cpu", seed), seed)


def train(trained: Any, steps: int) -> dict[str, float]:
    """Steps as a training takes them; the numbers of the last one."""
    values: dict[str, float] = {}
    for step in range(1, steps + 1):
        torch.manual_seed((trained.seed * 1_000_003 + step) % 2**32)
        made = trained.training_step(trained.batch(step), step, (step - 1) / steps)
        values = {name: float(value) for name, value in made.items()}
    return values


def measured(model: Any, exact: bool = False) -> dict[str, float]:
    """What an evaluation says at last."""
    return dict([*model.evaluate(exact)][-1].values)


def spread(count: int = 200) -> ImageDataset:
    """Pictures that vary most along three known directions, and little otherwise."""
    rng = np.random.default_rng(5)
    axes = np.linalg.qr(rng.standard_normal((64, 3)))[0].T
    found = 128 + rng.standard_normal((count, 3)) * [150, 90, 40] @ axes + rng.standard_normal((count, 64)) * 15
    return ImageDataset(info("images"), found.clip(0, 255).round().astype(np.uint8).reshape(count, 8, 8, 1), None, ())
