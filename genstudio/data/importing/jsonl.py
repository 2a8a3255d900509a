"""Tables as JSON: one object per line, one list of objects, or one object that holds such a list."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from genstudio.data.reading import lines, normalised
from genstudio.errors import DataError

SUFFIXES = (".jsonl", ".ndjson", ".json")
_LARGEST = 1 << 26
Record = tuple[float, int, dict[str, Any]]


@dataclass(frozen=True)
class Records:
    """Fraction read, number of the line or entry and its named values; and what is to be said of the file."""

    rows: Iterator[Record]
    notes: tuple[str, ...] = ()


def is_named_so(path: Path) -> bool:
    """Whether the name of a file, apart from an ending of its packing, says JSON."""
    return _suffix(path) in SUFFIXES


def records(path: Path, encoding: str | None) -> Records:
    """The entries of a file. Raises DataError, some of it only while they are read."""
    begun = [line for _, line in islice(_written(path, encoding), 2)]
    first = begun[0].lstrip() if begun else ""
    alone = first and _is_json(first)
    plain = _suffix(path) == ".json"
    if first[:1] == "[" and (plain or not alone):
        return Records(_entries(_whole(path, encoding), path))
    if first[:1] == "{" and (not alone or (plain and len(begun) == 1)):
        return _object(path, _whole(path, encoding))
    return Records(_each_line(path, encoding))


def cell(value: Any) -> str:
    """A value as the text of a cell: a text as it is, nothing for null, JSON for anything else."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _suffix(path: Path) -> str:
    """The ending of the name, without that of its packing."""
    bare = path.with_suffix("") if path.suffix.lower() in (".gz", ".bz2", ".xz") else path
    return bare.suffix.lower()


def _written(path: Path, encoding: str | None) -> Iterator[tuple[float, str]]:
    return ((done, line) for done, line in lines(path, encoding) if line.strip())


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _whole(path: Path, encoding: str | None) -> Any:
    raw = bytearray()
    for _, piece in normalised(path, encoding):
        raw += piece
        if len(raw) > _LARGEST:
            raise DataError(
                f"{path.name} is JSON of more than 64 MB.", "Save it with one entry per line (JSONL).", path
            )
    return _parsed(raw.decode("utf-8"), 1, path)


def _entries(values: Any, path: Path) -> Iterator[Record]:
    for place, entry in enumerate(values, 1):
        yield place / len(values), place, _named(entry, place, path)


def _object(path: Path, values: Any) -> Records:
    """The one list of entries in an object; an object without any list is one entry."""
    held = {name: value for name, value in values.items() if isinstance(value, list) and value}
    fitting = [name for name, value in held.items() if all(isinstance(entry, (dict, str)) for entry in value)]
    if len(fitting) > 1:
        said = ", ".join(f"'{name[:40]}' ({len(held[name]):,} entries)" for name in fitting[:10])
        raise DataError(
            f"{path.name} is one object, not a list, and holds {len(fitting)} lists: {said}.",
            "Save the one you want to a separate file.",
            path,
        )
    if not fitting:
        return Records(iter([(1.0, 1, _named(values, 1, path))]), ("The file is one object, not a list: one row.",))
    name = fitting[0]
    many, others = len(held[name]), len(values) - 1
    rest = f" Its {others:,} other {'value was' if others == 1 else 'values were'} skipped." if others else ""
    said = f"The file is one object, not a list: the {many:,} entries of its list '{name[:40]}' were read.{rest}"
    return Records(_entries(held[name], path), (said,))


def _each_line(path: Path, encoding: str | None) -> Iterator[Record]:
    for place, (done, line) in enumerate(lines(path, encoding), 1):
        if line.strip():
            yield done, place, _named(_parsed(line, place, path), place, path)


def _parsed(text: str, place: int, path: Path) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        line, why = place + error.lineno - 1, f"{error.msg}, column {error.colno}"
    except (ValueError, RecursionError) as error:
        line, why = place, "it is nested too deep" if isinstance(error, RecursionError) else str(error)[:100]
    raise DataError(f"Line {line:,} is not JSON: {why}.", "Correct or remove this line.", path)


def _named(values: Any, place: int, path: Path) -> dict[str, Any]:
    if isinstance(values, str):
        values = {"text": values}
    if not isinstance(values, dict):
        raise DataError(f"Line {place} contains no named values.", 'Each line has to look like {"text": "..."}.', path)
    try:
        json.dumps(values, ensure_ascii=False).encode("utf-8")
    except (UnicodeEncodeError, RecursionError, ValueError):
        raise DataError(f"Line {place} contains half of a surrogate pair.", "Correct or remove this line.",
            path) from None
    return values
