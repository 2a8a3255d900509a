"""What population geneticists measure of haplotypes; see Hartl & Clark 2007. Alleles are folded where nobody knows which is
older."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genstudio.data.population.coalescent import Regions
from genstudio.data.work import Work

Array = NDArray[Any]
DISTANCES = (500.0, 2_000.0, 6_000.0, 20_000.0)
"""Base pairs at which linkage disequilibrium is measured."""
_NEAR = 0.4
"""Pairs of sites count for a distance up to this share below or above it."""
_LAST = 12
"""Counts of the minor allele that have a bin of their own in the spectrum."""


@dataclass(frozen=True, eq=False)
class Statistics:
    """Of R regions with n haplotypes: `sites` that vary, `pi` (mean differences between two haplotypes), `tajima` (Tajima's
    D, NaN without sites), how many different `haplotypes`, each (R,); `spectrum` (R, bins) sites by the count of the rarer
    allele, the last bin holds all higher ones; `ld` (R, len(DISTANCES)) mean r^2 of pairs of sites so far apart, NaN where
    there are none; `gaps` (gaps,) base pairs between neighbouring sites."""

    sites: Array
    pi: Array
    tajima: Array
    haplotypes: Array
    spectrum: Array
    ld: Array
    gaps: Array
    samples: int

    def means(self) -> dict[str, tuple[float, float]]:
        """By name: the mean over regions, and its standard error."""
        columns = {"segregating_sites": self.sites, "pi": self.pi, "tajimas_d": self.tajima, "haplotypes": self.haplotypes}
        columns |= {f"sfs_{i + 1}": self.spectrum[:, i] for i in range(self.spectrum.shape[1])}
        columns |= {f"ld_{distance:.0f}": self.ld[:, i] for i, distance in enumerate(DISTANCES)}
        found = {name: mean_and_error(values) for name, values in columns.items()}
        found["mean_gap"] = mean_and_error(self.gaps)
        return found


def mean_and_error(values: Array) -> tuple[float, float]:
    """The mean of the finite values and its standard error; NaN where there are none."""
    known = np.asarray(values, np.float64)
    known = known[np.isfinite(known)]
    if not len(known):
        return math.nan, math.nan
    return float(known.mean()), float(known.std(ddof=1) / math.sqrt(len(known))) if len(known) > 1 else math.nan


def measured(regions: Regions) -> Work[Statistics]:
    """All of it; yields the share done."""
    n, many = regions.haplotypes, len(regions)
    bins = max(min(_LAST, n // 2), 1)
    counts = regions.genotypes.sum(0, dtype=np.int64)
    which = np.repeat(np.arange(many), regions.sites())
    yield 0.1
    differ = 2.0 * counts * (n - counts) / max(n * (n - 1), 1)
    pi = np.bincount(which, differ, many)
    varies = (counts > 0) & (counts < n)
    sites = np.bincount(which[varies], minlength=many)
    rarer = np.minimum(counts, n - counts)[varies].clip(1, bins) - 1
    spectrum = np.bincount(which[varies] * bins + rarer, minlength=many * bins).reshape(many, bins)
    steps = np.diff(regions.positions)
    gaps = steps[which[1:] == which[:-1]]
    yield 0.2
    different, ld = np.zeros(many, np.int64), np.full((many, len(DISTANCES)), np.nan)
    for index in range(many):
        genotypes, positions = regions.region(index)
        different[index] = len({row.tobytes() for row in np.packbits(genotypes, axis=1)})
        ld[index] = linkage(genotypes, positions)
        if index % 8 == 7:
            yield 0.2 + 0.8 * index / many
    return Statistics(sites, pi, tajimas_d(n, sites, pi), different, spectrum, ld, gaps, n)


def tajimas_d(n: int, sites: Array, pi: Array) -> Array:
    """Tajima 1989, eq. 38: of n haplotypes, segregating sites (R,) and mean differences (R,)."""
    i = np.arange(1, n, dtype=np.float64)
    a1, a2 = (1 / i).sum(), (1 / i**2).sum()
    b1, b2 = (n + 1) / (3 * (n - 1)), 2 * (n * n + n + 3) / (9 * n * (n - 1))
    c1 = b1 - 1 / a1
    c2 = b2 - (n + 2) / (a1 * n) + a2 / a1**2
    e1, e2 = c1 / a1, c2 / (a1**2 + a2)
    with np.errstate(invalid="ignore", divide="ignore"):
        found = (pi - sites / a1) / np.sqrt(e1 * sites + e2 * sites * (sites - 1.0))
    return np.where(sites > 0, found, np.nan)


def linkage(genotypes: Array, positions: Array) -> Array:
    """Mean r^2 (Hill & Robertson 1968) of pairs of sites about each of DISTANCES apart, of those whose rarer allele is in at
    least a tenth of the haplotypes: (len(DISTANCES),), NaN where there are none. genotypes (n, s), positions (s,)."""
    n = genotypes.shape[0]
    counts = genotypes.sum(0, dtype=np.int64)
    common = np.minimum(counts, n - counts) >= max(0.1 * n, 2)
    found = np.full(len(DISTANCES), np.nan)
    if common.sum() < 2:
        return found
    chosen, at = genotypes[:, common].astype(np.float32), positions[common]
    centred = chosen - chosen.mean(0)
    centred /= np.sqrt(np.square(centred).sum(0))
    squares = np.square(centred.T @ centred)
    apart = np.abs(at[:, None] - at)
    upper = np.triu(np.ones(apart.shape, bool), 1)
    for i, distance in enumerate(DISTANCES):
        pairs = upper & (np.abs(apart - distance) <= _NEAR * distance)
        if pairs.any():
            found[i] = squares[pairs].mean()
    return found


SUMMARY = ("Segregating sites", "π (differences)", "Tajima's D", "Different haplotypes", "Base pairs to next")
"""What `described` has a mean of, in words."""
_GAPS = np.geomspace(1, 5000, 17)


def described(found: Statistics) -> dict[str, Array]:
    """What is looked at, as 1-D arrays by name, each with its standard error: `means` (len(SUMMARY),), `spectrum` (bins,)
    mean sites of a region by the count of the rarer allele, `ld` (len(DISTANCES),), `gaps` (bins,) share of the distances
    between neighbouring sites in bins of equal ratio."""
    columns = (found.sites, found.pi, found.tajima, found.haplotypes, found.gaps)
    means = np.array([mean_and_error(column) for column in columns])
    spectrum = np.array([mean_and_error(found.spectrum[:, i]) for i in range(found.spectrum.shape[1])]).reshape(-1, 2)
    ld = np.array([mean_and_error(found.ld[:, i]) for i in range(len(DISTANCES))])
    count = max(len(found.gaps), 1)
    share = np.histogram(np.clip(found.gaps, 1, 4999), _GAPS)[0] / count
    return {
        "means": means[:, 0], "means_error": means[:, 1], "spectrum": spectrum[:, 0], "spectrum_error": spectrum[:, 1],
        "ld": ld[:, 0], "ld_error": ld[:, 1], "gaps": share, "gaps_error": np.sqrt(share * (1 - share) / count),
    }  # fmt: skip


def apart(one: Statistics, other: Statistics) -> dict[str, float]:
    """By name, how many standard errors of their difference the means lie apart; without what cannot be compared."""
    mine, theirs = one.means(), other.means()
    found = {}
    for name, (mean, error) in mine.items():
        value, spread = theirs.get(name, (math.nan, math.nan))
        scale = math.hypot(error, spread)
        if math.isfinite(scale) and scale > 0:
            found[name] = (mean - value) / scale
    return found


def decay(statistics: Statistics) -> Mapping[float, float]:
    """Mean r^2 by distance in base pairs, of distances that have any pairs."""
    means = {distance: mean_and_error(statistics.ld[:, i])[0] for i, distance in enumerate(DISTANCES)}
    return {distance: value for distance, value in means.items() if math.isfinite(value)}
