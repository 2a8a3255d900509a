"""Samples: mu-law and the change of rate, against their definitions."""

from __future__ import annotations

import math

import numpy as np
import pytest

from genstudio.data.audio import samples as module
from genstudio.data.audio.samples import Resampler, from_mu_law, resampled, to_int16, to_mu_law, to_wave


def test_mu_law_is_its_formula_and_comes_back() -> None:
    values = np.arange(-32_767, 32_768, 7).astype(np.int16)
    codes = to_mu_law(values)
    for value, code in zip(values[::500].tolist(), codes[::500].tolist(), strict=True):
        share = value / 32_767
        bent = math.copysign(math.log(1 + 255 * abs(share)) / math.log(256), share)
        assert code == 128 + round(127 * bent)
    assert (to_mu_law(from_mu_law(np.arange(1, 256).astype(np.uint8))) == np.arange(1, 256)).all()
    error = np.abs(from_mu_law(codes).astype(np.int64) - values)
    assert (error <= 0.0222 * np.abs(values.astype(np.int64)) + 4).all(), "half a step: 2.2 % of the value, or 4 of 32767"
    straight = np.round(np.round(values / 32_767 * 127) / 127 * 32_767)
    quiet = np.abs(values) < 300
    assert error[quiet].mean() < 0.1 * np.abs(straight - values)[quiet].mean(), "finer than 8 even steps where it is quiet"


def test_numbers_beyond_the_range_are_cut_off_and_not_turned_over() -> None:
    assert to_int16(np.array([2.0, -2.0, np.nan, np.inf, 0.5])).tolist() == [32_767, -32_767, 0, 32_767, 16_384]
    assert np.abs(to_wave(np.array([-32_768, 32_767], np.int16))).max() <= 1.0001


def sine(hz: float, rate: int, seconds: float = 0.5) -> np.ndarray:
    return np.sin(2 * np.pi * hz * np.arange(round(rate * seconds)) / rate + 0.3).astype(np.float32)


@pytest.mark.parametrize(("old", "new"), [(44_100, 8_000), (48_000, 16_000), (8_000, 16_000), (11_025, 8_000)])
def test_a_resampled_tone_is_the_tone_and_nothing_is_folded_back(old: int, new: int) -> None:
    for hz in (100.0, 0.3 * min(old, new), 0.44 * min(old, new)):
        found = resampled(sine(hz, old), old, new)
        assert len(found) == math.ceil(round(old * 0.5) * new / old)
        assert np.abs(found - sine(hz, new)[: len(found)])[300:-300].max() < 1e-3
    if new < old:
        for hz in (new / 2, 0.55 * new, 0.8 * new, 0.49 * old):
            left = resampled(sine(hz, old), old, new)[300:-300]
            assert 20 * np.log10(np.sqrt(np.mean(left**2)) * math.sqrt(2) + 1e-12) < -60
        plain = sine(0.8 * new, old)[:: max(1, old // new)]
        assert np.sqrt(np.mean(plain**2)) > 0.5, "leaving samples out folds it back in full"


def bessel(x: float) -> float:
    """I0, by its series (Abramowitz & Stegun 9.6.12)."""
    total = term = 1.0
    for k in range(1, 40):
        term *= (x / (2 * k)) ** 2
        total += term
    return total


def test_it_is_the_sum_of_the_definition() -> None:
    """y[m] = sum_k h(k - m down / up) x[k] with a windowed sinc, a number at a time."""
    old, new = 3_000, 2_000
    wave = np.random.default_rng(0).normal(size=160).astype(np.float32)
    work = Resampler(old, new)
    cutoff, half = module._ROLL * new / old, work.half
    expected = []
    for place in range(math.ceil(len(wave) * new / old)):
        at = place * old / new
        middle = math.floor(at)
        taps, values = [], []
        for k in range(middle - half + 1, middle + half + 1):
            x = k - at
            window = bessel(module._BETA * math.sqrt(max(0.0, 1 - (x / half) ** 2))) / bessel(module._BETA)
            taps.append(np.sinc(cutoff * x) * window)
            values.append(wave[k] if 0 <= k < len(wave) else 0.0)
        expected.append(np.dot(taps, values) / sum(taps))
    assert np.abs(resampled(wave, old, new) - expected).max() < 1e-5


def test_pieces_give_what_the_whole_gives() -> None:
    rng = np.random.default_rng(1)
    wave = rng.normal(size=30_000).astype(np.float32)
    for old, new in ((44_100, 8_000), (8_000, 11_025), (16_000, 16_000)):
        work, pieces, place = Resampler(old, new), [], 0
        while place < len(wave):
            many = int(rng.integers(1, 3_000))
            pieces.append(work.push(wave[place : place + many]))
            place += many
        found = np.concatenate([*pieces, work.finish()])
        whole = resampled(wave, old, new)
        assert len(found) == len(whole) and np.abs(found - whole).max() < 1e-5
