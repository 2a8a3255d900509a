"""Many numbers as two: principal components and t-SNE, and which vectors are near."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genstudio.data.work import Work, mapped

Floats = NDArray[np.floating[Any]]

_EXAGGERATION, _EXAGGERATED = 12.0, 250
_SEARCHES = 60
_MEASURED_EVERY = 10
_TINY = 1e-12


def principal(vectors: Floats, axes: int = 2) -> tuple[Floats, Floats]:
    """Coordinates (n, axes) along the directions of largest variance, and the share of the variance of each (axes,).

    The sign of an axis is that of the coordinate with the largest magnitude, so that it does not flip by chance.
    Directions beyond the rank of the vectors (n, m) are zero.
    """
    centred = np.asarray(vectors, np.float64) - np.mean(vectors, axis=0, dtype=np.float64)
    wide = centred.shape[1] > centred.shape[0]
    sizes, directions = np.linalg.eigh(centred @ centred.T if wide else centred.T @ centred)
    sizes, directions = np.maximum(sizes[::-1], 0.0), directions[:, ::-1]
    found = directions * np.sqrt(sizes) if wide else centred @ directions
    points = np.zeros((len(centred), axes))
    kept = min(axes, found.shape[1])
    points[:, :kept] = found[:, :kept]
    for axis in range(kept):
        if points[np.abs(points[:, axis]).argmax(), axis] < 0:
            points[:, axis] *= -1
    shares = np.zeros(axes)
    shares[:kept] = sizes[:kept] / max(sizes.sum(), _TINY)
    return points, shares


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """Where the points (n, 2) are after `done` of the work, and the divergence in nats; None while they are not placed."""

    done: float
    points: Floats
    loss: float | None


def tsne(vectors: Floats, perplexity: float = 30.0, steps: int = 750) -> Iterator[Step]:
    """t-SNE (van der Maaten & Hinton 2008), exact: every pair is compared, so it is for some thousand vectors (n, m).

    Starts from the principal components (Kobak & Berens 2019), with momentum, gains, early exaggeration, and the
    learning rate n / exaggeration of Belkina et al. 2019. One step is one piece of work; the last one is the result.
    The perplexity is lowered to what n allows.
    """
    count = len(vectors)
    start, _ = principal(vectors)
    if count < 4:
        yield Step(1.0, start, None)
        return
    points = start / max(float(start[:, 0].std()), _TINY) * 1e-4
    work = affinities(vectors, min(perplexity, (count - 1) / 3))
    wanted = (yield from mapped(work, lambda done: Step(0.1 * done, points, None))).astype(np.float32)
    rate = max(count / _EXAGGERATION / 4, 50.0)
    speed, gains, loss = np.zeros_like(points), np.ones_like(points), 0.0
    for step in range(steps):
        early = step < min(_EXAGGERATED, steps // 3)
        kernel = closeness(points)
        if step % _MEASURED_EVERY == 0 or step == steps - 1:
            loss = divergence(wanted, kernel)
        pull = gradient(wanted, points, kernel, _EXAGGERATION if early else 1.0)
        gains = np.maximum(np.where(np.sign(pull) != np.sign(speed), gains + 0.2, gains * 0.8), 0.01)
        speed = (0.5 if early else 0.8) * speed - rate * gains * pull
        points = points + speed
        points -= points.mean(0)
        yield Step(0.1 + 0.9 * (step + 1) / steps, points, loss)


def affinities(vectors: Floats, perplexity: float) -> Work[Floats]:
    """The affinities p_ij (n, n) of vectors (n, m), symmetric with the sum 1."""
    rows = yield from conditional(vectors, perplexity)
    return np.asarray((rows + rows.T) / (2 * len(rows)))


def conditional(vectors: Floats, perplexity: float) -> Work[Floats]:
    """The affinities p_j|i (n, n) of each row i: the width of its kernel is searched by bisection so that the entropy of
    the row is log(perplexity)."""
    squares = squared_distances(np.asarray(vectors, np.float64))
    np.fill_diagonal(squares, np.inf)
    squares -= squares.min(1, keepdims=True)
    finite = np.where(np.isinf(squares), 0.0, squares)
    scale = max(float(np.median(finite)), _TINY)
    squares, finite = squares / scale, finite / scale
    low, high = np.zeros(len(squares)), np.full(len(squares), np.inf)
    beta, target = np.ones(len(squares)), np.log(perplexity)
    for search in range(_SEARCHES):
        rows = np.exp(-squares * beta[:, None])
        total = rows.sum(1)
        entropy = np.log(total) + beta * (finite * rows).sum(1) / total
        if np.abs(entropy - target).max() < 1e-6:
            break
        spread = entropy > target
        low, high = np.where(spread, beta, low), np.where(spread, high, beta)
        beta = np.where(np.isinf(high), beta * 2, (low + high) / 2)
        yield search / _SEARCHES
    return np.asarray(rows / total[:, None])


def closeness(points: Floats) -> Floats:
    """1 / (1 + squared distance) of each two of (n, 2), 0 on the diagonal: (n, n) float32."""
    kernel = squared_distances(np.asarray(points, np.float32))
    kernel += 1
    np.reciprocal(kernel, out=kernel)
    np.fill_diagonal(kernel, 0.0)
    return kernel


def divergence(wanted: Floats, kernel: Floats) -> float:
    """Kullback-Leibler divergence in nats of the affinities of a map, `kernel` over its sum, from the `wanted` ones."""
    found = kernel / max(float(kernel.sum(dtype=np.float64)), _TINY)
    return float((wanted * np.log(np.maximum(wanted, _TINY) / np.maximum(found, _TINY))).sum(dtype=np.float64))


def gradient(wanted: Floats, points: Floats, kernel: Floats, exaggeration: float = 1.0) -> Floats:
    """Of the divergence by the points (n, 2), whose `kernel` is `closeness(points)`."""
    weights = kernel * np.float32(-1 / max(float(kernel.sum(dtype=np.float64)), _TINY))
    weights += np.float32(exaggeration) * wanted if exaggeration != 1 else wanted
    weights *= kernel
    small = np.asarray(points, np.float32)
    pull = weights.sum(1)[:, None] * small - weights @ small
    return 4 * np.asarray(pull, np.float64)


def squared_distances(points: Floats) -> Floats:
    """Of each two of (n, m): (n, n), never negative."""
    sizes = (points * points).sum(1)
    squares = points @ points.T
    squares *= -2
    squares += sizes[:, None]
    squares += sizes
    return np.maximum(squares, 0, out=squares)


def nearest(vectors: Floats, index: int, count: int) -> list[tuple[int, float]]:
    """The vectors (n, m) with the largest cosine to that of `index`, without itself: (index, cosine), nearest first.

    Vectors of length 0 have the cosine 0 with all.
    """
    sizes = np.linalg.norm(vectors, axis=1)
    cosines = vectors @ vectors[index] / np.maximum(sizes * sizes[index], _TINY)
    cosines[index] = -np.inf
    count = min(count, len(vectors) - 1)
    best = np.argpartition(-cosines, count - 1)[:count] if count else np.empty(0, np.int64)
    return [(int(i), float(cosines[i])) for i in sorted(best, key=lambda i: (-cosines[i], i))]
