"""How far places are from real genomes, by a surface fitted to everything that was simulated lately. Numpy only.

A discriminator's features of a region depend on the parameters that it was simulated with, and on chance. A regression over
many regions takes the chance out (Beaumont et al. 2002, with weights by distance); the place whose mean features
are those of real regions is what feature matching looks for (Salimans et al. 2016).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
_NEAR = 0.2
"""How far regions count, as a standard deviation in shares of the range."""
_TRUST = 1.5
"""How far from the place the surface is believed, in units of that."""
_RIDGE, _SMALL, _FAR = 1e-3, 1e-3, 1e-3
"""Shrinking of the slopes; the smallest variance of independent features, as a share of the largest; a region's least weight."""


def distances(features: Array, places: Array, real: Array, here: Array, asked: Array) -> Array:
    """Squared distances (K,) of the mean features at the places `asked` (K, P) from those of real regions, in variances of a
    region; infinite where that is too far from `here` (P,) to be said.

    `features` (B, F) are those of regions simulated at `places` (B, P), `real` (R, F) those of real regions. Features are
    made independent and of equal variance, and fitted by polynomials of degree two around `here`.
    """
    mean, deviations = features.mean(0), features.std(0)
    unit = np.where(deviations > 1e-6 * np.abs(mean), 1 / np.maximum(deviations, 1e-12), 0.0)  # 0: dead, always the same
    values, axes = np.linalg.eigh(np.cov(features.T) * np.outer(unit, unit))
    kept = values > max(_SMALL * values.max(), 1e-12)
    scaled = unit[:, None] * axes[:, kept] / np.sqrt(values[kept])
    weights = np.exp(-0.5 * np.square((places - here) / _NEAR).sum(1)) + _FAR
    terms = _terms(places, here)
    weighted = terms * weights[:, None]
    squares = weighted.T @ terms
    squares[np.diag_indices(len(squares))] += _RIDGE * np.trace(squares) / len(squares) * (np.arange(len(squares)) > 0)
    surface = np.linalg.solve(squares, weighted.T @ ((features - mean) @ scaled))
    apart = np.square(_terms(asked, here) @ surface - ((real - mean) @ scaled).mean(0)).sum(1)
    return np.where((np.abs(asked - here) > _TRUST * _NEAR).any(1), np.inf, apart)


def _terms(places: Array, here: Array) -> Array:
    """1, each parameter, and the products of two of them: (B, P) -> (B, 1 + P + P (P + 1) / 2)"""
    moved = (places - here) / _NEAR
    first, second = np.triu_indices(moved.shape[1])
    return np.concatenate([np.ones((len(moved), 1)), moved, moved[:, first] * moved[:, second]], 1)
