"""Haplotypes as the discriminator reads them, and as pictures."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from genstudio.data.population.coalescent import Regions

Array = NDArray[Any]
ANCESTRAL, DERIVED, EMPTY = (236, 236, 230), (32, 74, 135), (200, 200, 200)
"""Colours of the frequent allele, the rarer one, and of columns beyond the last site."""


def windows(regions: Regions, snps: int) -> tuple[Array, Array]:
    """The middle `snps` sites of each region, padded on both sides where there are fewer (Wang et al. 2021): alleles (R, n,
    snps) int8, 1 for the rarer allele, -1 for the other, 0 where there is no site; and distances (R, snps) float32 from the
    site before, as a share of the region's length, 0 where there is none."""
    many, n, sites = len(regions), regions.haplotypes, regions.sites()
    taken = np.minimum(sites, snps)
    first = regions.offsets[:-1] + (sites - taken) // 2
    column = np.arange(snps) - ((snps - taken) // 2)[:, None]  # (R, snps), 0 at the first site that is taken
    there = (column >= 0) & (column < taken[:, None])
    where = np.where(there, first[:, None] + column, 0).clip(0, max(len(regions.positions) - 1, 0))
    if not len(regions.positions):
        return np.zeros((many, n, snps), np.int8), np.zeros((many, snps), np.float32)
    alleles = regions.genotypes[:, where.ravel()].reshape(n, many, snps).transpose(1, 0, 2).astype(np.int8)
    common = 2 * alleles.sum(1, dtype=np.int32) > n
    alleles = np.where(common[:, None], 1 - alleles, alleles) * 2 - 1
    gaps = regions.positions[where] - regions.positions[np.maximum(where - 1, 0)]
    gaps = np.where(there & (where > regions.offsets[:-1][:, None]), gaps, 0) / regions.length
    return (alleles * there[:, None]).astype(np.int8), gaps.astype(np.float32)


def pictured(alleles: Array, distances: Array, most: int = 48) -> Array:
    """Alignments as pictures (R, rows, snps, 3) uint8: below each other up to `most` haplotypes, those that are alike
    together, and under them a strip that is the darker, the farther a site is from the one before. alleles (R, n, snps),
    distances (R, snps)."""
    many, _, snps = alleles.shape
    shown = alleles[:, :most]
    rows = shown.shape[1]
    strip = max(2, rows // 12)
    made = np.empty((many, rows + strip + 1, snps, 3), np.uint8)
    made[:] = (255, 255, 255)
    for index in range(many):
        order = np.lexsort(shown[index].T[np.argsort(shown[index].sum(0), kind="stable")])
        cells = shown[index][order]
        made[index, :rows] = np.where((cells == 0)[..., None], EMPTY, np.where((cells > 0)[..., None], DERIVED, ANCESTRAL))
        grey = 255 - np.minimum(255, 60 * np.sqrt(distances[index] * snps)).astype(np.uint8)
        made[index, rows + 1 :] = grey[None, :, None]
    return made
