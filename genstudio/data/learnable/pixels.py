"""Pictures as rows of tokens: each pixel the number of a colour of a small palette, in the order in which one reads."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genstudio.data import palette as palettes
from genstudio.data.datasets import ImageDataset
from genstudio.data.learnable import samples
from genstudio.data.learnable.samples import SampleData
from genstudio.data.split import SplitSettings
from genstudio.data.work import Work, scaled
from genstudio.errors import ConfigError, DataError, Problem

LARGEST = 32
"""Pixels a side of the largest pictures that are read pixel by pixel: each is a token, and attention compares all pairs."""
_ROWS = 200


@dataclass(frozen=True, eq=False)
class PixelData(SampleData):
    """Pictures in the colours of a palette: `real` shows them in these colours, `ids` (n, h w) uint8 are the numbers of the
    colours in reading order, `palette` (k, c) uint8 the colours. `loss` is the root mean square difference (0 to 255) to the
    pictures as they were."""

    palette: NDArray[np.uint8] = dataclasses.field(default_factory=lambda: np.zeros((0, 1), np.uint8))
    ids: NDArray[np.uint8] = dataclasses.field(default_factory=lambda: np.zeros((0, 0), np.uint8))
    loss: float = 0.0

    @property
    def pixels(self) -> int:
        """Pixels of a picture: tokens."""
        return self.shape.height * self.shape.width

    def pictures(self, ids: NDArray[Any]) -> NDArray[np.uint8]:
        """Colours by number (..., h w) -> pictures (..., h, w, c) uint8"""
        return self.palette[ids].reshape(*ids.shape[:-1], self.shape.height, self.shape.width, self.shape.channels)

    def tokens(self, pictures: NDArray[np.uint8]) -> Work[NDArray[np.uint8]]:
        """Pictures (n, h, w, c) uint8 of the size of these -> the number of the nearest colour of each pixel (n, h w)

        Raises DataError for pictures of another size."""
        shape = self.shape
        if pictures.shape[1:] != (shape.height, shape.width, shape.channels):
            there = " x ".join(map(str, pictures.shape[2:0:-1]))
            raise DataError(
                f"The picture has {there} pixels, and this model reads {shape.width} x {shape.height}.",
                "Scale the picture to that size.",
            )
        return (yield from palettes.nearest(pictures, self.palette)).reshape(len(pictures), -1)


def prepare_pixels(
    dataset: ImageDataset, colours: int, size: int, split: SplitSettings, kept: Mapping[str, Any] | None = None
) -> Work[PixelData]:
    """Pictures of at most `size` pixels a side (0: as they are) in a palette that is learnt from the training part, or that a
    run has kept.

    Raises DataError for pictures that nothing can be learnt from, ConfigError for such as are too large.
    """
    yield 0.0
    height, width = (int(side) for side in dataset.pixels.shape[1:3])
    longest = max(height, width)
    if (size or longest) > LARGEST:
        asked = min(LARGEST, longest)
        raise ConfigError([Problem(
            "size", f"these pictures have {width} x {height} pixels, and each pixel is a token: choose a picture size of at most "
            f"{asked}",
        )])  # fmt: skip
    small = yield from scaled(reduced(dataset.pixels, size), 0.0, 0.3)
    data = samples.from_pictures(dataclasses.replace(dataset, pixels=small, partners=None), split)
    if kept is None:
        palette = yield from scaled(palettes.learn_palette(small[data.train], colours), 0.3, 0.7)
    else:
        palette = _palette(kept, data.shape.channels)
    ids = yield from scaled(palettes.nearest(small, palette), 0.7, 1.0)
    if len(palette) < 2 or (ids == ids.reshape(-1)[0]).all():
        raise DataError(
            f"All pixels of '{dataset.info.title}' have the same colour.",
            "Choose other pictures, more colours, or a larger picture size.", dataset.info.place,
        )  # fmt: skip
    real = palette[ids]
    loss = float(np.sqrt(np.mean([np.square(palette[part].astype(np.float32) - was).mean() for part, was in
                                  zip(np.array_split(ids, -(-len(ids) // _ROWS)), np.array_split(small, -(-len(ids) // _ROWS)),
                                      strict=True)])))  # fmt: skip
    given = {each.name: getattr(data, each.name) for each in dataclasses.fields(data)}
    real.setflags(write=False)
    return PixelData(**{**given, "real": real}, palette=palette, ids=ids.reshape(len(ids), -1), loss=loss)


def reduced(pixels: NDArray[np.uint8], size: int) -> Work[NDArray[np.uint8]]:
    """Pictures (n, h, w, c) uint8 with a longer side of `size` pixels, each the mean of those it stands for; the same where they
    are no larger, or the size is 0."""
    count, height, width, channels = pixels.shape
    longest = max(height, width)
    if not size or longest <= size:
        return pixels
    rows, columns = (_means(side, max(1, round(side * size / longest))) for side in (height, width))
    found = np.empty((count, len(rows), len(columns), channels), np.uint8)
    for first in range(0, count, _ROWS):
        part = slice(first, first + _ROWS)
        found[part] = np.rint(np.einsum("ah,nhwc,bw->nabc", rows, pixels[part].astype(np.float32), columns, optimize=True))
        yield first / count
    return found


def _means(before: int, after: int) -> NDArray[np.float32]:
    """What turns a side of pixels into fewer ones: (after, before), rows of shares that sum to 1."""
    edges = np.linspace(0, before, after + 1)
    low, high = edges[:-1, None], edges[1:, None]
    at = np.arange(before)
    shares = np.clip(np.minimum(high, at + 1) - np.maximum(low, at), 0, None)
    return np.asarray(shares / shares.sum(1, keepdims=True), np.float32)


def metadata(data: PixelData) -> dict[str, Any]:
    """What a run holds to be opened without its dataset."""
    return {**samples.metadata(data), "palette.json": {"colours": data.palette.tolist(), "loss": data.loss}}


def from_metadata(kept: Mapping[str, Any]) -> PixelData:
    """Data without content, enough to sample. Raises DataError for anything but what `metadata` gave."""
    data = samples.from_metadata(kept)
    if data.shape.kind != "images" or max(data.shape.height, data.shape.width) > LARGEST:
        raise DataError("data.json of this run is damaged.", "Copy it from a backup.")
    given = {each.name: getattr(data, each.name) for each in dataclasses.fields(data)}
    palette = _palette(kept, data.shape.channels)
    said = kept["palette.json"].get("loss", 0.0)
    loss = float(said) if isinstance(said, int | float) else 0.0
    return PixelData(**given, palette=palette, ids=np.zeros((0, data.shape.height * data.shape.width), np.uint8), loss=loss)


def _palette(kept: Mapping[str, Any], channels: int) -> NDArray[np.uint8]:
    try:
        colours = np.array(kept["palette.json"]["colours"], np.int64)
        if colours.ndim != 2 or not 2 <= len(colours) <= palettes.LARGEST or colours.shape[1] != channels:
            raise ValueError("shape")
        if colours.min() < 0 or colours.max() > 255:
            raise ValueError("range")
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise DataError("palette.json of this run is damaged.", "Copy it from a backup.") from error
    return colours.astype(np.uint8)
