"""Attention weights as pictures, fast enough to be moved: colours are looked up by the bits of a float16."""

from __future__ import annotations

import numpy as np
from PySide6.QtGui import QImage

from genstudio.events import Array
from genstudio.ui import theme


def _colours() -> Array:
    """ARGB (65536,) uint32 of every float16 in [0, 1], by its bits; colours follow the square root of the weight."""
    values = np.arange(1 << 16, dtype=np.uint16).view(np.float16).astype(np.float32)
    shade = np.sqrt(np.clip(np.nan_to_num(values), 0, 1))
    rgb = theme.VIRIDIS[(shade * 255).round().astype(np.uint8)].astype(np.uint32)
    return np.asarray(0xFF000000 | rgb[:, 0] << 16 | rgb[:, 1] << 8 | rgb[:, 2], np.uint32)


_TABLE = _colours()


def picture(weights: Array, causal: bool, row: int = 0, column: int = 0, patch: int = 1) -> QImage:
    """Weights (r, c) float16 as a picture; where the mask forbids every weight of a patch it is transparent.

    `row` and `column` are those of the first weight in the map, in tokens.
    """
    pixels = _TABLE[np.ascontiguousarray(weights).view(np.uint16)]
    if causal:
        last = row + (np.arange(weights.shape[0]) + 1) * patch - 1
        pixels[column + np.arange(weights.shape[1]) * patch > last[:, None]] = 0
    image = QImage(pixels.data, weights.shape[1], weights.shape[0], 4 * weights.shape[1], QImage.Format.Format_ARGB32)
    return image.copy()
