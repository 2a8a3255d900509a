"""Ways through the noise against their closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest

from genstudio.errors import DataError
from genstudio.sampling import latent

RNG = np.random.default_rng(0)
A, B = RNG.normal(size=16).astype(np.float32), RNG.normal(size=16).astype(np.float32)


def test_the_straight_way_is_even() -> None:
    way = latent.lerp(A, B, np.linspace(0, 1, 5))
    assert way[0] == pytest.approx(A) and way[-1] == pytest.approx(B)
    assert way[1] == pytest.approx(0.75 * A + 0.25 * B, rel=1e-5, abs=1e-6)


def test_the_way_along_the_sphere_keeps_length_and_turns_evenly() -> None:
    a, b = A / np.linalg.norm(A), B / np.linalg.norm(B)
    way = latent.slerp(a, b, np.linspace(0, 1, 9)).astype(np.float64)
    assert np.linalg.norm(way, axis=1) == pytest.approx(np.ones(9), abs=1e-6)
    turns = np.arccos(np.clip((way[1:] * way[:-1]).sum(1), -1, 1))
    assert turns == pytest.approx(np.full(8, math.acos(float(a @ b)) / 8), abs=1e-4)
    assert np.linalg.norm(latent.lerp(a, b, np.array([0.5]))) < 0.9


def test_a_quarter_circle_in_closed_form() -> None:
    way = latent.slerp(np.array([2.0, 0.0]), np.array([0.0, 4.0]), np.array([0.5]))
    assert way[0] == pytest.approx(3 * np.array([math.sqrt(0.5), math.sqrt(0.5)]))


@pytest.mark.parametrize(("a", "b"), [((1.0, 0.0), (2.0, 0.0)), ((1.0, 0.0), (-1.0, 0.0)), ((0.0, 0.0), (1.0, 1.0))])
def test_where_no_circle_is_defined_the_way_is_straight(a: tuple[float, ...], b: tuple[float, ...]) -> None:
    shares = np.linspace(0, 1, 4)
    assert latent.slerp(np.array(a), np.array(b), shares) == pytest.approx(latent.lerp(np.array(a), np.array(b), shares))


def test_a_loop_goes_through_its_anchors_and_closes() -> None:
    anchors = RNG.normal(size=(3, 4)).astype(np.float32)
    way = latent.between(anchors, 12, spherical=True, closed=True)
    assert way[[0, 4, 8]] == pytest.approx(anchors, abs=1e-5)
    assert np.linalg.norm(way[11] - way[0]) < 2 * np.linalg.norm(way[1] - way[0]) + 2
    assert latent.between(anchors[:2], 5, spherical=False) == pytest.approx(
        latent.lerp(anchors[0], anchors[1], np.linspace(0, 1, 5)), abs=1e-6
    )
    with pytest.raises(DataError):
        latent.between(anchors[:1], 5, spherical=True)


def test_a_circle_and_a_plane_lie_in_their_axes() -> None:
    axes = latent.random_axes(6, 3)
    assert axes @ axes.T == pytest.approx(np.eye(2), abs=1e-6)
    middle = RNG.normal(size=6)
    around = latent.circle(middle, axes, 2.0, 10) - middle
    assert np.linalg.norm(around, axis=1) == pytest.approx(np.full(10, 2.0), rel=1e-5)
    assert around == pytest.approx((around @ axes.T) @ axes, abs=1e-5)
    grid = latent.plane(middle, axes, 3.0, 5)
    assert grid[12] == pytest.approx(middle, abs=1e-5)
    assert (grid[4] - middle) @ axes.T == pytest.approx([3, 3], abs=1e-4)


def test_arithmetic() -> None:
    c = RNG.normal(size=16)
    assert latent.arithmetic(A, B, c) == pytest.approx(A - B + c, abs=1e-5)
    assert latent.arithmetic(A, A, c) == pytest.approx(c, abs=1e-6)


def test_truncation_has_the_law_of_drawing_anew() -> None:
    noise, limit = RNG.normal(size=20_000), 0.7
    cut = latent.truncated(noise, limit, "normal").astype(np.float64)
    assert np.abs(cut).max() <= limit
    kept = noise[np.abs(noise) <= limit]
    edges = np.linspace(-limit, limit, 15)
    ours, theirs = (np.histogram(part, edges)[0] / len(part) for part in (cut, kept))
    assert np.abs(ours - theirs).max() < 0.012
    clipped = np.histogram(np.clip(noise, -limit, limit), edges)[0] / len(noise)
    assert np.abs(clipped - theirs).max() > 0.1
    assert latent.truncated(noise[:50], 40.0, "normal") == pytest.approx(noise[:50], abs=1e-4)
    assert latent.truncated(np.array([-1.0, 0.5]), 0.5, "uniform") == pytest.approx([-0.5, 0.25])
    with pytest.raises(DataError):
        latent.truncated(noise, 0.0, "normal")


def test_directions_are_found_where_they_are_known() -> None:
    """Features that stretch one known direction of the noise by 5, another by 2, all others by little."""
    basis, _ = np.linalg.qr(RNG.normal(size=(8, 8)))
    noise = RNG.normal(size=(4000, 8))
    stretch = np.array([5.0, 2.0, *[0.1] * 6])
    mixed, _ = np.linalg.qr(RNG.normal(size=(30, 8)))
    found, shares = latent.directions(noise, noise @ (basis * stretch) @ mixed.T)
    assert np.abs(found[0] @ basis[:, 0]) > 0.99 and np.abs(found[1] @ basis[:, 1]) > 0.99
    assert shares[:2] == pytest.approx(stretch[:2] ** 2 / (stretch**2).sum(), rel=0.1)
    assert np.linalg.norm(found, axis=1) == pytest.approx(np.ones(len(found)), abs=1e-5)
