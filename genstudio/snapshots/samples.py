"""What a generator makes: points in the plane, pictures, and histograms of what is thought of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np

from genstudio.events import Array, Held, Snapshot


@dataclass(frozen=True, slots=True, eq=False)
class Plane(Snapshot):
    """Points in the plane: `real` (n, 2) and `fake` (m, 2), which a model made, inside `extent` (x0, x1, y0, y1).

    Where there are such: `field` (rows, columns), the model's number for the middles of cells that fill the extent, rows from y0
    up, a probability where `bounded`, else a score around 0; `mesh` (k, k, 2), where it puts an even grid of a two-dimensional
    latent space; `arrows` (a, 2), the way each of the first `a` made points is pushed; `scores` (n + m,), of each point;
    `paths` (p, s, 2), the stages that the first `p` made points came through, the earliest first.
    """

    real: Annotated[Array, Held("float32", "real 2")]
    fake: Annotated[Array, Held("float32", "fake 2")]
    extent: tuple[float, float, float, float]
    field: Annotated[Array | None, Held("float16", "rows columns")] = None
    bounded: bool = True
    arrows: Annotated[Array | None, Held("float16", "arrows 2")] = None
    mesh: Annotated[Array | None, Held("float16", "mesh mesh 2")] = None
    scores: Annotated[Array | None, Held("float16", "real+fake")] = None
    paths: Annotated[Array | None, Held("float16", "paths stages 2")] = None

    def sound(self) -> bool:
        x0, x1, y0, y1 = self.extent
        pushed, walked = (0 if part is None else len(part) for part in (self.arrows, self.paths))
        return bool(np.isfinite(self.extent).all()) and x0 < x1 and y0 < y1 and max(pushed, walked) <= len(self.fake)


@dataclass(frozen=True, slots=True, eq=False)
class Pictures(Snapshot):
    """Pictures side by side: `pixels` (n, h, w, c) uint8 with c 1 or 3, `labels` (n,) int64 or None with the names of the
    `classes`, and the model's `scores` (n,) of them where it has some."""

    pixels: Annotated[Array, Held("uint8", "n height width channels")]
    labels: Annotated[Array | None, Held("int64", "n")] = None
    classes: tuple[str, ...] = ()
    scores: Annotated[Array | None, Held("float16", "n")] = None

    def sound(self) -> bool:
        named = self.labels is None or bool(((self.labels >= -1) & (self.labels < len(self.classes))).all())
        return self.pixels.shape[3] in (1, 3) and named

    @property
    def arrangement(self) -> tuple[int, Literal["", "rows", "columns"]]:
        """How many stand in a row where there are as many of each class as of the others: classes that take turns each have a
        column, those that come one after the other a row; (0, "") where there is no such order."""
        count, labels = len(self.pixels), self.labels
        if labels is None or not count:
            return 0, ""
        classes = len(np.unique(labels))
        if not 1 < classes < count or count % classes:
            return 0, ""
        if (labels.reshape(-1, classes) == labels[:classes]).all():
            return classes, "columns"
        if (labels.reshape(classes, -1) == labels[:: count // classes, None]).all():
            return count // classes, "rows"
        return 0, ""


@dataclass(frozen=True, slots=True, eq=False)
class Growing(Pictures):
    """Pictures that are not finished: shown, but never kept."""


@dataclass(frozen=True, slots=True, eq=False)
class Histograms(Snapshot):
    """Counts (bins,) of one or more named quantities over the same `edges` (bins + 1,)."""

    edges: Annotated[Array, Held("float64", "bins+1")]
    counts: Annotated[Mapping[str, Array], Held("int64", "bins")]

    def sound(self) -> bool:
        return len(self.edges) > 1 and all((count >= 0).all() for count in self.counts.values())


@dataclass(frozen=True, slots=True, eq=False)
class Bars(Snapshot):
    """Named numbers, one below the other: `values` (n,), each with a word in `notes` where there is something to say of it."""

    values: Annotated[Array, Held("float32", "n")]
    names: tuple[str, ...]
    notes: tuple[str, ...] = ()
    unit: str = ""

    def sound(self) -> bool:
        return len(self.names) == len(self.values) and len(self.notes) in (0, len(self.names))


@dataclass(frozen=True, slots=True, eq=False)
class Codes(Snapshot):
    """Real samples in a latent space of `size` numbers: `points` (n, 2) are two of them, whose places from 0 are `axes` (twice
    the same where there is one), with `labels` (n,) among `classes`, or None. Noise is standard normal there."""

    points: Annotated[Array, Held("float32", "n 2")]
    axes: tuple[int, int]
    size: int
    labels: Annotated[Array | None, Held("int64", "n")] = None
    classes: tuple[str, ...] = ()

    def sound(self) -> bool:
        named = self.labels is None or bool(((self.labels >= -1) & (self.labels < len(self.classes))).all())
        return all(0 <= axis < self.size for axis in self.axes) and named
