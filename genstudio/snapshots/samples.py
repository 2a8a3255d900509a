"""What a generator makes: points in the plane, pictures, and histograms of what is thought of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from genstudio.events import Array, Snapshot


@dataclass(frozen=True, slots=True, eq=False)
class Plane(Snapshot):
    """A GAN in the plane: `real` (n, 2) and `fake` (m, 2) points inside `extent` (x0, x1, y0, y1).

    `field` (rows, columns) is the discriminator's opinion in the middles of cells that fill the extent, rows from y0 up: a
    probability of being real where `bounded`, else a critic's score. `mesh` (k, k, 2) is where the generator puts an even
    grid of a two-dimensional latent space, None for others. `arrows` (a, 2) is the way each of the first `a` fakes is pushed by
    the generator's loss: minus its gradient with respect to the point. `scores` (n + m,) is the opinion of each point.
    """

    real: Array
    fake: Array
    extent: tuple[float, float, float, float]
    field: Array
    bounded: bool
    arrows: Array
    mesh: Array | None = None
    scores: Array | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Pictures(Snapshot):
    """Pictures side by side: `pixels` (n, h, w, c) uint8 with c 1 or 3, `labels` (n,) int64 or None with the names of the
    `classes`, and the discriminator's opinion `scores` (n,) where there is one."""

    pixels: Array
    labels: Array | None = None
    classes: tuple[str, ...] = ()
    scores: Array | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Histograms(Snapshot):
    """Counts (bins,) of one or more named quantities over the same `edges` (bins + 1,)."""

    edges: Array
    counts: Mapping[str, Array]
