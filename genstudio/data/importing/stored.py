"""Imported datasets read back: every byte checked against the card's hash before it is believed."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genstudio.data.audio import stored as clips
from genstudio.data.datasets import (
    Dataset,
    ImageDataset,
    LabelledDataset,
    PairDataset,
    PointDataset,
    RegionDataset,
    RowDataset,
)
from genstudio.data.images import PictureSettings
from genstudio.data.importing import arrays
from genstudio.data.info import DatasetInfo, changed, content, damaged, gone, unreadable
from genstudio.data.population import stored as regions
from genstudio.errors import DataError


@dataclass(frozen=True)
class Item:
    """One file: how far the source is read, its name with `/`, its content (empty: `fault` says why)."""

    done: float
    name: str
    raw: bytes
    fault: str = ""
    label: int = -1


def read(info: DatasetInfo) -> Dataset:
    """An imported dataset of any kind but text. Raises DataError where a file is missing or has changed."""
    if info.kind == "pairs":
        return _pairs(info)
    if info.kind == "labelled":
        return labelled_of(info, _rows_of(info))
    if info.kind == "rows":
        return _class_rows(info)
    if info.kind == "images":
        return _mirrored(read_images(info)) if _flips(info) else read_images(info)
    if info.kind == "points":
        return _points(info)
    if info.kind == "regions":
        return _regions(info)
    if info.kind == "audio":
        content(info)
        return clips.opened(info, dict(arrays.read_npz(info.path)))
    raise DataError(f"'{info.title}' is of a kind that cannot be imported.", "Delete the dataset.", info.path)


def encoded(info: DatasetInfo) -> Iterator[Item]:
    """The files that imported pictures were made from. Raises DataError."""
    index, words = _index(info)
    lengths, labels = index["lengths"], index.get("labels")
    names = words["names"] or [str(number) for number in range(len(lengths))]
    path = info.path.with_name("originals.bin")
    with _open(info, path) as file:
        if int(lengths.sum()) != os.fstat(file.fileno()).st_size or len(names) != len(lengths):
            raise changed(info)
        for number, length in enumerate(lengths.tolist()):
            label = -1 if labels is None else int(labels[number])
            yield Item((number + 1) / len(lengths), names[number], file.read(length), "", label)


def content_hash(pixels: str, shape: Sequence[int], labels: Sequence[int] | None, words: str) -> str:
    """SHA-256 of what a model can learn from: pixels (their own digest), shape, labels, classes, captions, names."""
    told = hashlib.sha256(np.array([] if labels is None else labels, "<i8").tobytes()).hexdigest()
    return hashlib.sha256(json.dumps([pixels, list(shape), told, words]).encode("utf-8")).hexdigest()


def limits(info: DatasetInfo) -> tuple[float, float] | None:
    """The values that the import made black and white; None where it kept no such thing."""
    kept = info.details.get("scale")
    fits = isinstance(kept, list) and len(kept) == 2 and all(type(value) in (int, float) for value in kept)
    return (float(kept[0]), float(kept[1])) if fits and kept is not None and kept[0] < kept[1] else None


def original_pixels(info: DatasetInfo) -> NDArray[np.uint8]:
    """(n, h, w, c) what pictures that came as an array were before they were resized. Raises DataError."""
    kept = arrays.read_npy(info.path.with_name("originals.bin"))
    if kept.dtype != np.uint8 or kept.ndim != 4 or kept.shape[3] not in (1, 3):
        raise damaged(info)
    return kept


def _open(info: DatasetInfo, path: Path) -> Any:
    try:
        return path.open("rb")
    except FileNotFoundError:
        raise gone(info) from None
    except OSError as error:
        raise unreadable(info, error) from None


def labelled_of(info: DatasetInfo, rows: Sequence[Sequence[str]]) -> LabelledDataset:
    """Texts with their classes, in alphabetical order, of (text, class) rows; an empty class is none."""
    classes = tuple(sorted({label for _, label in rows} - {""}))
    numbers = {name: number for number, name in enumerate(classes)} | {"": -1}
    labels = np.array([numbers[label] for _, label in rows], np.int64)
    return LabelledDataset(info, tuple(text for text, _ in rows), labels, classes)


def _pairs(info: DatasetInfo) -> PairDataset:
    pairs = _rows_of(info)
    sides = info.details.get("columns")
    names = ("left", "right")
    if isinstance(sides, list) and len(sides) == 2 and all(isinstance(side, str) for side in sides):
        names = (sides[0], sides[1])
    return PairDataset(info, tuple(pair[0] for pair in pairs), tuple(pair[1] for pair in pairs), names)


def _class_rows(info: DatasetInfo) -> RowDataset:
    """Rows of a class and numbers. Raises DataError."""
    lines = content(info).decode("utf-8", "replace").split("\n")[:-1]
    rows: list[Any] = []
    try:
        for start in range(0, len(lines), 1 << 14):
            rows.extend(json.loads(f"[{','.join(lines[start : start + (1 << 14)])}]"))
        wide = len(rows[0])
        if wide < 2 or not all(isinstance(row, list) and len(row) == wide and type(row[0]) is str for row in rows):
            raise ValueError("rows")
        values = np.array([row[1:] for row in rows], np.float32)
    except (ValueError, TypeError, IndexError, RecursionError, OverflowError):
        raise damaged(info) from None
    said = info.details.get("columns")
    columns = tuple(map(str, said)) if isinstance(said, list) else ()
    if len(columns) != wide - 1:
        columns = tuple(f"x{number + 1}" for number in range(wide - 1))
    classes = tuple(sorted({row[0] for row in rows} - {""}))
    places = {name: place for place, name in enumerate(classes)} | {"": -1}
    return RowDataset(info, values, np.array([places[row[0]] for row in rows], np.int64), columns, classes)


def _rows_of(info: DatasetInfo) -> list[Any]:
    """Rows of two texts each. Raises DataError."""
    raw = content(info).decode("utf-8", "replace")
    lines = raw.split("\n")[:-1]
    pairs: list[Any] = []
    try:
        for start in range(0, len(lines), 1 << 14):
            pairs.extend(json.loads(f"[{','.join(lines[start : start + (1 << 14)])}]"))
    except (ValueError, RecursionError):
        raise damaged(info) from None
    if not all(isinstance(pair, list) and len(pair) == 2 and all(type(side) is str for side in pair) for pair in pairs):
        raise damaged(info)
    return pairs


def _points(info: DatasetInfo) -> PointDataset:
    content(info)
    points = arrays.read_npy(info.path)
    if points.dtype != np.float32 or points.ndim != 2 or points.shape[1] != 2:
        raise damaged(info)
    return PointDataset(info, points)


def _regions(info: DatasetInfo) -> RegionDataset:
    content(info)
    return regions.opened(info, dict(arrays.read_npz(info.path)))


def _index(info: DatasetInfo) -> tuple[dict[str, Any], dict[str, Any]]:
    path = info.path.with_name("index.npz")
    if not path.is_file():
        raise gone(info)
    index = dict(arrays.read_npz(path))
    try:
        words = json.loads(index["words"].tobytes().decode("utf-8"))
        fits = isinstance(words, dict) and index["lengths"].ndim == 1 and index["lengths"].min(initial=0) >= 0
        fits = fits and _strings(words["classes"]) and all(
            words[name] is None or _strings(words[name]) for name in ("captions", "names")
        )  # fmt: skip
    except (KeyError, ValueError, TypeError, RecursionError):
        fits = False
    if not fits:
        raise damaged(info)
    return index, words


def _strings(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(entry, str) for entry in value)


def _flips(info: DatasetInfo) -> bool:
    kept = info.details.get("picture")
    return isinstance(kept, dict) and PictureSettings.of(kept).flip


def _mirrored(dataset: ImageDataset) -> ImageDataset:
    """Every picture followed by its mirror image: neighbours, so that a contiguous split seldom parts them."""
    pixels, labels = dataset.pixels, dataset.labels

    def twice(words: tuple[str, ...] | None) -> tuple[str, ...] | None:
        return None if words is None else tuple(word for word in words for _ in range(2))

    return replace(
        dataset,
        pixels=np.stack([pixels, pixels[:, :, ::-1]], axis=1).reshape(-1, *pixels.shape[1:]),
        labels=None if labels is None else np.repeat(labels, 2),
        captions=twice(dataset.captions),
        names=twice(dataset.names),
    )


def read_images(info: DatasetInfo) -> ImageDataset:
    """Imported pictures without the mirror images that the settings may ask for. Raises DataError."""
    if not info.path.is_file():
        raise gone(info)
    pixels = arrays.read_npy(info.path)
    index, words = _index(info)
    labels = index.get("labels")
    told = None if labels is None else labels.tolist()
    digest = hashlib.sha256(np.ascontiguousarray(pixels).data).hexdigest()
    kept = json.dumps({name: words.get(name) for name in ("classes", "captions", "names")})
    if pixels.dtype != np.uint8 or pixels.ndim != 4 or pixels.shape[3] not in (1, 3):
        raise damaged(info)
    found = content_hash(digest, pixels.shape, told, kept)
    if _flips(info):
        found = hashlib.sha256(f"{found} flipped".encode()).hexdigest()
    if found != info.sha256:
        raise changed(info)
    names, captions = words["names"], words["captions"]
    for entries in (labels, names, captions):
        if entries is not None and len(entries) != len(pixels):
            raise damaged(info)
    if labels is not None and (labels.min(initial=0) < -1 or labels.max(initial=-1) >= len(words["classes"])):
        raise damaged(info)
    return ImageDataset(
        info,
        pixels,
        None if labels is None else labels.astype(np.int64),
        tuple(words["classes"]),
        None if captions is None else tuple(captions),
        {},
        None if names is None else tuple(names),
    )
