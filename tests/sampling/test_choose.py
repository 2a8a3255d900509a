"""From logits to a token: sets against their definition by sorting, draws against their probabilities."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from genstudio.errors import ConfigError
from genstudio.sampling.choose import SamplingOptions, distribution, most_probable, pick

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


@given(LOGITS, st.floats(0.001, 1), st.floats(0.2, 5), st.integers(0, 14), st.floats(0.01, 1))
@settings(deadline=None)
def test_min_p_keeps_what_is_likely_enough(
    logits: NDArray[np.float64], p: float, temperature: float, k: int, top_p: float
) -> None:
    before = distribution(logits, SamplingOptions(temperature, k, top_p))
    result = distribution(logits, SamplingOptions(temperature, k, top_p, min_p=p))
    kept = np.flatnonzero(before >= p * before.max() * (1 - 1e-12))
    clear = np.abs(before / before.max() - p) > 1e-9
    assert ((result > 0) == np.isin(np.arange(len(logits)), kept) & (before > 0))[clear].all()
    assert np.abs(result[result > 0] - before[result > 0] / before[result > 0].sum()).max() < 1e-12
    assert result[int(np.argmax(logits))] > 0


@given(LOGITS, st.lists(st.integers(0, 11), max_size=20), st.floats(0.1, 10), st.floats(0.2, 5))
@settings(deadline=None)
def test_the_repetition_penalty_by_its_formula(
    logits: NDArray[np.float64], seen: list[int], penalty: float, temperature: float
) -> None:
    seen = sorted({i for i in seen if i < len(logits)})
    changed = [
        (value * penalty if value < 0 else value / penalty) if i in seen else value for i, value in enumerate(logits)
    ]
    given = logits.copy()
    result = distribution(logits, SamplingOptions(temperature, repetition_penalty=penalty), seen)
    assert np.abs(result - softmax(np.array(changed), temperature)).max() < 1e-12
    assert (logits == given).all()
    if penalty > 1:
        plain = distribution(logits, SamplingOptions(temperature))
        assert result[seen].sum() <= plain[seen].sum() + 1e-12


def sorted_out(logits: NDArray[np.float64], options: SamplingOptions) -> NDArray[np.float64]:
    """What is left of a whole vocabulary that is sorted at every stage."""
    weights = softmax(logits, options.temperature)
    order = np.argsort(-logits, kind="stable")
    if options.top_k:
        weights[order[options.top_k :]] = 0
    reached = np.cumsum(weights[order])
    if options.top_p < 1:
        weights[order[int(np.searchsorted(reached, options.top_p * reached[-1])) + 1 :]] = 0
    weights[weights < options.min_p * weights.max()] = 0
    return weights / weights.sum()


@pytest.mark.parametrize("size", [1000, 1024, 1025, 5000])
@pytest.mark.parametrize("spread", [0.0, 0.05, 1.0, 6.0])
def test_large_vocabularies_agree_with_sorting_everything(size: int, spread: float) -> None:
    rng = np.random.default_rng(size)
    logits = np.round(spread * rng.normal(size=size), 2)
    for top_k in (0, 1, 40, size - 1, size + 1):
        for top_p in (1e-9, 0.3, 0.9, 0.9999, 1.0):
            options = SamplingOptions(0.7, top_k, top_p, min_p=0.001)
            result, expected = distribution(logits, options), sorted_out(logits, options)
            close = np.abs(result - expected) < 1e-9
            assert close.all() or (abs((result > 0).sum() - (expected > 0).sum()) <= 1 and top_p in (0.3, 0.9))


@given(LOGITS, st.integers(0, 14))
def test_the_likeliest_are_those_of_a_stable_sort(logits: NDArray[np.float64], count: int) -> None:
    assert most_probable(logits, count).tolist() == np.argsort(-logits, kind="stable")[:count].tolist()


def test_the_sampler_draws_what_it_says() -> None:
    rng = np.random.default_rng(1)
    logits = rng.normal(size=60) * 2
    options = SamplingOptions(0.9, 30, 0.95, min_p=0.01, repetition_penalty=1.3)
    probabilities = distribution(logits, options, [1, 5, 9])
    kept = np.flatnonzero(probabilities)
    draws = np.array([pick(probabilities, rng) for _ in range(100_000)])
    assert set(draws.tolist()) <= set(kept.tolist()) and len(kept) > 5
    places = np.searchsorted(kept, draws)
    assert abs(chi_squared(places, probabilities[kept])) < 3.3
    twin = softmax(logits)[kept]
    assert chi_squared(places, twin / twin.sum()) > 3.3
