"""What goes on inside a network: statistics of layers, one forward pass in stages, embeddings, positions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from genstudio.events import Array, Frozen, Held, Snapshot


@dataclass(frozen=True, slots=True, eq=False)
class Distributions(Frozen):
    """Values of several named things, `counts` (names, bins) int64 over shared `edges` (bins + 1,): multiples of each
    thing's root mean square, or log10 of magnitudes where `decades`. The outer bins hold what lies beyond them too.

    At most some thousand evenly spaced values of each thing are counted; `norms` (names,), Euclidean, and `sizes`
    (names,) int64 are of all values.
    """

    names: Annotated[tuple[str, ...], Held("", "names")]
    edges: Annotated[Array, Held("float64", "bins+1")]
    counts: Annotated[Array, Held("int64", "names bins")]
    norms: Annotated[Array, Held("json", "names")]
    sizes: Annotated[Array, Held("int64", "names")]
    decades: bool = False

    def sound(self) -> bool:
        ascending = bool((np.diff(self.edges) > 0).all())
        return bool(self.names) and ascending and not (self.counts < 0).any() and not (self.sizes < 0).any()

    @property
    def rms(self) -> Array:
        """Root mean squares (names,)."""
        return np.asarray(self.norms / np.sqrt(np.maximum(self.sizes, 1)))


@dataclass(frozen=True, slots=True, eq=False)
class LayerStatistics(Snapshot):
    """Activations, weights and gradients of every layer for a text of `tokens` tokens, and its `loss` in nats per token.

    `gradients` is None where nothing was predicted. `dead` (layers,) is the share of hidden units that are exactly 0 at
    every token, NaN where the activation function has no exact 0; `updates` belongs to the names of `weights`: the norm
    of one update over the norm of what it changed, not finite where none was seen or that was 0.
    """

    activations: Distributions
    weights: Distributions
    gradients: Distributions | None
    dead: Annotated[Array, Held("json", "layers")]
    updates: Annotated[Array, Held("json", "weights")]
    tokens: int
    loss: float

    def sound(self) -> bool:
        hidden = sum(name.endswith(" hidden") for name in self.activations.names)
        return len(self.updates) == len(self.weights.names) and len(self.dead) == hidden


@dataclass(frozen=True, slots=True, eq=False)
class Stage(Frozen):
    """One stage of a forward pass. `values` (rows, columns) with names of both, or () where numbers from 1 do; NaN is masked.

    `part` and `stack` say where it is drawn: stages in a row with the same stack are above each other. `op` is what was
    done to reach it from its `sources` (keys). `shape` gives the axes' letters and sizes; `kind` is `signed`, `share`
    (0 to 1) or `magnitude`; `note` is what to see in these numbers; `role` names the colour of what it belongs to.
    """

    key: str
    part: str
    title: str
    op: str
    formula: str
    shape: str
    sentence: str
    values: Array
    rows: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    kind: str = "signed"
    note: str = ""
    role: str = "stream"
    stack: str = ""
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Anatomy(Snapshot):
    """A forward pass of `tokens`, the last ones of a prompt, through one head of one layer (from 0) of a model.

    `left_out` tokens of the prompt came before them; `causal` says whether the model has a look-ahead mask.
    """

    tokens: tuple[str, ...]
    layer: int
    head: int
    layers: int
    heads: int
    causal: bool
    left_out: int
    stages: tuple[Stage, ...]


@dataclass(frozen=True, slots=True, eq=False)
class PositionCode(Snapshot):
    """How a model tells positions apart: `kind` is `learned`, `sinusoidal`, `rotary` or `none`.

    `table` (positions, columns): the vectors that are added, or the cosines of the angles by which pairs are turned;
    `positions` of the `context` ones are in it, the first ones. `similarity` (positions, positions) is the cosine of
    each two (for rotary ones, of a vector of equal numbers turned by both), and `near`, `low`, `high` (positions,) are
    its mean and its 5 and 95 % quantiles over all pairs of each distance.
    """

    kind: str
    base: float
    context: int
    table: Array
    similarity: Array
    near: Array
    low: Array
    high: Array


@dataclass(frozen=True, slots=True, eq=False)
class EmbeddingMap(Snapshot):
    """Vectors as `points` (n, 2), with their `names` and `ids` (n,): of the vocabulary, or positions from 0 in a text whose
    stream is read at the depth `layer` of a model of `layers`.

    `explained` are the shares of the variance along both axes (PCA), or empty (t-SNE); `loss` is t-SNE's divergence in
    nats. `note` says which of `total` vectors these are. `finished` is False while the points still move.
    """

    space: str
    points: Annotated[Array, Held("float32", "n 2")]
    names: Annotated[tuple[str, ...], Held("", "n")]
    ids: Annotated[Array, Held("int64", "n")]
    total: int
    explained: tuple[float, ...] = ()
    loss: float | None = None
    note: str = ""
    finished: bool = True
    layer: int = 0
    layers: int = 0
