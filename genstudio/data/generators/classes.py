"""Points of the plane with a class each, simple enough to see what a network makes of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from genstudio.config import Config, setting
from genstudio.data.datasets import RowDataset
from genstudio.data.generators.chance import Chance, settled
from genstudio.data.info import DatasetInfo

Array = NDArray[np.float64]


class ClassSettings(Config):
    """What every set of points with classes has."""

    count: int = setting(400, "Number of points", low=4, high=100_000, logarithmic=True)
    noise: float = setting(0.1, "Standard deviation of the noise around each point's place", low=0.0, high=10.0)
    seed: int = setting(0, "A different seed samples different points from the same distribution", low=0, high=2**31 - 1)


class XORSettings(ClassSettings):
    count: int = setting(4, "Number of points, which take turns at the four corners", low=4, high=100_000, logarithmic=True)
    noise: float = setting(0.0, "Standard deviation of the noise around each corner", low=0.0, high=10.0)


class RingsSettings(ClassSettings):
    noise: float = setting(0.05, "Standard deviation of the noise around each circle", low=0.0, high=10.0)
    rings: int = setting(2, "Number of nested circles, each with a class of its own", low=2, high=12)


class SpiralsSettings(ClassSettings):
    noise: float = setting(0.02, "Standard deviation of the noise around each arm", low=0.0, high=10.0)
    arms: int = setting(2, "Number of arms, each with a class of its own", low=2, high=12)
    turns: float = setting(1.0, "Turns of each arm", low=0.1, high=10.0)


def xor(settings: XORSettings, info: DatasetInfo) -> RowDataset:
    """Corners of the unit square; class 1 where exactly one of both coordinates is 1: no line parts the classes."""
    corner = (np.arange(settings.count) + settings.seed) % 4  # without noise another seed begins at another corner
    places = np.stack([corner // 2, corner % 2], axis=1).astype(np.float64)
    return _rows(places, corner // 2 ^ corner % 2, ("0", "1"), settings, Chance(settings.seed), info)


def moons(settings: ClassSettings, info: DatasetInfo) -> RowDataset:
    """Two half circles of radius 1 that reach into each other, a class each."""
    chance = Chance(settings.seed)
    lower = np.arange(settings.count) % 2 == 1
    angle = np.pi * chance.uniform(settings.count)
    x = np.where(lower, 1 - np.cos(angle), np.cos(angle)) - 0.5
    y = np.where(lower, 0.5 - np.sin(angle), np.sin(angle)) - 0.25
    return _rows(np.stack([x, y], axis=1), lower.astype(np.int64), ("upper", "lower"), settings, chance, info)


def rings(settings: RingsSettings, info: DatasetInfo) -> RowDataset:
    """Circles around the origin with radii up to 1, a class each."""
    chance, ring = Chance(settings.seed), np.arange(settings.count) % settings.rings
    angle = 2 * np.pi * chance.uniform(settings.count)
    places = ((1 + ring) / settings.rings)[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    names = ("inner", "outer") if settings.rings == 2 else tuple(f"ring {n + 1}" for n in range(settings.rings))
    return _rows(places, ring, names, settings, chance, info)


def spirals(settings: SpiralsSettings, info: DatasetInfo) -> RowDataset:
    """Arms of an Archimedean spiral out to radius 1, a class each."""
    chance, arm = Chance(settings.seed), np.arange(settings.count) % settings.arms
    radius = np.sqrt(0.01 + 0.99 * chance.uniform(settings.count))
    angle = 2 * np.pi * (arm / settings.arms + settings.turns * radius)
    places = radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return _rows(places, arm, tuple(f"arm {n + 1}" for n in range(settings.arms)), settings, chance, info)


def _rows(
    places: Array, labels: NDArray[np.int64], classes: tuple[str, ...], settings: ClassSettings, chance: Chance, info: DatasetInfo
) -> RowDataset:
    noise = settings.noise * chance.normal(2 * settings.count).reshape(-1, 2)
    return RowDataset(info, settled(places + noise), labels.astype(np.int64), ("x", "y"), classes)
