"""Arrays as datasets: IDX and NPY/NPZ files with pictures and their labels, or with points."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genstudio.data.importing import arrays, pictures, rows
from genstudio.data.importing.options import Form, Found, ImportOptions
from genstudio.data.info import DatasetInfo
from genstudio.data.slices import Slices
from genstudio.errors import DataError

Array = NDArray[Any]

_LABELS = ("labels", "label", "y", "y_train", "targets", "target", "arr_1")
_MOST_CLASSES = 10_000


def import_arrays(files: Sequence[Path], options: ImportOptions, name: str, source: str) -> Slices[DatasetInfo]:
    """One file of arrays, or two with the labels in the second. Raises DataError, StorageError."""
    yield 0.0
    found, path = _read(files), files[0]
    values = _values(found, path)
    if values.ndim == 2 and values.shape[1] == 2:
        return (yield from rows.import_points(values, name, source))
    pixels = to_pixels(values, path)
    labels, classes = _labels(found, len(pixels), path)
    captions = _words(found.get("captions"), len(pixels))
    yield 0.1
    work = pictures.import_array(
        pixels, name, source, options.pictures, labels=labels, classes=classes, captions=captions
    )
    return (yield from work)


def inspect(files: Sequence[Path], title: str) -> Found:
    """What the arrays are. Raises DataError."""
    found, path = _read(files), files[0]
    values = _values(found, path)
    size = sum(file.stat().st_size for file in files)
    form: Form = "idx" if path.suffix.lower() not in arrays.SUFFIXES else "array"
    if values.ndim == 2 and values.shape[1] == 2:
        return Found("points", "array", f"{len(values):,} points.", title, len(files), size)
    pixels = to_pixels(values, path)
    _, classes = _labels(found, len(pixels), path)
    high, wide, channels = pixels.shape[1:]
    colour = "grey" if channels == 1 else "coloured"
    told = f" of {len(classes)} classes" if classes else ""
    sentence = f"{len(pixels):,} {colour} pictures of {wide} x {high} pixels{told}."
    return Found(
        "images", form, sentence, title, len(files), size, sizes=(((wide, high), len(pixels)),), classes=classes
    )


def to_pixels(values: Array, path: Path | None = None) -> NDArray[np.uint8]:
    """Numbers of any kind -> (n, h, w, 1 or 3) uint8.

    Rows of square pictures, (n, h, w), channels last or first; floating values from 0 to 1, -1 to 1 or 0 to 255.
    Raises DataError for negative or infinite values, and for a shape that is none of pictures.
    """
    plain = _shaped(values, path)
    if plain.dtype == np.uint8:
        return np.ascontiguousarray(plain)
    if plain.dtype == np.bool_:
        return plain.astype(np.uint8) * np.uint8(255)
    low, high = float(plain.min()), float(plain.max())
    if not (math.isfinite(low) and math.isfinite(high)):
        count = int(np.count_nonzero(~np.isfinite(plain)))
        raise DataError(f"{count:,} pixels are infinite or no numbers.", "Replace them by numbers first.", path)
    if plain.dtype.kind == "f" and low >= -1 and high <= 1:
        scale, shift = (255.0, 0.0) if low >= 0 else (127.5, 127.5)
    elif low >= 0 and high <= 255:
        scale, shift = 1.0, 0.0
    elif low >= 0 and high <= 65535 and plain.dtype.kind in "ui":
        scale, shift = 1 / 257, 0.0
    else:
        raise DataError(
            f"The pixels range from {low:g} to {high:g}.", "Give values from 0 to 1, -1 to 1 or 0 to 255.", path
        )
    out = np.empty(plain.shape, np.uint8)
    for start in range(0, len(plain), 1024):
        part = plain[start : start + 1024].astype(np.float32)
        out[start : start + 1024] = np.clip(part * scale + shift + 0.5, 0, 255).astype(np.uint8)
    return out


def _shaped(values: Array, path: Path | None) -> Array:
    shape = values.shape
    if values.dtype.kind in "uifb" and values.size:
        if values.ndim == 2:
            for channels in (1, 3):
                side = math.isqrt(shape[1] // channels)
                if side > 1 and side * side * channels == shape[1]:
                    return values.reshape(len(values), side, side, channels)
        if values.ndim == 3:
            return values[..., None]
        if values.ndim == 4:
            if shape[3] in (1, 3, 4):
                return values[..., : 1 if shape[3] == 1 else 3]
            if shape[1] in (1, 3, 4):
                return np.moveaxis(values, 1, 3)[..., : 1 if shape[1] == 1 else 3]
    raise DataError(
        f"An array of shape {shape} holds no pictures.",
        "Pictures are (n, height, width), (n, height, width, channels) or rows of square ones; points are (n, 2).",
        path,
    )


def _read(files: Sequence[Path]) -> Mapping[str, Array]:
    found: dict[str, Array] = {}
    for path in files:
        if path.suffix.lower() == ".npz":
            found.update(arrays.read_npz(path))
        else:
            array = arrays.read_npy(path) if path.suffix.lower() == ".npy" else arrays.read_idx(path)
            found["labels" if array.ndim == 1 else "pixels"] = array
    first = files[0]
    if len(files) == 1 and "pixels" in found and first.suffix.lower() not in arrays.SUFFIXES:
        beside = first.with_name(re.sub(r"images([-.]idx)\d", r"labels\g<1>1", first.name))
        if beside != first and beside.is_file():
            found["labels"] = arrays.read_idx(beside)
    return found


def _values(found: Mapping[str, Array], path: Path) -> Array:
    numbers = {name: array for name, array in found.items() if array.dtype.kind in "uifb" and array.ndim >= 2}
    if not numbers:
        only = "These are labels, not pictures." if "labels" in found else "There are no pictures in this file."
        raise DataError(only, "Choose the file with the pictures; labels beside it are found.", path)
    for name in ("pixels", "images", "x", "x_train", "data"):
        if name in numbers:
            return numbers[name]
    return max(numbers.values(), key=lambda array: (array.ndim, array.size))


def _labels(found: Mapping[str, Array], count: int, path: Path) -> tuple[NDArray[np.int64] | None, tuple[str, ...]]:
    """Labels from 0 on and the names of their classes."""
    given = next((found[name] for name in _LABELS if name in found), None)
    if given is None:
        return None, ()
    given = given.reshape(-1) if given.ndim == 2 and given.shape[1] == 1 else given
    if given.ndim != 1 or len(given) != count:
        raise DataError(
            f"There are {count:,} pictures and labels of shape {given.shape}.", "Give one label for each picture.", path
        )
    if given.dtype.kind == "f" and not (np.isfinite(given).all() and (given == np.floor(given)).all()):
        raise DataError("Some labels are no whole numbers.", "Give one whole number for each picture.", path)
    if given.dtype.kind == "U":
        names, places = np.unique(given, return_inverse=True)
    elif given.dtype.kind in "uifb":
        if given.min() < 0:
            low = int(np.count_nonzero(given < 0))
            raise DataError(f"{low:,} of {count:,} labels are negative.", "Give labels from 0 on.", path)
        names, places = np.unique(given.astype(np.int64), return_inverse=True)
        top = int(names[-1]) + 1
        if top <= max(256, 2 * len(names)) and top <= _MOST_CLASSES:
            names, places = np.arange(top), given.astype(np.int64)
    else:
        raise DataError("The labels are no numbers and no words.", "Give one whole number for each picture.", path)
    if len(names) > _MOST_CLASSES:
        raise DataError(f"There are {len(names):,} different labels.", f"At most {_MOST_CLASSES:,} can be used.", path)
    told = _words(found.get("classes"), len(names))
    return places.astype(np.int64).reshape(-1), tuple(told or (_printable(str(name)) for name in names.tolist()))


def _words(array: Array | None, count: int) -> list[str] | None:
    if array is None or array.dtype.kind != "U" or array.shape != (count,):
        return None
    return [_printable(word) for word in array.tolist()]


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in text)[:1000]
