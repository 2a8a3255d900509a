"""A small dense network with every number, and what happens from layer to layer of a deep one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from genstudio.events import Array, Held, Snapshot


@dataclass(frozen=True, slots=True, eq=False)
class NetworkState(Snapshot):
    """A dense network of `sizes`, the inputs first: its `weights`, layer by layer and row by row, and `biases`, with the slopes
    of the mean loss of the last batch by each.

    `inputs` (examples, columns) are rows as the network reads them: (dataset - `mean`) / `scale`; `labels` index `classes`;
    `held` says which were kept from training. `picture` is height, width and channels where a row is one. Where a row has two
    columns and more, `extent` (x0, x1, y0, y1) is where the first two lie in the dataset, and `field` (classes, rows, cells) the
    probability of each class in the middles of cells that fill it, rows from y0 up, the other columns at their mean.
    """

    sizes: tuple[int, ...]
    activation: str
    loss: str
    weights: Annotated[Array, Held("float32", "weights")]
    biases: Annotated[Array, Held("float32", "biases")]
    weight_slopes: Annotated[Array, Held("float32", "weights")]
    bias_slopes: Annotated[Array, Held("float32", "biases")]
    inputs: Annotated[Array, Held("float32", "examples columns")]
    labels: Annotated[Array, Held("int64", "examples")]
    held: Annotated[Array, Held("bool", "examples")]
    mean: Annotated[Array, Held("float32", "columns")]
    scale: Annotated[Array, Held("float32", "columns")]
    columns: Annotated[tuple[str, ...], Held("", "columns")]
    classes: tuple[str, ...]
    picture: tuple[int, int, int] | None = None
    extent: tuple[float, float, float, float] | None = None
    field: Annotated[Array | None, Held("float16", "kinds rows cells")] = None

    def sound(self) -> bool:
        pairs = list(zip(self.sizes[:-1], self.sizes[1:], strict=True))
        fits = len(self.sizes) > 1 and min(self.sizes) > 0 and self.sizes[0] == len(self.columns)
        fits = fits and sum(a * b for a, b in pairs) == len(self.weights) and sum(self.sizes[1:]) == len(self.biases)
        fits = fits and bool(((self.labels >= 0) & (self.labels < len(self.classes))).all())
        outputs = 1 if len(self.classes) == 2 else len(self.classes)
        known = self.field is None or (self.extent is not None and len(self.field) == len(self.classes))
        placed = self.extent is None or (self.extent[0] < self.extent[1] and self.extent[2] < self.extent[3])
        return fits and self.sizes[-1] == outputs and known and placed and bool(np.isfinite(self.scale).all())


@dataclass(frozen=True, slots=True, eq=False)
class Depth(Snapshot):
    """Layer by layer: by how much a neuron's answers differ from example to example (`signals`: their standard deviation, root
    mean square over the neurons), the root mean square of dC/dz (`slopes`), and the share
    of neurons that are `saturated`, or dead: their own slope is below a twentieth of its largest."""

    signals: Annotated[Array, Held("json", "layers")]
    slopes: Annotated[Array, Held("json", "layers")]
    saturated: Annotated[Array, Held("json", "layers")]
