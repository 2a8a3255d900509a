"""Arrays as datasets: IDX and NPY/NPZ files with pictures and their labels, or with points."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genstudio.data.images import PictureSettings
from genstudio.data.importing import arrays, pictures, rows, scale, shapes
from genstudio.data.importing.options import Form, Found, ImportOptions
from genstudio.data.info import DatasetInfo
from genstudio.data.work import Work
from genstudio.errors import DataError

Array = NDArray[Any]

_PIXELS = ("pixels", "images", "x", "x_train", "data")
_LABELS = ("labels", "label", "y", "y_train", "targets", "target", "arr_1")
_BESIDE = ("classes", "captions")
_IS_PIXELS, _IS_LABELS = re.compile(r"images|imgs|pixels|(?<![a-z])x(?![a-z])"), ("labels", "targets", "y")
_SAYS_LABELS = re.compile(r"label|target|class|(?<![a-z])y(?![a-z])")
_SPLIT = re.compile(r"train|test|val(?:id(?:ation)?)?")
_MOST_CLASSES = 10_000


@dataclass(frozen=True)
class _Read:
    """What was found in the files: arrays by name, and what was left unread, with the reason."""

    found: Mapping[str, Array]
    unread: tuple[str, ...]


@dataclass(frozen=True)
class _Pictures:
    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64] | None
    classes: tuple[str, ...]
    captions: list[str] | None
    limits: scale.Limits
    notes: tuple[str, ...]


def import_arrays(files: Sequence[Path], options: ImportOptions, name: str, source: str) -> Work[DatasetInfo]:
    """One file of arrays, or two with the labels in the other. Raises DataError, StorageError."""
    yield 0.0
    read, path = _read(files), files[0]
    values_name = _values(read, path)
    values = read.found[values_name]
    if values.ndim == 2 and values.shape[1] == 2:
        return (yield from rows.import_points(values, name, source))
    made = _made(read, values_name, options.pictures, path)
    yield 0.1
    work = pictures.import_array(
        made.pixels, name, source, options.pictures, labels=made.labels, classes=made.classes, captions=made.captions,
        details={"scale": list(made.limits), "notes": list(made.notes)},
    )  # fmt: skip
    return (yield from work)


def inspect(files: Sequence[Path], title: str, options: ImportOptions) -> Found:
    """What the arrays are. Raises DataError."""
    read, path = _read(files), files[0]
    values_name = _values(read, path)
    values = read.found[values_name]
    size = sum(file.stat().st_size for file in files)
    form: Form = "idx" if path.suffix.lower() not in arrays.SUFFIXES else "array"
    if values.ndim == 2 and values.shape[1] == 2:
        return Found("points", "array", f"{len(values):,} points.", title, len(files), size)
    made = _made(read, values_name, options.pictures, path)
    count, high, wide, channels = made.pixels.shape
    what = f"{count:,} {'grey' if channels == 1 else 'coloured'} picture{'s' * (count != 1)}"
    told = f" of {len(made.classes)} classes" if made.classes else ""
    return Found(
        "images", form, f"{what} of {wide} x {high} pixels{told}.", title, len(files), size,
        sizes=(((wide, high), count),), classes=made.classes, problems=made.notes, details={"numbers": True},
        suggested=options,
    )  # fmt: skip


def _made(read: _Read, values_name: str, settings: PictureSettings, path: Path) -> _Pictures:
    plain, shape_note = shapes.shaped(read.found[values_name], path)
    pixels, limits, scale_note = _scaled(plain, settings, path)
    labels_name = _labels_name(read.found, values_name, len(pixels))
    labels, classes = _labels(read.found, labels_name, len(pixels), path)
    captions = _words(read.found.get("captions"), len(pixels))
    used = {values_name, labels_name, *(name for name in _BESIDE if name in read.found)}
    left = [
        f"'{_printable(name)}' ({' x '.join(map(str, array.shape))})"
        for name, array in read.found.items()
        if name not in used
    ]
    rest = f"Arrays ignored: {', '.join(left[:10])}{' …' * (len(left) > 10)}." if left else ""
    notes = (scale_note, shape_note, *read.unread, rest)
    return _Pictures(pixels, labels, classes, captions, limits, tuple(note for note in notes if note))


def _scaled(
    plain: Array, settings: PictureSettings, path: Path | None
) -> tuple[NDArray[np.uint8], scale.Limits, str]:
    """Pixels, the values that became black and white, and a sentence about them."""
    spread = scale.Spread.of(plain)
    if spread.odd:
        raise DataError(f"{spread.odd:,} pixels are infinite or not numbers.", "Replace them by numbers first.", path)
    limits = settings.limits or spread.limits()
    pixels = np.ascontiguousarray(scale.to_bytes(plain, limits))
    return shapes.on_white(pixels), limits, scale.sentence(spread, limits)


def _read(files: Sequence[Path]) -> _Read:
    found: dict[str, Array] = {}
    unread: dict[str, str] = {}
    for path in files:
        if path.suffix.lower() == ".npz":
            inside = arrays.read_npz(path, unread)
            only = len(files) > 1 and len(inside) == 1
            for name, array in inside.items():
                name = _plain_name(array) if only else name
                found[f"{path.stem}/{name}" if name in found else name] = array
        else:
            array = arrays.read_npy(path) if path.suffix.lower() == ".npy" else arrays.read_idx(path)
            found[_plain_name(array)] = array
    first = files[0]
    if len(files) == 1 and "pixels" in found and first.suffix.lower() not in arrays.SUFFIXES:
        beside = first.with_name(re.sub(r"images([-.]idx)\d", r"labels\g<1>1", first.name))
        if beside != first and beside.is_file():
            found["labels"] = arrays.read_idx(beside)
    return _Read(found, tuple(f"'{_printable(name)}' is not read: it {why}." for name, why in unread.items()))


def _plain_name(array: Array) -> str:
    """What the only array of a file is by its shape."""
    return "labels" if array.ndim == 1 or (array.ndim == 2 and array.shape[1] == 1) else "pixels"


def _values(read: _Read, path: Path) -> str:
    """The name of the array with the pictures or points."""
    numbers = {name: array for name, array in read.found.items() if array.dtype.kind in "uifb" and array.ndim >= 2}
    likely = {name: array for name, array in numbers.items() if array.ndim > 2 or array.shape[1] > 1}
    if not likely:
        only = "These are labels, not pictures." if "labels" in read.found else "There are no pictures in this file."
        raise DataError(
            " ".join((only, *read.unread)), "Choose the file with the pictures; labels in the same folder are found "
            "automatically.", path
        )
    known = next((name for name in _PIXELS if name in likely), None)
    return known or max(likely, key=lambda name: (likely[name].ndim, likely[name].size))


def _labels_name(found: Mapping[str, Array], values_name: str, count: int) -> str | None:
    """The array with a label for each picture: by a usual name, by the name of the pictures (`train_images` and
    `train_labels`), or by a name that says labels of no other part."""
    known = next((name for name in _LABELS if name in found), None)
    if known is not None:
        return known
    fits = {
        name.lower(): name
        for name, array in found.items()
        if array.shape in ((count,), (count, 1)) and name not in (values_name, *_BESIDE)
    }
    for word in _IS_LABELS:
        if (twin := fits.get(_IS_PIXELS.sub(word, values_name.lower()))) is not None:
            return twin
    part = _SPLIT.findall(values_name.lower())
    likely = [fits[name] for name in fits if _SAYS_LABELS.search(name) and _SPLIT.findall(name) in ([], part)]
    return likely[0] if len(likely) == 1 else None


def _labels(
    found: Mapping[str, Array], name: str | None, count: int, path: Path
) -> tuple[NDArray[np.int64] | None, tuple[str, ...]]:
    """Labels from 0 on and the names of their classes."""
    if name is None:
        return None, ()
    given = found[name]
    given = given.reshape(-1) if given.ndim == 2 and given.shape[1] == 1 else given
    if given.ndim != 1 or len(given) != count:
        raise DataError(
            f"There are {count:,} pictures and labels of shape {given.shape}.", "Give one label per picture.", path
        )
    if given.dtype.kind == "f" and not (np.isfinite(given).all() and (given == np.floor(given)).all()):
        raise DataError("Some labels are not whole numbers.", "Give one whole number per picture.", path)
    if given.dtype.kind == "U":
        names, places = np.unique(given, return_inverse=True)
    elif given.dtype.kind in "uifb":
        if given.min() < 0:
            low = int(np.count_nonzero(given < 0))
            raise DataError(f"{low:,} of {count:,} labels are negative.", "Use labels starting at 0.", path)
        names, places = np.unique(given.astype(np.int64), return_inverse=True)
        top = int(names[-1]) + 1
        if top <= max(256, 2 * len(names)) and top <= _MOST_CLASSES:
            names, places = np.arange(top), given.astype(np.int64)
    else:
        raise DataError("The labels are neither numbers nor words.", "Give one whole number per picture.", path)
    if len(names) > _MOST_CLASSES:
        raise DataError(f"There are {len(names):,} distinct labels.", f"At most {_MOST_CLASSES:,} can be used.", path)
    told = _words(found.get("classes"), len(names))
    return places.astype(np.int64).reshape(-1), tuple(told or (_printable(str(name)) for name in names.tolist()))


def _words(array: Array | None, count: int) -> list[str] | None:
    if array is None or array.dtype.kind != "U" or array.shape != (count,):
        return None
    return [_printable(word) for word in array.tolist()]


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in text)[:1000]
