"""What pictures of few colours take without a neural network, in bits per pixel: baselines of models that read pixel by pixel."""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray

from genstudio.data.work import Work

_DICTIONARY = 1 << 15
"""Bytes that zlib can be shown before it begins: the window in which it looks for repetitions."""
_ROWS = 500


def histogram_bits(train: NDArray[np.uint8], held: NDArray[np.uint8], colours: int) -> float:
    """Bits per pixel of held-out pictures (m, T) by how often each of so many colours stands at that very place of the
    training pictures (n, T).

    Each place adds one picture in the overall shares of the colours, and these one pixel of each colour, so that nothing is
    impossible.
    """
    overall = np.bincount(train.reshape(-1), minlength=colours) + 1.0
    shares = overall / overall.sum()
    places = np.arange(train.shape[1])
    counts = np.bincount((places * colours + train).reshape(-1), minlength=train.shape[1] * colours)
    found = (counts.reshape(-1, colours) + shares) / (len(train) + 1)
    return float(-np.log2(found[places, held]).mean())


def zlib_bits(train: NDArray[np.uint8], held: NDArray[np.uint8]) -> Work[float]:
    """Bits per pixel of held-out pictures (m, T) uint8 that zlib, at its best, writes into one stream; it has read as many
    training pictures (n, T) before as it can hold, which a PNG does not. Yields the fraction done."""
    shown = train[max(0, len(train) - _DICTIONARY // train.shape[1]) :].tobytes()
    packer = zlib.compressobj(9, zdict=shown)
    written = 0
    for first in range(0, len(held), _ROWS):
        written += len(packer.compress(held[first : first + _ROWS].tobytes()))
        yield first / len(held)
    written += len(packer.flush())
    return 8.0 * written / held.size
