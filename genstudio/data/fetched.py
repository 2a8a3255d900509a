"""From the catalogue to the shelf: download, unpack what is needed, import, note where it came from."""

from __future__ import annotations

import contextlib
import gzip
import shutil
import tarfile
import time
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO, Any, TypeVar, cast

import numpy as np

from genstudio import paths, storage
from genstudio.data.catalogue import CATALOGUE, Offer
from genstudio.data.download import Patience, fetch
from genstudio.data.importing.options import ImportOptions
from genstudio.data.importing.pictures import import_array
from genstudio.data.importing.sources import import_any
from genstudio.data.info import DatasetInfo, card
from genstudio.data.work import Work, scaled
from genstudio.errors import DataError, StorageError

T = TypeVar("T")

_BLOCK = 1 << 20
_FORGOTTEN = 14 * 86_400
_DOWNLOADED = 0.8
_CIFAR_PIXELS = 3 * 32 * 32
_DAMAGE = (zipfile.BadZipFile, tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError, KeyError, NotImplementedError)


def offer(name: str) -> Offer:
    """The catalogue's entry of this name. Raises DataError."""
    if name not in CATALOGUE:
        raise DataError(f"The catalogue has no '{name}'.", f"Available: {', '.join(CATALOGUE)}.")
    return CATALOGUE[name]


def obtain(chosen: Offer, patience: Patience | None = None) -> Work[DatasetInfo]:
    """Download a dataset and put it on the shelf; yields the fraction done.

    Raises DataError, StorageError. Closed, it leaves nothing; after a broken connection what was received is kept for
    the next time, and after an import that failed the whole download is.
    """
    folder = paths.cache() / "downloads" / chosen.name
    _sweep(folder.parent)
    try:
        files = yield from scaled(_download(chosen, folder, patience), 0.0, _DOWNLOADED)
    except GeneratorExit:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    unpacked = folder / "unpacked"
    try:
        shutil.rmtree(unpacked, ignore_errors=True)
        storage.make_folder(unpacked)
        info = _signed((yield from scaled(_import(chosen, files, unpacked), _DOWNLOADED, 1.0)), chosen)
    except GeneratorExit:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    except _DAMAGE as error:
        raise _kept(DataError(f"{chosen.title} cannot be unpacked: {error}.", "", folder), chosen, folder) from None
    except OSError as error:
        raise _kept(storage.storage_error(error, folder, chosen.unpacked), chosen, folder) from None
    except (DataError, StorageError) as error:
        raise _kept(error, chosen, folder) from None
    finally:
        shutil.rmtree(unpacked, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)
    return info


def _kept(error: DataError | StorageError, chosen: Offer, folder: Path) -> DataError | StorageError:
    """The same error, which also says that the download is not lost."""
    much = storage.size_text(chosen.bytes)
    kept = f"The download ({much}) is kept in {folder}: trying again starts with the import."
    return type(error)(error.message, f"{error.hint} {kept}".strip(), error.path)


def _sweep(downloads: Path) -> None:
    """Forget what somebody began to download and never went on with."""
    with contextlib.suppress(OSError):
        for folder in downloads.iterdir():
            if time.time() - folder.stat().st_mtime > _FORGOTTEN:
                shutil.rmtree(folder, ignore_errors=True)


def _download(chosen: Offer, folder: Path, patience: Patience | None) -> Work[list[Path]]:
    files, before = [], 0
    for part in chosen.parts:
        start, stop = before / chosen.bytes, (before + part.bytes) / chosen.bytes
        files.append((yield from scaled(fetch(part, folder, patience), start, stop)))
        before += part.bytes
    return files


