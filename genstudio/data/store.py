"""The folder of imported datasets: each appears there whole, under its own name, or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

from genstudio import paths, storage
from genstudio.data import derived
from genstudio.data.info import FILES, ID, DatasetInfo, Kind, card, clean_title, read_card, slug
from genstudio.data.work import Work
from genstudio.errors import DataError

_STAGING = ".import-"
_STALE_SECONDS = 3600


def imported() -> Iterator[DatasetInfo]:
    """Every whole entry of the folder, by name; damaged ones are left out."""
    folder = paths.datasets()
    try:
        names = sorted(entry.name for entry in os.scandir(folder) if entry.is_dir(follow_symlinks=False))
    except OSError:
        return
    for name in names:
        with contextlib.suppress(DataError):
            if ID.fullmatch(name):
                yield read_card(folder / name)


@contextlib.contextmanager
def staging() -> Iterator[Path]:
    """An empty folder beside the datasets that is gone afterwards, unless `put` gave it a place. Raises StorageError."""
    shelf = paths.datasets()
    storage.make_folder(shelf)
    _sweep(shelf)
    with storage.translated(shelf):
        folder = Path(tempfile.mkdtemp(prefix=_STAGING, dir=shelf))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def writing(path: Path) -> Iterator[IO[bytes]]:
    """A new file that is on the disk when the block ends. Raises StorageError."""
    with storage.translated(paths.datasets()), path.open("wb") as file:
        yield file
        file.flush()
        storage.sync_file(file.fileno())


def poured(
    kind: Kind, title: str, pieces: Iterable[tuple[float, bytes, int]], empty: DataError, source: str,
    details: Callable[[], Mapping[str, Any]] = dict, **more: Any,
) -> Work[DatasetInfo]:  # fmt: skip
    """Put a dataset on the shelf whose one file comes in pieces: the fraction done, bytes, and how many characters or
    pairs they hold. `details` are asked for behind the last one, `more` is for `put`. Raises `empty`, StorageError."""
    with staging() as folder:
        digest, size, count = hashlib.sha256(), 0, 0
        with writing(folder / FILES[kind]) as copy:
            for done, raw, many in pieces:
                digest.update(raw)
                size, count = size + len(raw), count + many
                copy.write(raw)
                yield min(done, 0.99)
        if not size:
            raise empty
        return put(
            folder, kind, title, size=size, sha256=digest.hexdigest(), count=count, source=clean_title(source),
            details=details(), **more,
        )  # fmt: skip


def put(
    staged: Path,
    kind: Kind,
    title: str,
    *,
    size: int,
    sha256: str,
    count: int,
    source: str = "",
    description: str = "",
    details: Mapping[str, Any] | None = None,
    intact: Callable[[DatasetInfo], bool] | None = None,
    duplicate: bool = False,
) -> DatasetInfo:
    """Give a staged folder its place on the shelf; Raises StorageError.

    An entry with the same content and `intact` is returned instead, whatever its title, with notes on this import, which
    are not kept; a damaged one is replaced.
    `duplicate` makes another entry in any case.
    """
    shelf, given = paths.datasets(), dict(details or {})
    name = slug(title)
    known = None if duplicate else _same(kind, sha256, given)
    if known is not None:
        if intact is None or intact(known):
            return _noted(known, title, given)
        info = known
    else:
        number = _free(shelf, f"{name}-{sha256[:8]}")
        info = DatasetInfo(
            number, title, kind, "imported", shelf / number / FILES[kind], size, sha256, "", source, description,
            count, given,
        )  # fmt: skip
    place = info.path.parent
    storage.write_atomic(staged / "dataset.json", card(info))
    old = storage.move_aside(place) if os.path.lexists(place) else None
    with storage.translated(place):
        storage.again(lambda: staged.rename(place))
        storage.sync_folder(shelf)
    if old is not None:
        shutil.rmtree(old, ignore_errors=True)
    return info


def _noted(known: DatasetInfo, title: str, given: Mapping[str, Any]) -> DatasetInfo:
    """The entry that holds the same content, with what is to be said of it and of this import."""
    same = f"A dataset with the same content exists: '{known.title}'. Nothing was added, and its name is unchanged."
    notes = [*([same] if title != known.title else []), *given.get("notes", ())]
    return replace(known, details={**known.details, "notes": notes}) if notes else known


def rename(info: DatasetInfo, title: str) -> DatasetInfo:
    """Give an imported dataset another title; its id stays. Raises DataError, StorageError."""
    refuse_unless_imported(info)
    renamed = replace(info, title=clean_title(title))
    storage.write_atomic(_folder(info) / "dataset.json", card(renamed))
    return renamed


def delete(info: DatasetInfo) -> None:
    """Take an imported dataset off the shelf, and what was worked out from it. Raises DataError, StorageError."""
    refuse_unless_imported(info)
    shutil.rmtree(storage.move_aside(_folder(info)), ignore_errors=True)
    derived.forget(info.sha256)


def refuse_unless_imported(info: DatasetInfo) -> None:
    """Raises DataError for what ships with the program, and for what is no longer there."""
    if info.id in {known.id for known in imported()}:
        return
    if info.origin != "imported":
        raise DataError(f"'{info.title}' is included with genstudio and cannot be changed.", "Make a copy of it.")
    raise DataError(f"There is no imported dataset '{info.id}'.", "It may have been deleted already.")


def keep_generated(
    kind: Kind, title: str, sha256: str, count: int, details: Mapping[str, Any], description: str = ""
) -> DatasetInfo:
    """A dataset that is made from a seed, on the shelf: only its card is kept. Raises DataError, StorageError."""
    title, shelf = clean_title(title), paths.datasets()
    name = _free(shelf, f"{slug(title)}-{sha256[:8]}")
    place = shelf / name / "dataset.json"
    info = DatasetInfo(
        name, title, kind, "generated", place, 0, sha256, description=description, count=count, details=dict(details)
    )
    with staging() as staged:
        storage.write_atomic(staged / "dataset.json", card(info))
        with storage.translated(place.parent):
            storage.again(lambda: staged.rename(place.parent))
            storage.sync_folder(shelf)
    return info


def _folder(info: DatasetInfo) -> Path:
    return paths.datasets() / info.id


def _same(kind: Kind, sha256: str, details: Mapping[str, Any]) -> DatasetInfo | None:
    for known in imported():
        same = known.sha256 == sha256 and known.kind == kind and known.origin == "imported"
        if same and known.details.get("files") == details.get("files"):
            return known
    return None


def _free(shelf: Path, name: str) -> str:
    """The name, or one with a number behind it that is not taken by a whole entry."""
    tried, number = name, 1
    while (shelf / tried / "dataset.json").exists():
        number += 1
        tried = f"{name}-{number}"
    return tried


def _sweep(shelf: Path) -> None:
    """Remove what an interrupted import or deletion left long ago."""
    storage.sweep(shelf)
    for folder in storage.listed(shelf):
        with contextlib.suppress(OSError):
            if folder.name.startswith(_STAGING) and time.time() - folder.stat().st_mtime > _STALE_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)
