"""Numbers and notices of a run: append-only JSON lines, of which a cut last one is ignored and repaired."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, groupby
from pathlib import Path
from typing import Any

import numpy as np

from genstudio import storage
from genstudio.events import Array, Series

_CHUNK = 1 << 17
_LONGEST = 1 << 24
_TAIL, _LONG_TAIL = 1 << 16, 1 << 20
_LAST_STEP = re.compile(rb'"steps":\[(?:[0-9]+,)*([0-9]+)\]')
_TIME = re.compile(rb'"steps":\[(?:[0-9]+,)*([0-9]+)\],"elapsed":([0-9.e+-]+)')
_RESERVED = {"steps", "elapsed"}
_NUMERIC = b"0123456789.+-enul"  # what numbers and null are made of; without it, lines show their shape
Columns = tuple[Array, Array]


def append(path: Path, data: bytes, *, sync: bool = False) -> None:
    """Adds whole lines; what a dead writer left half-written before them is cut off. Raises StorageError."""

    def attempt() -> None:
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0)
        descriptor = os.open(path, flags, 0o666)
        try:
            _repair(descriptor)
            storage.write_all(descriptor, data)
            if sync:
                storage.sync_file(descriptor)
        finally:
            os.close(descriptor)

    with storage.translated(path, len(data)):
        storage.again(attempt)


def _repair(descriptor: int) -> None:
    """Leaves the position at the end of the last whole line, and nothing behind it."""
    end = os.lseek(descriptor, 0, os.SEEK_END)
    place = end
    while place:
        start = max(0, place - (1 if place == end else _TAIL))
        os.lseek(descriptor, start, os.SEEK_SET)
        found = os.read(descriptor, place - start).rfind(b"\n")
        if found >= 0:
            place = start + found + 1
            break
        place = start
    if place != end:
        os.ftruncate(descriptor, place)
    os.lseek(descriptor, place, os.SEEK_SET)


def sync(path: Path) -> None:
    """What was appended is on the disk. Raises StorageError."""

    def attempt() -> None:
        descriptor = os.open(path, os.O_RDWR)
        try:
            storage.sync_file(descriptor)
        finally:
            os.close(descriptor)

    if path.exists():
        with storage.translated(path):
            storage.again(attempt)


def lines(path: Path) -> Iterator[list[bytes]]:
    """Whole lines, some 128 KB at a time; a cut last line is left out, and one beyond 16 MB is skipped."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return
    with file:
        rest: list[bytes] = []
        while piece := file.read(_CHUNK):
            cut = piece.rfind(b"\n") + 1
            if not cut:
                rest = [] if sum(map(len, rest)) > _LONGEST else [*rest, piece]
                continue
            yield b"".join([*rest, piece[:cut]]).splitlines()
            rest = [piece[cut:]]


def parse(batch: list[bytes]) -> list[dict[str, Any]]:
    """The JSON objects of these lines; what is not one is left out."""
    try:
        rows = json.loads(b"[" + b",".join(batch) + b"]")
        if len(rows) == len(batch) and all(type(row) is dict for row in rows):
            return rows
    except (ValueError, RecursionError):
        pass
    return [row for line in batch if isinstance(row := _parse_line(line), dict)]


def _parse_line(line: bytes) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def metric_lines(series: Mapping[str, Series], elapsed: float) -> bytes:
    """Series over the same steps share a line; non-finite values are null, and 9 digits keep float32 exact."""
    groups: dict[bytes, list[str]] = {}
    for name, one in series.items():
        if len(one) and name not in _RESERVED:
            groups.setdefault(np.ascontiguousarray(one.steps, dtype=np.int64).tobytes(), []).append(name)
    text = []
    for names in groups.values():
        steps = ",".join(map(str, series[names[0]].steps.tolist()))
        columns = ",".join(f"{json.dumps(name)}:[{_numbers(series[name].values)}]" for name in names)
        text.append(f'{{"steps":[{steps}],"elapsed":{elapsed:.9g},{columns}}}\n')
    return "".join(text).encode()


def _numbers(values: Array) -> str:
    return ",".join(f"{value:.9g}" if math.isfinite(value) else "null" for value in values.tolist())


def history(path: Path) -> Iterator[dict[str, Series]]:
    """All numbers, a few milliseconds of work at a time, each slice ascending in steps. Damaged lines are left out."""
    for batch in lines(path):
        groups: dict[bytes, list[bytes]] = {}
        for line in batch:
            groups.setdefault(line.translate(None, _NUMERIC), []).append(line)
        parts: dict[str, list[Columns]] = {}
        for shape, group in groups.items():
            for name, columns in (_uniform(shape, group) or _mixed(group)).items():
                parts.setdefault(name, []).append(columns)
        if parts:
            yield {name: _ordered(some) for name, some in parts.items()}


