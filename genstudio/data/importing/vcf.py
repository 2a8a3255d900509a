"""Genotypes in the Variant Call Format (Danecek et al. 2011), plain or packed: read line by line in a process of its own.

Of each line only position, alleles and the field GT are read. What is kept are single-base variants with two alleles at
which every sample has a phased call; a bit for each haplotype, so that memory grows with what is kept and not with the file.
"""

from __future__ import annotations

import json
import struct
from collections import Counter
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from genstudio.data.datasets import RegionDataset
from genstudio.data.importing import rows
from genstudio.data.importing.options import Found, ImportOptions
from genstudio.data.info import DatasetInfo
from genstudio.data.population.coalescent import Regions
from genstudio.data.population.stored import MOST_CELLS, MOST_HAPLOTYPES, MUTATION, RECOMBINATION
from genstudio.data.reading import beginning, lines
from genstudio.data.tokenizers.child import waited, worker
from genstudio.data.work import Work
from genstudio.errors import DataError
from genstudio.storage import size_text

SUFFIXES = (".vcf", ".vcf.gz", ".vcf.bgz")
REGION = 50_000
"""Base pairs of a region."""
_MEMORY = 3 << 30
_FEWEST, _MOST_SITES = 4, 2_000_000
_SPARSE = 0.25
"""Regions with less than this share of the median number of sites are gaps of the assembly, or of the calls."""
_GENOTYPE = "Get a file with a GT field for each sample; sites alone say nothing about haplotypes."
_PHASE = "Phase the calls first, for example with Beagle or SHAPEIT, and import the phased file."
_REASONS = {
    "missing": ("have missing calls (./.)", "Impute them, or keep only samples and sites that are called throughout."),
    "unphased": ("have unphased heterozygous calls such as 0/1, so their haplotypes are unknown", _PHASE),
    "alleles": ("are not single bases with two alleles", "Choose a file of SNPs."),
    "ploidy": ("have another number of alleles per sample than the first site", "Import autosomes only."),
    "same": ("are the same in all samples", "Choose a file of sites that vary."),
}  # fmt: skip
"""Why sites are skipped: in words, and what to do."""


def is_vcf(path: Path) -> bool:
    """Whether a file is VCF, by its first line. Raises DataError for what cannot be read."""
    if not path.name.lower().endswith(SUFFIXES) and b"##fileformat=VCF" not in beginning(path, 64):
        return False
    return beginning(path, 64, unpack=True).startswith(b"##fileformat=VCF")


def inspect(path: Path, title: str, options: ImportOptions) -> Found:
    """What a VCF file is, by its header. Raises DataError for one without genotypes or of one sample."""
    names: list[str] = []
    for _, line in lines(path):
        if not line.startswith("##"):
            names = _samples(line)
            break
    else:
        raise DataError("This VCF file has no header line that begins with #CHROM.", "Get a new copy of the file.", path)
    sentence = (
        f"Genotypes of {len(names):,} samples (VCF), {size_text(path.stat().st_size)}. They become regions of "
        f"{REGION // 1000} kb with the haplotypes of all samples."
    )
    return Found("regions", "vcf", sentence, title, 1, path.stat().st_size, suggested=options)


def import_vcf(path: Path, options: ImportOptions, name: str, source: str) -> Work[DatasetInfo]:
    """The phased genotypes of a file as regions on the shelf. Raises DataError, StorageError."""
    yield 0.0
    inspect(path, name, options)
    try:
        with worker(serve, str(path)) as talk:
            done = 0.0
            while True:
                yield from waited(talk, 0.9 * done)
                said = talk.receive()
                if said[:1] == b"p":
                    done = struct.unpack("<d", said[1:])[0]
                else:
                    break
            if said[:1] == b"e":
                words = json.loads(said[1:])
                raise DataError(str(words["message"]), str(words["hint"]), path)
            header = json.loads(said[1:])
            parts = [talk.receive() for _ in range(3)]
    except DataError as error:
        if "process ended" not in error.message:
            raise
        raise DataError(
            f"{path.name} could not be read: the process that read it ended.", "Split the file by chromosome, and import "
            "one.", path
        ) from None
    n, sites = int(header["haplotypes"]), int(header["sites"])
    bits = np.frombuffer(parts[0], np.uint8).reshape(sites, -1)
    genotypes = np.ascontiguousarray(np.unpackbits(bits, axis=1, count=n).T)
    offsets = np.frombuffer(parts[2], np.int64)
    regions = Regions(genotypes, np.frombuffer(parts[1], np.float64), offsets, float(REGION))
    info = DatasetInfo("vcf", name, "regions", "imported", path, 0, "0" * 64)
    notes = [
        *header["notes"],
        f"Rates are assumed, not measured: {MUTATION:g} mutations and {RECOMBINATION:g} recombinations per base pair and "
        f"generation, "
        "as in humans.",
    ]
    dataset = RegionDataset(info, regions, MUTATION, RECOMBINATION)
    return (yield from rows.import_regions(dataset, name, source, notes))


