"""Principal components against the SVD, t-SNE against what its paper promises, neighbours against all cosines."""

from __future__ import annotations

import math

import numpy as np
import pytest

from genstudio.data.projection import (
    affinities,
    closeness,
    conditional,
    divergence,
    gradient,
    nearest,
    principal,
    squared_distances,
    tsne,
)
from genstudio.data.work import finished


def clusters(count: int = 4, each: int = 20, size: int = 16, apart: float = 8.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    centres = rng.normal(size=(count, size)) * apart
    points = np.concatenate([centre + rng.normal(size=(each, size)) for centre in centres])
    return points, np.repeat(np.arange(count), each)


@pytest.mark.parametrize("shape", [(40, 6), (6, 40), (30, 30), (2, 9), (1, 5), (9, 1)])
def test_components_are_those_of_the_svd(shape: tuple[int, int]) -> None:
    vectors = np.random.default_rng(0).normal(size=shape) * np.linspace(3, 0.5, shape[1]) + 5
    points, shares = principal(vectors)
    u, sizes, _ = np.linalg.svd(vectors - vectors.mean(0), full_matrices=False)
    kept = min(2, len(sizes))
    np.testing.assert_allclose(np.abs(points[:, :kept]), np.abs(u[:, :kept] * sizes[:kept]), atol=1e-6)
    total = (sizes**2).sum()
    expected = sizes[:kept] ** 2 / total if total > 1e-20 else np.zeros(kept)
    np.testing.assert_allclose(shares[:kept], expected, atol=1e-9)
    assert (points[:, kept:] == 0).all()


def test_components_do_not_flip() -> None:
    vectors = np.random.default_rng(0).normal(size=(30, 5))
    for axis in range(2):
        points = principal(vectors)[0][:, axis]
        assert points[np.abs(points).argmax()] > 0
    np.testing.assert_allclose(principal(-vectors)[0], principal(vectors)[0], atol=1e-9)


@pytest.mark.parametrize("perplexity", [3.0, 10.0, 20.0])
def test_the_entropy_of_each_row_is_the_log_of_the_perplexity(perplexity: float) -> None:
    vectors, _ = clusters()
    vectors[:20] *= 50  # widths must differ from point to point
    rows = finished(conditional(vectors, perplexity))
    np.testing.assert_allclose(rows.sum(1), 1)
    assert (np.diagonal(rows) == 0).all()
    entropy = -(rows * np.log(np.maximum(rows, 1e-300))).sum(1)
    np.testing.assert_allclose(entropy, math.log(perplexity), atol=1e-5)


def test_affinities_are_symmetric_and_sum_to_one() -> None:
    wanted = finished(affinities(clusters()[0], 10))
    np.testing.assert_allclose(wanted, wanted.T)
    assert wanted.sum() == pytest.approx(1)


def test_the_gradient_is_that_of_the_divergence() -> None:
    rng = np.random.default_rng(2)
    wanted = finished(affinities(rng.normal(size=(12, 5)), 4)).astype(np.float32)
    points, small = rng.normal(size=(12, 2)), 1e-2
    found = gradient(wanted, points, closeness(points))
    for index in ((0, 0), (5, 1), (11, 0)):
        moved = [points.copy(), points.copy()]
        moved[0][index] += small
        moved[1][index] -= small
        up, down = (divergence(wanted, closeness(place)) for place in moved)
        assert found[index] == pytest.approx((up - down) / (2 * small), rel=2e-2, abs=2e-4)


def kept(vectors: np.ndarray, labels: np.ndarray, points: np.ndarray) -> float:
    """Share of points whose nearest neighbour on the map is of their own cluster."""
    distances = squared_distances(points)
    np.fill_diagonal(distances, np.inf)
    return float((labels[distances.argmin(1)] == labels).mean())


def test_clusters_stay_clusters_and_the_divergence_falls() -> None:
    vectors, labels = clusters()
    steps = list(tsne(vectors, 10, steps=300))
    losses = [step.loss for step in steps if step.loss is not None]
    assert losses[-1] < 0.5 * losses[0]
    late = losses[120:]
    assert all(after <= before + 0.02 for before, after in zip(late, late[10:], strict=False))
    assert kept(vectors, labels, steps[-1].points) == 1.0
    assert steps[-1].done == 1.0
    assert [step.done for step in steps] == sorted(step.done for step in steps)
    np.testing.assert_allclose(steps[-1].points.mean(0), 0, atol=1e-6)


def test_shuffled_affinities_keep_no_clusters(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, labels = clusters()
    order = np.random.default_rng(3).permutation(len(vectors))

    def shuffled(_vectors: np.ndarray, perplexity: float) -> object:
        return affinities(vectors[order], perplexity)

    monkeypatch.setattr("genstudio.data.projection.affinities", shuffled)
    *_, last = tsne(vectors, 10, steps=300)
    assert kept(vectors, labels, last.points) < 0.7


def test_the_same_vectors_give_the_same_map() -> None:
    vectors, _ = clusters(each=8)
    one, two = ([*tsne(vectors, 5, steps=60)][-1].points for _ in range(2))
    assert one.tobytes() == two.tobytes()


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
def test_few_and_equal_vectors_have_a_map(count: int) -> None:
    for vectors in (np.random.default_rng(0).normal(size=(count, 3)), np.ones((count, 3)), np.zeros((count, 1))):
        *_, last = tsne(vectors, 30, steps=40)
        assert last.points.shape == (count, 2)
        assert np.isfinite(last.points).all()


def test_nearest_are_the_largest_cosines() -> None:
    vectors = np.random.default_rng(0).normal(size=(50, 8)).astype(np.float32)
    vectors[3] = 0
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    cosines = unit @ unit[7]
    expected = [i for i in np.argsort(-cosines, kind="stable") if i != 7][:5]
    found = nearest(vectors, 7, 5)
    assert [i for i, _ in found] == expected
    np.testing.assert_allclose([c for _, c in found], cosines[expected], rtol=1e-5)
    assert len(nearest(vectors, 0, 100)) == 49
    assert nearest(vectors[:1], 0, 5) == []
