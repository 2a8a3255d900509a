"""A batch as a person can look at it: the numbers that a model is fed, and what they mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from genstudio.events import Array, Frozen


@dataclass(frozen=True, slots=True, eq=False)
class TokenBatch(Frozen):
    """Token ids that a model is shown, and those it must predict: `inputs` and `targets` (accumulation, batch, T) int64.

    `pieces` is the text of every id that occurs. `causal`: at each position the model sees that and earlier ones only.
    `unknown` is the id of `<unk>`, where there is one. `chosen` are the positions that it must name, None where it is all.
    `says` is what the rows are, where a target is not the next token.
    """

    inputs: Array
    targets: Array
    pieces: Mapping[int, str]
    causal: bool = True
    unknown: int | None = None
    chosen: Array | None = None
    says: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class PictureBatch(Frozen):
    """Pictures as a network is fed them: `pixels` (n, h, w, c) float32 within `low` and `high`, c 1 or 3.

    Black is `low` and white is `high`. `labels` (n,) int64 index `classes`; None where pictures have no class. `captions` (n) are
    the texts that belong to them, where there are some.
    """

    pixels: Array
    labels: Array | None = None
    classes: tuple[str, ...] = ()
    low: float = -1.0
    high: float = 1.0
    captions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class PointBatch(Frozen):
    """Points of the plane as a network is fed them: `points` (n, 2) float32 = (dataset - `mean`) / `scale`.

    `mean` and `scale` are those of x and of y, in the dataset's own units.
    """

    points: Array
    mean: tuple[float, float] = (0.0, 0.0)
    scale: tuple[float, float] = (1.0, 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class RowBatch(Frozen):
    """Rows of numbers as a network is fed them: `inputs` (n, d) float32 under the names of `columns`, `labels` (n,) int64 index
    `classes`."""

    inputs: Array
    labels: Array
    columns: tuple[str, ...]
    classes: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class SoundBatch(Frozen):
    """Pieces of sound as a network is fed them: `waves` (n, T) float32, `rate` of whose samples make a second; of row i the
    first `lengths[i]` are no padding. `texts` (n) are what is spoken, where that is to be learned. `hidden` (n, N) are the
    frames, `hop` samples apart, that it does not see and must name; None where it sees everything."""

    waves: Array
    lengths: Array
    rate: int
    texts: tuple[str, ...] = ()
    hidden: Array | None = None
    hop: int = 0


Batch = TokenBatch | PictureBatch | PointBatch | RowBatch | SoundBatch
