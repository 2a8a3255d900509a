"""What was worked out from a dataset at some cost, kept in the cache for the next time and until the dataset is deleted."""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path

from genstudio import paths, storage
from genstudio.errors import StorageError


def read(kind: str, source: str, key: str) -> bytes | None:
    """The bytes kept for this `key` of a dataset with the hash `source`; None where there are none, or damaged ones."""
    for path in storage.listed(_folder(kind)):
        if not path.name.startswith(f"{_stem(source, key)}-"):
            continue
        with contextlib.suppress(OSError):
            found = path.read_bytes()
            if path.name.endswith(_digest(found)):
                os.utime(path)
                return found
            path.unlink()
    return None


def keep(kind: str, source: str, key: str, data: bytes, most: int) -> None:
    """Keep these bytes; of its kind what was asked for longest ago goes while there are more than `most` bytes.

    A disk that does not take them is no error: they can be worked out again.
    """
    folder = _folder(kind)
    with contextlib.suppress(StorageError, OSError):
        storage.make_folder(folder)
        storage.sweep(folder)
        storage.write_atomic(folder / f"{_stem(source, key)}-{_digest(data)}", data, sync=False)
        kept = sorted(((p.stat().st_mtime, p.stat().st_size, p) for p in folder.iterdir()), reverse=True)
        total = 0
        for _, size, path in kept:
            total += size
            if total > most:
                path.unlink()


def forget(source: str) -> None:
    """Delete everything that was worked out from a dataset."""
    for path in (path for folder in storage.listed(paths.cache()) for path in storage.listed(folder)):
        if path.name.startswith(f"{source[:32]}-"):
            with contextlib.suppress(OSError):
                path.unlink()


def _folder(kind: str) -> Path:
    return paths.cache() / kind


def _stem(source: str, key: str) -> str:
    return f"{source[:32]}-{hashlib.sha256(key.encode()).hexdigest()[:32]}"


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:32]
