"""Genomes of a population with a bottleneck, made by the program's own coalescent simulator."""

from __future__ import annotations

import numpy as np

from genstudio.data.population.coalescent import Stream, simulate
from genstudio.data.population.history import BOTTLENECK, Truth
from genstudio.data.population.stored import MUTATION, RECOMBINATION
from genstudio.data.work import finished
from resources_build.packed import Genomes
from resources_build.sources import Files

REGIONS, HAPLOTYPES, LENGTH = 250, 100, 50_000.0
TRUTH = {"N": 12_000.0, "N_bottleneck": 500.0, "T_end": 1_000.0, "duration": 500.0}


def bottleneck(_files: Files) -> Genomes:
    """A population of 12,000 that was one of 500 for 500 generations, until 1,000 generations ago."""
    values = np.tile([TRUTH[name] for name in BOTTLENECK.names], (REGIONS, 1))
    work = simulate(BOTTLENECK.epochs(values), [HAPLOTYPES], LENGTH, MUTATION, RECOMBINATION, Stream(20_211))
    return Genomes(finished(work), MUTATION, RECOMBINATION, Truth(BOTTLENECK.name, TRUTH))
