"""Few points that look like all of them, and a smoothing that invents nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genstudio.ui.views.decimate import Growing, Smoother, columns, columns_of, sampled, sensible_range

finite = st.floats(-1e6, 1e6)


def grown(values: np.ndarray, pieces: int = 7) -> Growing:
    points = Growing()
    for part in np.array_split(np.arange(len(values)), pieces):
        points.append(part, values[part])
    return points


@given(st.lists(finite, min_size=1, max_size=400), st.integers(2, 40))
def test_decimation_keeps_the_smallest_and_the_largest(values: list[float], count: int) -> None:
    y = np.array(values)
    x, shown = columns(np.arange(len(y)), y, 0, len(y) - 1, count)
    assert shown.min() == y.min() and shown.max() == y.max()
    assert len(shown) <= max(2 * count + 2, len(y) if len(y) <= 2 * count else 0)
    assert (np.diff(x) >= 0).all()


def test_every_column_keeps_its_own_extremes() -> None:
    y = np.random.default_rng(0).normal(size=10_000)
    y[1234], y[7777] = 50, -50
    x, shown = columns(np.arange(10_000), y, 0, 10_000, 100)
    for column in range(100):
        inside = (x >= column * 100) & (x < (column + 1) * 100)
        part = y[column * 100 : (column + 1) * 100]
        assert shown[inside].min() == part.min() and shown[inside].max() == part.max()


@pytest.mark.parametrize("size", [100_000, 300_017])
@pytest.mark.parametrize("window", [(0.0, 1.0), (0.2, 0.9)])
def test_blocks_show_the_same_extremes_as_all_points(size: int, window: tuple[float, float]) -> None:
    y = np.random.default_rng(1).normal(size=size)
    y[size // 2] = 99.0
    low, high = window[0] * size, window[1] * size
    points = grown(y)
    x, shown = columns_of(points, low, high, 200)
    inside = y[int(np.ceil(low)) : int(high) + 1]
    assert shown.max() == 99.0 and shown.min() <= inside.min()
    assert shown.min() >= y[max(0, int(low) - 129) : int(high) + 130].min()
    assert len(shown) < 1200 and (np.diff(x) >= 0).all()


def test_numbers_that_are_not_finite_are_left_out() -> None:
    y = np.arange(1000.0)
    y[::3] = np.nan
    y[500] = np.inf
    _, shown = columns(np.arange(1000), y, 0, 999, 20)
    assert np.isfinite(shown).all() and len(shown)
    big = np.tile(y, 200)
    _, shown = columns_of(grown(big), 0, len(big), 50)
    assert np.isfinite(shown).all() and shown.max() == np.nanmax(np.where(np.isinf(big), np.nan, big))


def test_a_run_that_went_back_replaces_its_end() -> None:
    points = grown(np.arange(300.0))
    points.append(np.array([100, 101]), np.array([-5.0, -6.0]))
    assert points.steps.tolist() == list(range(102))
    assert points.values[-2:].tolist() == [-5.0, -6.0]


def test_samples_keep_the_first_and_the_last() -> None:
    x, y = sampled(grown(np.arange(5000.0)), 0, 5000, 100)
    assert (x[0], x[-1], y[-1], len(x)) == (0, 4999, 4999, 100)


def slow(values: np.ndarray, decay: float) -> np.ndarray:
    """The smoothing by its definition, one value at a time."""
    total = weight = 0.0
    result = []
    for t in range(len(values)):
        window = [v for v in values[max(0, t - 4) : t + 1] if np.isfinite(v)]
        memory = max(0.5, t / 10)
        d = min(decay, memory / (1 + memory))
        total, weight = d * total, d * weight
        if window:
            total, weight = total + np.median(window), weight + 1
        result.append(total / weight if weight else np.nan)
    return np.array(result)


def shares(values: np.ndarray, decay: float, pieces: int) -> np.ndarray:
    smoother = Smoother(decay)
    return np.concatenate([smoother.extend(part) for part in np.array_split(values, pieces)])


@settings(max_examples=40)
@given(st.lists(st.one_of(finite, st.just(float("nan"))), min_size=1, max_size=300), st.integers(1, 9))
def test_smoothing_never_leaves_what_was_seen(values: list[float], pieces: int) -> None:
    y = np.array(values)
    smooth = shares(y, 0.97, pieces)
    for t in range(len(y)):
        seen = y[: t + 1][np.isfinite(y[: t + 1])]
        if len(seen):
            slack = 1e-9 * (1 + np.abs(seen).max())
            assert seen.min() - slack <= smooth[t] <= seen.max() + slack
        else:
            assert np.isnan(smooth[t])


@pytest.mark.parametrize("decay", [0.9, 0.97, 0.99])
def test_smoothing_in_pieces_is_the_definition(decay: float) -> None:
    y = np.random.default_rng(2).normal(size=700)
    y[300:305] = np.nan
    np.testing.assert_allclose(shares(y, decay, 11), slow(y, decay), rtol=1e-9, atol=1e-12)


def test_one_wild_value_leaves_no_tail_and_a_step_stays_a_step() -> None:
    flat = np.ones(200)
    flat[100] = 1000.0
    np.testing.assert_allclose(shares(flat, 0.97, 3), 1.0, rtol=1e-9)
    step = np.repeat([3.0, 1.0], 500)
    smooth = shares(step, 0.9, 2)
    assert smooth[499] == pytest.approx(3) and smooth[600] == pytest.approx(1, abs=0.01)


def test_the_first_huge_values_do_not_squeeze_the_rest() -> None:
    loss = np.concatenate([[900.0, 80.0, 12.0], np.linspace(4, 1.5, 300)])
    low, high = sensible_range(loss, early=6)
    assert low == 1.5 and high < 5
    assert sensible_range(np.linspace(4, 1.5, 300), early=6) == (1.5, 4.0)
    assert sensible_range(np.array([])) == (0.0, 1.0)