def _import(chosen: Offer, files: list[Path], folder: Path) -> Work[DatasetInfo]:
    if chosen.form == "cifar":
        pixels, labels = yield from scaled(_cifar(chosen, files[0]), 0.0, 0.3)
        work = import_array(pixels, chosen.title, chosen.page, labels=labels, classes=chosen.classes)
        return (yield from scaled(work, 0.3, 1.0))
    sources: list[Path] = files
    if chosen.form in ("gzip", "idx"):
        sources = yield from scaled(_inflated(chosen, files, folder), 0.0, 0.3)
    elif chosen.form == "zip":
        sources = yield from scaled(_extracted(chosen, files[0], folder), 0.0, 0.3)
    if chosen.form == "idx":
        return (yield from scaled(_idx(chosen, sources), 0.3, 1.0))
    options = ImportOptions(name=chosen.title, kind=chosen.kind)
    return (yield from scaled(import_any(sources, options), 0.3, 1.0))


def _idx(chosen: Offer, sources: list[Path]) -> Work[DatasetInfo]:
    from genstudio.data.importing.arrays import read_idx

    pixels, labels = (read_idx(path) for path in sources)
    if pixels.ndim != 3 or labels.shape != pixels.shape[:1] or int(labels.max()) >= len(chosen.classes):
        raise DataError(f"{chosen.title} does not have the expected content.", "Import the file yourself.", sources[0])
    work = import_array(
        pixels[..., None], chosen.title, chosen.page, labels=labels.astype(np.int64), classes=chosen.classes
    )
    return (yield from work)


def _inflated(chosen: Offer, files: list[Path], folder: Path) -> Work[list[Path]]:
    found = []
    for i, path in enumerate(files):
        found.append(folder / path.name.removesuffix(".gz"))
        with gzip.open(path) as file:
            for _ in _copied(cast(IO[bytes], file), found[-1], chosen.unpacked):
                yield i / len(files)
    return found


def _extracted(chosen: Offer, path: Path, folder: Path) -> Work[list[Path]]:
    """The named members and no others, under names of our own."""
    found = []
    with zipfile.ZipFile(path) as archive:
        for i, member in enumerate(chosen.members):
            found.append(folder / f"{i + 1}-{Path(member).name}.txt")
            with archive.open(member) as file:
                for done in _copied(file, found[-1], chosen.unpacked):
                    yield min((i + done / chosen.unpacked) / len(chosen.members), 1.0)
    return found


def _copied(file: IO[bytes], place: Path, most: int) -> Iterator[int]:
    """Copy at most `most` bytes, yielding how many so far."""
    count = 0
    with place.open("wb") as copy:
        while block := file.read(_BLOCK):
            count += len(block)
            if count > most:
                raise DataError(f"{place.name} unpacks to more than expected.", "Import the file yourself.", place)
            copy.write(block)
            yield count


def _cifar(chosen: Offer, path: Path) -> Work[tuple[Any, Any]]:
    """Records of label bytes, then 32x32 red, green and blue (Krizhevsky 2009) -> (n, 32, 32, 3) and labels (n,)."""
    record = chosen.label + 1 + _CIFAR_PIXELS
    pieces: list[Any] = []
    with tarfile.open(path, "r|gz") as archive:
        for member in archive:
            if member.name in chosen.members and member.isfile() and 0 < member.size <= chosen.unpacked:
                file = archive.extractfile(member)
                assert file is not None
                raw = np.frombuffer(file.read(), np.uint8)
                if len(raw) % record:
                    raise DataError(f"{member.name} contains incomplete pictures.", "Import the file yourself.", path)
                pieces.append(raw.reshape(-1, record))
                yield len(pieces) / len(chosen.members)
    if len(pieces) != len(chosen.members):
        raise DataError(f"{chosen.title} does not have the expected content.", "Import the file yourself.", path)
    whole = np.concatenate(pieces)
    pixels = whole[:, -_CIFAR_PIXELS:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    labels = whole[:, chosen.label].astype(np.int64)
    if int(labels.max()) >= len(chosen.classes):
        raise DataError(f"{chosen.title} has labels that belong to no class.", "Import the file yourself.", path)
    return np.ascontiguousarray(pixels), labels


def _signed(info: DatasetInfo, chosen: Offer) -> DatasetInfo:
    """The entry with its licence, and the page it came from."""
    signed = replace(info, licence=chosen.licence, source=chosen.page, description=chosen.description)
    storage.write_atomic(info.path.parent / "dataset.json", card(signed))
    return signed
