"""Regions as arrays of a file, and back; the file may come from other people."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from genstudio.data import npz
from genstudio.data.info import DatasetInfo, damaged
from genstudio.data.population.coalescent import Regions
from genstudio.data.population.history import MODELS, Truth

if TYPE_CHECKING:
    from genstudio.data.datasets import RegionDataset

MUTATION, RECOMBINATION = 1.25e-8, 1.25e-8
"""Usual rates of humans, per base pair and generation (Scally & Durbin 2012; mean of the HapMap recombination map)."""
MOST_HAPLOTYPES, MOST_CELLS = 1_000, 1 << 29
"""Of one dataset: haplotypes, and haplotypes times sites."""


def arrays_of(regions: Regions) -> dict[str, NDArray[Any]]:
    """What a file holds: a bit for each haplotype and site, positions in whole base pairs."""
    return {
        "genotypes": np.packbits(regions.genotypes, axis=1),
        "positions": np.floor(regions.positions).astype("<u4"),
        "counts": regions.sites().astype("<u4"),
        "length": np.array([regions.length], "<f8"),
    }


def packed(regions: Regions) -> bytes:
    """The file: the same regions give the same bytes."""
    return npz.packed(arrays_of(regions))


def regions_of(arrays: Mapping[str, NDArray[Any]]) -> Regions:
    """The regions that `arrays_of` described. Raises ValueError or KeyError for anything else."""
    bits, positions, counts = (np.asarray(arrays[name]) for name in ("genotypes", "positions", "counts"))
    length = float(np.asarray(arrays["length"], np.float64).reshape(1)[0])
    if bits.dtype != np.uint8 or bits.ndim != 2 or positions.dtype.kind != "u" or positions.ndim != 1:
        raise ValueError("arrays of another kind")
    if counts.dtype.kind != "u" or counts.ndim != 1 or not len(counts) or not 2 <= len(bits) <= MOST_HAPLOTYPES:
        raise ValueError("too few regions or haplotypes")
    offsets = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])
    sites = int(offsets[-1])
    if sites != len(positions) or bits.shape[1] != -(-sites // 8) or len(bits) * sites > MOST_CELLS:
        raise ValueError("sizes that do not fit")
    at = positions.astype(np.float64)
    first = np.zeros(sites, bool)
    first[offsets[:-1][counts > 0]] = True
    if not math.isfinite(length) or length <= 0 or (sites and at.max() > length) or (np.diff(at) < 0)[~first[1:]].any():
        raise ValueError("positions that cannot be")
    return Regions(np.unpackbits(bits, axis=1, count=sites), at, offsets, length)


def facts(regions: Regions, mutation: float, recombination: float, demes: int, truth: Truth | None) -> dict[str, Any]:
    """What a dataset's card says of regions."""
    found: dict[str, Any] = {
        "haplotypes": regions.haplotypes, "sites": int(regions.offsets[-1]), "length": regions.length,
        "mutation": mutation, "recombination": recombination, "demes": demes,
    }  # fmt: skip
    if truth is not None:
        found |= {"history": truth.model, "parameters": dict(truth.values)} | ({"hidden": True} if truth.hidden else {})
    return found


def opened(info: DatasetInfo, arrays: Mapping[str, NDArray[Any]]) -> RegionDataset:
    """The dataset whose file holds these arrays. Raises DataError."""
    from genstudio.data.datasets import RegionDataset

    said = info.details
    try:
        regions = regions_of(arrays)
        rates = [float(said.get(name, usual)) for name, usual in (("mutation", MUTATION), ("recombination", RECOMBINATION))]
        if not all(0 < rate < 1e-3 for rate in rates):
            raise ValueError("impossible rates")
        demes = int(said.get("demes", 1))
        return RegionDataset(info, regions, rates[0], rates[1], 2 if demes == 2 else 1, truth_of(said))
    except (ValueError, KeyError, TypeError, OverflowError):
        raise damaged(info) from None


def truth_of(said: Mapping[str, Any]) -> Truth | None:
    """The history that a card names, where it names one whole. Raises ValueError, TypeError for damage."""
    model = MODELS.get(str(said.get("history")))
    values = said.get("parameters")
    if model is None or not isinstance(values, Mapping):
        return None
    return Truth(model.name, {name: float(values[name]) for name in model.names if name in values}, said.get("hidden") is True)
