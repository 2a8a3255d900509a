"""What the shelf knows of a dataset, and the card that says so on the disk."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import unicodedata
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast, get_args

from genstudio.errors import DataError

Kind = Literal["text", "pairs", "labelled", "images", "points", "rows", "tasks", "regions", "audio"]
Origin = Literal["ships", "imported", "generated"]

CAPTIONED, TRANSCRIBED = "captioned", "transcribed"
"""What pictures with captions, and clips with transcripts, are to those that learn from both: see `DatasetInfo.kinds`."""
_BOTH = {"images": ("captions", CAPTIONED), "audio": ("transcripts", TRANSCRIBED)}
IN_WORDS: Mapping[str, str] = {
    "text": "text", "pairs": "pairs of texts", "labelled": "labelled texts", "images": "pictures", "points": "points",
    "rows": "rows with classes", "tasks": "a toy task", "regions": "genomes", "audio": "sound",
    CAPTIONED: "pictures with captions", TRANSCRIBED: "sound with transcripts",
}  # fmt: skip
"""What each kind of data is to a person."""
FORMAT = 1
FILES: Mapping[str, str] = {
    "text": "text.txt", "pairs": "pairs.jsonl", "labelled": "labelled.jsonl",
    "images": "pixels.npy", "points": "points.npy", "rows": "rows.jsonl", "tasks": "dataset.json",
    "regions": "regions.npz", "audio": "clips.npz",
}  # fmt: skip
"""The file that holds an imported dataset of each kind, beside its card `dataset.json`."""

LARGEST_CARD = 8 << 20
ID = re.compile(r"[a-z0-9][a-z0-9-]{0,80}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_FIELDS = ("title", "sha256", "licence", "source", "description")


@dataclass(frozen=True)
class DatasetInfo:
    """What the shelf knows of a dataset.

    `bytes` and `sha256` are those of the content (of a text, as UTF-8), not of a packed file. `count` is how many
    characters, pairs, pictures, points, clips or examples there are, 0 where nobody counted. `details` is plain JSON: the
    size of pictures, classes, names of columns, `files` as [name, start, end] in characters, the import's settings;
    `generator` and its settings where the dataset is made from a seed.
    """

    id: str
    title: str
    kind: Kind
    origin: Origin
    path: Path
    bytes: int
    sha256: str
    licence: str = ""
    source: str = ""
    description: str = ""
    count: int = 0
    details: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def kinds(self) -> tuple[str, ...]:
        """What it can be learnt from as: its kind, and "captioned" or "transcribed" where it holds pictures with captions, or
        clips with transcripts."""
        detail, both = _BOTH.get(self.kind, ("", ""))
        return (self.kind, both) if both and self.details.get(detail) is True else (self.kind,)

    @property
    def place(self) -> Path | None:
        """The file that a person put on the shelf; None where it came with genstudio."""
        return self.path if self.mine else None

    @property
    def mine(self) -> bool:
        """Whether the person put it on the shelf, and so can rename and delete it."""
        return self.origin == "imported" or (self.origin == "generated" and self.path.name == "dataset.json")


def checked(values: Mapping[str, Any], origin: Origin, path: Path) -> DatasetInfo:
    """The info these values describe, whoever wrote them. Raises DataError."""
    texts = {name: values.get(name, "") for name in ("id", *_FIELDS)}
    kind, size, count, details = (values.get(name) for name in ("kind", "bytes", "count", "details"))
    size, count, details = size or 0, count or 0, {} if details is None else details
    fits = all(isinstance(text, str) and len(text) <= 10_000 and _is_unicode(text) for text in texts.values())
    fits = fits and type(size) is int and type(count) is int and count >= 0 and isinstance(kind, str)
    fits = fits and kind in get_args(Kind) and (size > 0 or (size == 0 and origin == "generated"))
    fits = fits and bool(ID.fullmatch(texts["id"]) and _SHA256.fullmatch(texts["sha256"])) and isinstance(details, dict)
    if not fits or texts["title"] != clean_title(texts["title"]):
        raise DataError("The description of this dataset is damaged.", "Import it again.", path)
    return DatasetInfo(
        kind=cast(Kind, kind), origin=origin, path=path, bytes=size, count=count, details=details, **texts
    )


def read_card(folder: Path) -> DatasetInfo:
    """The dataset in this folder. Raises DataError for anything but what `card` gave."""
    values = small_json(folder / "dataset.json", LARGEST_CARD)
    if type(values.get("format")) is not int or not 1 <= values["format"] <= FORMAT:
        raise DataError("This dataset has an unknown format.", "Open it with a newer genstudio.", folder)
    if values.get("id") != folder.name:
        raise DataError("This dataset's folder was renamed.", "Restore its name, or import it again.", folder)
    origin: Origin = "generated" if values.get("origin") == "generated" else "imported"
    name = "dataset.json" if origin == "generated" else FILES.get(str(values.get("kind")), "text.txt")
    return checked(values, origin, folder / name)


def card(info: DatasetInfo) -> bytes:
    """The content of `dataset.json`."""
    values = {"format": FORMAT, "id": info.id, "kind": info.kind, "origin": info.origin, "bytes": info.bytes}
    values |= {"count": info.count, "details": dict(info.details)}
    values |= {name: getattr(info, name) for name in _FIELDS}
    return json.dumps(values, indent=1).encode("utf-8")


def small_json(path: Path, most: int = 1 << 20) -> dict[str, Any]:
    """The object in a JSON file of at most `most` bytes; empty where there is none. Never raises for its content."""
    try:
        if not path.is_file():
            return {}
        with path.open("rb") as file:
            raw = file.read(most + 1)
        found = json.loads(raw) if len(raw) <= most else {}
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def clean_title(text: str) -> str:
    """A name on one line of at most 120 characters. Raises DataError where nothing is left."""
    title = "".join(" " if unicodedata.category(character)[0] == "C" else character for character in text)
    title = " ".join(title.split())[:120].strip()
    if not title:
        raise DataError("A dataset needs a name.", "Type at least one letter.")
    return title


def slug(title: str) -> str:
    """A part of a folder's name that every system takes."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40].strip("-") or "data"


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)


