"""Tables as text: CSV, TSV and other delimiters, JSON lines; and two text files whose lines belong together."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genstudio.data.importing import encodings
from genstudio.data.reading import beginning, normalised
from genstudio.errors import DataError

SUFFIXES = (".csv", ".tsv", ".tab", ".jsonl", ".ndjson", ".json")
_JSON = (".jsonl", ".ndjson", ".json")
_DELIMITERS = (",", ";", "\t", "|")
_FIELD = 1 << 24
_LINE = 1 << 26
_PREVIEW = 20
_LOOK = 1000
Row = tuple[str, ...]


@dataclass(frozen=True)
class Layout:
    """How a table is written. `columns` are its names; `header` says whether its first row holds them."""

    json: bool
    delimiter: str
    header: bool
    columns: tuple[str, ...]
    numeric: tuple[str, ...]
    rows: tuple[Row, ...]
    encoding: str | None


def look(path: Path, encoding: str | None = None, delimiter: str | None = None, header: bool | None = None) -> Layout:
    """What a table consists of, by its first rows. Raises DataError for what is no table."""
    if path.suffix.lower() in _JSON:
        return _look_json(path, encoding)
    if delimiter is None:
        delimiter = _sniff(path, encoding)
    elif len(delimiter) != 1 or delimiter in '"\r\n':
        raise DataError(f"'{delimiter}' cannot separate columns.", "Choose one character, such as ; or ,", path)
    first: list[Row] = []
    for _, row in _delimited(path, encoding, delimiter):
        first.append(row)
        if len(first) == _LOOK:
            break
    if not first:
        raise DataError("The table is empty.", "Choose a file with rows in it.", path)
    width = max(len(row) for row in first)
    has_header = _has_header(first, width) if header is None else header
    names = first[0] if has_header else ()
    columns = _unique([names[i].strip() if i < len(names) else "" for i in range(width)])
    body = first[1:] if has_header else first
    return Layout(False, delimiter, has_header, columns, _numeric(columns, body), _cut(body, width), encoding)


def rows(path: Path, layout: Layout, columns: Sequence[str]) -> Iterator[tuple[float, Row]]:
    """Fraction read and the cells of these columns, row by row; what a short row lacks is empty. Raises DataError."""
    missing = [name for name in columns if name not in layout.columns]
    if missing:
        have = ", ".join(f"'{name}'" for name in layout.columns[:40])
        raise DataError(f"There is no column '{missing[0]}'.", f"There are: {have}.", path)
    if layout.json:
        for done, _, values in _records(path, layout.encoding):
            yield done, tuple(_cell(values.get(name)) for name in columns)
        return
    places = [layout.columns.index(name) for name in columns]
    skip = layout.header
    for done, row in _delimited(path, layout.encoding, layout.delimiter):
        if skip:
            skip = False
            continue
        yield done, tuple(row[place] if place < len(row) else "" for place in places)


def lines(path: Path, encoding: str | None = None) -> Iterator[tuple[float, str]]:
    """Fraction read and each line with its line end. Raises DataError, also for a line of more than 64 MB."""
    rest: list[bytes] = []
    held, done = 0, 0.0
    for done, piece in normalised(path, encoding):
        start = 0
        while (end := piece.find(b"\n", start)) >= 0:
            yield done, b"".join((*rest, piece[start : end + 1])).decode("utf-8")
            rest, held, start = [], 0, end + 1
        if start < len(piece):
            rest.append(piece[start:])
            held += len(piece) - start
        if held > _LINE:
            raise DataError("A line of this file is longer than 64 MB.", "Import it as a text, not as a table.", path)
    if rest:
        yield done, b"".join(rest).decode("utf-8")


def parallel(left: Path, right: Path, encoding: str | None = None) -> Iterator[tuple[float, Row]]:
    """Fraction read and the two texts of each line, without line ends. Raises DataError where the numbers differ."""
    first, second = lines(left, encoding), lines(right, encoding)
    count = 0
    while True:
        one, two = next(first, None), next(second, None)
        if one is None and two is None:
            return
        if one is None or two is None:
            longer, shorter = (right, left) if one is None else (left, right)
            more = count + 1 + sum(1 for _ in (second if one is None else first))
            raise DataError(
                f"The two files have different numbers of lines: {shorter.name} has {count:,}, {longer.name} {more:,}.",
                "Line n of one file has to belong to line n of the other: add or remove what is missing.",
                longer,
            )
        count += 1
        yield one[0], (one[1].rstrip("\n"), two[1].rstrip("\n"))


def number(text: str) -> float | None:
    """The finite number a cell holds, with a point or a comma; None for anything else."""
    cell = text.strip()
    if not cell or len(cell) > 40 or cell[-1] not in "0123456789." or "_" in cell:
        return None
    try:
        value = float(cell.replace(",", ".") if cell.count(",") == 1 and "." not in cell else cell)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _delimited(path: Path, encoding: str | None, delimiter: str) -> Iterator[tuple[float, Row]]:
    """Rows that hold anything; a first line `sep=;`, which spreadsheet programs write, is none."""
    done = 0.0

    def given() -> Iterator[str]:
        nonlocal done
        for number, (fraction, line) in enumerate(lines(path, encoding)):
            done = fraction
            if number or not _is_sep(line):
                yield line

    csv.field_size_limit(_FIELD)
    reader = csv.reader(given(), delimiter=delimiter)
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                yield done, tuple(row)
    except csv.Error as error:
        limit = "field limit" in str(error)
        why = "a cell is larger than 16 MB; a quotation mark may be missing" if limit else str(error)
        raise DataError(f"The table breaks off near line {reader.line_num}: {why}.", "Mend this line.", path) from None


def _is_sep(line: str) -> bool:
    return len(line.strip()) == 5 and line.startswith("sep=")


def _sniff(path: Path, encoding: str | None) -> str:
    """The delimiter that gives most rows the same number of cells, more than one."""
    if path.suffix.lower() in (".tsv", ".tab"):
        return "\t"
    begun: list[str] = []
    held = 0
    for _, line in lines(path, encoding):
        begun.append(line)
        held += len(line)
        if held > 1 << 17 or len(begun) >= _LOOK:
            break
    if begun and _is_sep(begun[0]):
        return begun[0].strip()[-1]
    best, delimiter = 0.0, ","
    csv.field_size_limit(_FIELD)
    for tried in _DELIMITERS:
        try:
            widths = [len(row) for row in csv.reader(begun, delimiter=tried) if row]
        except csv.Error:
            continue
        usual = max(set(widths), key=lambda width: (widths.count(width), width)) if widths else 1
        score = widths.count(usual) / len(widths) if usual > 1 else 0.0
        if score > best + 0.05:
            best, delimiter = score, tried
    return delimiter


def _has_header(first: Sequence[Row], width: int) -> bool:
    """Names are short, different, not empty, not numbers, without the end of a sentence; what follows differs."""
    top, body = first[0], first[1:]
    named = len(top) == width and len({cell.strip().casefold() for cell in top}) == width
    named = named and all(0 < len(cell.strip()) <= 40 and number(cell) is None for cell in top)
    if not named or not body or any(cell.strip()[-1] in ".!?,;:…。！？" for cell in top):
        return False
    if any(all(number(row[i]) is not None for row in body if i < len(row)) for i in range(width)):
        return True
    usual = sorted(sum(map(len, row)) for row in body)[len(body) // 2]
    words = max(len(cell.split()) for cell in top)
    return words <= 3 and (sum(map(len, top)) < 0.6 * usual or all(cell.strip().isidentifier() for cell in top))


def _numeric(columns: Sequence[str], body: Sequence[Row]) -> tuple[str, ...]:
    if not body:
        return ()
    return tuple(
        name
        for place, name in enumerate(columns)
        if all(place < len(row) and number(row[place]) is not None for row in body)
    )


def _unique(names: Sequence[str]) -> tuple[str, ...]:
    """Names on one line, none empty, none twice."""
    taken: list[str] = []
    for place, name in enumerate(names, 1):
        plain = " ".join("".join(c if c.isprintable() else " " for c in name).split())[:80] or f"column {place}"
        tried, again = plain, 1
        while tried in taken:
            again += 1
            tried = f"{plain} ({again})"
        taken.append(tried)
    return tuple(taken)


def _cut(body: Sequence[Row], width: int) -> tuple[Row, ...]:
    return tuple(
        tuple(row[place][:200] if place < len(row) else "" for place in range(width)) for row in body[:_PREVIEW]
    )


def _look_json(path: Path, encoding: str | None) -> Layout:
    found: list[dict[str, Any]] = []
    for _, _, values in _records(path, encoding):
        found.append(values)
        if len(found) == _LOOK:
            break
    if not found:
        raise DataError("The table is empty.", "Choose a file with rows in it.", path)
    columns = tuple(dict.fromkeys(name for values in found for name in values))
    body = [tuple(_cell(values.get(name)) for name in columns) for values in found]
    return Layout(True, "", True, columns, _numeric(columns, body), _cut(body, len(columns)), encoding)


def _records(path: Path, encoding: str | None) -> Iterator[tuple[float, int, dict[str, Any]]]:
    """Fraction read, line number and the named values of each line (of each entry, for a JSON file with one list)."""
    if path.suffix.lower() == ".json" and beginning(path, 64).removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"[":
        whole = bytearray()
        for _, piece in normalised(path, encoding):
            whole += piece
            if len(whole) > _LINE:
                raise DataError("This JSON file is larger than 64 MB.", "Save it with one entry a line (JSONL).", path)
        entries = _parsed(bytes(whole).decode("utf-8"), 1, path)
        for place, entry in enumerate(entries, 1):
            yield place / len(entries), place, _named(entry, place, path)
        return
    for place, (done, line) in enumerate(lines(path, encoding), 1):
        if line.strip():
            yield done, place, _named(_parsed(line, place, path), place, path)


def _parsed(line: str, place: int, path: Path) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        why = "it is nested too deep" if isinstance(error, RecursionError) else str(error)[:100]
        raise DataError(f"Line {place} is not JSON: {why}.", "Mend or remove this line.", path) from None


def _named(values: Any, place: int, path: Path) -> dict[str, Any]:
    if isinstance(values, str):
        values = {"text": values}
    if not isinstance(values, dict):
        raise DataError(f"Line {place} holds no named values.", 'Each line has to be like {"text": "..."}.', path)
    try:
        json.dumps(values, ensure_ascii=False).encode("utf-8")
    except (UnicodeEncodeError, RecursionError, ValueError):
        raise DataError(f"Line {place} holds half of a surrogate pair.", "Mend or remove this line.", path) from None
    return values


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def readable(path: Path, encoding: str | None) -> str:
    """The encoding a file has: the one given, or UTF-8, or the likely one of its beginning."""
    return encoding or encodings.likely(beginning(path)) or "utf-8"
