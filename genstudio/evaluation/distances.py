"""Distances between clouds of features or points: Frechet, kernel, energy, density, coverage, nearest neighbours. Numpy only."""

from __future__ import annotations

from collections.abc import Generator, Iterator

import numpy as np
from numpy.typing import NDArray

Features = NDArray[np.float64]
NEAREST = 5
RESAMPLES = 20
_TOGETHER = 1_000_000


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


class EnergyDistance:
    """The energy distance 2 E|X - Y| - E|X - X'| - E|Y - Y'| (Szekely & Rizzo 2013) of made points to real ones (n, 2), over
    all pairs.

    It depends on how many points are compared, so `count` made ones are compared with as many real ones, and beside it stands
    what `count` other real ones reach: both are means over RESAMPLES random halves of 2 `count` real points.
    """

    def __init__(self, real: NDArray[np.floating], count: int, seed: int) -> None:
        self.count, rng = min(count, len(real) // 2), np.random.default_rng(seed)
        real = real[rng.permutation(len(real))[: 2 * self.count]]  # all pairs of more would cost its square
        self._real, self._halves = real.astype(np.float32), np.zeros((2, len(real), RESAMPLES), np.float32)
        for index in range(RESAMPLES):
            order = rng.permutation(len(real))
            self._halves[0, order[: self.count], index] = 1
            self._halves[1, order[self.count : 2 * self.count], index] = 1
        self._within: NDArray[np.float64] | None = None
        self.floor = float("nan")

    def of(self, made: NDArray[np.floating]) -> Generator[float, None, tuple[float, float]]:
        """Of at least `count` made points: their distance, and that of real points. Yields the fraction done."""
        one, squares = made[: self.count].astype(np.float32), float(self.count) ** 2
        if self._within is None:
            sums = np.zeros((3, RESAMPLES))
            for part, apart in _pairs(self._real, self._real):
                to = apart @ self._halves  # (2, c, RESAMPLES)
                sums += [(self._halves[i, part] * to[j]).sum(0, dtype=np.float64) for i, j in ((0, 0), (1, 1), (0, 1))]
                yield 0.5 * part.stop / len(self._real)
            self._within = sums[0] / squares
            self.floor = float((2 * sums[2] - sums[0] - sums[1]).mean() / squares)
        across, own = np.zeros(len(self._real)), 0.0
        for part, apart in _pairs(one, self._real):
            across += apart.sum(0, dtype=np.float64)
            yield 0.5 + 0.3 * part.stop / len(one)
        for part, apart in _pairs(one, one):
            own += float(apart.sum(dtype=np.float64))
            yield 0.8 + 0.2 * part.stop / len(one)
        return float((2 * across @ self._halves[0] / squares - self._within).mean() - own / squares), self.floor


def _pairs(one: NDArray[np.float32], other: NDArray[np.float32]) -> Iterator[tuple[slice, NDArray[np.float32]]]:
    """Distances (c, m) between rows of (n, 2) and of (m, 2), some rows at a time."""
    rows = max(_TOGETHER // max(len(other), 1), 1)
    for first in range(0, len(one), rows):
        part = slice(first, min(first + rows, len(one)))
        x, y = (one[part, None, axis] - other[None, :, axis] for axis in (0, 1))
        x *= x
        y *= y
        x += y
        yield part, np.sqrt(x, out=x)
