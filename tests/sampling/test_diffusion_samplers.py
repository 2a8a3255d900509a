"""Schedules and samplers against closed forms on a Gaussian, and against twins that are broken on purpose."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from genstudio.sampling import diffusion
from genstudio.sampling.diffusion import CLEAN, Flow, Level, Sampler, Schedule, Step, cosine_schedule, linear_schedule

MEAN, DEVIATION = 0.7, 0.5
TABLE: Mapping[tuple[str, int], tuple[tuple[float, float], ...]] = {
    # of N(0.7, 0.5^2): variance beta, variance beta-tilde, DDIM of 10 steps and of 50, as (mean, deviation)
    ("linear", 100): ((0.7000, 0.5077), (0.7000, 0.4682), (0.6988, 0.3684), (0.6985, 0.4730)),
    ("linear", 1000): ((0.7000, 0.5008), (0.7000, 0.4961), (0.6984, 0.3616), (0.6979, 0.4719)),
    ("cosine", 100): ((0.7000, 0.5040), (0.7000, 0.4824), (0.6999, 0.4247), (0.6998, 0.4849)),
    ("cosine", 1000): ((0.7000, 0.5004), (0.7000, 0.4980), (0.7000, 0.4211), (0.7000, 0.4845)),
}
Moments = tuple[float, float]


def schedule(kind: str, steps: int) -> Schedule:
    return linear_schedule(steps) if kind == "linear" else cosine_schedule(steps)


def exact(x: Any, level: Level) -> tuple[Any, Any]:
    """The best prediction for N(MEAN, DEVIATION^2). x (k,) is a sum over independent noises: x[0] is its mean, the others are
    what it has of each."""
    a, s = level.signal, level.noise
    centred = x.copy()
    centred[0] -= a * MEAN
    variance = a * a * DEVIATION**2 + s * s
    clean = a * DEVIATION**2 * centred / variance
    clean[0] += MEAN
    return s * centred / variance, clean


def moments(levels: Sequence[Level], settings: Sampler, denoise: Callable[..., Any] = exact) -> Moments:
    """Mean and deviation of what a sampler makes of standard normal noise, without any randomness."""
    last = _last(levels, settings, denoise)
    return float(last[0]), float(np.linalg.norm(last[1:]))


def _last(levels: Sequence[Level], settings: Sampler, denoise: Callable[..., Any] = exact) -> Any:
    x, used = np.zeros(len(levels) + 1), [1]
    x[1] = 1

    def draw(like: Any) -> Any:
        used[0] += 1
        return np.eye(len(like))[used[0]]

    steps: list[Step] = [*diffusion.sample(x, levels, denoise, settings, draw)]
    return steps[-1].after


def recursion(abar: Any, variance: str) -> Moments:
    """Ancestral sampling of the same Gaussian as scalar recursions, written out from Ho et al. 2020, algorithm 2."""
    mean, square = 0.0, 1.0
    before = np.append(1.0, abar[:-1])
    for t in range(len(abar) - 1, -1, -1):
        alpha, beta = abar[t] / before[t], 1 - abar[t] / before[t]
        whole = abar[t] * DEVIATION**2 + 1 - abar[t]
        factor = (1 - beta / whole) / math.sqrt(alpha)  # x - beta / sqrt(1 - abar) eps*, over sqrt(alpha)
        shift = beta * math.sqrt(abar[t]) * MEAN / whole / math.sqrt(alpha)
        noise = 0.0 if t == 0 else beta if variance == "beta" else beta * (1 - before[t]) / (1 - abar[t])
        mean, square = factor * mean + shift, factor**2 * square + noise
    return mean, math.sqrt(square)


def ddim(abar: Any, steps: int) -> Moments:
    """DDIM with eta = 0 likewise, from Song et al. 2021, eq. 12."""
    visited = np.round(np.linspace(len(abar) - 1, 0, steps)).astype(int)
    mean, factor = 0.0, 1.0
    for t, after in zip(visited, [*abar[visited[1:]], 1.0], strict=True):
        whole = abar[t] * DEVIATION**2 + 1 - abar[t]
        of_noise = math.sqrt(1 - abar[t]) / whole
        of_x = math.sqrt(after / abar[t]) * (1 - math.sqrt(1 - abar[t]) * of_noise) + math.sqrt(1 - after) * of_noise
        from_mean = (math.sqrt(after / abar[t]) * math.sqrt(1 - abar[t]) - math.sqrt(1 - after)) * of_noise
        mean, factor = of_x * mean + from_mean * math.sqrt(abar[t]) * MEAN, of_x * factor
    return mean, factor


@pytest.mark.parametrize(("kind", "steps"), TABLE)
def test_samplers_with_the_exact_predictor_match_the_table_and_recursions_to_1e_6(kind: str, steps: int) -> None:
    levels = schedule(kind, steps)
    found = [
        moments(levels.levels(steps), Sampler("ddpm", steps, variance="beta")),
        moments(levels.levels(steps), Sampler("ddpm", steps, variance="posterior")),
        moments(levels.levels(10), Sampler("ddim", 10)),
        moments(levels.levels(50), Sampler("ddim", 50)),
    ]
    abar = levels.abar
    wanted = [recursion(abar, "beta"), recursion(abar, "posterior"), ddim(abar, 10), ddim(abar, 50)]
    for one, other, printed in zip(found, wanted, TABLE[kind, steps], strict=True):
        assert one == pytest.approx(other, abs=1e-6) and one == pytest.approx(printed, abs=5.1e-5)


def test_ten_ddim_steps_shrink_the_spread_of_a_perfect_network_and_ten_of_heun_do_not() -> None:
    """What the page 'A perfect network' shows, by the sampler's own function."""
    for kind, steps in TABLE:
        levels = schedule(kind, steps).levels(10)
        shown = diffusion.gaussian_moments(levels, Sampler("ddim", 10), MEAN, DEVIATION)
        assert shown == pytest.approx(moments(levels, Sampler("ddim", 10)), abs=1e-12)
        assert 0.14 < 1 - moments(levels, Sampler("ddim", 10))[1] / DEVIATION < 0.29
        assert abs(moments(levels, Sampler("heun", 10))[1] / DEVIATION - 1) < 0.04


