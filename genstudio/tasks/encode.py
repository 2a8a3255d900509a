"""A picture of one's own through a model: where it lies in the latent space, and what the model makes of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from genstudio.data.importing import pool
from genstudio.errors import DataError
from genstudio.events import Array, Frame, Frozen, Progress
from genstudio.families.abilities import Encodes, Reconstructs
from genstudio.tasks.models import ModelRef, Models
from genstudio.tasks.task import Frames

_LARGEST = 100_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Encoded(Frozen):
    """A `sample` (h, w, c) uint8, its `copy` by the weights of `step`, and its `latent` (size,)."""

    sample: Array
    copy: Array
    latent: Array
    step: int

    @property
    def error(self) -> float:
        """Root mean square difference of the pixels, 0 to 255."""
        return float(np.sqrt(np.square(self.sample.astype(np.float64) - self.copy).mean()))


@dataclass(frozen=True)
class EncodePicture:
    """Returns an Encoded of the picture in a file, cut and scaled to the size of those that the model learnt from.

    Raises DataError for a file that is no picture, and for a model of points.
    """

    model: ModelRef
    path: str

    def run(self, models: Models) -> Frames[Encoded]:
        yield Frame(progress=Progress("Opening the model"))
        opened = models.open(self.model, Encodes)
        again = models.open(self.model, Reconstructs)
        shape = opened.model.data.shape
        if shape.kind != "images":
            raise DataError("This model was trained on points, not on pictures.", "Choose a model that was trained on "
                "pictures.")
        sample = yield from decoded(Path(self.path), (shape.width, shape.height), shape.channels)
        yield Frame(progress=Progress("Encoding"))
        latent, copy = opened.model.encode(sample[None])[0], again.model.reconstruct(sample[None])[0]
        return Encoded(sample, copy, np.asarray(latent, np.float32), opened.step)


def decoded(path: Path, size: tuple[int, int], channels: int) -> Frames[Array]:
    """The picture in a file (h, w, channels), decoded in another process: a damaged one ends there."""
    try:
        with path.open("rb") as file:
            raw = file.read(_LARGEST + 1)
    except OSError as error:
        raise DataError(f"'{path.name}' cannot be read: {error.strerror}.", "Choose another file.", path) from None
    if len(raw) > _LARGEST:
        raise DataError(f"'{path.name}' is larger than {_LARGEST // 1_000_000} MB.", "Choose a smaller picture.", path)
    with pool.Decoders[str](1, size, "crop", channels == 1) as decoders:
        for answer in decoders.run(iter([(path.name, [raw])])):
            if answer is None:
                yield Frame(progress=Progress("Reading the picture"))
                continue
            (found,) = answer[2]
            if isinstance(found, str):
                raise DataError(f"'{path.name}' {found}.", "Choose another picture.", path)
            return np.broadcast_to(found.pixels, (*found.pixels.shape[:2], channels)).copy()
    raise DataError(f"'{path.name}' could not be decoded.", "Choose another picture.", path)
