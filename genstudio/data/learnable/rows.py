"""Rows of numbers with a class each, in the form in which a classifier reads them; pictures with classes are such rows too."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genstudio.data.datasets import ImageDataset, RowDataset
from genstudio.data.info import DatasetInfo
from genstudio.data.split import SplitSettings, split_items
from genstudio.data.work import Work
from genstudio.errors import ConfigError, DataError, Problem

Array = NDArray[Any]
Learnable = RowDataset | ImageDataset
FEWEST = 20
"""Rows below which none are kept from training: there would be nothing left to learn from, nor anything to measure."""


@dataclass(frozen=True, slots=True)
class RowShape:
    """What a row is: its `columns` and the `classes` it may have; `size` is height, width and channels where it is a picture."""

    columns: tuple[str, ...]
    classes: tuple[str, ...]
    size: tuple[int, int, int] | None = None

    @property
    def outputs(self) -> int:
        """How many numbers say the class: one is enough for two classes."""
        return 1 if len(self.classes) == 2 else len(self.classes)

    @classmethod
    def of(cls, info: DatasetInfo) -> RowShape:
        """The shape that the shelf knows of, before the dataset is opened."""
        said = info.details
        words = said.get("classes")
        classes = tuple(map(str, words)) if isinstance(words, list | tuple) else tuple(map(str, range(_count(words))))
        if info.kind == "rows":
            columns = said.get("columns")
            return cls(tuple(map(str, columns)) if isinstance(columns, list | tuple) else ("x", "y"), classes)
        height, width, channels = (said.get(name) for name in ("height", "width", "channels"))
        if type(height) is not int or type(width) is not int or type(channels) is not int:
            height, width, channels = 32, 32, 1
        return cls(pixels(height, width, channels), classes, (height, width, channels))


@dataclass(frozen=True, eq=False)
class RowData:
    """`real` (n, d), float32 or the uint8 pixels of pictures; a network reads (real - `mean`) / `scale`, both (d,).

    `labels` (n,) int64, all known; `held` are indices kept from training, `train` the others. `extent` (x0, x1, y0, y1) is where
    the first two columns lie, as they are in the dataset; None for pictures and for rows of one column.
    """

    shape: RowShape
    real: Array
    labels: NDArray[np.int64]
    train: NDArray[np.int64]
    held: NDArray[np.int64]
    mean: NDArray[np.float32]
    scale: NDArray[np.float32]
    extent: tuple[float, float, float, float] | None = None
    source: str = ""

    def inside(self, rows: Array) -> NDArray[np.float32]:
        """Rows (..., d) of the dataset as a network reads them."""
        return ((rows.astype(np.float32) - self.mean) / self.scale).astype(np.float32)

    @property
    def scored(self) -> NDArray[np.int64]:
        """The rows that an evaluation scores: those kept from training, else all."""
        return self.held if len(self.held) else self.train


def pixels(height: int, width: int, channels: int) -> tuple[str, ...]:
    """What the numbers of a picture are called."""
    colours = ("",) if channels == 1 else (" red", " green", " blue")
    return tuple(f"pixel {y + 1}, {x + 1}{c}" for y in range(height) for x in range(width) for c in colours)


def prepared(
    dataset: Learnable, split: SplitSettings, standardise: bool, problems: Callable[[RowData], Iterable[Problem]]
) -> Work[RowData]:
    """Rows or pictures that have a class; a share of them kept from training as `split` says. Raises DataError for what nothing
    can be learnt from, and ConfigError for the `problems` of settings with these data."""
    yield 0.1
    info, labels = dataset.info, dataset.labels
    if labels is None or not len(dataset.classes):
        raise DataError(
            f"'{info.title}' has no classes, so there is nothing to tell apart.",
            "Choose a dataset with a class per row or picture.", info.place,
        )
    known = np.flatnonzero(labels >= 0)
    _refuse(info, labels[known], dataset.classes)
    if isinstance(dataset, ImageDataset):
        count, *size = dataset.pixels.shape
        real: Array = dataset.pixels.reshape(count, -1)
        shape = RowShape(pixels(size[0], size[1], size[2]), dataset.classes, (size[0], size[1], size[2]))
    else:
        real, shape = dataset.rows, RowShape(dataset.columns, dataset.classes)
    if len(known) < len(labels):
        real, labels = real[known], labels[known]
    if not np.isfinite(real).all():
        raise DataError(
            f"'{info.title}' contains values that are not finite.", "Fix the file and import it again.", info.place
        )
    yield 0.5
    train, held = np.arange(len(real)), np.zeros(0, np.int64)
    if len(real) >= FEWEST:
        train, held = split_items(len(real), split)
    mean, scale = _scaling(real[train], shape, standardise)
    data = RowData(shape, real, labels, train, held, mean, scale, _extent(real, shape), info.sha256)
    if found := list(problems(data)):
        raise ConfigError(found)
    yield 1.0
    return data


def metadata(data: RowData) -> dict[str, Any]:
    """What a run holds to be opened without its dataset."""
    shape = data.shape
    return {
        "data.json": {
            "columns": [] if shape.size else list(shape.columns),
            "classes": list(shape.classes),
            "size": None if shape.size is None else list(shape.size),
            "mean": data.mean.tolist(),
            "scale": data.scale.tolist(),
            "extent": None if data.extent is None else list(data.extent),
        }
    }


def from_metadata(kept: Mapping[str, Any]) -> RowData:
    """Data without content, enough to classify with. Raises DataError for anything but what `metadata` gave."""
    try:
        said = kept["data.json"]
        size = said["size"]
        size = None if size is None else (int(size[0]), int(size[1]), int(size[2]))
        if size is not None and not all(0 < number <= 4096 for number in size):
            raise ValueError("size")
        columns = pixels(*size) if size is not None else tuple(map(str, said["columns"]))
        shape = RowShape(columns, tuple(map(str, said["classes"])), size)
        mean, scale = (np.array(said[name], np.float32) for name in ("mean", "scale"))
        if not columns or len(shape.classes) < 2 or mean.shape != scale.shape or mean.shape != (len(columns),):
            raise ValueError("shape")
        empty, extent = np.zeros(0, np.int64), said["extent"]
        if extent is not None:
            x0, x1, y0, y1 = (float(number) for number in extent)
            extent = x0, x1, y0, y1
        real = np.zeros((0, len(columns)), np.float32)
        return RowData(shape, real, empty, empty, empty, mean, scale, extent)
    except (KeyError, TypeError, ValueError, IndexError, OverflowError) as error:
        raise DataError("data.json of this run is damaged.", "Copy it from a backup.") from error


def _refuse(info: DatasetInfo, labels: NDArray[np.int64], classes: tuple[str, ...]) -> None:
    found = np.unique(labels)
    if len(labels) < 2:
        raise DataError(
            f"'{info.title}' has {'one row' if len(labels) else 'no rows'} with a class; a classifier needs at least two.",
            "Add rows of every class.", info.place,
        )
    if len(found) < 2:
        raise DataError(
            f"All rows of '{info.title}' have the class '{classes[int(found[0])]}': there is nothing to tell apart.",
            "Add rows of another class.", info.place,
        )


def _scaling(real: Array, shape: RowShape, standardise: bool) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """What is taken away from each column, and what it is divided by; pixels become 0 to 1."""
    columns = len(shape.columns)
    mean, scale = np.zeros(columns, np.float32), np.ones(columns, np.float32)
    if shape.size is not None:
        return mean, scale * np.float32(255)
    if standardise:
        mean, spread = real.mean(0, dtype=np.float64), real.std(0, dtype=np.float64)
        return mean.astype(np.float32), np.where(spread > 0, spread, 1).astype(np.float32)
    return mean, scale


def _extent(real: Array, shape: RowShape) -> tuple[float, float, float, float] | None:
    if shape.size is not None or real.shape[1] < 2:
        return None
    low, high = real[:, :2].min(0).astype(np.float64), real[:, :2].max(0).astype(np.float64)
    edge = 0.15 * np.where(high > low, high - low, 1.0) + 1e-6
    (x0, y0), (x1, y1) = (low - edge).tolist(), (high + edge).tolist()
    return x0, x1, y0, y1


def _count(words: Any) -> int:
    return words if type(words) is int and 0 < words <= 10_000 else 2
