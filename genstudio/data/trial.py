"""A few pictures of a dataset as other settings would make them, beside what they are made from."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from genstudio.data.datasets import ImageDataset
from genstudio.data.images import PictureSettings
from genstudio.data.importing import decode, pictures, stored

Pixels = NDArray[np.uint8]
_LARGEST = 512


def try_pictures(dataset: ImageDataset, settings: PictureSettings, count: int = 8) -> list[tuple[Pixels, Pixels]]:
    """Pairs of an original (h, w, c) and what `settings` make of it, of the first `count` pictures.

    Raises DataError where the originals cannot be read.
    """
    high, wide = dataset.pixels.shape[1:3]
    target = (settings.size, settings.size) if settings.size else (wide, high)
    info, found = dataset.info, []
    if info.origin == "imported" and info.details.get("originals") == "encoded":
        how = pictures.decode_settings(settings, target, settings.limits or stored.limits(info))
        for item in itertools.islice(stored.encoded(info), count):
            before = decode.decode(item.raw, _shown(item.raw), "stretch", False, *how[3:]).pixels
            found.append((before, decode.decode(item.raw, *how).pixels))
        return found
    kept = info.origin == "imported" and info.details.get("originals") == "array"
    pixels = stored.original_pixels(info) if kept else dataset.pixels
    return [(picture, _made(picture, target, settings)) for picture in pixels[:count]]


def _shown(raw: bytes) -> tuple[int, int] | None:
    """The picture's own size, made smaller where it is larger than it will be shown."""
    width, height = decode.measure(raw) or (1, 1)
    share = _LARGEST / max(width, height)
    return None if share >= 1 else (max(1, round(width * share)), max(1, round(height * share)))


def _made(picture: Pixels, target: tuple[int, int], settings: PictureSettings) -> Pixels:
    image = Image.fromarray(picture[..., 0] if picture.shape[2] == 1 else picture)
    image = image.convert("L") if settings.grey else image
    made = np.asarray(image if image.size == target else decode.fitted(image, target, settings.fit), np.uint8)
    return made[..., None] if made.ndim == 2 else made
