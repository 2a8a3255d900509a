"""The shelf of datasets: what ships, what was imported, and the import of text files."""

from __future__ import annotations

import contextlib
import difflib
import gzip
import hashlib
import json
import os
import re
import shutil
import tempfile
import time
import unicodedata
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from genstudio import paths, storage
from genstudio.data.reading import normalised
from genstudio.data.slices import Slices, finished
from genstudio.errors import DataError

if TYPE_CHECKING:
    from genstudio.data.text import TextDataset

_FORMAT = 1
_SMALL_FILE = 1 << 20
_STAGING = ".import-"
_STALE_SECONDS = 3600
_FIELDS = ("title", "sha256", "licence", "source", "description")
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,80}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class DatasetInfo:
    """What the shelf knows of a dataset. `bytes` and `sha256` are those of the text as UTF-8, not of a packed file."""

    id: str
    title: str
    kind: Literal["text"]
    origin: Literal["ships", "imported"]
    path: Path
    bytes: int
    sha256: str
    licence: str
    source: str
    description: str


def list_datasets() -> list[DatasetInfo]:
    """Everything that can be opened: what ships, then what was imported, by title. Damaged entries are left out."""
    return [*_shipped(), *sorted(_imported(), key=lambda info: (info.title.casefold(), info.id))]


def find_dataset(name_or_path: str) -> DatasetInfo:
    """The dataset of this id or title, or that of a text file, which is imported if it is not on the shelf yet.

    Raises DataError, which suggests the near name; StorageError where an import cannot be written.
    """
    known = list_datasets()
    wanted = name_or_path.strip()
    for info in known:
        if wanted == info.id:
            return info
    for info in known:
        if wanted.casefold() == info.title.casefold():
            return info
    path = _expanded(name_or_path)
    if wanted and (os.path.lexists(path) or path.name != wanted or path.suffix):
        return finished(import_text(path))
    names = [name for info in known for name in (info.id, info.title.casefold())]
    near = difflib.get_close_matches(wanted.casefold(), names, n=1, cutoff=0.5)
    hint = f"Did you mean '{near[0]}'?" if near else f"There are: {', '.join(info.id for info in known) or 'none'}."
    raise DataError(f"There is no dataset '{wanted}'.", f"{hint} The path of a text file works too.")


def open_dataset(info: DatasetInfo) -> TextDataset:
    """Read a dataset whole. Raises DataError where its file is missing or no longer the one that was put there."""
    from genstudio.data.text import TextDataset

    if not info.path.is_file():
        raise DataError(f"The file of dataset '{info.title}' is gone.", _again(info), info.path)
    try:
        packed = info.path.suffix == ".gz"
        with gzip.open(info.path) if packed else info.path.open("rb") as file:
            if not packed and os.fstat(file.fileno()).st_size != info.bytes:
                raise _changed(info)
            raw = file.read(info.bytes + 1)
        text = raw.decode("utf-8")
    except (gzip.BadGzipFile, zlib.error, EOFError, UnicodeDecodeError):
        raise DataError(f"The file of dataset '{info.title}' is damaged.", _again(info), info.path) from None
    except OSError as error:
        raise DataError(f"Dataset '{info.title}' cannot be read: {error.strerror}.", _again(info), info.path) from None
    if len(raw) != info.bytes or hashlib.sha256(raw).hexdigest() != info.sha256:
        raise _changed(info)
    return TextDataset(info, text)


def import_text(path: Path | str, name: str | None = None) -> Slices[DatasetInfo]:
    """Copy a UTF-8 text file to the shelf; the original is only read. Yields the fraction done.

    The copy has no byte-order mark and LF line ends. The same content gives the same entry, whatever its name. Raises
    DataError for what is no text, StorageError where the copy cannot be written; then, or when closed, nothing is left.
    """
    path = _expanded(path)
    title = _title(path.stem or "text") if name is None else _title(name)
    pieces = normalised(path)
    done, piece = next(pieces, (0.0, b""))
    if not piece:
        raise DataError("The file is empty.", "Choose a file with text in it.", path)
    shelf = paths.datasets()
    storage.make_folder(shelf)
    _sweep(shelf)
    with storage.translated(shelf):
        staging = Path(tempfile.mkdtemp(prefix=_STAGING, dir=shelf))
    try:
        digest, count = hashlib.sha256(), 0
        with storage.translated(shelf), (staging / "text.txt").open("wb") as copy:
            while piece:
                digest.update(piece)
                count += len(piece)
                copy.write(piece)
                yield min(done, 0.99)
                done, piece = next(pieces, (1.0, b""))
            copy.flush()
            storage.sync_file(copy.fileno())
        info = _entry(shelf, title, _title(path.name), count, digest.hexdigest())
        if not _intact(info):
            _put(staging, info)
        return info
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def rename_dataset(info: DatasetInfo, title: str) -> DatasetInfo:
    """Give an imported dataset another title; its id stays. Raises DataError, StorageError."""
    _refuse_unless_imported(info)
    renamed = replace(info, title=_title(title))
    storage.write_atomic(info.path.parent / "dataset.json", _card(renamed))
    return renamed


def delete_dataset(info: DatasetInfo) -> None:
    """Take an imported dataset off the shelf; the file it was made from stays. Raises DataError, StorageError."""
    _refuse_unless_imported(info)
    shutil.rmtree(storage.move_aside(info.path.parent), ignore_errors=True)


