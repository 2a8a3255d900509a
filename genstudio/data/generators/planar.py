"""Distributions in the plane that are simple enough to be seen whole."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from genstudio.config import Config, setting
from genstudio.data.datasets import PointDataset
from genstudio.data.generators.chance import Chance, settled
from genstudio.data.info import DatasetInfo

Plane = NDArray[np.float64]
_PACGAN = "Lin et al. 2018, PacGAN, 4.1"


class PlanarSettings(Config):
    """What every distribution in the plane has."""

    count: int = setting(20_000, "Number of points", low=1, high=1_000_000, logarithmic=True)
    seed: int = setting(0, "A different seed samples different points from the same distribution", low=0,
        high=2**31 - 1)


class RingSettings(PlanarSettings):
    modes: int = setting(8, "Number of Gaussians on the circle", low=1, high=64, source=_PACGAN)
    radius: float = setting(1.0, "Radius of the circle", low=0.01, high=100.0, source=_PACGAN)
    sigma: float = setting(0.01, "Standard deviation of each Gaussian", low=0.0001, high=10.0, source=_PACGAN)


class GridSettings(PlanarSettings):
    side: int = setting(5, "Number of Gaussians along each side", low=1, high=20, source=_PACGAN)
    step: float = setting(2.0, "Distance between neighbours", low=0.01, high=100.0, source=_PACGAN)
    sigma: float = setting(0.05, "Standard deviation of each Gaussian", low=0.0001, high=10.0, source=_PACGAN)


class CurveSettings(PlanarSettings):
    noise: float = setting(0.05, "Standard deviation of the noise around the curve", low=0.0, high=1.0)


class SpiralSettings(CurveSettings):
    noise: float = setting(0.02, "Standard deviation of the noise around the curve", low=0.0, high=1.0)
    arms: int = setting(2, "Number of arms", low=1, high=12)
    turns: float = setting(1.25, "Turns of each arm", low=0.1, high=10.0)


class RingsSettings(CurveSettings):
    noise: float = setting(0.03, "Standard deviation of the noise around the curve", low=0.0, high=1.0)
    rings: int = setting(3, "Number of nested circles", low=1, high=12)


def ring(settings: RingSettings, info: DatasetInfo) -> PointDataset:
    """Gaussians of equal weight, evenly on a circle."""
    angle = 2 * np.pi * np.arange(settings.modes) / settings.modes
    centres = settings.radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return _mixture(centres, settings.sigma, settings, info)


def grid(settings: GridSettings, info: DatasetInfo) -> PointDataset:
    """Gaussians of equal weight on a square grid around the origin."""
    line = settings.step * (np.arange(settings.side) - (settings.side - 1) / 2)
    centres = np.stack(np.meshgrid(line, line, indexing="ij"), axis=-1).reshape(-1, 2)
    return _mixture(centres, settings.sigma, settings, info)


def moons(settings: CurveSettings, info: DatasetInfo) -> PointDataset:
    """Two half circles of radius 1 that reach into each other."""
    chance = Chance(settings.seed)
    lower = chance.integers(2, settings.count) == 1
    angle = np.pi * chance.uniform(settings.count)
    x = np.where(lower, 1 - np.cos(angle), np.cos(angle)) - 0.5
    y = np.where(lower, 0.5 - np.sin(angle), np.sin(angle)) - 0.25
    return _noisy(np.stack([x, y], axis=1), settings, chance, info)


def spirals(settings: SpiralSettings, info: DatasetInfo) -> PointDataset:
    """Arms of an Archimedean spiral out to radius 1, with as many points per length everywhere but near the origin."""
    chance = Chance(settings.seed)
    arm = chance.integers(settings.arms, settings.count) / settings.arms
    radius = np.sqrt(0.01 + 0.99 * chance.uniform(settings.count))
    angle = 2 * np.pi * (arm + settings.turns * radius)
    curve = radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return _noisy(curve, settings, chance, info)


def swiss_roll(settings: CurveSettings, info: DatasetInfo) -> PointDataset:
    """The spiral t (cos t, sin t) with t uniform in [1.5 pi, 4.5 pi] (Tenenbaum et al. 2000), scaled to radius 1."""
    chance = Chance(settings.seed)
    t = 1.5 * np.pi * (1 + 2 * chance.uniform(settings.count))
    curve = (t / (4.5 * np.pi))[:, None] * np.stack([np.cos(t), np.sin(t)], axis=1)
    return _noisy(curve, settings, chance, info)


def rings(settings: RingsSettings, info: DatasetInfo) -> PointDataset:
    """Circles around the origin with radii up to 1, each with as many points."""
    chance = Chance(settings.seed)
    radius = (1 + chance.integers(settings.rings, settings.count)) / settings.rings
    angle = 2 * np.pi * chance.uniform(settings.count)
    curve = radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return _noisy(curve, settings, chance, info)


def _mixture(centres: Plane, sigma: float, settings: PlanarSettings, info: DatasetInfo) -> PointDataset:
    chance = Chance(settings.seed)
    chosen = centres[chance.integers(len(centres), settings.count)]
    points = chosen + sigma * chance.normal(2 * settings.count).reshape(-1, 2)
    return PointDataset(info, settled(points), settled(centres), sigma)


def _noisy(curve: Plane, settings: CurveSettings, chance: Chance, info: DatasetInfo) -> PointDataset:
    noise = settings.noise * chance.normal(2 * settings.count).reshape(-1, 2)
    return PointDataset(info, settled(curve + noise))
