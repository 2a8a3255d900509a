"""A few colours that stand for all colours of some pictures: k-means over their pixels (Lloyd 1982, Chen et al. 2020, 3.1)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from genstudio.data.work import Work

LARGEST = 256
"""Colours of the largest palette: the number of one is a byte."""
_ROUNDS, _PARTS, _TRIES, _GAIN = 60, 4096, 4, 1e-4
_MOST_COLOURS = 1 << 12


def learn_palette(pixels: NDArray[np.uint8], colours: int, seed: int = 0) -> Work[NDArray[np.uint8]]:
    """At most so many colours (k, c) uint8 for pictures (n, h, w, c), the darkest first; yields the fraction done.

    Where the pictures have no more colours than that, these are the palette. Else each is the mean of the pixels that are nearer
    to it than to the others, by squared distance: k-means, begun as in k-means++ (Arthur & Vassilvitskii 2007) of `seed`, the
    best of several tries.
    """
    channels = pixels.shape[-1]
    yield 0.0
    codes, counts = np.unique(_codes(pixels), return_counts=True)
    found = _colours(codes, channels)
    yield 0.1
    if len(found) > colours:
        values, weights = _fewer(found.astype(np.float64), counts.astype(np.float64))
        best, least = values[:0], np.inf
        for tried in range(_TRIES):
            centres, inertia = yield from _lloyd(values, weights, colours, np.random.default_rng([seed, tried]), tried)
            if inertia < least:
                best, least = centres, inertia
        found = np.unique(np.rint(best).clip(0, 255).astype(np.uint8), axis=0)
    order = np.lexsort((*found.T[::-1], found.sum(1)))
    return np.ascontiguousarray(found[order])


def nearest(pixels: NDArray[np.uint8], palette: NDArray[np.uint8]) -> Work[NDArray[np.uint8]]:
    """The number of the nearest colour of a palette (k, c) for each pixel: (..., c) uint8 -> (...) uint8. Ties go to the lower
    number."""
    yield 0.0
    known, inverse = np.unique(_codes(pixels), return_inverse=True)
    colours = _colours(known, pixels.shape[-1])
    found = np.empty(len(known), np.uint8)
    for first in range(0, len(known), _PARTS):
        part = slice(first, first + _PARTS)
        found[part] = _distances(colours[part].astype(np.float64), palette.astype(np.float64)).argmin(1)
        yield first / len(known)
    return found[inverse].reshape(pixels.shape[:-1])


def _codes(pixels: NDArray[np.uint8]) -> NDArray[np.integer]:
    """A number for the colour of each pixel of pictures (..., c): (n,). One number is sorted far faster than three."""
    flat = pixels.reshape(-1, pixels.shape[-1])
    if flat.shape[1] == 1:
        return flat[:, 0]
    found = np.zeros(len(flat), np.uint32)
    for column in flat.T:
        found = found << np.uint32(8) | column
    return found


def _colours(codes: NDArray[np.integer], channels: int) -> NDArray[np.uint8]:
    """The colours (n, c) that have these numbers (n,)."""
    wide = codes.astype(np.uint32)
    return np.stack([wide >> np.uint32(8 * (channels - 1 - at)) & np.uint32(255) for at in range(channels)], 1).astype(np.uint8)


def _distances(values: NDArray[np.float64], centres: NDArray[np.float64]) -> NDArray[np.float64]:
    """Squared distances (n, k), exact for whole numbers."""
    products = np.square(values).sum(1)[:, None] - 2 * values @ centres.T + np.square(centres).sum(1)
    return np.asarray(np.maximum(products, 0.0))


def _fewer(values: NDArray[np.float64], weights: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The same colours and how many pixels have each; of very many, neighbours are taken together, each group at its mean."""
    bits = 0
    while len(values) > _MOST_COLOURS:
        bits += 1
        coarse, inverse = np.unique(values.astype(np.int64) >> bits, axis=0, return_inverse=True)
        inverse = inverse.reshape(-1)
        summed = np.bincount(inverse, weights, len(coarse))
        means = [np.bincount(inverse, weights * column, len(coarse)) / summed for column in values.T]
        values, weights = np.stack(means, 1).astype(np.float64), np.asarray(summed, np.float64)
    return values, weights


def _lloyd(
    values: NDArray[np.float64], weights: NDArray[np.float64], colours: int, rng: np.random.Generator, tried: int
) -> Work[tuple[NDArray[np.float64], float]]:
    """Centres (k, c) of values (n, c) with weights (n,), and the weighted sum of squared distances to them."""
    chosen = [int(rng.choice(len(values), p=weights / weights.sum()))]
    apart = _distances(values, values[chosen])[:, 0]
    while len(chosen) < colours:
        share = weights * apart
        chosen.append(int(rng.choice(len(values), p=share / share.sum())))
        apart = np.minimum(apart, _distances(values, values[chosen[-1:]])[:, 0])
        if len(chosen) % 16 == 0:
            yield 0.1 + 0.9 * tried / _TRIES
    centres, inertia = values[chosen], np.inf
    for _ in range(_ROUNDS):
        nearest_of, least = np.empty(len(values), np.int64), np.empty(len(values))
        for first in range(0, len(values), _PARTS):
            part = slice(first, first + _PARTS)
            gaps = _distances(values[part], centres)
            nearest_of[part], least[part] = gaps.argmin(1), gaps.min(1)
            yield 0.1 + 0.9 * tried / _TRIES
        before, inertia = inertia, float((weights * least).sum())
        if inertia > before * (1 - _GAIN):
            break
        held = np.bincount(nearest_of, weights, len(centres))
        sums = np.stack([np.bincount(nearest_of, weights * column, len(centres)) for column in values.T], 1)
        centres = np.where(held[:, None] > 0, sums / np.maximum(held, 1e-12)[:, None], centres)
    return centres, inertia
