"""Tables in Parquet files, through pyarrow where that is installed."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from genstudio.data.importing.numbers import decimal_mark, number
from genstudio.data.importing.tables import Layout
from genstudio.errors import DataError

_PREVIEW = 20


def is_parquet(beginning: bytes) -> bool:
    return beginning[:4] == b"PAR1"


def look(path: Path) -> Layout:
    """What the table consists of. Raises DataError, also where pyarrow is missing."""
    file, _ = _opened(path)
    columns = tuple(str(name) for name in file.schema_arrow.names)
    if len(set(columns)) != len(columns) or not columns:
        raise DataError("The columns of this table have no names, or duplicate names.", "Save it again with distinct "
            "column names.", path)
    body = [row for _, row in _rows(path, columns, _PREVIEW)]
    decimal = decimal_mark((cell for row in body for cell in row), "")
    numeric = tuple(
        name
        for place, name in enumerate(columns)
        if body and all(number(row[place], decimal) is not None for row in body)
    )
    nested = tuple(field.name for field in file.schema_arrow if field.type.num_fields)
    shown = tuple(tuple(cell[:200] for cell in row) for row in body)
    return Layout(False, "", True, columns, numeric, shown, None, decimal=decimal, nested=nested)


def rows(path: Path, columns: Sequence[str]) -> Iterator[tuple[float, tuple[str, ...]]]:
    """Fraction read and the cells of these columns, row by row. Raises DataError."""
    yield from _rows(path, columns, None)


def _rows(path: Path, columns: Sequence[str], most: int | None) -> Iterator[tuple[float, tuple[str, ...]]]:
    file, error_kind = _opened(path)
    total, count = max(1, file.metadata.num_rows), 0
    try:
        for batch in file.iter_batches(batch_size=1024, columns=list(columns)):
            held = [batch.column(name).to_pylist() for name in columns]
            for cells in zip(*held, strict=True):
                if most is not None and count >= most:
                    return
                count += 1
                yield min(1.0, count / total), tuple(_cell(cell) for cell in cells)
    except (error_kind, OSError, ValueError, KeyError, UnicodeDecodeError) as error:
        raise _damaged(path, error) from None


def _opened(path: Path) -> tuple[Any, type[Exception]]:
    try:
        parquet = importlib.import_module("pyarrow.parquet")
        error_kind = importlib.import_module("pyarrow").ArrowException
    except ImportError:
        raise DataError(
            "Parquet files need the library pyarrow, which is not installed.",
            "Install it with: pip install 'genstudio[parquet]'. Or save the table as CSV.",
            path,
        ) from None
    try:
        return parquet.ParquetFile(path), error_kind
    except (error_kind, OSError, ValueError) as error:
        raise _damaged(path, error) from None


def _damaged(path: Path, error: Exception) -> DataError:
    return DataError(f"This Parquet file cannot be read: {str(error)[:200]}.", "Get a new copy.", path)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, (bytes, bytearray)):
        return value.decode("utf-8", "replace")
    return json.dumps(value, ensure_ascii=False, default=str)
