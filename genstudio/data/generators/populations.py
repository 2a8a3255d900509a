"""Populations with a history that is known, and hidden if one likes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np

from genstudio.config import Config, setting
from genstudio.data.datasets import RegionDataset
from genstudio.data.info import DatasetInfo
from genstudio.data.population.coalescent import Stream, simulate
from genstudio.data.population.history import Truth, model_of, values_of
from genstudio.data.population.stored import MUTATION, RECOMBINATION
from genstudio.data.work import finished
from genstudio.errors import DataError, Problem

_INNER = 0.2, 0.8
"""The part of a parameter's range that hidden values are drawn from: so they can be overestimated and underestimated."""


class HistorySettings(Config):
    """A history, and how many haplotypes of it there are."""

    history: Literal["constant", "bottleneck", "exponential", "isolation", "isolation_two_rates", "three_epochs"] = setting(
        "constant", "What the population went through: always the same size; a bottleneck; exponential growth; a split into two "
        "that still exchange migrants, at one rate or at two; three sizes one after the other",
    )
    parameters: str = setting(
        "", "Parameters that you choose, such as N=12000, T_end=800. The others are drawn at random, by the seed",
    )
    hidden: bool = setting(True, "Keep the parameters hidden until you reveal them")
    count: int = setting(200, "Number of independent regions of the genome", low=2, high=2_000, logarithmic=True, label="Regions")
    haplotypes: int = setting(64, "Haplotypes in each region: twice the number of diploid individuals", low=4, high=400)
    length: int = setting(50_000, "Length of a region, in base pairs", low=1_000, high=500_000, logarithmic=True)
    mutation: float = setting(
        MUTATION, "Mutations per base pair and generation", low=1e-10, high=1e-6, logarithmic=True,
        source="Scally & Durbin 2012",
    )
    recombination: float = setting(
        RECOMBINATION, "Recombinations per base pair and generation", low=1e-11, high=1e-6, logarithmic=True,
    )
    seed: int = setting(0, "A different seed draws other hidden parameters and other mutations", low=0, high=2**31 - 1)

    def rules(self) -> Iterator[Problem]:
        try:
            model_of(self.history).chosen(values_of(self.parameters))
        except DataError as error:
            yield Problem("parameters", f"{error.message} {error.hint}")
        largest = max((p.high for p in model_of(self.history).parameters if p.unit == "individuals"), default=1e4)
        if 4 * largest * max(self.mutation, self.recombination) * self.length > 4_000:
            yield Problem("length", "so much recombination or mutation takes too long; choose a shorter region or a lower rate")
        if self.haplotypes * self.count * self.length > 2_000_000_000:
            yield Problem("count", f"{self.count:,} regions of this size take too long; choose fewer, or shorter ones")

    @property
    def truth(self) -> Truth:
        """The history that these settings stand for."""
        model, stream = model_of(self.history), Stream(self.seed, 1)
        low, high = _INNER
        drawn = [float(p.inside(low + (high - low) * share)) for p, share in
                 zip(model.parameters, stream.uniform(len(model.parameters)), strict=True)]  # fmt: skip
        rounded = {name: float(f"{value:.3g}") for name, value in zip(model.names, drawn, strict=True)}
        return Truth(self.history, {**rounded, **values_of(self.parameters)}, self.hidden)


def simulated(settings: HistorySettings, info: DatasetInfo) -> RegionDataset:
    """Regions of a population with the history of these settings."""
    truth, model = settings.truth, model_of(settings.history)
    values = np.tile([truth.values[name] for name in model.names], (settings.count, 1))
    half = settings.haplotypes // 2
    samples = [settings.haplotypes] if model.demes == 1 else [half, settings.haplotypes - half]
    work = simulate(
        model.epochs(values), samples, settings.length, settings.mutation, settings.recombination, Stream(settings.seed, 2)
    )
    return RegionDataset(info, finished(work), settings.mutation, settings.recombination, model.demes, truth)
