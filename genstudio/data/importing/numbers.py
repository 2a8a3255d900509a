"""Numbers as people write them in tables: which mark stands before the decimals, and which between thousands."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Literal

Decimal = Literal[".", ","]

MARKS = {".": "point", ",": "comma"}
_LONGEST = 40
_GROUPS = {".": "[,'’ \u00a0\u202f]", ",": "[.'’ \u00a0\u202f]"}
_WRITTEN = {
    mark: re.compile(rf"[+-]?(?:\d{{1,3}}(?:{group}\d{{3}})+|\d+)?(?:{re.escape(mark)}\d*)?(?:[eE][+-]?\d+)?")
    for mark, group in _GROUPS.items()
}
_MARKED = re.compile(r"[+-]?\d[\d.,]*")


def number(text: str, decimal: Decimal = ".") -> float | None:
    """The finite number a cell holds, thousands with or without marks between them; None for anything else.

    >>> number("1,234"), number("1,234", ","), number("1.234,5", ","), number("1,5")
    (1234.0, 1.234, 1234.5, None)
    """
    cell = text.strip()
    if not cell or len(cell) > _LONGEST or not _WRITTEN[decimal].fullmatch(cell):
        return None
    head, mark, tail = cell.partition(decimal)
    try:
        value = float(re.sub(_GROUPS[decimal], "", head) + ("." if mark else "") + tail)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def is_number(text: str) -> bool:
    """Whether a cell holds a number, whatever its decimal mark."""
    return number(text) is not None or number(text, ",") is not None


def decimal_mark(cells: Iterable[str], delimiter: str) -> Decimal:
    """The mark before the decimals in these cells of a table with this delimiter.

    A mark followed by other than three digits stands before decimals, as does the last of two different marks. Where
    nothing says so, a comma is between thousands in a table whose cells are separated by commas or bars or tabs, and
    before decimals in one with semicolons, which come from places with a decimal comma.
    """
    points = commas = undecided = 0
    for cell in cells:
        bare = cell.strip()
        if len(bare) > _LONGEST or not _MARKED.fullmatch(bare):
            continue
        last = max(bare.rfind("."), bare.rfind(","))
        if last < 0:
            continue
        both, many = "." in bare and "," in bare, bare.count(bare[last]) > 1
        if many:
            points, commas = points + (bare[last] == ","), commas + (bare[last] == ".")
        elif both or len(bare) - last - 1 != 3 or last > 3 + (bare[0] in "+-") or bare.lstrip("+-")[0] == "0":
            points, commas = points + (bare[last] == "."), commas + (bare[last] == ",")
        else:
            undecided += bare[last] == ","
    if points != commas:
        return "." if points > commas else ","
    return "," if undecided and delimiter == ";" else "."