def test_the_table_catches_swapped_variances_and_an_abar_that_is_off_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    levels, settings, wanted = linear_schedule(100), Sampler("ddpm", 100, variance="beta"), TABLE["linear", 100][0]
    shifted = [levels.level(max(t - 1, 0))._replace(time=(t + 1) / 100) for t in range(99, -1, -1)]

    def told_the_true_level(x: Any, level: Level) -> Any:
        return exact(x, levels.level(round(level.time * 100) - 1))

    off = moments([*shifted, CLEAN], settings, told_the_true_level)
    right = diffusion.posterior
    monkeypatch.setattr(diffusion, "posterior", lambda level, to: (*right(level, to)[:2], *right(level, to)[:1:-1]))
    swapped = moments(levels.levels(100), settings)
    for wrong in (off, swapped):
        assert wrong != pytest.approx(wanted, abs=2e-3)


def test_schedules_are_the_published_ones() -> None:
    linear, cosine = linear_schedule(1000).abar, cosine_schedule(1000).abar
    assert linear[0] == pytest.approx(1 - 1e-4, abs=1e-12) and linear[-1] == pytest.approx(4.0358e-5, rel=1e-4)
    assert linear == pytest.approx(np.cumprod(1 - np.linspace(1e-4, 0.02, 1000)), abs=1e-12)
    t = (np.arange(1001) / 1000 + 0.008) / 1.008 * np.pi / 2
    assert cosine[:990] == pytest.approx((np.cos(t) ** 2 / np.cos(t[0]) ** 2)[1:991], abs=1e-9)
    assert linear_schedule(100).abar[-1] == pytest.approx(2.039e-5, rel=1e-3)
    assert cosine_schedule(100).abar[-1] == pytest.approx(2.4e-7, rel=0.02) and cosine[-1] == pytest.approx(2.4e-9, rel=0.02)
    for steps in (1, 2, 10, 1000, 5000):
        levels = linear_schedule(1000).levels(steps)
        assert levels[-1] == CLEAN and len(levels) == min(steps, 1000) + 1 and levels[0] == linear_schedule(1000).level(999)


def test_the_forward_process_step_by_step_is_the_closed_jump() -> None:
    """Equivalence 22: moments of q(x_t | x0) over 1e6 draws, and of the chain, within 4 standard errors."""
    rng, levels, n = np.random.default_rng(0), linear_schedule(50), 1_000_000
    start, x = 1.3, np.full(n, 1.3)
    before = 1.0
    for t in range(20):
        alpha = levels.abar[t] / before
        x = math.sqrt(alpha) * x + math.sqrt(1 - alpha) * rng.standard_normal(n)
        before = levels.abar[t]
    level = levels.level(19)
    jump = level.signal * start + level.noise * rng.standard_normal(n)
    for found in (x, jump):
        assert abs(found.mean() - level.signal * start) < 4 * level.noise / math.sqrt(n)
        assert abs(found.std() - level.noise) < 4 * level.noise / math.sqrt(2 * n)


