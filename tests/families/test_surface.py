"""The surface that a search goes by: where the features of simulated regions would be those of real ones."""

from __future__ import annotations

import numpy as np
import pytest

from genstudio.families.simulator.surface import Array, distances

PLACES, REAL = 1_500, 800


def regions(places: Array, rng: np.random.Generator) -> Array:
    """Features (B, 5) that depend on parameters (B, 2), bent, on scales of their own, and far more on chance."""
    a, b = places.T
    clean = np.stack([a, b, a * b, a - b**2, 0 * a], 1)
    return np.asarray((clean + 0.5 * rng.normal(size=clean.shape)) * [1, 10, 0.1, 3, 100])


@pytest.mark.parametrize("seed", range(3))
def test_the_lowest_place_is_the_true_one_and_with_a_wrong_surface_it_is_not(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth, here = rng.uniform(0.3, 0.7, 2), np.full(2, 0.5)
    places = rng.normal(here, 0.12, (PLACES, 2))
    features, real = regions(places, rng), regions(np.tile(truth, (REAL, 1)), rng)
    grid = np.stack(np.meshgrid(*[np.linspace(0.2, 0.8, 25)] * 2), -1).reshape(-1, 2)

    def error(features: Array, places: Array, real: Array) -> float:
        found = grid[distances(features, places, real, here, grid).argmin()]
        return float(np.abs(found - truth).max())

    assert error(features, places, real) < 0.09
    assert error(rng.permutation(features), places, real) > 0.12  # places that are not theirs
    elsewhere = regions(np.tile(1 - truth, (REAL, 1)), rng)
    assert np.abs(1 - 2 * truth).max() < 0.1 or error(features, places, elsewhere) > 0.1


def test_nothing_is_said_of_places_too_far_from_here_nor_changed_by_the_scale_of_a_feature() -> None:
    rng = np.random.default_rng(4)
    here = np.array([0.4, 0.6])
    places = rng.normal(here, 0.1, (PLACES, 2))
    features, real = regions(places, rng), regions(np.tile(here, (REAL, 1)), rng)
    asked = np.array([here, here + [0.29, 0], here + [0.31, 0], here - [0, 0.31]])
    found = distances(features, places, real, here, asked)
    assert np.isfinite(found).tolist() == [True, True, False, False]
    scale = np.array([1e-3, 1e3, 1, 20, 5e-2])
    assert np.allclose(found[:2], distances(features * scale, places, real * scale, here, asked)[:2], rtol=1e-6)
    same = np.tile(features[:1], (PLACES, 1))  # a discriminator of which nothing is left
    assert not distances(same, places, same[:REAL], here, asked)[:2].any()
