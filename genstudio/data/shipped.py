"""Reading the pairs, pictures and other arrays that ship, in the forms that `packaging/build_resources.py` writes."""

from __future__ import annotations

import io
import zipfile
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genstudio.data.audio import stored as clips
from genstudio.data.datasets import AudioDataset, ImageDataset, PairDataset, RegionDataset
from genstudio.data.info import DatasetInfo, content, damaged
from genstudio.data.population import stored
from genstudio.errors import DataError

LARGEST = 256 << 20
"""No file that ships unpacks to nearly as much."""

_ATTRIBUTE = "attribute_"


def read(info: DatasetInfo) -> PairDataset | ImageDataset | RegionDataset | AudioDataset:
    """A dataset that ships. Raises DataError where its file is gone, changed or damaged.

    `info.sha256` is that of the table of pairs, or that of the whole file of pictures, regions or clips.
    """
    if info.kind == "pairs":
        return _pairs(info)
    if info.kind == "images":
        return _images(info)
    if info.kind == "regions":
        return stored.opened(info, _arrays(info))
    if info.kind == "audio":
        return clips.opened(info, _arrays(info))
    raise DataError(f"'{info.title}' has a format that this version cannot read.", "Reinstall genstudio.", info.path)


def _pairs(info: DatasetInfo) -> PairDataset:
    try:
        header, *rows = content(info).decode("utf-8").removesuffix("\n").split("\n")
        names, pairs = tuple(header.split("\t")), [tuple(row.split("\t")) for row in rows]
    except UnicodeDecodeError:
        raise damaged(info) from None
    if len(names) != 2 or any(len(pair) != 2 for pair in pairs):
        raise damaged(info)
    return PairDataset(info, tuple(p[0] for p in pairs), tuple(p[1] for p in pairs), (names[0], names[1]))


def _arrays(info: DatasetInfo) -> dict[str, NDArray[Any]]:
    raw = content(info)
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            if sum(member.file_size for member in archive.infolist()) > LARGEST:
                raise damaged(info)
        with np.load(io.BytesIO(raw), allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, KeyError, OSError):
        raise damaged(info) from None


def _images(info: DatasetInfo) -> ImageDataset:
    found: dict[str, Any] = _arrays(info)
    pixels, labels = found.get("pixels"), found.get("labels")
    if pixels is None or pixels.dtype != np.uint8 or pixels.ndim != 4 or pixels.shape[3] not in (1, 3):
        raise damaged(info)
    classes = _words(found.get("classes"))
    count = len(pixels)
    if labels is not None and (labels.shape != (count,) or labels.dtype.kind not in "iu" or _outside(labels, classes)):
        raise damaged(info)
    attributes = {n.removeprefix(_ATTRIBUTE): array for n, array in found.items() if n.startswith(_ATTRIBUTE)}
    captions = _words(found["captions"]) if "captions" in found else None
    if any(len(values) != count for values in (*attributes.values(), *([captions] if captions is not None else []))):
        raise damaged(info)
    return ImageDataset(
        info, pixels, None if labels is None else labels.astype(np.int64), classes, captions, attributes
    )


def _words(array: NDArray[Any] | None) -> tuple[str, ...]:
    return () if array is None else tuple(map(str, array.tolist()))


def _outside(labels: NDArray[Any], classes: tuple[str, ...]) -> bool:
    return len(labels) > 0 and not 0 <= int(labels.min()) <= int(labels.max()) < len(classes)