def serve(connection: Connection, name: str) -> None:
    """What the process does: says how far it is (p and a share), then either an error (e and JSON) or the result (r and
    JSON, then bits, positions and offsets)."""
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    except (ImportError, OSError, ValueError):
        pass
    try:
        header, arrays = _read(Path(name), connection)
    except DataError as error:
        connection.send_bytes(b"e" + json.dumps({"message": error.message, "hint": error.hint}).encode())
        return
    except MemoryError:
        said = {"message": "There is not enough memory for this file.", "hint": "Split it by chromosome, and import one."}
        connection.send_bytes(b"e" + json.dumps(said).encode())
        return
    connection.send_bytes(b"r" + json.dumps(header).encode())
    for array in arrays:
        connection.send_bytes(array.tobytes())


def _samples(line: str) -> list[str]:
    columns = line.rstrip("\r\n").split("\t")
    if not line.startswith("#"):
        raise DataError("This VCF file has no header line that begins with #CHROM.", "Get a new copy of the file.")
    if columns[:5] != ["#CHROM", "POS", "ID", "REF", "ALT"]:
        raise DataError("The header of this VCF file is damaged: its columns do not begin with #CHROM and POS.",
            "Get a new copy of the file.")
    if len(columns) < 10 or columns[8] != "FORMAT":
        raise DataError("This VCF file has no genotypes, only sites.", _GENOTYPE)
    if len(columns) == 10:
        raise DataError(
            f"This VCF file has one sample, {columns[9][:40]}: two haplotypes reveal almost nothing about a history.",
            "Choose a file with at least five samples of one population; 20 or more are better.",
        )
    return columns[9:]


class _Kept:
    """Sites that are kept, of all chromosomes, and why others were skipped."""

    def __init__(self) -> None:
        self.bits: list[bytes] = []
        self.windows: list[tuple[str, int]] = []
        self.positions: list[float] = []
        self.skipped: Counter[str] = Counter()
        self.first = ""
        self.ploidy = 0


def _read(path: Path, connection: Connection) -> tuple[dict[str, Any], list[np.ndarray[Any, Any]]]:
    kept, told, samples = _Kept(), 0.0, 0
    chromosome, last = "", 0
    done_with: set[str] = set()
    for number, (done, line) in enumerate(lines(path), 1):
        if line.startswith("##"):
            continue
        if line.startswith("#"):
            samples = len(_samples(line))
            continue
        if not samples:
            raise DataError("This VCF file has no header line that begins with #CHROM.", "Get a new copy of the file.")
        if not line.strip():
            continue
        if done - told > 0.01:
            told = done
            connection.send_bytes(b"p" + struct.pack("<d", done))
        fields = line.rstrip("\r\n").split("\t", 9)
        if len(fields) < 10 or not fields[1].isdecimal() or len(fields[1]) > 12:
            raise DataError(f"Line {number:,} of this VCF file is damaged: it has too few columns, or no position.",
                "Get a new copy of the file.")
        place = int(fields[1])
        if fields[0] != chromosome:
            if fields[0] in done_with:
                raise DataError(f"Chromosome {fields[0][:40]} appears in two places in this VCF file.",
                "Sort it, for example with bcftools "
                    "sort.")
            done_with.add(chromosome := fields[0])
            last = 0
        if place < last:
            raise DataError(f"The positions of this VCF file are not in order: line {number:,}.", "Sort it, for example with "
                "bcftools sort.")
        last = place
        _site(kept, fields, place, samples, number)
    return _result(kept, samples)


