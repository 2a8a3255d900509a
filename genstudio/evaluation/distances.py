"""Distances between clouds of features: Frechet, kernel, density and coverage, nearest neighbours. Numpy only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Features = NDArray[np.float64]
NEAREST = 5


def frechet(one: Features, other: Features) -> float:
    """Frechet distance between Gaussians fitted to features (n, d) and (m, d), Dowson & Landau 1982:
    |mu - mu'|^2 + tr(S + S' - 2 (S S')^(1/2)). The features are the program's own, so it is not an FID."""
    mean = one.mean(0) - other.mean(0)
    first, second = (np.cov(part, rowvar=False).reshape(part.shape[1], -1) for part in (one, other))
    values, vectors = np.linalg.eigh(first)
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    cross = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ second @ root), 0)).sum()
    return max(0.0, float(mean @ mean + np.trace(first) + np.trace(second) - 2 * cross))


def kernel_distance(one: Features, other: Features) -> float:
    """Unbiased squared MMD of features (n, d), (m, d) with the kernel (x.y / d + 1)^3 (Binkowski et al. 2018, 4)."""
    n, m, d = len(one), len(other), one.shape[1]

    def kernel(a: Features, b: Features) -> Features:
        return (a @ b.T / d + 1) ** 3

    within = kernel(one, one), kernel(other, other)
    own = (within[0].sum() - np.trace(within[0])) / (n * (n - 1)) + (within[1].sum() - np.trace(within[1])) / (m * (m - 1))
    return float(own - 2 * kernel(one, other).mean())


def density_and_coverage(real: Features, fake: Features, k: int = NEAREST) -> tuple[float, float]:
    """Naeem et al. 2020: how densely fakes (m, d) lie where reals (n, d) are, and the share of reals with a fake near.

    Near is within the distance of a real sample to its k-th neighbour among the reals. A perfect generator has a
    density of 1 on average.
    """
    radii = np.sort(distances(real, real), axis=1)[:, k]
    near = distances(real, fake) < radii[:, None]
    return float(near.sum() / (k * len(fake))), float(near.any(1).mean())


def distances(one: Features, other: Features) -> Features:
    """Euclidean distances (n, m) between the rows of (n, d) and (m, d)."""
    squares = (one**2).sum(1)[:, None] + (other**2).sum(1)[None] - 2 * one @ other.T
    return np.sqrt(np.maximum(squares, 0))


def nearest(samples: NDArray[np.floating], among: NDArray[np.floating], count: int = 1) -> tuple[NDArray[np.int64], Features]:
    """Indices (n, count) of the nearest rows of `among` (m, d) to samples (n, d), nearest first, and their distances."""
    found = distances(samples.astype(np.float64), among.astype(np.float64))
    count = min(count, found.shape[1])
    some = np.argpartition(found, count - 1, axis=1)[:, :count]
    order = np.take_along_axis(found, some, 1).argsort(1, kind="stable")
    chosen = np.take_along_axis(some, order, 1)
    return chosen, np.take_along_axis(found, chosen, 1)
