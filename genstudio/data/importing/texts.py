"""Text files, one or many, as one dataset."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from genstudio import paths, storage
from genstudio.data import store
from genstudio.data.importing import encodings
from genstudio.data.importing.report import listed
from genstudio.data.info import DatasetInfo, clean_title
from genstudio.data.opening import open_dataset
from genstudio.data.reading import AUTO, judge, normalised
from genstudio.data.work import Work, scaled
from genstudio.errors import DataError

MOST_FILES = 50_000
SUFFIXES = (
    ".txt", ".text", ".md", ".markdown", ".rst", ".tex", ".org", ".log", ".srt", ".html", ".htm", ".xml", ".py", ".js",
    ".ts", ".c", ".h", ".cpp", ".java", ".rs", ".go", ".rb", ".sh", ".css", ".sql", ".lua", ".r", ".jl", ".hs", ".kt",
)  # fmt: skip
"""Files of a folder that are taken for text; others are left out."""


def import_texts(
    sources: Sequence[Path],
    name: str | None = None,
    encoding: str | None = None,
    root: Path | None = None,
    source: str | None = None,
    notes: Sequence[str] = (),
) -> Work[DatasetInfo]:
    """Copy text files, UTF-8 if no `encoding` is given, to the shelf as one text; the originals are only read.

    Of several files, `encoding` is that of those which are not UTF-8. With AUTO each has the encoding it looks like.
    The copy has no byte-order mark and LF line ends; where there are several files each ends with a line end, and
    `details["files"]` says where each begins and ends, in characters; `notes` are kept beside. `root` is the folder
    they were found in. The same content gives the same entry, whatever its name. Yields the fraction done. Raises
    DataError for what is no text, StorageError where the copy cannot be written; then, or when closed, nothing is left.
    """
    if len(sources) > MOST_FILES:
        raise DataError(f"These are {len(sources):,} files.", f"Merge them into at most {MOST_FILES:,} files first.",
            root)
    given = root or sources[0]
    title = clean_title(given.stem or "text") if name is None else clean_title(name)
    plan = yield from scaled(_plan(sources, encoding, root), 0.0, 0.1)
    files: list[list[object]] = []

    def pieces() -> Iterator[tuple[float, bytes, int]]:
        for done, piece in _joined(sources, plan.encodings, root, files):
            yield 0.1 + 0.9 * done, piece, len(piece.decode("utf-8"))

    def details() -> dict[str, object]:
        known: dict[str, object] = {"files": files} if len(sources) > 1 else {}
        if len(used := set(plan.encodings)) == 1:
            known["encoding"] = used.pop() or "utf-8"
        empty = len(sources) - len(files) if len(sources) > 1 else 0
        said = [f"{empty:,} {'file is' if empty == 1 else 'files are'} empty."] if empty else []
        if every := [*plan.notes, *said, *notes]:
            known["notes"] = every
        return known

    which = f"{given.name} is empty." if len(sources) == 1 else f"All {len(sources):,} files are empty."
    nothing = DataError(which, "Choose a file with text in it.", given)
    told = source or ((given.name or "text") if len(sources) == 1 or root else f"{len(sources)} files")
    return (yield from store.poured("text", title, pieces(), nothing, told, details, intact=intact))


def pasted(text: str) -> Path:
    """A file of its own with a text that was typed or pasted; who imports it removes it. Raises DataError."""
    try:
        raw = text.encode("utf-8")
    except UnicodeEncodeError:
        raise DataError("The text contains half of a surrogate pair.", "Copy it again from its source.") from None
    if not text.strip():
        raise DataError("There is no text to import.", "Copy some text first.")
    place = paths.cache()
    storage.make_folder(place)
    with storage.translated(place):
        handle, name = tempfile.mkstemp(prefix="pasted-", suffix=".txt", dir=place)
        try:
            storage.write_all(handle, raw)
        finally:
            os.close(handle)
    return Path(name)


def intact(info: DatasetInfo) -> bool:
    """Whether the entry can be opened."""
    try:
        open_dataset(info)
    except DataError:
        return False
    return True


@dataclass(frozen=True)
class _Plan:
    """The encoding of each file for `normalised`, and what is to be said about them."""

    encodings: tuple[str | None, ...]
    notes: tuple[str, ...] = ()


def _plan(sources: Sequence[Path], encoding: str | None, root: Path | None) -> Work[_Plan]:
    """Look at every file where an encoding was named. Raises DataError that names the file."""
    if encoding is None:
        return _Plan((None,) * len(sources))
    found: list[str | None] = []
    notes: list[str] = []
    for number, path in enumerate(sources):
        used, said = yield from scaled(
            decided(path, encoding, several=len(sources) > 1), number / len(sources), (number + 1) / len(sources)
        )
        found.append(used)
        notes += said
    others = [(name, path) for name, path in zip(found, sources, strict=True) if name not in (None, "utf-8")]
    for name in dict.fromkeys(name for name, _ in others if name is not None) if len(sources) > 1 else ():
        files = [shown_name(path, root) for one, path in others if one == name]
        notes.append(f"{listed(files)}: read as {encodings.TITLES[name]}.")
    if others and len(others) < len(sources):
        notes.append(f"The other {len(sources) - len(others):,} files are UTF-8.")
    return _Plan(tuple(found), tuple(notes))


def decided(path: Path, encoding: str | None, *, several: bool = False) -> Work[tuple[str | None, tuple[str, ...]]]:
    """The encoding of a file for `normalised`, where a person named `encoding`, and what is to be said about it.

    One of `several` files is read as UTF-8 where it is, whatever was named for the others. Raises DataError.
    """
    if encoding is None:
        return None, ()
    name = encoding if encoding == AUTO else encodings.canonical(encoding)
    if not several and name not in (AUTO, "utf-8"):
        return name, ()
    found = yield from judge(path)
    if found.encoding == "utf-8":
        many = f"{found.broken:,} bytes are not UTF-8, the first in line {found.line:,}: each was replaced by '\ufffd'."
        if found.broken == 1:
            many = f"1 byte in line {found.line:,} is not UTF-8; it was replaced by '\ufffd'."
        return (None, ()) if found.clean else ("utf-8", (f"{path.name}: {many}",))
    if not found.encoding or name == "utf-8":
        raise found.refusal(path)
    return (found.encoding if name == AUTO else name), ()


def shown_name(path: Path, root: Path | None) -> str:
    """The name of a file below its folder, without characters that cannot be shown."""
    name = path.relative_to(root).as_posix() if root else path.name
    return "".join(c if c.isprintable() else "?" for c in name)


def _joined(
    sources: Sequence[Path], used: Sequence[str | None], root: Path | None, files: list[list[object]]
) -> Iterator[tuple[float, bytes]]:
    """Fraction and piece; `files` grows by [name, start, end] when one has ended."""
    place = 0
    for number, (path, encoding) in enumerate(zip(sources, used, strict=True)):
        start, last = place, b"\n"
        for done, piece in normalised(path, encoding):
            place += len(piece.decode("utf-8"))
            last = piece[-1:]
            yield (number + done) / len(sources), piece
        if len(sources) > 1 and last != b"\n":
            place += 1
            yield (number + 1) / len(sources), b"\n"
        if place > start:
            files.append([shown_name(path, root), start, place])