def _uniform(shape: bytes, group: list[bytes]) -> dict[str, Columns]:
    """Lines of one step each that differ in their numbers only, read as one flat list, in two thirds of the time.

    Empty where the lines are something else.
    """
    first = _parse_line(group[0]) if len(group) > 8 and b"[," not in shape else None
    names = list(first) if isinstance(first, dict) and _sound(first) else []
    if names[:2] != ["steps", "elapsed"]:
        return {}
    flat = b",".join(group).replace(b'{"steps":[', b"").replace(b'],"elapsed":', b",").replace(b"]}", b"")
    for index, name in enumerate(names[2:]):
        flat = flat.replace(f"{']' * (index > 0)},{json.dumps(name)}:[".encode(), b",")
    try:
        table = np.array(json.loads(b"[" + flat + b"]"), dtype=np.float64).reshape(len(group), len(names))
    except (ValueError, TypeError, OverflowError, RecursionError):
        return {}
    if not ((table[:, 0] >= 0) & (table[:, 0] < 1 << 53)).all():
        return {}
    steps = table[:, 0].astype(np.int64)
    return {name: (steps, table[:, index + 2]) for index, name in enumerate(names[2:])}


def _mixed(group: list[bytes]) -> dict[str, Columns]:
    rows = parse(group)
    try:
        return _columns(rows)
    except (ValueError, TypeError, OverflowError, KeyError):
        return _columns([row for row in rows if _sound(row)])


def _columns(rows: list[dict[str, Any]]) -> dict[str, Columns]:
    steps: dict[str, list[Array]] = {}
    values: dict[str, list[Array]] = {}
    for names, some in groupby(rows, key=tuple):
        group = list(some)
        joined = np.fromiter(chain.from_iterable([row["steps"] for row in group]), dtype=np.int64)
        for name in names:
            if name not in _RESERVED:
                column = np.array(list(chain.from_iterable([row[name] for row in group])), dtype=np.float64)
                if column.shape != joined.shape:
                    raise ValueError(name)
                steps.setdefault(name, []).append(joined)
                values.setdefault(name, []).append(column)
    return {name: (np.concatenate(steps[name]), np.concatenate(values[name])) for name in steps}


def _ordered(parts: list[Columns]) -> Series:
    steps = np.concatenate([part[0] for part in parts])
    values = np.concatenate([part[1] for part in parts])
    if (steps[1:] < steps[:-1]).any():
        order = np.argsort(steps, kind="stable")
        return Series(steps[order], values[order])
    return Series(steps, values)


def _sound(row: dict[str, Any]) -> bool:
    steps = row.get("steps")
    if not isinstance(steps, list) or not all(type(step) is int and 0 <= step < 1 << 62 for step in steps):
        return False
    return all(_is_column(column, len(steps)) for name, column in row.items() if name not in _RESERVED)


def _is_column(column: Any, length: int) -> bool:
    return (
        isinstance(column, list)
        and len(column) == length
        and all(value is None or (type(value) in (int, float) and abs(value) < 1e308) for value in column)
    )


@dataclass(frozen=True, slots=True)
class Tail:
    """How a metrics file ends: the last (step, value) of each series, the last step of all, and the seconds trained."""

    last: Mapping[str, tuple[int, float]] = field(default_factory=dict)
    step: int = 0
    elapsed: float = 0.0


def tail(path: Path, rare: Collection[str]) -> Tail:
    """The end of the file, read from further back where none of the `rare` series, which are not measured at every step,
    stands near it: also where it is not known which they are."""
    found = _tail(path, _TAIL)
    return found if any(name in found.last for name in rare) else _tail(path, _LONG_TAIL)


def _tail(path: Path, size: int) -> Tail:
    try:
        with path.open("rb") as file:
            end = file.seek(0, os.SEEK_END)
            file.seek(max(0, end - size))
            data = file.read(size)
    except OSError:
        return Tail()
    whole = data[: data.rfind(b"\n") + 1].splitlines()
    rows = [row for row in parse(whole[1:] if end > size else whole) if _sound(row)]
    last = {
        name: (row["steps"][-1], math.nan if column[-1] is None else float(column[-1]))
        for row in rows
        for name, column in row.items()
        if name not in _RESERVED and column
    }
    step = max((row["steps"][-1] for row in rows if row["steps"]), default=0)
    elapsed = max((e for row in rows if isinstance(e := row.get("elapsed"), int | float)), default=0.0)
    return Tail(last, step, float(elapsed))


def times(path: Path) -> Iterator[Columns]:
    """The last step (n,) of each line and the training time in seconds (n,) then, some thousands of lines at a time."""
    for batch in lines(path):
        pairs = [(int(found[1]), float(found[2])) for line in batch if (found := _TIME.search(line))]
        if pairs:
            steps, seconds = zip(*pairs, strict=True)
            yield np.array(steps, np.int64), np.array(seconds)


def until(path: Path, step: int) -> Iterator[bytes]:
    """The lines of a metrics file with everything after `step` taken out."""
    for line in chain.from_iterable(lines(path)):
        found = _LAST_STEP.search(line)
        if found and int(found[1]) <= step:
            yield line + b"\n"
        elif isinstance(row := _parse_line(line), dict) and _sound(row):
            keep = [index for index, at in enumerate(row["steps"]) if at <= step]
            if keep:
                cut = {name: [column[i] for i in keep] if name != "elapsed" else column for name, column in row.items()}
                yield json.dumps(cut, separators=(",", ":")).encode() + b"\n"


def read_rows(path: Path) -> Iterable[dict[str, Any]]:
    """Every whole line of a file of JSON objects."""
    return chain.from_iterable(parse(batch) for batch in lines(path))