def _site(kept: _Kept, fields: list[str], place: int, samples: int, number: int) -> None:
    if len(fields[3]) != 1 or len(fields[4]) != 1 or fields[4] not in "ACGTacgt" or fields[3] not in "ACGTacgt":
        kept.skipped["alleles"] += 1
        return
    if not (fields[8] == "GT" or fields[8].startswith("GT:")):
        raise DataError(f"Line {number:,} of this VCF file has no GT field.", _GENOTYPE)
    alleles = _alleles(fields[9], samples, fields[8] == "GT", number)
    if isinstance(alleles, str):
        kept.skipped[alleles] += 1
        kept.first = kept.first or f"{fields[0][:40]}:{place:,}" if alleles == "unphased" else kept.first
        return
    if not kept.ploidy:
        kept.ploidy = len(alleles) // samples
        if len(alleles) > MOST_HAPLOTYPES:
            raise DataError(
                f"This VCF file has {len(alleles):,} haplotypes.", f"At most {MOST_HAPLOTYPES:,} can be read: choose the "
                f"samples of "
                "one population, for example with bcftools view -S."
            )
    if len(alleles) != kept.ploidy * samples:
        kept.skipped["ploidy"] += 1
        return
    count = int(alleles.sum())
    if count in (0, len(alleles)):
        kept.skipped["same"] += 1
        return
    kept.bits.append(np.packbits(alleles).tobytes())
    kept.windows.append((fields[0], place // REGION))
    kept.positions.append(float(place % REGION))
    if len(kept.bits) > _MOST_SITES or len(kept.bits) * len(alleles) > MOST_CELLS:
        raise DataError("This VCF file has more sites than can be used.", "Import one chromosome, or a part of it.")


def _alleles(text: str, samples: int, plain: bool, number: int) -> np.ndarray[Any, Any] | str:
    """0 or 1 for each haplotype of a line, or why it is skipped. Raises DataError for what is no genotype."""
    if plain and len(text) == 4 * samples - 1:
        codes = np.frombuffer(f"{text}\t".encode("ascii", "replace"), np.uint8)
        if len(codes) == 4 * samples:
            codes = codes.reshape(samples, 4)
            calls = codes[:, [0, 2]]
            if (codes[:, 3] == 9).all() and (codes[:, 1] == 124).all() and ((calls == 48) | (calls == 49)).all():
                return (calls - 48).ravel()
    found: list[int] = []
    columns = text.split("\t")
    if len(columns) != samples:
        raise DataError(f"Line {number:,} of this VCF file has {len(columns):,} samples, not {samples:,}.",
        "Get a new copy of it.")
    for column in columns:
        call = column.split(":", 1)[0]
        parts = call.replace("|", "/").split("/")
        if any(part == "." for part in parts):
            return "missing"
        if any(part not in ("0", "1") for part in parts):
            raise DataError(f"'{call[:20]}' in line {number:,} of this VCF file is not a genotype of two alleles.",
                "Get a new copy of the file.")
        if "/" in call and len(set(parts)) > 1:
            return "unphased"
        found += [int(part) for part in parts]
    return np.array(found, np.uint8)


def _result(kept: _Kept, samples: int) -> tuple[dict[str, Any], list[np.ndarray[Any, Any]]]:
    total, sites = len(kept.bits) + sum(kept.skipped.values()), len(kept.bits)
    if not total:
        raise DataError("This VCF file has no sites.", "Choose another file.")
    for why, many in kept.skipped.most_common(1):
        words, hint = _REASONS[why]
        if why in ("missing", "unphased", "ploidy") and many > 0.5 * (total - kept.skipped["alleles"] - kept.skipped["same"]):
            where = f", the first at {kept.first}" if why == "unphased" else ""
            raise DataError(f"{many:,} of {total:,} sites {words}{where}.", hint)
    if not sites:
        words, hint = _REASONS[kept.skipped.most_common(1)[0][0]]
        raise DataError(f"All {total:,} sites {words}.", hint)
    windows: list[tuple[str, int]] = []
    counts: list[int] = []
    for window in kept.windows:
        if not windows or windows[-1] != window:
            windows.append(window)
            counts.append(0)
        counts[-1] += 1
    each = np.array(counts)
    whole = each >= _SPARSE * np.median(each)
    if whole.sum() < _FEWEST:
        raise DataError(
            f"This VCF file covers {int(whole.sum())} regions of {REGION // 1000} kb; at least {_FEWEST} are needed.",
            "Choose a longer stretch of the genome: a few hundred regions are better.",
        )
    chosen = np.repeat(whole, each)
    bits = np.frombuffer(b"".join(kept.bits), np.uint8).reshape(sites, -1)[chosen]
    notes = [f"{count:,} of {total:,} sites were skipped: they {_REASONS[why][0]}." for why, count in kept.skipped.most_common()]
    if not whole.all():
        notes.append(f"{int((~whole).sum()):,} of {len(each):,} regions with few sites were skipped.")
    header = {"haplotypes": kept.ploidy * samples, "sites": len(bits), "notes": notes}
    offsets = np.concatenate([[0], np.cumsum(each[whole])]).astype(np.int64)
    return header, [bits, np.array(kept.positions)[chosen], offsets]
