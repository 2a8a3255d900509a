"""What the simulator family reads of regions. No torch."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genstudio.data.batches import PictureBatch
from genstudio.data.datasets import RegionDataset
from genstudio.data.info import DatasetInfo
from genstudio.data.learnable.batches import draw_among
from genstudio.data.population.coalescent import Regions
from genstudio.data.population.history import MODELS, Truth
from genstudio.data.population.pictures import windows
from genstudio.data.population.statistics import Statistics, measured
from genstudio.data.split import split_items
from genstudio.data.work import Work, scaled
from genstudio.errors import ConfigError, DataError, Problem
from genstudio.families.simulator.config import SimulatorConfig

Array = NDArray[Any]
_LEAST, _SUBSETS = 4, 4


@dataclass(frozen=True, eq=False)
class GenomeData:
    """Regions as the discriminator reads them: `alleles` (k R, n, s) int8 and `distances` (k R, s) float32 of k sets of
    haplotypes, one after the other, see `population.pictures.windows`; `train` and `held` are places of those trained on and
    of the others. `samples` are the haplotypes from each deme; `statistics` of all regions, None without content. `truth` is
    their history where it is known."""

    alleles: Array
    distances: Array
    train: Array
    held: Array
    samples: tuple[int, ...]
    length: float
    mutation: float
    recombination: float
    truth: Truth | None
    statistics: Statistics | None
    source: str = ""


def prepare(config: SimulatorConfig, dataset: RegionDataset, _kept: Mapping[str, Any] | None = None) -> Work[GenomeData]:
    """The regions with as many haplotypes as are compared. Raises DataError for too little data, ConfigError for a model of
    another number of populations."""
    regions, info = dataset.regions, dataset.info
    yield 0.05
    if len(regions) < _LEAST:
        raise DataError(
            f"'{info.title}' has only {len(regions)} regions.", f"At least {_LEAST} are needed; a few hundred "
                                                                "are better.", info.place
        )
    if config.model.demes == 2 and dataset.demes != 2:
        raise ConfigError([Problem(
            "history", "the haplotypes of this dataset come from one population; isolation needs haplotypes of two",
        )])  # fmt: skip
    if config.engine == "msprime":
        from genstudio.families.simulator.engines import require_msprime

        require_msprime()
    subsets, samples = _haplotypes(config, dataset)
    compared = thinned(regions, subsets[0])
    if not compared.sites().any():
        raise DataError(f"No site of '{info.title}' varies.", "Choose another dataset.", info.place)
    seen = [windows(compared, config.snps)]
    for place, subset in enumerate(subsets[1:]):
        yield 0.1 + 0.2 * place / len(subsets)
        seen.append(windows(thinned(regions, subset), config.snps))
    alleles, distances = (np.concatenate(parts) for parts in zip(*seen, strict=True))
    train, held = split_items(len(regions), config.split)
    train = np.concatenate([train + place * len(regions) for place in range(len(subsets))])
    found = yield from scaled(measured(compared), 0.3, 1.0)
    return GenomeData(
        alleles, distances, train, held, samples, regions.length, dataset.mutation, dataset.recombination, dataset.truth, found,
        info.sha256,
    )  # fmt: skip


def _haplotypes(config: SimulatorConfig, dataset: RegionDataset) -> tuple[list[Array], tuple[int, ...]]:
    """Up to _SUBSETS disjoint sets of haplotypes that are compared, in equal parts from each deme, and how many from each: more
    samples of the same genealogies, so that the discriminator cannot memorise each region so soon."""
    there = dataset.regions.haplotypes
    wanted = min(config.haplotypes, there)
    subsets = range(max(1, min(_SUBSETS, there // wanted)))
    if dataset.demes == 1:
        return [np.arange(wanted) + k * wanted for k in subsets], (wanted,)
    half, rest = wanted // 2, wanted - wanted // 2
    first, second = np.arange(half), there // 2 + np.arange(rest)
    fitting = [k for k in subsets if (k + 1) * half <= there // 2 and (k + 1) * rest <= there - there // 2]
    chosen = [np.concatenate([first + k * half, second + k * rest]) for k in fitting]
    return chosen, (half, rest) if config.model.demes == 2 else (wanted,)


def thinned(regions: Regions, haplotypes: Array) -> Regions:
    """Some of the haplotypes, with the sites that vary among them."""
    genotypes = regions.genotypes[haplotypes]
    counts = genotypes.sum(0, dtype=np.int64)
    varies = (counts > 0) & (counts < len(haplotypes))
    upto = np.concatenate([[0], np.cumsum(varies)])
    return Regions(genotypes[:, varies], regions.positions[varies], upto[regions.offsets], regions.length)


def shown(config: SimulatorConfig, data: GenomeData, seed: int, step: int) -> PictureBatch:
    """The alleles of the real regions of a step, for people to look at."""
    chosen = draw_among(data.train, (min(config.batch, 64),), seed, step)
    return PictureBatch(data.alleles[chosen][..., None].astype(np.float32))


def metadata(data: GenomeData) -> dict[str, Any]:
    """What a run holds to be opened without its dataset."""
    truth = None
    if data.truth is not None:
        truth = {"model": data.truth.model, "values": dict(data.truth.values), "hidden": data.truth.hidden}
    return {"data.json": {
        "samples": list(data.samples), "sites": int(data.distances.shape[1]), "length": data.length, "mutation": data.mutation,
        "recombination": data.recombination, "truth": truth,
    }}  # fmt: skip


def from_metadata(_config: SimulatorConfig, kept: Mapping[str, Any]) -> GenomeData:
    """Data without content, enough to simulate. Raises DataError for anything but what `metadata` gave."""
    try:
        said = kept["data.json"]
        samples, sites = tuple(int(some) for some in said["samples"]), int(said["sites"])
        length, mutation, recombination = (float(said[name]) for name in ("length", "mutation", "recombination"))
        if not (len(samples) in (1, 2) and 2 <= sum(samples) <= 1000 and min(samples) > 0 and 0 < sites <= 4096):
            raise ValueError("samples")
        if not (0 < length < 1e9 and 0 < mutation < 1e-3 and 0 < recombination < 1e-3):
            raise ValueError("rates")
        truth = said["truth"]
        if truth is not None:
            truth = Truth(str(truth["model"]), {str(n): float(v) for n, v in truth["values"].items()}, bool(truth["hidden"]))
            if truth.model not in MODELS:
                raise ValueError("model")
        n, none = sum(samples), np.zeros(0, np.int64)
        return GenomeData(
            np.zeros((0, n, sites), np.int8), np.zeros((0, sites), np.float32), none, none, samples, length, mutation,
            recombination, truth, None,
        )  # fmt: skip
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
        raise DataError("data.json of this run is damaged.", "Copy it from a backup.") from error


def details_of(info: DatasetInfo) -> Mapping[str, Any]:
    """What the card of a dataset says of its regions, from wherever it says it."""
    settings = info.details.get("settings")
    return {**info.details, **(settings if isinstance(settings, Mapping) else {})}


def replaced(data: GenomeData, **changed: Any) -> GenomeData:
    """The same data, with other parts."""
    return dataclasses.replace(data, **changed)
