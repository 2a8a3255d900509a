"""Another dataset from one on the shelf, with other settings; the first stays as it is."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from genstudio.data import generators, opening, store
from genstudio.data.datasets import (
    AudioDataset,
    ImageDataset,
    PairDataset,
    PointDataset,
    RegionDataset,
    TaskDataset,
    TextDataset,
)
from genstudio.data.images import PictureSettings
from genstudio.data.importing import clips, pictures, rows, stored
from genstudio.data.info import DatasetInfo, clean_title, damaged
from genstudio.data.work import Work
from genstudio.errors import DataError

_PIECE = 1 << 20


def duplicate(
    info: DatasetInfo,
    *,
    name: str | None = None,
    pictures_as: PictureSettings | None = None,
    swap: bool = False,
    made_with: Mapping[str, Any] | None = None,
) -> Work[DatasetInfo]:
    """A copy under another name; pictures made again as `pictures_as` says, pairs turned around by `swap`, what is made
    from a seed made with other settings.

    Pictures come from what they were imported from, so nothing is lost twice. Toy tasks become pairs. Yields the
    fraction done. Raises DataError, StorageError, ConfigError; then, or when closed, nothing is left.
    """
    title = clean_title(f"{info.title} (copy)" if name is None else name)
    if made_with is not None:
        return (yield from _generated(info, title, made_with))
    if info.kind == "images":
        return (yield from _pictures(info, title, pictures_as))
    dataset = opening.open_dataset(info)
    yield 0.2
    if isinstance(dataset, TextDataset):
        return (yield from _text(dataset, title))
    if isinstance(dataset, PointDataset):
        return (yield from _points(dataset, title))
    if isinstance(dataset, RegionDataset):
        return (yield from rows.import_regions(dataset, title, info.source or info.title, duplicate=True))
    if isinstance(dataset, AudioDataset):
        return (yield from clips.put_clips(dataset, title, info.source or info.title, duplicate=True))
    if isinstance(dataset, TaskDataset):
        dataset = PairDataset(info, dataset.questions, dataset.answers, ("question", "answer"))
    if not isinstance(dataset, PairDataset):
        raise DataError(f"'{info.title}' cannot be copied.", "Choose another dataset.", info.place)
    left, right, names = dataset.left, dataset.right, dataset.names
    if swap:
        left, right, names = right, left, (names[1], names[0])
    cells = ((place / len(left), pair) for place, pair in enumerate(zip(left, right, strict=True)))
    return (yield from rows.import_pairs(cells, title, info.source or info.title, names, {}, duplicate=True))


def _generated(info: DatasetInfo, title: str, settings: Mapping[str, Any]) -> Work[DatasetInfo]:
    """Another recipe on the shelf; it is tried once, so that what is there can be made."""
    maker = generators.of(info)
    if maker is None:
        raise DataError(f"'{info.title}' is not generated from a seed.", "Choose another dataset.", info.place)
    details = maker.details(settings)
    yield 0.1
    generators.make(replace(info, details=details))
    yield 0.9
    told = hashlib.sha256(json.dumps([info.kind, details], sort_keys=True).encode()).hexdigest()
    return store.keep_generated(info.kind, title, told, int(details["settings"]["count"]), details, info.description)


def _pictures(info: DatasetInfo, title: str, settings: PictureSettings | None) -> Work[DatasetInfo]:
    settings = settings or PictureSettings.of(info.details.get("picture") or {})
    source = info.source or info.title
    dataset = stored.read_images(info) if info.origin == "imported" else opening.open_dataset(info)
    if not isinstance(dataset, ImageDataset):
        raise DataError(f"'{info.title}' contains no pictures.", "Choose another dataset.", info.place)
    yield 0.1
    if info.origin == "imported" and info.details.get("originals") == "encoded":
        items: Iterator[stored.Item] = stored.encoded(info)
        named = dataset.captions is not None and dataset.names is not None
        captions = dict(zip(dataset.names or (), dataset.captions or (), strict=True)) if named else None
        work = pictures.import_pictures(
            items, settings, title, source, expected=info.count, classes=dataset.classes, captions=captions, duplicate=True
        )
        return (yield from work)
    kept = info.origin == "imported" and info.details.get("originals") == "array"
    pixels = stored.original_pixels(info) if kept else dataset.pixels
    if len(pixels) != len(dataset.pixels):
        raise damaged(info)
    work = pictures.import_array(
        pixels, title, source, settings, labels=dataset.labels, classes=dataset.classes, captions=dataset.captions,
        names=dataset.names, duplicate=True,
    )  # fmt: skip
    return (yield from work)


def _text(dataset: TextDataset, title: str) -> Work[DatasetInfo]:
    info, text = dataset.info, dataset.text
    parts = ((start, text[start : start + _PIECE]) for start in range(0, len(text), _PIECE))
    pieces = ((0.2 + 0.79 * start / len(text), part.encode("utf-8"), len(part)) for start, part in parts)
    empty = DataError(f"'{info.title}' is empty.", "Choose another dataset.", info.place)
    work = store.poured(
        "text", title, pieces, empty, info.source or info.title, lambda: info.details, description=info.description,
        duplicate=True,
    )  # fmt: skip
    return (yield from work)


def _points(dataset: PointDataset, title: str) -> Work[DatasetInfo]:
    source = dataset.info.source or dataset.info.title
    return (yield from rows.import_points(np.array(dataset.points), title, source, duplicate=True))
