"""Text files, one or many, as one dataset."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from genstudio import paths, storage
from genstudio.data import store
from genstudio.data.info import DatasetInfo, clean_title
from genstudio.data.reading import normalised
from genstudio.data.slices import Slices
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
) -> Slices[DatasetInfo]:
    """Copy text files, UTF-8 if no `encoding` is given, to the shelf as one text; the originals are only read.

    The copy has no byte-order mark and LF line ends; where there are several files each ends with a line end, and
    `details["files"]` says where each begins and ends, in characters. `root` is the folder they were found in. The
    same content gives the same entry, whatever its name. Yields the fraction done. Raises DataError for what is no
    text, StorageError where the copy cannot be written; then, or when closed, nothing is left.
    """
    if len(sources) > MOST_FILES:
        raise DataError(f"These are {len(sources):,} files.", f"Join them to at most {MOST_FILES:,} files first.", root)
    given = root or sources[0]
    title = clean_title(given.stem or "text") if name is None else clean_title(name)
    joined = _joined(sources, encoding, root)
    done, piece, files = next(joined, (0.0, b"", []))
    if not piece:
        raise DataError("The file is empty.", "Choose a file with text in it.", given)
    with store.staging() as folder:
        digest, size, count = hashlib.sha256(), 0, 0
        with store.writing(folder / "text.txt") as copy:
            while piece:
                digest.update(piece)
                size += len(piece)
                count += len(piece.decode("utf-8"))
                copy.write(piece)
                yield min(done, 0.99)
                done, piece, files = next(joined, (1.0, b"", files))
        details: dict[str, object] = {"files": files} if len(sources) > 1 else {}
        if encoding is not None:
            details["encoding"] = encoding
        told = (given.name or "text") if len(sources) == 1 or root else f"{len(sources)} files"
        return store.put(
            folder, "text", title, size=size, sha256=digest.hexdigest(), count=count, details=details,
            source=clean_title(source or told),
            intact=intact,
        )  # fmt: skip


def pasted(text: str) -> Path:
    """A file of its own with a text that was typed or pasted; who imports it removes it. Raises DataError."""
    try:
        raw = text.encode("utf-8")
    except UnicodeEncodeError:
        raise DataError("The text holds half of a surrogate pair.", "Copy it again from where it comes.") from None
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
    from genstudio.data import shelf

    try:
        shelf.open_dataset(info)
    except DataError:
        return False
    return True


def _joined(
    sources: Sequence[Path], encoding: str | None, root: Path | None
) -> Iterator[tuple[float, bytes, list[list[object]]]]:
    """Fraction, piece, and the list of files, which grows by [name, start, end] when one has ended."""
    files: list[list[object]] = []
    place = 0
    for number, path in enumerate(sources):
        start, last = place, b"\n"
        name = path.relative_to(root).as_posix() if root else path.name
        for done, piece in normalised(path, encoding):
            place += len(piece.decode("utf-8"))
            last = piece[-1:]
            yield (number + done) / len(sources), piece, files
        if len(sources) > 1 and last != b"\n":
            place += 1
            yield (number + 1) / len(sources), b"\n", files
        if place > start:
            files.append(["".join(c if c.isprintable() else "?" for c in name), start, place])
