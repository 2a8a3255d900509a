"""Tables as text: CSV, TSV and other delimiters, JSON lines; and two text files whose lines belong together."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from genstudio.data.importing import headers, jsonl, numbers
from genstudio.data.reading import lines
from genstudio.data.work import Work
from genstudio.errors import DataError

SUFFIXES = (".csv", ".tsv", ".tab", *jsonl.SUFFIXES)
ONE_COLUMN = "none"
"""Stands for a delimiter where each line is one cell."""

_DELIMITERS = (",", ";", "\t", "|")
_FIELD = 1 << 24
_PREVIEW = 20
_LOOK = 1000
_RAGGED = 0.1
Row = tuple[str, ...]


@dataclass(frozen=True)
class Layout:
    """How a table is written. `columns` are its names; `header` says whether its first row holds them.

    `quoted` cells may hold delimiters and line ends; otherwise quotation marks are text. `decimal` is the mark before
    the decimals of its numbers. `rows` are the first ones. `ragged` rows have more cells than there are columns, `short`
    rows have fewer.
    """

    json: bool
    delimiter: str
    header: bool
    columns: tuple[str, ...]
    numeric: tuple[str, ...]
    rows: tuple[Row, ...]
    encoding: str | None
    quoted: bool = True
    decimal: numbers.Decimal = "."
    nested: tuple[str, ...] = ()
    ragged: int = 0
    short: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Choices:
    """What a person decided about a table; None is found out. `columns` are looked for in all of a JSON file."""

    encoding: str | None = None
    delimiter: str | None = None
    header: bool | None = None
    decimal: numbers.Decimal | None = None
    columns: tuple[str, ...] = ()


def look(path: Path, choices: Choices | None = None) -> Work[Layout]:
    """What a table consists of: quotation marks and widths by all of its rows, the rest by the first ones.

    Yields the fraction done. Raises DataError for what is no table.
    """
    choices = choices or Choices()
    if jsonl.is_named_so(path):
        return (yield from _look_json(path, choices))
    encoding, delimiter = choices.encoding, choices.delimiter
    if delimiter is None:
        delimiter = _sniff(path, encoding)
    elif delimiter != ONE_COLUMN and (len(delimiter) != 1 or delimiter in '"\r\n'):
        raise DataError(
            f"'{delimiter}' cannot be a column separator.",
            f"Choose one character, such as ; or , or '{ONE_COLUMN}' for a table of one column.",
            path,
        )
    quoted = yield from _believed(path, encoding, delimiter)
    first = [row for _, _, row in islice(_delimited(path, encoding, delimiter, quoted), _LOOK)]
    if not first:
        raise DataError("The table is empty.", "Choose a file with rows in it.", path)
    widths = Counter(len(row) for row in first)
    usual = max(widths, key=lambda width: (widths[width], width))
    has_header = headers.found(first, usual) if choices.header is None else choices.header
    width = len(first[0]) if has_header else usual
    names = first[0] if has_header else ()
    columns = headers.unique([names[i].strip() if i < len(names) else "" for i in range(width)])
    body = [row for row in (first[1:] if has_header else first) if len(_trimmed(row, width)) <= width]
    decimal = choices.decimal or numbers.decimal_mark((cell for row in body for cell in row), delimiter)
    ragged, line, cells, short, many = yield from _widths(path, encoding, delimiter, quoted, has_header, width)
    _refuse_ragged(path, ragged, line, cells, many, width, has_header)
    return Layout(
        False, delimiter, has_header, columns, _numeric(columns, body, decimal), _cut(body, width), encoding, quoted,
        decimal, (), ragged, short, _widths_said(ragged, line, cells, short, width),
    )  # fmt: skip


def rows(path: Path, layout: Layout, columns: Sequence[str]) -> Iterator[tuple[float, Row]]:
    """Fraction read and the cells of these columns, row by row. Raises DataError.

    What a short row lacks is empty; a row with more cells than there are columns is left out, because nobody knows
    which cells belong together.
    """
    missing = [name for name in columns if name not in layout.columns]
    if missing:
        have = ", ".join(f"'{name}'" for name in layout.columns[:40])
        raise DataError(f"There is no column '{missing[0]}'.", f"Available: {have}.", path)
    if layout.json:
        for done, _, values in jsonl.records(path, layout.encoding).rows:
            yield done, tuple(jsonl.cell(values.get(name)) for name in columns)
        return
    places, width = [layout.columns.index(name) for name in columns], len(layout.columns)
    table = _delimited(path, layout.encoding, layout.delimiter, layout.quoted)
    for done, _, row in islice(table, int(layout.header), None):
        if len(row) <= width or len(_trimmed(row, width)) <= width:
            yield done, tuple(row[place] if place < len(row) else "" for place in places)


def parallel(
    left: Path, right: Path, encodings: tuple[str | None, str | None] = (None, None)
) -> Iterator[tuple[float, Row]]:
    """Fraction read and the two texts of each line, without line ends. Raises DataError where the numbers differ."""
    first, second = lines(left, encodings[0]), lines(right, encodings[1])
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
                "Line n of one file has to correspond to line n of the other: add the missing lines or remove the "
                "extra ones.",
                longer,
            )
        count += 1
        yield one[0], (one[1].rstrip("\n"), two[1].rstrip("\n"))


def _delimited(
    path: Path, encoding: str | None, delimiter: str, quoted: bool, strict: bool = False
) -> Iterator[tuple[float, int, Row]]:
    """Fraction read, line of the file and cells of each row that holds anything; a first line `sep=;`, which spreadsheet
    programs write, is none. Raises DataError for a cell of more than 16 MB, csv.Error for a faulty one if `strict`."""
    done, skipped = 0.0, 0

    def given() -> Iterator[str]:
        nonlocal done, skipped
        for place, (fraction, line) in enumerate(lines(path, encoding)):
            done = fraction
            if place or not _is_sep(line):
                yield line
            else:
                skipped = 1

    if delimiter == ONE_COLUMN or not quoted:
        for place, line in enumerate(given(), 1):
            bare = line.rstrip("\n")
            if bare.strip():
                yield done, place + skipped, tuple(bare.split(delimiter)) if delimiter != ONE_COLUMN else (bare,)
        return
    csv.field_size_limit(_FIELD)
    reader, begun = csv.reader(given(), delimiter=delimiter, strict=strict), 1
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                yield done, begun + skipped, tuple(row)
            begun = reader.line_num + 1
    except csv.Error as error:
        if strict and "field limit" not in str(error):
            raise
        limit = "field limit" in str(error)
        why = "a cell is larger than 16 MB; a quotation mark may be missing" if limit else str(error)
        raise DataError(
            f"The table breaks off near line {reader.line_num + skipped:,}: {why}.", "Correct this line.", path
        ) from None


def _is_sep(line: str) -> bool:
    return len(line.strip()) == 5 and line.startswith("sep=")


def _believed(path: Path, encoding: str | None, delimiter: str) -> Work[bool]:
    """Whether quotation marks around cells belong to the format, by all rows of the table.

    They do not where one of them is not closed before a delimiter or line end, nor where rows have more often the same
    number of cells without them. Between tabs, where most programs write no quotation marks, they do only where it
    makes the rows fit better, or where every cell of a column has them.
    """
    if delimiter == ONE_COLUMN:
        return False
    plain: Counter[int] = Counter()
    marked, bare = False, set[int]()
    around: Counter[int] = Counter()
    total = 0
    for done, _, row in _delimited(path, encoding, delimiter, False):
        plain[len(row)] += 1
        total += 1
        for place, cell in enumerate(row):
            if cell[:1] == '"':
                marked = True
                around[place] += len(cell) > 1 and cell[-1] == '"'
            elif cell and total > 1:
                bare.add(place)
        if total % 1000 == 0:
            yield 0.4 * done
    if not marked:
        return delimiter != "\t"
    widths: Counter[int] = Counter()
    try:
        for done, place, row in _delimited(path, encoding, delimiter, True, strict=True):
            widths[len(row)] += 1
            if place % 1000 == 0:
                yield 0.4 + 0.4 * done
    except csv.Error:
        return False
    without, within = _evenness(plain), _evenness(widths)
    if without != within or delimiter != "\t":
        return within >= without
    return total > 1 and any(place not in bare and count >= total - 1 for place, count in around.items())


def _evenness(widths: Counter[int]) -> float:
    """The share of rows that have the usual number of cells."""
    return max(widths.values(), default=0) / max(1, widths.total())


def _sniff(path: Path, encoding: str | None) -> str:
    """The delimiter that gives most rows the same number of cells, more than one, and sensible ones."""
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
    csv.field_size_limit(_FIELD)
    scores = {tried: _fitness(begun, tried) for tried in _DELIMITERS}
    best = max(_DELIMITERS, key=lambda tried: scores[tried])
    if scores[best] > 0.5:
        return best
    simple = [len(row) for row in _read(begun, ",", True)]
    return "," if simple.count(1) == len(simple) else ONE_COLUMN


def _fitness(begun: Sequence[str], delimiter: str) -> float:
    """About 1 where each row has the same cells, more than one; more for numbers, less for a delimiter before spaces."""
    best = 0.0
    for quoted in (True, False):
        table = [row for row in _read(begun, delimiter, quoted) if any(row)]
        widths = Counter(map(len, table))
        usual = max(widths, key=lambda width: (widths[width], width), default=1)
        if usual < 2:
            continue
        cells = [cell for row in table if len(row) == usual for cell in row]
        behind = [cell for row in table for cell in row[1:]]
        spaced = sum(cell[:1] == " " for cell in behind) / max(1, len(behind))
        number = sum(numbers.is_number(cell) for cell in cells) / len(cells)
        first = len(table[0]) == usual
        best = max(
            best, widths[usual] / len(table) + 0.2 * first + 0.2 * number - 0.3 * spaced + 0.1 * (delimiter == "\t")
        )
    return best


def _read(begun: Sequence[str], delimiter: str, quoted: bool) -> list[list[str]]:
    try:
        return list(csv.reader(begun, delimiter=delimiter, quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE))
    except csv.Error:
        return []


def _trimmed(row: Row, width: int) -> Row:
    """The row without empty cells behind the last column."""
    end = len(row)
    while end > width and not row[end - 1].strip():
        end -= 1
    return row[:end]


def _widths(
    path: Path, encoding: str | None, delimiter: str, quoted: bool, header: bool, width: int
) -> Work[tuple[int, int, int, int, int]]:
    """Rows with too many cells, line and cells of the first, rows with too few, and rows, of the whole table."""
    ragged = line = cells = short = many = 0
    for done, place, row in islice(_delimited(path, encoding, delimiter, quoted), int(header), None):
        many += 1
        if len(row) > width and (count := len(_trimmed(row, width))) > width:
            ragged += 1
            if ragged == 1:
                line, cells = place, count
        short += len(row) < width
        if many % 1000 == 0:
            yield 0.8 + 0.2 * done
    return ragged, line, cells, short, many


def _refuse_ragged(path: Path, ragged: int, line: int, cells: int, many: int, width: int, header: bool) -> None:
    if ragged <= max(1, _RAGGED * many):
        return
    have = "the names are" if header else "most rows have"
    raise DataError(
        f"Line {line:,} has {cells:,} cells, {have} {width:,}; {ragged:,} of {many:,} rows have more cells than columns.",
        f"Choose another delimiter ('{ONE_COLUMN}' reads each line as one cell), or quote the cells that contain it.",
        path,
    )


def _widths_said(ragged: int, line: int, cells: int, short: int, width: int) -> tuple[str, ...]:
    said = []
    if ragged:
        rows_ = "1 row has" if ragged == 1 else f"{ragged:,} rows have"
        stays = "stays" if ragged == 1 else "stay"
        said.append(
            f"{rows_} more cells than the {width:,} columns and {stays} out: line {line:,} has {cells:,} cells."
        )
    if short:
        said.append(
            f"{short:,} {'row has' if short == 1 else 'rows have'} fewer cells than columns; the missing cells are empty."
        )
    return tuple(said)


def _numeric(columns: Sequence[str], body: Sequence[Row], decimal: numbers.Decimal) -> tuple[str, ...]:
    if not body:
        return ()
    return tuple(
        name
        for place, name in enumerate(columns)
        if all(place < len(row) and numbers.number(row[place], decimal) is not None for row in body)
    )


def _cut(body: Sequence[Row], width: int) -> tuple[Row, ...]:
    return tuple(
        tuple(row[place][:200] if place < len(row) else "" for place in range(width)) for row in body[:_PREVIEW]
    )


def _look_json(path: Path, choices: Choices) -> Work[Layout]:
    read = jsonl.records(path, choices.encoding)
    found: list[dict[str, Any]] = []
    columns: dict[str, None] = {}
    for done, _, values in read.rows:
        if len(found) < _LOOK:
            found.append(values)
        columns |= dict.fromkeys(values)
        if len(found) == _LOOK:
            if columns.keys() >= set(choices.columns):
                break
            yield done
    if not found:
        raise DataError("The table is empty.", "Choose a file with rows in it.", path)
    names = tuple(columns)
    body = [tuple(jsonl.cell(values.get(name)) for name in names) for values in found]
    nested = tuple(name for name in names if any(isinstance(values.get(name), (list, dict)) for values in found))
    return Layout(
        True, "", True, names, _numeric(names, body, "."), _cut(body, len(names)), choices.encoding, nested=nested,
        notes=read.notes,
    )  # fmt: skip


def wordy(
    columns: Sequence[str], numeric: Collection[str], nested: Collection[str], rows: Sequence[Row]
) -> tuple[str, ...]:
    """Columns of words, those with the longest cells first: what people mean by the text of a table."""
    places = [place for place, name in enumerate(columns) if name not in numeric and name not in nested]
    lengths = {place: sum(len(cells[place]) for cells in rows if place < len(cells)) for place in places}
    return tuple(columns[place] for place in sorted(places, key=lambda place: -lengths[place]))
