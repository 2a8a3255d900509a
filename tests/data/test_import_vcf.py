"""Genotypes of other programs: what is read, and what is refused in which words."""

from __future__ import annotations

import gzip
import math
import resource
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest

from genstudio.data import shelf
from genstudio.data.datasets import RegionDataset
from genstudio.data.importing import sources, vcf
from genstudio.data.importing.options import ImportOptions
from genstudio.data.work import finished
from genstudio.errors import DataError

Call = Callable[[int, int], str]


def phased(site: int, sample: int) -> str:
    return f"{(site + sample) % 2}|{int((site * 7 + sample) % 5 == 0)}"


def content(call: Call = phased, samples: int = 6, sites: Iterable[int] = range(100, 300_000, 500), **other: str) -> str:
    """A file whose sites are 500 base pairs apart."""
    names = "\t".join(f"S{i}" for i in range(samples))
    head = f"##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t{names}\n"
    rows = [
        f"22\t{place}\t.\t{other.get('ref', 'A')}\tG\t.\tPASS\t.\t{other.get('form', 'GT')}\t"
        + "\t".join(call(number, sample) for sample in range(samples)) + "\n"
        for number, place in enumerate(sites)
    ]  # fmt: skip
    return head + "".join(rows)


def imported(folder: Path, text: str, name: str = "mine.vcf") -> RegionDataset:
    path = folder / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    found = shelf.open_dataset(finished(sources.import_any([path])))
    assert isinstance(found, RegionDataset)
    return found


def test_phased_genotypes_become_regions_packed_or_not_with_fields_beside_gt_or_without(tmp_path: Path) -> None:
    plain = imported(tmp_path, content())
    assert plain.info.kind == "regions" and len(plain.regions) == 6 and plain.regions.haplotypes == 12
    expected = np.array([[int(phased(site, h // 2)[0 if h % 2 == 0 else 2]) for site in range(100)] for h in range(12)])
    assert np.array_equal(plain.regions.region(0)[0], expected) and plain.regions.positions[:3].tolist() == [100, 600, 1100]
    assert any("assumed" in note for note in plain.info.details["notes"])
    packed = imported(tmp_path, content(lambda i, j: f"{phased(i, j)}:30:PASS", form="GT:DP:FT"), "mine.vcf.gz")
    assert np.array_equal(packed.regions.genotypes, plain.regions.genotypes)
    found = finished(sources.inspect([tmp_path / "mine.vcf.gz"]))
    assert found.kind == "regions" and "6 samples" in found.sentence


def test_a_few_bad_sites_are_skipped_and_said(tmp_path: Path) -> None:
    def call(site: int, sample: int) -> str:
        return ".|." if site == 5 else "0/1" if site == 7 and sample == 1 else "0|0" if site == 9 else phased(site, sample)

    found = imported(tmp_path, content(call))
    assert found.regions.sites()[0] == 97
    notes = " ".join(found.info.details["notes"])
    assert "missing calls" in notes and "unphased" in notes and "the same in all" in notes


REFUSED = {
    "has no genotypes": "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n22\t5\t.\tA\tG\t.\t.\t.\n",
    "has one sample": content(samples=1),
    "have unphased": content(lambda i, j: phased(i, j).replace("|", "/")),
    "have missing calls": content(lambda i, j: "./." if j == 2 else phased(i, j)),
    "covers 1 regions": content(sites=range(100, 40_000, 500)),
    "not in order": content(sites=[900, 500, 700]),
    "appears in two places": content() + content().split("\n", 2)[2].replace("22\t",
    "21\t") + "22\t999999\t.\tA\tG\t.\t.\t.\tGT" + 6 * "\t0|1",
    "has no sites": content(sites=[]),
    "no header line": "##fileformat=VCFv4.2\n22\t5\t.\tA\tG\t.\t.\t.\tGT\t0|1\t0|1\n",
    "is not a genotype": content(lambda i, j: "3|1" if i == 4 else phased(i, j)),
    "too few columns": content() + "22\n",
    "not single bases": content(ref="AT"),
    "has no GT field": content(form="DP"),
    "has 5 samples, not 6": content() + "22\t999999\t.\tA\tG\t.\t.\t.\tGT" + 5 * "\t0|1",
}


@pytest.mark.parametrize("words", REFUSED)
def test_what_cannot_be_used_is_refused_in_words(words: str, tmp_path: Path) -> None:
    """The reader itself, without its process: that is tried above."""
    path = tmp_path / "bad.vcf"
    path.write_text(REFUSED[words], "utf-8")

    class Deaf:
        def send_bytes(self, _said: bytes) -> None: ...

    with pytest.raises(DataError) as error:
        vcf.inspect(path, "bad", ImportOptions())
        vcf._read(path, Deaf())  # type: ignore[arg-type]
    assert words in error.value.message and error.value.hint
    assert not [info for info in shelf.list_datasets() if info.origin == "imported"]


def test_a_refusal_comes_out_of_the_process_and_nothing_is_left(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="unphased"):
        imported(tmp_path, REFUSED["have unphased"])
    assert not [info for info in shelf.list_datasets() if info.origin == "imported"]


@pytest.mark.slow
def test_a_file_of_two_hundred_megabytes_takes_little_memory(tmp_path: Path) -> None:
    """The process that reads it may hold what is kept, not the file."""
    path = tmp_path / "large.vcf"
    line = "\t".join(phased(0, sample) for sample in range(400))
    with path.open("w") as file:
        file.write(content(samples=400, sites=[]))
        sites = 200_000_000 // (len(line) + 40)
        for number in range(sites):
            file.write(f"22\t{100 + number * 40}\t.\tA\tG\t.\tPASS\t.\tGT\t{line}\n")
    assert path.stat().st_size > 190_000_000
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    found = finished(sources.import_any([path]))
    assert found.count == math.ceil(sites * 40 / 50_000)
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < max(before, 400 * 1024)
