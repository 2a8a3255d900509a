"""From logits to a token: sets against their definition by sorting, draws against their probabilities."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from genstudio.errors import ConfigError
from genstudio.sampling.choose import SamplingOptions, distribution, pick

LOGITS = st.lists(st.integers(-8, 8).map(float), min_size=1, max_size=12).map(np.array)


def softmax(logits: NDArray[np.float64], temperature: float = 1.0) -> NDArray[np.float64]:
    weights = np.exp((logits - logits.max()) / temperature)
    return weights / weights.sum()


@given(LOGITS, st.integers(1, 14), st.floats(0.2, 5))
@settings(deadline=None)
def test_top_k_is_the_first_k_of_a_stable_sort(logits: NDArray[np.float64], k: int, temperature: float) -> None:
    kept = sorted(range(len(logits)), key=lambda i: (-logits[i], i))[:k]
    expected = np.zeros(len(logits))
    expected[kept] = softmax(logits[kept], temperature)
    result = distribution(logits, SamplingOptions(temperature, top_k=k))
    assert np.abs(result - expected).max() < 1e-12 and set(np.flatnonzero(result)) <= set(kept)


@given(LOGITS, st.floats(0.01, 1), st.floats(0.2, 5))
@settings(deadline=None)
def test_top_p_is_the_smallest_set_that_reaches_p(logits: NDArray[np.float64], p: float, temperature: float) -> None:
    probabilities = softmax(logits, temperature)
    order = sorted(range(len(logits)), key=lambda i: (-logits[i], i))
    result = distribution(logits, SamplingOptions(temperature, top_p=p))
    kept = [i for i in order if result[i] > 0]
    assert kept == order[: len(kept)] and len(kept) >= 1
    if p < 1:
        assert probabilities[kept].sum() >= p - 1e-9
        assert len(kept) == 1 or probabilities[kept[:-1]].sum() < p + 1e-9
    assert np.abs(result[kept] - probabilities[kept] / probabilities[kept].sum()).max() < 1e-9
    assert abs(result.sum() - 1) < 1e-12


@given(LOGITS)
def test_greedy_temperature_zero_and_top_one_agree(logits: NDArray[np.float64]) -> None:
    best = int(np.argmax(logits))
    for options in (
        SamplingOptions(greedy=True), SamplingOptions(0.0), SamplingOptions(top_k=1), SamplingOptions(top_p=1e-9)
    ):  # fmt: skip
        result = distribution(logits, options)
        assert result[best] == 1 and result.sum() == 1


def test_temperature_towards_zero_is_greedy_and_towards_infinity_is_even() -> None:
    logits = np.random.default_rng(0).normal(size=50)
    assert distribution(logits, SamplingOptions(1e-6))[logits.argmax()] == pytest.approx(1, abs=1e-12)
    assert np.abs(distribution(logits, SamplingOptions(1e6)) - 0.02).max() < 1e-6


@pytest.mark.parametrize("temperature", [1e-300, 1e-6, 1.0, 1e6])
@pytest.mark.parametrize("top_p", [1e-9, 0.5, 1.0])
def test_huge_and_impossible_logits_are_safe(temperature: float, top_p: float) -> None:
    logits = np.array([1e30, -np.inf, -1e30, 9.9e29, -np.inf], np.float32)
    result = distribution(logits, SamplingOptions(temperature, top_p=top_p, top_k=4))
    assert np.isfinite(result).all() and result.sum() == pytest.approx(1)
    assert result[1] == result[4] == 0 and result.argmax() == 0


@pytest.mark.parametrize("bad", [[math.nan, 1.0], [math.inf, 1.0], [-math.inf, -math.inf]])
def test_logits_without_meaning_are_refused(bad: list[float]) -> None:
    for options in (SamplingOptions(), SamplingOptions(greedy=True)):
        with pytest.raises(ValueError, match="not finite"):
            distribution(np.array(bad), options)


def chi_squared(draws: NDArray[np.int64], probabilities: NDArray[np.float64]) -> float:
    """Deviation of the statistic from its mean, in standard deviations (Wilson-Hilferty)."""
    expected = len(draws) * probabilities
    statistic = ((np.bincount(draws, minlength=len(probabilities)) - expected) ** 2 / expected).sum()
    freedom = len(probabilities) - 1
    return float(((statistic / freedom) ** (1 / 3) - (1 - 2 / (9 * freedom))) / math.sqrt(2 / (9 * freedom)))


def test_draws_have_the_probabilities_they_say() -> None:
    rng = np.random.default_rng(0)
    probabilities = distribution(rng.normal(size=20), SamplingOptions(1.3))
    draws = np.array([pick(probabilities, rng) for _ in range(100_000)])
    assert abs(chi_squared(draws, probabilities)) < 3.3
    twin = np.roll(probabilities, 1)
    assert chi_squared(draws, twin) > 3.3


def test_a_token_of_probability_zero_is_never_drawn() -> None:
    class Extreme:
        def __init__(self, value: float) -> None:
            self.value = value

        def random(self) -> float:
            return self.value

    probabilities = np.array([0.0, 0.0, 0.3, 0.0, 0.7 - 1e-16, 0.0, 0.0])
    for value in (0.0, 0.3, np.nextafter(0.3, 0), np.nextafter(0.3, 1), np.nextafter(1.0, 0)):
        assert probabilities[pick(probabilities, Extreme(value))] > 0  # type: ignore[arg-type]


def test_impossible_options_are_named_together() -> None:
    with pytest.raises(ConfigError) as caught:
        SamplingOptions(math.nan, top_k=-1, top_p=0.0).check()
    assert [problem.field for problem in caught.value.problems] == ["temperature", "top_k", "top_p"]
    for temperature in (-0.1, math.inf):
        assert [p.field for p in SamplingOptions(temperature).problems()] == ["temperature"]
    assert not list(SamplingOptions(0.0, 5, 0.9).problems())
