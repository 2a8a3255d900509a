"""Text files, one or many, as one dataset."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from genstudio.data import store
from genstudio.data.info import DatasetInfo, clean_title
from genstudio.data.reading import normalised
from genstudio.data.slices import Slices
from genstudio.errors import DataError


def import_texts(sources: Sequence[Path], name: str | None = None) -> Slices[DatasetInfo]:
    """Copy UTF-8 text files to the shelf; the originals are only read. Yields the fraction done.

    The copy has no byte-order mark and LF line ends. The same content gives the same entry, whatever its name. Raises
    DataError for what is no text, StorageError where the copy cannot be written; then, or when closed, nothing is left.
    """
    path = sources[0]
    title = clean_title(path.stem or "text") if name is None else clean_title(name)
    pieces = normalised(path)
    done, piece = next(pieces, (0.0, b""))
    if not piece:
        raise DataError("The file is empty.", "Choose a file with text in it.", path)
    with store.staging() as folder:
        digest, size, count = hashlib.sha256(), 0, 0
        with store.writing(folder / "text.txt") as copy:
            while piece:
                digest.update(piece)
                size += len(piece)
                count += len(piece.decode("utf-8"))
                copy.write(piece)
                yield min(done, 0.99)
                done, piece = next(pieces, (1.0, b""))
        return store.put(
            folder, "text", title, size=size, sha256=digest.hexdigest(), count=count, source=clean_title(path.name),
            intact=_intact,
        )  # fmt: skip


def _intact(info: DatasetInfo) -> bool:
    from genstudio.data import shelf

    try:
        shelf.open_dataset(info)
    except DataError:
        return False
    return True
