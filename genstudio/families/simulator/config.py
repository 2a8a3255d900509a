"""Settings of the simulator family. No torch here: the form is shown before torch is imported."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

from genstudio.config import Values, setting
from genstudio.data.population.history import Model, model_of, values_of
from genstudio.errors import DataError, Problem
from genstudio.families.settings import Split

_PAPER = "Wang et al. 2021"
POOLED = 4
"""Regions that the pool holds before it is used, in batches."""


class SimulatorConfig(Split):
    """Settings of a simulator of evolution whose parameters are searched so that a discriminator cannot tell its genomes
    from real ones."""

    older: ClassVar[Values] = {"pool": 0, "judge": "regions"}
    history: Literal["constant", "bottleneck", "exponential", "isolation", "isolation_two_rates", "three_epochs"] = setting(
        "bottleneck", "Model of the population's history whose parameters are searched: always the same size; a bottleneck; "
        "exponential growth; a split into two populations that still exchange migrants, at one rate or at "
        "two; three sizes one after the other", group="Generator", main=True, source=_PAPER,
    )
    known: str = setting(
        "", "Parameters that are known, such as duration=500, T_end=1000: they are not searched", group="Generator", main=True,
        label="Known parameters",
    )
    engine: Literal["built-in", "msprime"] = setting(
        "built-in", "The simulator: the coalescent of genstudio, or msprime where it is installed "
        "(pip install 'genstudio[popgen]')", group="Generator", label="Simulator", source="Hudson 1983; Baumdicker et al. 2022",
    )
    haplotypes: int = setting(
        24, "Haplotypes of each region that are compared; fewer where the data has fewer", low=4, high=400, group="Data",
        main=True,
    )
    snps: int = setting(
        36, "Sites of each region that the discriminator sees: those in the middle", low=8, high=256, group="Data", main=True,
        label="Sites", source=_PAPER,
    )
    channels: int = setting(
        16, "Features of the first convolution along the sites; twice as many in the second", low=2, high=128,
        group="Discriminator", main=True, source=f"{_PAPER}: 32",
    )
    dense: int = setting(
        64, "Neurons in each of the two layers after the mean over haplotypes", low=4, high=512, group="Discriminator",
        label="Dense width", source=f"{_PAPER}: 128",
    )
    dropout: float = setting(
        0.2, "Share of the dense neurons that are set to 0 at random in training", low=0, high=0.9, group="Discriminator",
        source=f"{_PAPER}: 0.5",
    )
    d_rate: float = setting(
        2e-3, "Step size of the discriminator's Adam", low=1e-6, high=0.1, group="Discriminator", logarithmic=True, live=True,
        label="Discriminator's rate", source="Kingma & Ba 2015",
    )
    batch: int = setting(
        50, "Real regions per update of the discriminator, beside as many simulated ones", low=2, high=512, group="Discriminator",
        label="Batch size", source=_PAPER,
    )
    updates: int = setting(
        3, "Updates of the discriminator per step, each with different regions", low=1, high=64, group="Discriminator",
        live=True,
    )
    pool: int = setting(
        3000, "Regions simulated with earlier parameters, proposals included, that are kept. They are half of the simulated "
              "regions in an update, so that the discriminator does not forget what was wrong elsewhere; 0 for none", low=0,
        high=50_000,
        group="Discriminator", label="Region pool", source="Shrivastava et al. 2017",
    )
    good_enough: float = setting(
        0.8, "Accuracy of the discriminator at which the pre-training ends and the search begins", low=0.5, high=1.0,
        group="Pre-training", main=True, label="Until accuracy", source=f"{_PAPER}: 0.9",
    )
    pretraining: int = setting(
        30, "Limit on the steps of pre-training; if the discriminator is not good enough by then, the search starts from "
            "another point", low=1,
        high=100_000, group="Pre-training", label="Most steps",
    )
    tries: int = setting(
        2, "How many starting points are tried", low=1, high=20, group="Pre-training", source=f"{_PAPER}: 10",
    )
    judge: Literal["features", "regions"] = setting(
        "features", "What the search goes by. Features: those of all regions in the pool are fitted by a surface over the "
        "parameters, and the best place is where it comes closest to the features of real regions. Regions: each proposal alone, "
        "by how real the discriminator finds the few regions simulated for it, as published", group="Search", main=True,
        label="Judge by", source=f"Beaumont et al. 2002; Salimans et al. 2016; regions: {_PAPER}",
    )
    proposals: int = setting(
        4, "Proposals for each parameter in a round; the best of all may be accepted", low=1, high=50, group="Search", main=True,
        live=True, source=f"{_PAPER}: 10",
    )
    regions: int = setting(
        40, "Regions that are simulated to judge a proposal", low=4, high=1000, group="Search", main=True, live=True,
        source=f"{_PAPER}: 50",
    )
    width: float = setting(
        0.25, "Standard deviation of a proposal at temperature 1, as a share of the parameter's range", low=0.001, high=1,
        group="Search", main=True, live=True, label="Proposal width", source=f"{_PAPER}: 1/15",
    )
    temperature: float = setting(
        1.0, "Temperature at which the search begins; it falls linearly to 0 over the planned training", low=0, high=1,
        group="Search", main=True, live=True, label="First temperature", plan="*: the search stays at its first temperature",
        source="Kirkpatrick et al. 1983",
    )
    retraining: int = setting(
        2, "Steps of discriminator training after an accepted move, or after each round where features judge", low=1, high=1000,
        group="Search", live=True,
    )
    hold: bool = setting(
        False, "Keep the parameters where they are, and train the discriminator only", group="Search", live=True,
        label="Hold the parameters",
    )
    reveal: bool = setting(
        False, "Show the true parameters of data whose history is hidden", group="Search", live=True, label="Show the truth",
    )
    evaluate_every: int = setting(50, "Steps between evaluations of the model", low=1, high=1_000_000, group="Search")

    def rules(self) -> Iterator[Problem]:
        try:
            self.model.chosen(values_of(self.known))
        except DataError as error:
            yield Problem("known", f"{error.message} {error.hint}")
            return
        if not self.searched:
            yield Problem("known", "every parameter is known; leave one out for the search")
        fewest = POOLED * self.batch
        if 0 < self.pool < fewest:
            yield Problem("pool", f"a pool is used from {fewest} regions on, four batches; choose 0 for none")
        elif not self.pool and self.judge == "features":
            yield Problem("judge", "a surface is fitted to the regions in the pool; choose a pool, or to judge by regions")

    @property
    def model(self) -> Model:
        """The model of history."""
        return model_of(self.history)

    @property
    def searched(self) -> tuple[int, ...]:
        """Places of the parameters that are searched."""
        known = values_of(self.known)
        return tuple(place for place, name in enumerate(self.model.names) if name not in known)
