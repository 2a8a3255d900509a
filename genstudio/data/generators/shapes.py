"""Pictures of one shape each, whose factors are known: after dSprites (Matthey et al. 2017), smaller."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from genstudio.config import Config, setting
from genstudio.data.datasets import ImageDataset
from genstudio.data.generators.chance import Chance
from genstudio.data.info import DatasetInfo

SHAPES = ("square", "ellipse", "heart")
SIZES = 6
TURNS = 40
PLACES = 16
PIXELS = 32
SPRITE = 17
"""Pixels of the square that holds the largest shape at any turn."""
_FINE = 4
_HALF = SPRITE / 2

POSSIBLE = len(SHAPES) * SIZES * TURNS * PLACES * PLACES


COLOURS = ("orange", "blue")
_COLOURS = np.array([[255, 150, 40], [50, 130, 255]], np.float64)
SHADES = 5
"""Lightnesses of a colour, from half of it to all."""
SMALL, _SMALL_SIZES, _MOVES = 16, 4, 5
"""Of the coloured ones: pixels of a side, how many of the sizes fit there, and places along each side."""
COLOURED = len(SHAPES) * _SMALL_SIZES * TURNS * _MOVES * _MOVES


class ShapeSettings(Config):
    count: int = setting(10_000, "Number of distinct pictures", low=1, high=POSSIBLE, logarithmic=True)
    seed: int = setting(0, "A different seed draws different pictures", low=0, high=2**31 - 1)


class ColouredSettings(Config):
    count: int = setting(4000, "Number of distinct pictures, half of them in each colour", low=2, high=COLOURED, logarithmic=True)
    seed: int = setting(0, "A different seed draws different pictures", low=0, high=2**31 - 1)


def shapes(settings: ShapeSettings, info: DatasetInfo) -> ImageDataset:
    """White on black, 32x32, no two alike in their factors; factors as attributes: size in pixels, turn in degrees."""
    drawn = Chance(settings.seed).order(POSSIBLE)[: settings.count]
    shape, size, turn, x, y = np.unravel_index(drawn, (len(SHAPES), SIZES, TURNS, PLACES, PLACES))
    sprites = _sprites()
    pixels = np.zeros((settings.count, PIXELS, PIXELS, 1), np.uint8)
    for i in range(settings.count):
        place = (i, slice(y[i], y[i] + SPRITE), slice(x[i], x[i] + SPRITE), 0)
        pixels[place] = sprites[shape[i], size[i], turn[i]]
    half = (SPRITE - 1) // 2
    attributes = {
        "size": _half_size(size.astype(np.float64)) * 2,
        "turn": turn * (360 / TURNS),
        "x": x.astype(np.int64) + half,
        "y": y.astype(np.int64) + half,
    }
    return ImageDataset(info, pixels, shape.astype(np.int64), SHAPES, attributes=attributes)


def coloured_shapes(settings: ColouredSettings, info: DatasetInfo) -> ImageDataset:
    """Orange and blue shapes on black, 16x16. No shape is there in both colours, so the two sets are unpaired, but what each
    would be in the other colour is known: the same shape at the same place, equally light."""
    chance = Chance(settings.seed)
    drawn = chance.order(COLOURED)[: settings.count]
    shape, size, turn, x, y = np.unravel_index(drawn, (len(SHAPES), _SMALL_SIZES, TURNS, _MOVES, _MOVES))
    light = 0.5 + chance.integers(SHADES, settings.count) / (2 * (SHADES - 1))
    sprites = _sprites()
    share = np.zeros((settings.count, SMALL, SMALL))
    for i in range(settings.count):
        down, right = SPRITE - SMALL - 1 + _MOVES // 2 - y[i], SPRITE - SMALL - 1 + _MOVES // 2 - x[i]
        moved = np.pad(sprites[shape[i], size[i], turn[i]], _MOVES)
        share[i] = moved[_MOVES + down :, _MOVES + right :][:SMALL, :SMALL] / 255 * light[i]
    colour = np.arange(settings.count) % 2
    pixels, partners = (
        (share[..., None] * _COLOURS[which, None, None]).round().astype(np.uint8) for which in (colour, 1 - colour)
    )
    return ImageDataset(info, pixels, colour.astype(np.int64), COLOURS, partners=partners)


def _half_size(size: NDArray[np.float64]) -> NDArray[np.float64]:
    return 3.0 + 0.5 * size


def _sprites() -> NDArray[np.uint8]:
    """(shapes, sizes, turns, 17, 17) brightness 0 to 255: how much of each pixel the shape covers, of 16 samples."""
    line = (np.arange(SPRITE * _FINE) + 0.5) / _FINE - _HALF
    v, u = np.meshgrid(line, line, indexing="ij")
    turn = (2 * np.pi * np.arange(TURNS) / TURNS)[None, :, None, None]
    scale = _half_size(np.arange(SIZES, dtype=np.float64))[:, None, None, None]
    a = (np.cos(turn) * u + np.sin(turn) * v) / scale
    b = (np.cos(turn) * v - np.sin(turn) * u) / scale
    inside = np.stack([_square(a, b), _ellipse(a, b), _heart(a, b)])
    fine = inside.reshape(*inside.shape[:3], SPRITE, _FINE, SPRITE, _FINE)
    covered = fine.sum(axis=(4, 6))
    return ((covered * 255 + _FINE**2 // 2) // _FINE**2).astype(np.uint8)


def _square(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.bool_]:
    return np.maximum(np.abs(a), np.abs(b)) < 0.951


def _ellipse(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.bool_]:
    return (a / 1.371) ** 2 + (b / 0.783) ** 2 < 1


def _heart(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.bool_]:
    """The sextic (x^2 + y^2 - 1)^3 < x^2 y^3, the point down."""
    x, y = a / 1.021, -b / 1.021 + 0.117
    return (x**2 + y**2 - 1) ** 3 < x**2 * y**3
