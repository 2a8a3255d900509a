"""The coalescent against moments of msprime, which is another program for the same process."""

from __future__ import annotations

import json
import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genstudio.data.population import coalescent
from genstudio.data.population.coalescent import Regions, Stream, simulate
from genstudio.data.population.history import MODELS, Model
from genstudio.data.population.statistics import Statistics, measured, tajimas_d
from genstudio.data.work import finished
from helpers import usually

FROZEN = json.loads((Path(__file__).parent / "msprime.json").read_text("utf-8"))
"""Of 4,000 regions that msprime simulated with the usual parameters of each model: by statistic [mean, its standard error,
variance, its standard error]."""
N, LENGTH, RATE = FROZEN["samples"], FROZEN["length"], FROZEN["mutation"]


def regions(model: Model, count: int, seed: int = 5, recombination: float = RATE) -> Regions:
    values = np.tile(model.usual(), (count, 1))
    samples = [N] if model.demes == 1 else [N // 2, N // 2]
    return finished(simulate(model.epochs(values), samples, LENGTH, RATE, recombination, Stream(seed)))


def moments(found: Statistics) -> dict[str, tuple[float, float, float, float]]:
    columns: dict[str, Any] = {
        "segregating_sites": found.sites, "pi": found.pi, "tajimas_d": found.tajima, "haplotypes": found.haplotypes,
    }  # fmt: skip
    columns |= {f"sfs_{i + 1}": found.spectrum[:, i] for i in range(found.spectrum.shape[1])}
    columns |= {f"ld_{i}": found.ld[:, i] for i in range(found.ld.shape[1])}
    told = {}
    for name, column in columns.items():
        values = np.asarray(column, np.float64)
        values = values[np.isfinite(values)]
        mean, variance = float(values.mean()), float(values.var(ddof=1))
        fourth = float(((values - mean) ** 4).mean())
        told[name] = mean, math.sqrt(variance / len(values)), variance, math.sqrt((fourth - variance**2) / len(values))
    return told


def distances(found: Statistics, model: str) -> dict[str, float]:
    """By statistic, in standard errors of the difference, the larger of the distances of its mean and of its variance."""
    mine = moments(found)
    told = {}
    for name, (mean, error, variance, spread) in FROZEN["models"][model].items():
        one, two, three, four = mine[name]
        told[name] = max(abs(one - mean) / math.hypot(two, error), abs(three - variance) / math.hypot(four, spread))
    return told


def test_the_spectrum_of_a_constant_population_is_that_of_msprime_and_a_broken_simulator_is_not() -> None:
    model = MODELS["constant"]
    far = distances(finished(measured(regions(model, 400))), "constant")
    assert max(far.values()) < 4, far
    without = distances(finished(measured(regions(model, 400, recombination=1e-12))), "constant")
    assert max(without[f"ld_{i}"] for i in range(4)) > 10  # recombination ignored


@pytest.mark.thorough
@pytest.mark.parametrize("name", MODELS)
def test_every_model_has_the_moments_of_msprime_over_two_thousand_regions(name: str) -> None:
    far = distances(finished(measured(regions(MODELS[name], 2_000, seed=11))), name)
    assert max(far.values()) < 4, far


def test_growth_with_its_sign_wrong_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    model = MODELS["exponential"]
    few = finished(measured(regions(model, 200)))
    assert distances(few, "exponential")["tajimas_d"] < 4
    values = model.usual()
    values[2] *= -1
    work = simulate(model.epochs(np.tile(values, (200, 1))), [N], LENGTH, RATE, RATE, Stream(5))
    assert distances(finished(measured(finished(work))), "exponential")["tajimas_d"] > 8


def test_migrants_that_go_the_wrong_way_are_caught() -> None:
    model = MODELS["isolation_two_rates"]
    values = model.usual()
    values[[4, 5]] = values[[5, 4]]
    work = simulate(model.epochs(np.tile(values, (300, 1))), [N // 2, N // 2], LENGTH, RATE, RATE, Stream(5))
    assert max(distances(finished(measured(finished(work))), model.name).values()) > 8


def test_two_equal_rates_of_migration_are_one() -> None:
    one, two = MODELS["isolation"], MODELS["isolation_two_rates"]
    values = one.usual()
    found = [
        finished(simulate(model.epochs(np.tile(row, (10, 1))), [N // 2, N // 2], LENGTH, RATE, RATE, Stream(5)))
        for model, row in ((one, values), (two, np.append(values, values[-1])))
    ]
    assert np.array_equal(found[0].genotypes, found[1].genotypes) and np.array_equal(found[0].positions, found[1].positions)


def test_theory_holds_where_it_is_known() -> None:
    """Watterson 1975: the mean number of sites is theta times the harmonic number; Tajima 1983: mean differences are theta; and
    without recombination the variance of sites is that of one genealogy."""
    theta, i = 4 * 10_000 * RATE * LENGTH, np.arange(1, N)
    found = finished(measured(regions(MODELS["constant"], 500, seed=3, recombination=1e-13)))
    sites, pi = found.sites.astype(float), found.pi
    assert abs(sites.mean() - theta * (1 / i).sum()) < 4 * sites.std() / math.sqrt(500)
    assert abs(pi.mean() - theta) < 4 * pi.std() / math.sqrt(500)
    variance = theta * (1 / i).sum() + theta**2 * (1 / i**2).sum()
    assert 0.75 < sites.var() / variance < 1.3


def test_tajimas_d_of_the_example_of_his_paper() -> None:
    """Tajima 1989, mitochondrial DNA of Aquadro & Greenberg: 7 sequences... of 16 sites and 5 differences would be near
    zero."""
    assert float(tajimas_d(20, np.array([45]), np.array([45 / (1 / np.arange(1, 20)).sum()]))[0]) == pytest.approx(0, abs=1e-12)
    assert float(tajimas_d(10, np.array([16]), np.array([3.888889]))[0]) == pytest.approx(-1.446172, abs=1e-5)
    assert math.isnan(float(tajimas_d(10, np.array([0]), np.array([0.0]))[0]))


def test_a_region_depends_on_its_seed_alone_and_is_sound() -> None:
    one, two, other = (regions(MODELS["isolation"], 20, seed) for seed in (1, 1, 2))
    assert np.array_equal(one.genotypes, two.genotypes) and np.array_equal(one.positions, two.positions)
    assert one.genotypes.shape != other.genotypes.shape
    counts = one.genotypes.sum(0)
    assert counts.min() > 0 and counts.max() < N  # every site varies
    for index in range(len(one)):
        assert (np.diff(one.region(index)[1]) >= 0).all()
    assert one.positions.min() >= 0 and one.positions.max() <= LENGTH


def test_a_large_region_is_quick_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """50 kb with 198 haplotypes: 10 ms, in a batch; four times that here, for other programs share the processor's caches."""
    model = MODELS["constant"]
    began = time.process_time()
    work = simulate(model.epochs(np.tile(model.usual(), (150, 1))), [198], LENGTH, RATE, RATE, Stream(1))
    longest, last = 0.0, time.process_time()
    for _ in work:
        longest, last = max(longest, time.process_time() - last), time.process_time()
    assert (time.process_time() - began) / 150 < 0.04
    assert longest < 0.5  # others have their turns
    assert coalescent.TOGETHER >= 150


@usually("name", list(MODELS), usual=lambda name: name == "isolation")
def test_deep_and_shallow_histories_come_to_an_end(name: str) -> None:
    model = MODELS[name]
    for share in (0.0, 1.0):
        values = np.array([[float(p.inside(share)) for p in model.parameters]])
        samples = [6] if model.demes == 1 else [3, 3]
        found = finished(simulate(model.epochs(values), samples, 5_000.0, RATE, RATE, Stream(4)))
        assert len(found) == 1 and found.haplotypes == 6