def test_the_posterior_is_that_of_bayes() -> None:
    """q(x_s | x_t, x0) from the joint Gaussian of x_s and x_t given x0, to 1e-6; for neighbours, far levels and flows."""
    cosine = cosine_schedule(100)
    pairs = [(cosine.level(60), cosine.level(59)), (cosine.level(99), cosine.level(3)), (Flow.level(0.8), Flow.level(0.3))]
    for level, to in pairs:
        ratio = level.signal / to.signal
        step = level.noise**2 - (ratio * to.noise) ** 2  # variance of x_t given x_s
        precision = 1 / to.noise**2 + ratio**2 / step
        of_x, of_clean, tilde, beta = diffusion.posterior(level, to)
        assert (tilde, beta) == pytest.approx((1 / precision, step), abs=1e-6)
        assert of_x == pytest.approx(ratio / step / precision, abs=1e-6)
        assert of_clean == pytest.approx(to.signal / to.noise**2 / precision, abs=1e-6)


def test_ddim_with_eta_1_over_all_steps_is_ddpm_and_with_eta_0_draws_nothing() -> None:
    """Equivalence 23."""
    levels = cosine_schedule(100).levels(100)
    one, other = (_last(levels, settings) for settings in (Sampler("ddim", 100, eta=1.0), Sampler("ddpm", 100)))
    assert one == pytest.approx(other, abs=1e-6)
    assert not np.abs(_last(levels, Sampler("ddim", 100))[2:]).any()
    assert np.abs(_last(levels, Sampler("ddim", 100, eta=0.5))[2:]).any()


@pytest.mark.parametrize("objective", ["noise", "x0", "v", "flow"])
def test_every_prediction_says_the_same_as_the_others(objective: Any) -> None:
    """Equivalence 24: from noise and sample to what is predicted and back, to 1e-5."""
    rng = np.random.default_rng(1)
    clean, noise = rng.standard_normal((2, 500))
    for level in (Flow.level(0.3), Flow.level(0.97)) if objective == "flow" else map(cosine_schedule(100).level, (0, 50, 90)):
        a, s = level.signal, level.noise
        x = a * clean + s * noise
        output = diffusion.target(objective, clean, noise, a, s)
        found = diffusion.predicted(objective, output, x, a, s)
        assert found[0] == pytest.approx(noise, abs=1e-5) and found[1] == pytest.approx(clean, abs=1e-5)
        assert diffusion.target(objective, found[1], found[0], a, s) == pytest.approx(output, abs=1e-5)


def test_flow_and_diffusion_agree_on_the_gaussian() -> None:
    """Many small steps of either, by any sampler, end in the data's own mean and deviation."""
    for levels in (Flow().levels(400), cosine_schedule(1000).levels(400)):
        for settings in (Sampler("heun"), Sampler("ddim", eta=1.0), Sampler("ddpm")):
            assert moments(levels, settings) == pytest.approx((MEAN, DEVIATION), abs=0.006)
        assert moments(levels, Sampler("ddim")) == pytest.approx((MEAN, DEVIATION), abs=0.01)
    assert moments(Flow().levels(40), Sampler("heun")) == pytest.approx((MEAN, DEVIATION), abs=2e-3)


def test_few_steps_of_a_flow_keep_narrow_modes_and_evenly_spaced_ones_shrink_them() -> None:
    """A mode as narrow as those of the ring, once the points are standardised."""
    narrow, settings = 0.0142, Sampler("heun", 30)
    even = tuple(Flow.level(float(t)) for t in np.linspace(1, 0, 31))
    kept, shrunk = (diffusion.gaussian_moments(levels, settings, 1.4, narrow) for levels in (Flow().levels(30), even))
    assert kept == pytest.approx((1.4, narrow), rel=0.05) and shrunk[1] < narrow / 2


def test_noise_of_a_sample_is_found_by_walking_its_way_back() -> None:
    for levels in (Flow().levels(200), cosine_schedule(1000).levels(200)):
        x = np.array([0.4, 0.0])
        back = [*diffusion.invert(x, levels, exact)][-1].after
        again = [*diffusion.sample(back, levels, exact, Sampler("heun"), np.zeros_like)][-1].after
        assert again == pytest.approx(x, abs=0.01) and abs(back[0] - (0.4 - MEAN) / DEVIATION) < 0.02
