"""Ways through the noise that a generator makes samples of: straight, along the sphere, round, in a plane, cut off."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np

from genstudio.errors import DataError
from genstudio.events import Array

MOST = 240
_NORMAL = NormalDist()


def lerp(first: Array, last: Array, shares: Array) -> Array:
    """(1 - t) a + t b for each t of `shares` (n,): rows (n, d)."""
    t = np.asarray(shares, np.float64)[:, None]
    return ((1 - t) * first + t * last).astype(np.float32)


def slerp(first: Array, last: Array, shares: Array) -> Array:
    """Along the great circle, the length going evenly from |a| to |b|: rows (n, d). Straight where a and b are parallel.

    sin((1 - t) w) / sin w u + sin(t w) / sin w v with u = a / |a|, v = b / |b|, cos w = u v (Shoemake 1985); in many
    dimensions noise lies near a sphere, which the straight way leaves (White 2016).
    """
    a, b, t = np.asarray(first, np.float64), np.asarray(last, np.float64), np.asarray(shares, np.float64)[:, None]
    long_a, long_b = np.linalg.norm(a), np.linalg.norm(b)
    if long_a < 1e-12 or long_b < 1e-12:
        return lerp(first, last, shares)
    u, v = a / long_a, b / long_b
    angle = float(np.arccos(np.clip(u @ v, -1, 1)))
    if np.sin(angle) < 1e-6:
        return lerp(first, last, shares)
    way = (np.sin((1 - t) * angle) * u + np.sin(t * angle) * v) / np.sin(angle)
    return (way * ((1 - t) * long_a + t * long_b)).astype(np.float32)


def between(anchors: Array, count: int, *, spherical: bool, closed: bool = False) -> Array:
    """`count` latents from anchor to anchor (k, d), k at least 2; `closed` goes on to the first and stops before it, so
    that it can be repeated without end. Raises DataError."""
    if len(anchors) < 2 or not 2 <= count <= MOST:
        raise DataError("A path needs two latents.", f"Keep two, and choose 2 to {MOST} steps.")
    stops = np.concatenate([anchors, anchors[:1]]) if closed else anchors
    legs = len(stops) - 1
    at = np.linspace(0, legs, count, endpoint=not closed)
    leg = np.minimum(at.astype(np.int64), legs - 1)
    move = slerp if spherical else lerp
    return np.concatenate([move(stops[i], stops[i + 1], np.array([t - i])) for t, i in zip(at, leg, strict=True)])


def circle(middle: Array, axes: Array, radius: float, count: int) -> Array:
    """`count` latents (count, d) round `middle` in the plane of `axes` (2, d), orthonormal: a loop."""
    angles = 2 * np.pi * np.arange(count) / count
    return (middle + radius * np.stack([np.cos(angles), np.sin(angles)], 1) @ axes).astype(np.float32)


def plane(middle: Array, axes: Array, reach: float, side: int) -> Array:
    """A grid (side^2, d) over the plane of `axes` (2, d) through `middle`, from -reach to reach, rows from the top."""
    line = np.linspace(-reach, reach, side)
    across, up = np.meshgrid(line, line[::-1])
    return (middle + np.stack([across.ravel(), up.ravel()], 1) @ axes).astype(np.float32)


def arithmetic(first: Array, less: Array, more: Array) -> Array:
    """a - b + c (d,), as of 'smiling woman - neutral woman + neutral man' (Radford et al. 2016)."""
    return (np.asarray(first, np.float64) - less + more).astype(np.float32)


def truncated(latents: Array, limit: float, kind: str) -> Array:
    """The same noise, cut off at +-`limit`: each number becomes the same quantile of the cut distribution.

    That has the distribution of drawing again what lies beyond (Brock et al. 2019), and moves evenly with the limit. `kind` is
    `normal` or `uniform` (between -1 and 1). Raises DataError for a limit that is not positive.
    """
    if not limit > 0:
        raise DataError("The truncation of the noise has to be above 0.", "Choose a value above 0.")
    if kind == "uniform":
        return (latents * min(limit, 1.0)).astype(np.float32)
    low, high = _NORMAL.cdf(-limit), _NORMAL.cdf(limit)
    shares = [low + _NORMAL.cdf(value) * (high - low) for value in np.ravel(latents).tolist()]
    cut = [_NORMAL.inv_cdf(min(max(share, 1e-12), 1 - 1e-12)) for share in shares]
    return np.clip(np.reshape(cut, latents.shape), -limit, limit).astype(np.float32)


def directions(latents: Array, features: Array) -> tuple[Array, Array]:
    """Unit directions (k, d) in the noise that move the features along their principal axes, and the share (k,) of the
    features' variance along each, most first.

    GANSpace (Harkonen et al. 2020): principal coordinates of the features (n, f) of latents (n, d), then the least-squares
    map from coordinates back to latents; its columns, at unit length. The largest number of each is positive.
    """
    centred = features.astype(np.float64) - features.mean(0)
    left, strengths, _ = np.linalg.svd(centred, full_matrices=False)
    kept = max(int((strengths > 1e-9 * max(strengths[0], 1e-300)).sum()), 1)
    coordinates = left[:, :kept] * strengths[:kept]
    found = np.linalg.lstsq(coordinates, latents.astype(np.float64) - latents.mean(0), rcond=None)[0]
    lengths = np.linalg.norm(found, axis=1, keepdims=True)
    found = found / np.maximum(lengths, 1e-300)
    found *= np.sign(found[np.arange(kept), np.abs(found).argmax(1)])[:, None]
    shares = strengths[:kept] ** 2 / max(float((strengths**2).sum()), 1e-300)
    return found.astype(np.float32), shares


def random_axes(size: int, seed: int) -> Array:
    """Two orthonormal directions (2, size) at random; for one number, that one and none."""
    if size == 1:
        return np.array([[1.0], [0.0]], np.float32)
    made, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(size, 2)))
    return made.T.astype(np.float32)
