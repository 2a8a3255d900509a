"""Checks of regions of genomes."""

from __future__ import annotations

import numpy as np

from genstudio.data.checks.finding import Finding
from genstudio.data.datasets import RegionDataset
from genstudio.data.work import Work

_FEW_REGIONS, _FEW_HAPLOTYPES, _FEW_SITES = 50, 10, 36


def check_regions(dataset: RegionDataset) -> Work[tuple[Finding, ...]]:
    """Everything that can be said of regions."""
    regions, found = dataset.regions, []
    sites = regions.sites()
    if len(regions) < _FEW_REGIONS:
        found.append(Finding(
            f"at least {_FEW_REGIONS} regions", "warning", f"There are {len(regions):,} regions.", len(regions), (),
            "A discriminator soon memorises few regions, and then tells any simulation from them: use more of the genome.",
        ))  # fmt: skip
    if regions.haplotypes < _FEW_HAPLOTYPES:
        found.append(Finding(
            f"at least {_FEW_HAPLOTYPES} haplotypes", "warning", f"There are {regions.haplotypes:,} haplotypes.",
            regions.haplotypes, (), "Few haplotypes say little about the recent past: use more samples.",
        ))  # fmt: skip
    yield 0.3
    few = int((sites < _FEW_SITES).sum())
    if few > 0.1 * len(regions):
        found.append(Finding(
            f"{_FEW_SITES} sites in a region", "info",
            f"{few:,} of {len(regions):,} regions have fewer than {_FEW_SITES} sites; they are padded.", few, (),
            "Longer regions have more sites.",
        ))  # fmt: skip
    counts = regions.genotypes.sum(0, dtype=np.int64)
    yield 0.7
    same = int(((counts == 0) | (counts == regions.haplotypes)).sum())
    if same:
        found.append(Finding(
            "sites that vary", "info", f"{same:,} of {len(counts):,} sites are the same in all haplotypes.", same, (),
            "They say nothing about the history: remove them.",
        ))  # fmt: skip
    return tuple(found)
