"""Rows of tables on the shelf: one column as a text, two as pairs, two of numbers as points."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genstudio.data import store
from genstudio.data.datasets import RegionDataset
from genstudio.data.importing import arrays
from genstudio.data.importing.numbers import MARKS, Decimal, number
from genstudio.data.importing.texts import intact
from genstudio.data.info import DatasetInfo, clean_title
from genstudio.data.population import stored as population
from genstudio.data.work import Work
from genstudio.errors import DataError

MOST_POINTS = 20_000_000
MOST_CLASSES = 1_000
_BATCH = 1 << 12
Rows = Iterator[tuple[float, tuple[str, ...]]]


def import_column(rows: Rows, name: str, source: str, details: dict[str, Any]) -> Work[DatasetInfo]:
    """One cell a row -> a text with a line end behind each cell that is not empty. Raises DataError, StorageError."""

    def pieces() -> Iterator[tuple[float, bytes, int]]:
        for done, batch in _batches(rows):
            text = _plain("".join(cell[0].strip("\n") + "\n" for cell in batch if cell[0].strip()))
            yield done, text.encode("utf-8"), len(text)

    empty = DataError("There is no text in this column.", "Choose another column.")
    work = store.poured("text", clean_title(name), pieces(), empty, source, lambda: details, intact=intact)
    return (yield from work)


def import_pairs(
    rows: Rows, name: str, source: str, sides: Sequence[str], details: dict[str, Any], duplicate: bool = False
) -> Work[DatasetInfo]:
    """Two cells a row -> pairs, those with an empty side too, so that they can be counted. Raises as above."""

    def pieces() -> Iterator[tuple[float, bytes, int]]:
        for done, batch in _batches(rows):
            kept = [(_plain(left).strip(), _plain(right).strip()) for left, right in batch]
            kept = [pair for pair in kept if any(pair)]
            yield done, "".join(json.dumps(pair, ensure_ascii=False) + "\n" for pair in kept).encode("utf-8"), len(kept)

    empty = DataError("There are no pairs in these columns.", "Choose other columns.")
    known = {**details, "columns": [str(side)[:80] for side in sides]}
    work = store.poured("pairs", clean_title(name), pieces(), empty, source, lambda: known, intact=intact, duplicate=duplicate)
    return (yield from work)


def import_labelled(
    rows: Rows, name: str, source: str, columns: Sequence[str], details: dict[str, Any]
) -> Work[DatasetInfo]:
    """A text and its class a row -> labelled texts; rows without a text are left out, those without a class kept, so that
    they can be counted. Raises DataError for fewer than two classes, or more than there can be; StorageError."""
    counts: Counter[str] = Counter()

    def pieces() -> Iterator[tuple[float, bytes, int]]:
        for done, batch in _batches(rows):
            kept = [(_plain(text).strip(), " ".join(label.split())) for text, label in batch]
            kept = [row for row in kept if row[0]]
            counts.update(label for _, label in kept if label)
            yield done, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in kept).encode("utf-8"), len(kept)
        if len(counts) < 2:
            only = f"'{next(iter(counts))}'" if counts else "none"
            raise DataError(f"Labelled texts need at least two classes; here there is {only}.", "Choose another column.")
        if len(counts) > MOST_CLASSES:
            raise DataError(
                f"There are {len(counts):,} different labels, more than {MOST_CLASSES:,}: these are not classes.",
                "Choose another column for the label.",
            )

    def known() -> dict[str, Any]:
        classes = sorted(counts)
        said = {"columns": [str(column)[:80] for column in columns], "classes": classes}
        return {**details, **said, "class_counts": [counts[label] for label in classes]}

    empty = DataError("There is no text in these columns.", "Choose other columns.")
    work = store.poured("labelled", clean_title(name), pieces(), empty, source, known, intact=intact)
    return (yield from work)


def import_class_rows(
    rows: Rows, name: str, source: str, columns: Sequence[str], details: dict[str, Any], decimal: Decimal = "."
) -> Work[DatasetInfo]:
    """Numbers and, last, their class per row -> rows with classes. A row that lacks a number is left out, one without a class is
    kept, so that both can be counted. Raises DataError for cells that are no numbers, with the first of them; for fewer than two
    rows or classes, or more than there can be; StorageError."""
    counts: Counter[str] = Counter()
    seen, gaps, kept_rows = 0, [0, 0], 0

    def pieces() -> Iterator[tuple[float, bytes, int]]:
        nonlocal seen, kept_rows
        for done, batch in _batches(rows):
            kept: list[str] = []
            for cells in batch:
                seen += 1
                values = [_value(cell, decimal, seen, column) for cell, column in zip(cells[:-1], columns, strict=False)]
                label = " ".join(_plain(cells[-1]).split())
                if None in values:
                    gaps[0] += 1
                    gaps[1] = gaps[1] or seen
                    continue
                counts[label] += 1
                kept.append(json.dumps([label, *values], ensure_ascii=False))
            kept_rows += len(kept)
            if kept_rows > MOST_POINTS:
                raise DataError(f"There are more than {MOST_POINTS:,} rows.", "Use a sample of them.")
            yield done, "".join(f"{line}\n" for line in kept).encode("utf-8"), len(kept)
        known = [label for label in counts if label]
        if kept_rows < 2:
            raise DataError(
                f"A classifier needs at least two rows of numbers; here {'is one' if kept_rows else 'are none'}.",
                "Add rows, or choose other columns.",
            )
        if len(known) < 2:
            only = f"'{known[0]}'" if known else "none"
            raise DataError(f"Rows need at least two classes; in '{columns[-1]}' there is {only}.",
                            "Choose another column for the class.")  # fmt: skip
        if len(known) > MOST_CLASSES:
            raise DataError(
                f"'{columns[-1]}' has {len(known):,} different values, more than {MOST_CLASSES:,}: these are not classes.",
                "Choose another column for the class.",
            )

    def known() -> dict[str, Any]:
        classes = sorted(label for label in counts if label)
        said = {"columns": [str(column)[:80] for column in columns[:-1]], "classes": classes}
        notes = list(details.get("notes", ()))
        if gaps[0]:
            notes.append(f"Rows skipped because a number is missing: {gaps[0]:,} of {seen:,}; the first is row {gaps[1]:,}.")
        if counts[""]:
            notes.append(f"Rows without a class, which are not trained on: {counts['']:,}.")
        return {**details, **said, "class_counts": [counts[label] for label in classes], **({"notes": notes} if notes else {})}

    empty = DataError("There are no rows of numbers in these columns.", "Choose other columns.")
    work = store.poured("rows", clean_title(name), pieces(), empty, source, known, intact=intact)
    return (yield from work)


def is_missing(cell: str) -> bool:
    """Whether a cell says that there is no number."""
    return cell.strip().lower() in ("", "na", "nan", "n/a", "null", "none", "?")


def _value(cell: str, decimal: Decimal, row: int, column: str) -> float | None:
    """The number in a cell; None where it is missing. Raises DataError for anything else."""
    bare = cell.strip()
    if is_missing(bare):
        return None
    value = number(bare, decimal)
    if value is None:
        raise DataError(
            f"Row {row:,} has '{bare[:40]}' in the column '{column}', which is not a number.",
            f"Correct it, or leave this column out; numbers were read with a decimal {MARKS[decimal]}, which you can change.",
        )
    return float(np.float32(value))


def import_number_rows(
    rows: Rows, name: str, source: str, details: dict[str, Any], decimal: Decimal = "."
) -> Work[DatasetInfo]:
    """Two numbers per row -> points. Raises DataError with the first row that holds anything else, and their number."""
    pieces: list[NDArray[np.float32]] = []
    count, strange, example = 0, 0, ""
    for done, batch in _batches(rows):
        values = [(number(x, decimal), number(y, decimal)) for x, y in batch]
        bad = [place for place, pair in enumerate(values) if None in pair]
        if bad and not example:
            example = f"row {count + bad[0] + 1} has '{batch[bad[0]][0][:40]}', '{batch[bad[0]][1][:40]}'"
        strange, count = strange + len(bad), count + len(batch)
        if count > MOST_POINTS:
            raise DataError(f"There are more than {MOST_POINTS:,} points.", "Use a sample of them.")
        pieces.append(np.array([pair for pair in values if None not in pair], np.float32).reshape(-1, 2))
        yield min(done, 0.9)
    if strange:
        raise DataError(
            f"{strange:,} of {count:,} rows do not contain two numbers: {example}.",
            f"Correct or remove these rows; numbers were read with a decimal {MARKS[decimal]}, which you can change.",
        )
    empty = np.empty((0, 2), np.float32)
    return (yield from import_points(np.concatenate([empty, *pieces]), name, source, details))


def import_points(
    points: NDArray[Any],
    name: str = "Drawn points",
    source: str = "drawn",
    details: dict[str, Any] | None = None,
    duplicate: bool = False,
) -> Work[DatasetInfo]:
    """(n, 2) numbers -> points on the shelf. Raises DataError, StorageError."""
    title = clean_title(name)
    plain = np.ascontiguousarray(points, np.float32)
    if plain.ndim != 2 or plain.shape[1:] != (2,) or not 1 < len(plain) <= MOST_POINTS:
        raise DataError(
            f"These are not points in the plane: {plain.shape}.", "Give two numbers for at least two points."
        )
    if not np.isfinite(plain).all():
        raise DataError("Some points are infinite or not numbers.", "Remove them first.")
    yield 0.95
    raw = arrays.header("<f4", plain.shape) + plain.astype("<f4").tobytes()
    with store.staging() as folder:
        with store.writing(folder / "points.npy") as copy:
            copy.write(raw)
        return store.put(
            folder, "points", title, size=len(raw), sha256=hashlib.sha256(raw).hexdigest(), count=len(plain),
            source=clean_title(source), details=details, intact=intact, duplicate=duplicate,
        )  # fmt: skip


def import_regions(
    dataset: RegionDataset, name: str, source: str, notes: Sequence[str] = (), duplicate: bool = False
) -> Work[DatasetInfo]:
    """Regions on the shelf. Raises DataError, StorageError."""
    title, raw = clean_title(name), population.packed(dataset.regions)
    yield 0.95
    details = population.facts(dataset.regions, dataset.mutation, dataset.recombination, dataset.demes, dataset.truth)
    with store.staging() as folder:
        with store.writing(folder / "regions.npz") as copy:
            copy.write(raw)
        return store.put(
            folder, "regions", title, size=len(raw), sha256=hashlib.sha256(raw).hexdigest(), count=len(dataset.regions),
            source=clean_title(source), details=details | ({"notes": list(notes)} if notes else {}), intact=intact,
            duplicate=duplicate,
        )  # fmt: skip


def _batches(rows: Rows) -> Iterator[tuple[float, list[tuple[str, ...]]]]:
    batch: list[tuple[str, ...]] = []
    for done, row in rows:
        batch.append(row)
        if len(batch) == _BATCH:
            yield done, batch
            batch = []
    if batch:
        yield 1.0, batch


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")
