"""Arrays of any shape as pictures (n, h, w, c)."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genstudio.errors import DataError

Array = NDArray[Any]

_SMALLEST_ROW = 64
_SAMPLE = 256
_CLEARLY = 0.5


def shaped(values: Array, path: Path | None = None) -> tuple[Array, str]:
    """(n, h, w, c) of numbers as they are, c 1, 3 or 4, and a sentence where something was guessed.

    Takes rows of square pictures of at least 64 numbers, (n, h, w), one picture (h, w, c), channels last or first.
    Raises DataError for what is none of these.
    """
    shape = values.shape
    if values.dtype.kind in "uifb" and values.size:
        if values.ndim == 2 and (found := _rows(values)) is not None:
            return found
        if values.ndim == 3:
            one = shape[2] in (1, 3, 4) and min(shape[:2]) > 1
            return (values[None], "") if one else (values[..., None], "")
        if values.ndim == 4 and shape[3] in (1, 3, 4):
            return values, ""
        if values.ndim == 4 and shape[1] in (1, 3, 4):
            return np.moveaxis(values, 1, 3), ""
    table = values.ndim == 2 and "small pictures have to be given as (n, height, width)"
    raise DataError(
        f"An array of shape {shape} contains no pictures{f': {table}' if table else ''}.",
        "Pictures are (n, height, width), (n, height, width, channels) or rows of square ones; points are (n, 2).",
        path,
    )


def on_white(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(n, h, w, 1, 3 or 4) -> (n, h, w, 1 or 3): what is transparent is laid on white."""
    if pixels.shape[3] != 4:
        return pixels
    out = np.empty((*pixels.shape[:3], 3), np.uint8)
    for start in range(0, len(pixels), _SAMPLE):
        part = pixels[start : start + _SAMPLE].astype(np.uint32)
        alpha = part[..., 3:]
        out[start : start + _SAMPLE] = (part[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255
    return out


def _rows(values: Array) -> tuple[Array, str] | None:
    count, length = values.shape
    side = math.isqrt(length)
    if length >= _SMALLEST_ROW and side * side == length:
        return values.reshape(count, side, side, 1), ""
    side = math.isqrt(length // 3)
    if length < 3 * _SMALLEST_ROW or 3 * side * side != length:
        return None
    by_pixel = values.reshape(count, side, side, 3)
    by_channel = np.moveaxis(values.reshape(count, 3, side, side), 1, 3)
    gain = _disorder(by_pixel) - _disorder(by_channel)
    order, found = ("channel by channel", by_channel) if gain > 0 else ("pixel by pixel", by_pixel)
    sure = "" if abs(gain) > _CLEARLY else ", although the other order looks almost as good"
    return found, f"Each row was read {order}, which gives smoother pictures{sure}."


def _disorder(pictures: Array) -> float:
    """How little the channels of neighbouring pixels tell of each other: the entropy of pixel, right and lower neighbour
    as if all were normally distributed, in nats."""
    some = pictures[:: max(1, len(pictures) // _SAMPLE)][:_SAMPLE].astype(np.float64)
    near = np.concatenate([some[:, :-1, :-1], some[:, :-1, 1:], some[:, 1:, :-1]], axis=3).reshape(-1, 9)
    spread = np.cov(near, rowvar=False)
    ridge = 1e-6 * max(1e-12, float(np.trace(spread)) / 9)
    return 0.5 * float(np.linalg.slogdet(spread + ridge * np.eye(9))[1])
