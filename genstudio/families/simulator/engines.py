"""What simulates regions: the program's own coalescent, or msprime where a person has installed it. No torch.

msprime is under the GPL, so it is an optional extra that is never bundled, and imported only when it is asked for.
"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genstudio.data.population.coalescent import Regions, Stream, simulate
from genstudio.data.population.history import Model
from genstudio.data.work import finished
from genstudio.errors import ConfigError, Problem
from genstudio.families.simulator.data import GenomeData

Array = NDArray[Any]


def require_msprime() -> None:
    """Raises ConfigError where msprime is not installed."""
    if importlib.util.find_spec("msprime") is None:
        raise ConfigError([Problem(
            "engine", "msprime is not installed; choose the built-in simulator, or install it with pip install "
            "'genstudio[popgen]'",
        )])  # fmt: skip


def regions_of(engine: str, model: Model, values: Array, data: GenomeData, stream: Stream) -> Regions:
    """A region for each row of parameters (B, P), with the haplotypes, length and rates of the data."""
    if engine == "msprime":
        return _msprime(model, values, data, stream)
    work = simulate(model.epochs(values), data.samples, data.length, data.mutation, data.recombination, stream)
    return finished(work)


def _msprime(model: Model, values: Array, data: GenomeData, stream: Stream) -> Regions:
    require_msprime()
    import msprime

    genotypes, positions, counts = [], [], []
    seeds = (1 + stream.uniform(len(values), 2) * (2**31 - 2)).astype(np.int64)
    for row, (one, other) in zip(values, seeds.tolist(), strict=True):
        names = ("A", "B")[: len(data.samples)]
        samples = [
            msprime.SampleSet(some, population=name, ploidy=1) for name, some in zip(names, data.samples, strict=True)
        ]
        trees = msprime.sim_ancestry(
            samples, demography=demography(msprime, model, dict(zip(model.names, row.tolist(), strict=True))), ploidy=2,
            sequence_length=data.length, recombination_rate=data.recombination, random_seed=one,
        )  # fmt: skip
        trees = msprime.sim_mutations(trees, rate=data.mutation, random_seed=other, discrete_genome=False)
        genotypes.append(trees.genotype_matrix().T.astype(np.uint8))
        positions.append(np.asarray(trees.sites_position))
        counts.append(trees.num_sites)
    offsets = np.concatenate([[0], np.cumsum(counts)])
    return Regions(np.concatenate(genotypes, 1), np.concatenate(positions), offsets, data.length)


def demography(msprime: Any, model: Model, n: Mapping[str, float]) -> Any:
    """The same history as msprime describes it."""
    found = msprime.Demography()
    epochs = model.epochs(np.array([[n[name] for name in model.names]]))
    if model.demes == 2:
        for name, size in (("A", n["N1"]), ("B", n["N2"]), ("C", n["N_anc"])):
            found.add_population(name=name, initial_size=size)
        for (one, other), rate in zip((("A", "B"), ("B", "A")), epochs.migration[0, 0].tolist(), strict=True):
            found.set_migration_rate(one, other, rate)  # back in time, as in ours
        found.add_population_split(time=n["T_split"], derived=["A", "B"], ancestral="C")
        return found
    sizes, growth, starts = epochs.sizes[0, :, 0].tolist(), epochs.growth[0, :, 0].tolist(), epochs.starts[0].tolist()
    found.add_population(name="A", initial_size=sizes[0], growth_rate=growth[0])
    for size, rate, start in zip(sizes[1:], growth[1:], starts[1:], strict=True):
        found.add_population_parameters_change(time=start, initial_size=size, growth_rate=rate)
    assert math.isfinite(sizes[0])
    return found
