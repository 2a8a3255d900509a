"""The shelf of datasets: what ships, what is made from a seed, and what was imported."""

from __future__ import annotations

import contextlib
import difflib
import hashlib
import json
import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from genstudio import paths
from genstudio.data import store
from genstudio.data.info import DatasetInfo as DatasetInfo
from genstudio.data.info import checked, small_json
from genstudio.data.opening import open_dataset as open_dataset
from genstudio.data.opening import open_text as open_text
from genstudio.data.work import Work, finished
from genstudio.errors import DataError
from genstudio.paths import expanded as expanded


def list_datasets() -> list[DatasetInfo]:
    """Everything that can be opened: what ships, then what was imported, by title. Damaged entries are left out."""
    return [*_shipped(), *sorted(store.imported(), key=lambda info: (info.title.casefold(), info.id))]


def named(known: Iterable[DatasetInfo], name: str) -> DatasetInfo | None:
    """The one of this id, or else of this title, in letters of either case."""
    every, wanted = tuple(known), name.strip()
    by_id = next((info for info in every if info.id == wanted), None)
    return by_id or next((info for info in every if info.title.casefold() == wanted.casefold()), None)


def find_dataset(name_or_path: str, kinds: Collection[str] = ("text",)) -> DatasetInfo:
    """The dataset of this id or title, or that of a file or folder, which is imported if it is not on the shelf yet.

    A file is read as a text where that is among the `kinds` that are wanted, else as whatever it is. Raises DataError,
    which suggests the near name; StorageError where an import cannot be written.
    """
    known = list_datasets()
    wanted = name_or_path.strip()
    if (found := named(known, wanted)) is not None:
        return found
    path = expanded(name_or_path)
    if wanted and (os.path.lexists(path) or path.name != wanted or path.suffix):
        return finished(import_text(path) if "text" in kinds else import_path(path))
    names = [name for info in known for name in (info.id, info.title.casefold())]
    near = difflib.get_close_matches(wanted.casefold(), names, n=1, cutoff=0.5)
    hint = f"Did you mean '{near[0]}'?" if near else f"Available: {', '.join(info.id for info in known) or 'none'}."
    raise DataError(f"There is no dataset '{wanted}'.", f"{hint} The path of a file works too.")


def find_again(said: Mapping[str, object]) -> DatasetInfo:
    """The dataset of a run, by its `id` or, imported once more under another name, by the `hash` of its content; `title` is
    what it was called.

    Raises DataError where it is not on the shelf, or holds something else than it did.
    """
    name, sha256, title = (str(said.get(key) or "") for key in ("id", "hash", "title"))
    known = list_datasets()
    of_id = next((info for info in known if name and info.id == name), None)
    if of_id is not None and sha256 in ("", of_id.sha256):
        return of_id
    for info in known:
        if sha256 and info.sha256 == sha256:
            return info
    if of_id is None:
        raise DataError(
            f"The dataset '{title or name}' of this run has been deleted; the run is intact.",
            "Import the same file again, then try again.",
            paths.datasets(),
        )
    raise DataError(
        f"The dataset '{of_id.title}' has changed since this run was trained; the run is intact.",
        "Restore the file as it was, or start a new run on the new data.",
        of_id.path,
    )


def import_text(path: Path | str, name: str | None = None) -> Work[DatasetInfo]:
    """Copy a text file to the shelf: `importing.texts.import_texts` with its defaults."""
    from genstudio.data.importing import texts

    return texts.import_texts([expanded(path)], name)


def import_path(path: Path) -> Work[DatasetInfo]:
    """Copy a file or folder of any kind to the shelf: `importing.sources.import_any` with its defaults."""
    from genstudio.data.importing import sources

    return sources.import_any([path])


def rename_dataset(info: DatasetInfo, title: str) -> DatasetInfo:
    """Give an imported dataset another title; its id stays. Raises DataError, StorageError."""
    return store.rename(info, title)


def delete_dataset(info: DatasetInfo) -> None:
    """Take an imported dataset off the shelf; the file it was made from stays. Raises DataError, StorageError."""
    store.delete(info)


def _shipped() -> Iterator[DatasetInfo]:
    root = paths.resources()
    items = small_json(root / "MANIFEST.json").get("items")
    for item in items if isinstance(items, list) else []:
        with contextlib.suppress(DataError):
            if isinstance(item, dict):
                yield _of_manifest(item, root)


def _of_manifest(item: dict[str, Any], root: Path) -> DatasetInfo:
    """The entry of a file that ships, or of a dataset that is made from a seed (`details.generator`)."""
    details = item.get("details")
    if isinstance(details, dict) and details.get("generator") is not None:
        told = json.dumps([item.get("kind"), details], sort_keys=True).encode()
        values = {**item, "bytes": 0, "sha256": hashlib.sha256(told).hexdigest()}
        return checked(values, "generated", root / "MANIFEST.json")
    if not isinstance(item.get("file"), str):
        raise DataError("This entry does not name a file.", "Reinstall genstudio.")
    content = {
        "bytes": item.get("text_bytes", item.get("bytes")),
        "sha256": item.get("text_sha256", item.get("sha256")),
    }
    return checked({**item, **content}, "ships", root / item["file"])
