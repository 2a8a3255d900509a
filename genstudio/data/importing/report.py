"""What an import made of its files, in plain sentences: for the terminal, and for the page of the dataset."""

from __future__ import annotations

from genstudio.data.importing.encodings import TITLES
from genstudio.data.info import DatasetInfo

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars", " ": "spaces"}
_DECIMALS = {".": "point", ",": "comma"}
_LISTED = 8


def lines(info: DatasetInfo) -> tuple[str, ...]:
    """Kind and count, then classes, columns, header and encoding as far as the dataset has them, then the notes."""
    facts = (_counted(info), _classes(info), _table(info), _encoding(info))
    return (*(fact for fact in facts if fact), *notes(info))


def notes(info: DatasetInfo) -> tuple[str, ...]:
    """What the import decided or left out, a sentence each: `details["notes"]` and how many pictures were unreadable."""
    said = info.details.get("notes")
    found = [note for note in said if isinstance(note, str) and note] if isinstance(said, list) else []
    broken = info.details.get("broken_count")
    if isinstance(broken, int) and broken > 0:
        many = "file could not be read and was" if broken == 1 else "files could not be read and were"
        found.append(f"{broken:,} {many} skipped.")
    return tuple(found)


def listed(names: list[str] | tuple[str, ...], most: int = _LISTED) -> str:
    """Names in quotation marks, the first of them where there are many.

    >>> listed(["a", "b", "c"], 2)
    "'a', 'b' and 1 more"
    """
    shown = ", ".join(f"'{name}'" for name in names[:most])
    return shown + (f" and {len(names) - most:,} more" if len(names) > most else "")


def _counted(info: DatasetInfo) -> str:
    files = _names(info, "files")
    many = f", {len(files):,} files" if len(files) > 1 else ""
    if info.kind == "text":
        return f"Text: {info.count:,} characters{many}."
    if info.kind == "images":
        width, height, channels = (info.details.get(name) for name in ("width", "height", "channels"))
        size = f", {width} x {height} pixels" if isinstance(width, int) and isinstance(height, int) else ""
        return f"Pictures: {info.count:,}{size}, {'grey' if channels == 1 else 'colour'}."
    if info.kind == "audio":
        rate, seconds = info.details.get("rate"), info.details.get("seconds")
        said = "with transcripts" if info.details.get("transcripts") is True else "without transcripts"
        return f"Sound: {info.count:,} clips, {seconds:,} seconds, {rate:,} samples per second, {said}."
    return f"{'Pairs' if info.kind == 'pairs' else 'Points' if info.kind == 'points' else 'Examples'}: {info.count:,}."


def _classes(info: DatasetInfo) -> str:
    if info.kind != "images":
        return ""
    classes = [str(name) for name in _names(info, "classes")]
    return f"Classes: {len(classes):,} ({listed(classes)})." if classes else "Classes: none, so no labels."


def _table(info: DatasetInfo) -> str:
    columns = [str(name) for name in _names(info, "columns")]
    if info.details.get("from") != "table":
        return f"Sides: {listed(columns)}." if columns else ""
    header, delimiter = info.details.get("header"), str(info.details.get("delimiter") or "")
    said = f"{'Column' if len(columns) == 1 else 'Columns'}: {listed(columns)}"
    if not delimiter:
        return f"{said}."
    first = "the first row contains their names" if header else "no header, the first row is data"
    between = (
        "each line is one cell" if delimiter == "none" else f"separated by {DELIMITERS.get(delimiter, repr(delimiter))}"
    )
    decimal = _DECIMALS.get(str(info.details.get("decimal")), "")
    return f"{said}; {first}; {between}{f'; decimal {decimal}' if decimal else ''}."


def _encoding(info: DatasetInfo) -> str:
    name = info.details.get("encoding")
    return f"Encoding: {TITLES.get(name, name)}." if isinstance(name, str) else ""


def _names(info: DatasetInfo, key: str) -> list[object]:
    found = info.details.get(key)
    return list(found) if isinstance(found, (list, tuple)) else []
