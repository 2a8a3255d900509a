"""A folder of text files, in one folder for each class: labelled texts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from genstudio.data.importing import listing, rows, texts
from genstudio.data.importing.options import ImportOptions
from genstudio.data.info import DatasetInfo
from genstudio.data.reading import normalised
from genstudio.data.work import Work
from genstudio.errors import DataError

LARGEST = 1 << 20
"""Bytes of one text at most."""


def import_classes(root: Path, options: ImportOptions) -> Work[DatasetInfo]:
    """Every text file below `root` is one text, and the folder below `root` that it lies in is its class.

    Raises DataError where there are no such folders, or a file is no text; StorageError.
    """
    left = listing.LeftOut()
    (found,) = yield from listing.folder_files(root, texts.SUFFIXES, left=left)
    inside = [path for path in found if len(path.relative_to(root).parts) > 1]
    if not inside:
        raise DataError(
            "There are no text files in folders of this folder.", "Put the texts of each class into a folder of its own.", root
        )
    encodings = {}
    for number, path in enumerate(inside):
        yield 0.3 * number / len(inside)
        if path.stat().st_size > LARGEST:
            raise DataError(
                f"{path.name} is larger than 1 MB: a text that is classified is shorter.", "Remove it from the folder.", path
            )
        encodings[path], _ = yield from texts.decided(path, options.encoding, several=True)

    def cells() -> Iterator[tuple[float, tuple[str, ...]]]:
        for number, path in enumerate(inside, 1):
            text = b"".join(part for _, part in normalised(path, encodings[path])).decode("utf-8")
            yield 0.3 + 0.7 * number / len(inside), (text, path.relative_to(root).parts[0])

    notes = [*left.notes()]
    if outside := len(found) - len(inside):
        notes.append(f"{outside:,} text file{'s' * (outside > 1)} outside of a folder were ignored.")
    details = {"from": "folder", **({"notes": notes} if notes else {})}
    return (yield from rows.import_labelled(cells(), options.name or root.name, root.name, ("text", "folder"), details))
