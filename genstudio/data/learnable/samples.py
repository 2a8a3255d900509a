"""Samples that a generative model learns to make: points of the plane, or pictures, in the form in which it reads them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from genstudio.data.datasets import ImageDataset, PointDataset
from genstudio.data.info import DatasetInfo
from genstudio.data.split import SplitSettings, split_items
from genstudio.data.work import Work
from genstudio.errors import ConfigError, DataError, Problem

Learnable = PointDataset | ImageDataset
_HELD = SplitSettings("random", 0.1)


@dataclass(frozen=True, slots=True)
class Shape:
    """What a sample is: `points`, or `images` of height x width x channels; `classes` are their names, if any."""

    kind: Literal["points", "images"]
    height: int = 1
    width: int = 1
    channels: int = 2
    classes: tuple[str, ...] = ()

    @property
    def numbers(self) -> int:
        """Numbers in one sample."""
        return self.height * self.width * self.channels

    @classmethod
    def of(cls, info: DatasetInfo) -> Shape:
        """The shape that the shelf knows of, before the dataset is opened."""
        if info.kind == "points":
            return cls("points")
        said = info.details
        height, width, channels = (said.get(name) for name in ("height", "width", "channels"))
        if type(height) is not int or type(width) is not int or type(channels) is not int:
            height, width, channels = 32, 32, 1
        return cls("images", height, width, channels, tuple(map(str, said.get("classes") or ())))


@dataclass(frozen=True, eq=False)
class SampleData:
    """`real` (n, 2) float32 points, standardised by `mean` (2,) and one `scale`, or (n, h, w, c) uint8 pictures.

    `labels` (n,) int64, -1 where unknown. Of pictures, `held` are indices kept from training and `train` the others;
    `centres` (k, 2) and `sigma` are those of a known mixture, in the dataset's own units, as is `extent` (x0, x1, y0, y1).
    """

    shape: Shape
    real: NDArray[Any]
    labels: NDArray[np.int64] | None
    train: NDArray[np.int64]
    held: NDArray[np.int64]
    mean: NDArray[np.float32]
    scale: float
    extent: tuple[float, float, float, float]
    centres: NDArray[np.float32] | None = None
    sigma: float | None = None
    source: str = ""

    def outside(self, points: NDArray[Any]) -> NDArray[np.float32]:
        """Standardised points (..., 2) in the dataset's own units."""
        return (points * np.float32(self.scale) + self.mean).astype(np.float32)

    def inside(self, points: NDArray[Any]) -> NDArray[np.float32]:
        """Points (..., 2) of the dataset's own units, standardised."""
        return ((points - self.mean) / np.float32(self.scale)).astype(np.float32)


def prepared(
    dataset: Learnable, split: SplitSettings | None, problems: Callable[[SampleData], Iterable[Problem]]
) -> Work[SampleData]:
    """Points or pictures, some kept from training as `split` says, or as is usual for their kind. Raises DataError for what
    nothing can be learnt from, and ConfigError for the `problems` of settings with these data."""
    yield 0.1
    data = from_points(dataset, split) if isinstance(dataset, PointDataset) else from_pictures(dataset, split)
    if found := list(problems(data)):
        raise ConfigError(found)
    yield 1.0
    return data


def from_points(dataset: PointDataset, split: SplitSettings | None = None) -> SampleData:
    """Points, standardised; all are trained on where there is no split. Raises DataError for points that are not finite, or
    all in one place."""
    points = dataset.points
    if not np.isfinite(points).all():
        raise DataError(
            f"'{dataset.info.title}' contains values that are not finite.", "Fix the file and import it again.",
            dataset.info.place
        )
    if len(points) < 2 or (points == points[0]).all():
        raise DataError(
            f"'{dataset.info.title}' has fewer than two distinct points.", "Choose another dataset.", dataset.info.place
        )
    mean = points.mean(0, dtype=np.float64)
    scale = float(np.sqrt(np.square(points - mean).mean()))
    half = 1.15 * float(np.abs(points - (points.max(0) + points.min(0)) / 2).max())
    x, y = ((points.max(0) + points.min(0)) / 2).tolist()
    train, held = (np.arange(len(points)), np.zeros(0, np.int64)) if split is None else split_items(len(points), split)
    return SampleData(
        Shape("points"),
        ((points - mean) / scale).astype(np.float32),
        None,
        train,
        held,
        mean.astype(np.float32),
        scale,
        (x - half, x + half, y - half, y + half),
        dataset.centres,
        dataset.sigma,
        dataset.info.sha256,
    )


def from_pictures(dataset: ImageDataset, split: SplitSettings | None = None) -> SampleData:
    """Pictures, a tenth of them held back unless the split says otherwise. Raises DataError for fewer than two different ones."""
    info, pixels = dataset.info, dataset.pixels
    n, height, width, channels = pixels.shape
    if n < 2:
        raise DataError(f"'{info.title}' has only one picture.", "A generative model needs hundreds: add more "
            "pictures.", info.place)
    if (pixels == pixels[:1]).all():
        raise DataError(f"All {n:,} pictures of '{info.title}' are the same.", "Choose another dataset.", info.place)
    shape = Shape("images", height, width, channels, dataset.classes)
    train, held = split_items(n, split or _HELD)
    if dataset.labels is not None and (dataset.labels < 0).any():
        labels = None
    else:
        labels = dataset.labels
    empty = np.zeros(2, np.float32)
    return SampleData(shape, pixels, labels, train, held, empty, 1.0, (0.0, 1.0, 0.0, 1.0), source=info.sha256)


def metadata(data: SampleData) -> dict[str, Any]:
    """What a run holds to be opened without its dataset."""
    shape = data.shape
    return {
        "data.json": {
            "kind": shape.kind,
            "size": [shape.height, shape.width, shape.channels],
            "classes": list(shape.classes),
            "labelled": data.labels is not None,
            "mean": data.mean.tolist(),
            "scale": data.scale,
            "extent": list(data.extent),
            "centres": None if data.centres is None else data.centres.tolist(),
            "sigma": data.sigma,
        }
    }


def from_metadata(kept: Mapping[str, Any]) -> SampleData:
    """Data without content, enough to sample. Raises DataError for anything but what `metadata` gave."""
    try:
        said = kept["data.json"]
        height, width, channels = (int(number) for number in said["size"])
        shape = Shape(said["kind"], height, width, channels, tuple(map(str, said["classes"])))
        if shape.kind not in ("points", "images") or not (
            0 < height <= 4096 and 0 < width <= 4096 and 0 < channels <= 4
        ):
            raise ValueError("shape")
        empty = np.zeros(0, np.int64)
        real = np.zeros((0, 2), np.float32) if shape.kind == "points" else np.zeros((0, height, width, channels), np.uint8)
        x0, x1, y0, y1 = (float(number) for number in said["extent"])
        centres = None if said["centres"] is None else np.array(said["centres"], np.float32).reshape(-1, 2)
        sigma = None if said["sigma"] is None else float(said["sigma"])
        mean = np.array(said["mean"], np.float32).reshape(2)
        labels = empty if said["labelled"] else None
        return SampleData(shape, real, labels, empty, empty, mean, float(said["scale"]), (x0, x1, y0, y1), centres, sigma)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise DataError("data.json of this run is damaged.", "Copy it from a backup.") from error
