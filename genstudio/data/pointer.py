"""Git LFS pointers: short texts that stand where a large file was never fetched."""

from __future__ import annotations

from pathlib import Path

from genstudio.errors import DataError

_BEGINS = b"version https://git-lfs.github.com/spec/"


def refuse_pointer(path: Path) -> None:
    """Raises DataError where the file is a Git LFS pointer, and OSError where it cannot be read."""
    with path.open("rb") as file:
        if file.read(len(_BEGINS)) == _BEGINS:
            raise DataError(
                f"{path.name} is a Git LFS pointer: it only names the file that should be here.",
                "Run 'git lfs pull' in this folder, or download the file itself.",
                path,
            )