def _put(staging: Path, info: DatasetInfo) -> None:
    """Give a staged copy its place; a damaged one that is there makes room."""
    place = info.path.parent
    storage.write_atomic(staging / "dataset.json", _card(info))
    old = storage.move_aside(place) if os.path.lexists(place) else None
    with storage.translated(place):
        storage.again(lambda: staging.rename(place))
        storage.sync_folder(place.parent)
    if old is not None:
        shutil.rmtree(old, ignore_errors=True)


def _shipped() -> Iterator[DatasetInfo]:
    root = paths.resources()
    items = _small_json(root / "MANIFEST.json").get("items")
    for item in items if isinstance(items, list) else []:
        with contextlib.suppress(DataError):
            if not isinstance(item, dict) or item.get("kind") != "text" or not isinstance(item.get("file"), str):
                continue
            values = {**item, "bytes": item.get("text_bytes"), "sha256": item.get("text_sha256")}
            yield _checked(values, "ships", root / item["file"])


def _imported() -> Iterator[DatasetInfo]:
    folder = paths.datasets()
    try:
        names = sorted(entry.name for entry in os.scandir(folder) if entry.is_dir(follow_symlinks=False))
    except OSError:
        return
    for name in names:
        with contextlib.suppress(DataError):
            if _ID.fullmatch(name):
                yield _read_card(folder / name)


def _read_card(folder: Path) -> DatasetInfo:
    """The entry in this folder. Raises DataError for anything but what `_write_card` writes."""
    values = _small_json(folder / "dataset.json")
    if type(values.get("format")) is not int or not 1 <= values["format"] <= _FORMAT:
        raise DataError("This dataset is of another format.", "Open it with a newer genstudio.", folder)
    if values.get("id") != folder.name:
        raise DataError(
            "This dataset's folder was renamed.", "Give it back its name, or import the text again.", folder
        )
    return _checked(values, "imported", folder / "text.txt")


def _checked(values: dict[str, Any], origin: Literal["ships", "imported"], path: Path) -> DatasetInfo:
    texts = {name: values.get(name, "") for name in ("id", *_FIELDS)}
    count = values.get("bytes", 0)
    fits = all(isinstance(text, str) and len(text) <= 10_000 and _is_unicode(text) for text in texts.values())
    fits = fits and type(count) is int and count > 0 and values.get("kind") == "text"
    fits = fits and bool(_ID.fullmatch(texts["id"]) and _SHA256.fullmatch(texts["sha256"]))
    if not fits or texts["title"] != _title(texts["title"]):
        raise DataError("The description of this dataset is damaged.", "Import the text again.", path)
    return DatasetInfo(kind="text", origin=origin, path=path, bytes=count, **texts)


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _small_json(path: Path) -> dict[str, Any]:
    """The object in a small JSON file; empty where there is none. Never raises for what is in the file."""
    try:
        if not path.is_file():
            return {}
        with path.open("rb") as file:
            raw = file.read(_SMALL_FILE + 1)
        found = json.loads(raw) if len(raw) <= _SMALL_FILE else {}
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _card(info: DatasetInfo) -> bytes:
    values = {"format": _FORMAT, "id": info.id, "kind": info.kind, "bytes": info.bytes}
    values |= {name: getattr(info, name) for name in _FIELDS}
    return json.dumps(values, indent=1).encode("utf-8")


def _entry(shelf: Path, title: str, source: str, count: int, sha256: str) -> DatasetInfo:
    """The entry that has this content already, or a new one."""
    for known in _imported():
        if known.sha256 == sha256:
            return known
    name = f"{_slug(title)}-{sha256[:8]}"
    return DatasetInfo(name, title, "text", "imported", shelf / name / "text.txt", count, sha256, "", source, "")


def _intact(info: DatasetInfo) -> bool:
    """Whether the entry is on the shelf with a copy of the right content."""
    try:
        open_dataset(info)
    except DataError:
        return False
    return (info.path.parent / "dataset.json").is_file()


def _refuse_unless_imported(info: DatasetInfo) -> None:
    if info.origin == "ships":
        raise DataError(f"'{info.title}' ships with the program and cannot be changed.", "Import a copy of it.")
    if info.id not in {known.id for known in _imported()}:
        raise DataError(f"There is no imported dataset '{info.id}'.", "It may have been deleted already.")


def _expanded(path: Path | str) -> Path:
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


def _title(text: str) -> str:
    title = "".join(" " if unicodedata.category(character)[0] == "C" else character for character in text)
    title = " ".join(title.split())[:120].strip()
    if not title:
        raise DataError("A dataset needs a name.", "Type at least one letter.")
    return title


def _slug(title: str) -> str:
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40].strip("-") or "text"


def _changed(info: DatasetInfo) -> DataError:
    message = f"The file of dataset '{info.title}' has changed since it was put on the shelf."
    return DataError(message, _again(info), info.path)


def _again(info: DatasetInfo) -> str:
    return "Install genstudio again." if info.origin == "ships" else "Delete it from the shelf and import it again."


def _sweep(shelf: Path) -> None:
    """Remove what an interrupted import or deletion left long ago."""
    storage.sweep(shelf)
    for folder in shelf.glob(f"{_STAGING}*"):
        with contextlib.suppress(OSError):
            if time.time() - folder.stat().st_mtime > _STALE_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)
