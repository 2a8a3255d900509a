"""Pictures of which a part is given, completed pixel by pixel; and what a model knows of one pixel."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from genstudio.errors import DataError
from genstudio.events import Array, Frame, Frozen, Progress
from genstudio.families.abilities import Completes
from genstudio.runs import Run
from genstudio.sampling.choose import SamplingOptions
from genstudio.snapshots.samples import Growing
from genstudio.tasks.encode import decoded
from genstudio.tasks.models import ModelRef, Models
from genstudio.tasks.task import Frames

KEEP: Mapping[str, float] = {"nothing": 0.0, "quarter": 0.25, "half": 0.5, "three-quarters": 0.75}
"""Upper parts of a picture that can be given, as shares of its rows."""
SLICE = 0.03
"""Seconds after which others take their turn."""
_ROWS, _MOST = 100, 100_000


@dataclass(frozen=True, slots=True, eq=False)
class Completions(Frozen):
    """Pictures `pixels` (n, h, w, c) uint8 that continue `given` (h, w, c), of which the pixels that are True in `keep` (h, w)
    were given, by the weights of `step`; `bits` (n, h, w) is what each pixel took, as the model without a sampler sees it.
    `palette` (k, c) are the colours that it chooses from. `index` is that of a held-out picture, -1 for another."""

    pixels: Array
    bits: Array
    given: Array
    keep: Array
    palette: Array
    step: int
    index: int = -1


@dataclass(frozen=True)
class Complete:
    """Complete a picture `count` times, by numbers that depend on `seed` alone.

    It is the picture in the file at `path`, cut and scaled to the size of those that the model learnt from; a `drawn` one
    (h, w, c); else the held-out one at this `place` of them, counted from 0, over and over. `keep` says which upper part of it
    is given; `mask` (h, w) is True for the pixels that are, instead. Frames carry `Growing` pictures on the channel
    `completions`. Raises DataError, ConfigError.
    """

    model: ModelRef
    path: str = ""
    place: int = 0
    keep: str = "half"
    count: int = 9
    seed: int = 0
    options: SamplingOptions = field(default_factory=SamplingOptions)
    drawn: Array | None = field(default=None, hash=False, compare=False)
    mask: Array | None = field(default=None, hash=False, compare=False)

    def run(self, models: Models) -> Frames[Completions]:
        if self.keep not in KEEP:
            raise DataError(f"Unknown part of a picture: '{self.keep}'.", f"Choose {', '.join(KEEP)}.")
        if not 1 <= self.count <= _MOST:
            raise DataError(f"{self.count} is not a valid number of pictures.", f"Ask for 1 to {_MOST:,}.")
        self.options.check()
        if self.model.which != "live":
            yield Frame(progress=Progress("Opening the model"))
        opened = models.open(self.model, Completes)
        model, shape, index = opened.model, opened.model.data.shape, -1
        if self.path:
            given = yield from decoded(Path(self.path), (shape.width, shape.height), shape.channels)
        elif self.drawn is not None:
            given = np.asarray(self.drawn, np.uint8)
        elif KEEP[self.keep] or self.mask is not None:
            model = yield from opened.with_data(Run.open(self.model.run))
            index, given = _held_out(model, self.place)
        else:
            given = np.zeros((shape.height, shape.width, shape.channels), np.uint8)
        keep = np.zeros((shape.height, shape.width), bool)
        keep[: round(shape.height * KEEP[self.keep])] = True
        keep = keep if self.mask is None else np.asarray(self.mask, bool)
        latents = model.noise(self.count, self.seed)
        pixels: list[Array] = []
        bits: list[Array] = []
        began = time.monotonic()
        for first in range(0, self.count, _ROWS):
            part, made = latents[first : first + _ROWS], None
            for made in model.complete(np.repeat(given[None], len(part), 0), keep, part, self.options):
                if time.monotonic() - began > SLICE:
                    done = (first + len(part) * made.done) / self.count
                    grown = Growing("completions", opened.step, np.concatenate([*pixels, made.samples]))
                    yield Frame(snapshots=(grown,), progress=Progress("Completing", done))
                    began = time.monotonic()
            assert made is not None
            pixels.append(made.samples)
            bits.append(made.bits)
        whole = np.concatenate(pixels)
        shown = np.where(keep[..., None], whole[0], given)
        return Completions(whole, np.concatenate(bits), shown, keep, model.palette.copy(), opened.step, index)


@dataclass(frozen=True, slots=True, eq=False)
class PixelReport(Frozen):
    """What a model knows of pixel `at`, in reading order, of a picture, by the weights of `step`: `probabilities` (k,) of the
    colours of the `palette` (k, c), the number of the one that is there (`chosen`), and where each head looks,
    `attention` (layers, heads, h, w), NaN where it cannot look yet. `bits` (h, w) and `entropy` (h, w) of all pixels."""

    at: int
    probabilities: Array
    palette: Array
    chosen: int
    attention: Array
    bits: Array
    entropy: Array
    step: int


@dataclass(frozen=True)
class InspectPixel:
    """Look at pixel `at`, in reading order, of a `picture` (h, w, c) uint8 of the size that the model learnt from.

    Raises DataError."""

    model: ModelRef
    at: int
    picture: Array = field(hash=False, compare=False)
    quiet = True

    def run(self, models: Models) -> Frames[PixelReport]:
        opened = models.open(self.model, Completes)
        model = opened.model
        high, wide = model.data.shape.height, model.data.shape.width
        if not 0 <= self.at < high * wide:
            raise DataError(f"There is no pixel {self.at}.", f"Choose 0 to {high * wide - 1}.")
        found = model.predictions(self.picture[None])[0].astype(np.float64)
        yield Frame()
        colours = np.square(self.picture.astype(np.int64)[..., None, :] - model.palette.astype(np.int64)).sum(-1).argmin(-1)
        safe = np.maximum(found, 1e-30)
        bits = -np.log2(np.take_along_axis(safe, colours[..., None], -1)[..., 0])
        row, column = divmod(self.at, wide)
        attention = model.attention(self.picture, self.at)
        return PixelReport(
            self.at, found[row, column].astype(np.float32), model.palette.copy(), int(colours[row, column]), attention,
            bits.astype(np.float32), -(found * np.log2(safe)).sum(-1).astype(np.float32), opened.step,
        )  # fmt: skip


def _held_out(model: Completes, place: int) -> tuple[int, Array]:
    data = model.data
    if not len(data.held):
        raise DataError("No pictures were held out of this training.", "Give a picture of your own.")
    index = int(data.held[place % len(data.held)])
    return index, data.real[index]