def content(info: DatasetInfo) -> bytes:
    """The bytes of a dataset's file, unpacked where that is a `.gz`. Raises DataError where they are not those it had."""
    packed = info.path.suffix == ".gz"
    try:
        with gzip.open(info.path) if packed else info.path.open("rb") as file:
            if not packed and os.fstat(file.fileno()).st_size != info.bytes:
                raise changed(info)
            raw = bytes(file.read(info.bytes + 1))
    except FileNotFoundError:
        raise gone(info) from None
    except (gzip.BadGzipFile, zlib.error, EOFError):
        raise damaged(info) from None
    except OSError as error:
        raise unreadable(info, error) from None
    if len(raw) != info.bytes or hashlib.sha256(raw).hexdigest() != info.sha256:
        raise changed(info)
    return raw


def gone(info: DatasetInfo) -> DataError:
    return DataError(f"The file of dataset '{info.title}' is gone.", _again(info), info.path)


def damaged(info: DatasetInfo) -> DataError:
    return DataError(f"The file of dataset '{info.title}' is damaged.", _again(info), info.path)


def unreadable(info: DatasetInfo, error: OSError) -> DataError:
    return DataError(f"Dataset '{info.title}' cannot be read: {error.strerror}.", _again(info), info.path)


def changed(info: DatasetInfo) -> DataError:
    message = f"The file of dataset '{info.title}' has changed."
    return DataError(message, _again(info), info.path)


def _again(info: DatasetInfo) -> str:
    if info.origin == "imported":
        return "Delete the dataset and import it again."
    return "Reinstall genstudio."
