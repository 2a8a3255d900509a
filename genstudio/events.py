"""What crosses from the engine to whoever watches: frozen, picklable, read-only numpy and strings."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def frozen(array: Array) -> Array:
    """The same array, read-only from now on."""
    array.setflags(write=False)
    return array


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """Values of one number over steps: `steps` (n,) int64 ascending, `values` (n,) float64."""

    steps: Array
    values: Array

    def __post_init__(self) -> None:
        frozen(self.steps)
        frozen(self.values)

    def __len__(self) -> int:
        return len(self.steps)


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """Something to look at, of one step; a newer snapshot of a channel replaces the older."""

    channel: str
    step: int


@dataclass(frozen=True, slots=True, eq=False)
class Text(Snapshot):
    """A prompt and what the model wrote after it."""

    prompt: str
    text: str


@dataclass(frozen=True, slots=True, eq=False)
class Attention(Snapshot):
    """Attention of one text: `weights` (layers, heads, T, T) float32, row = query; `tokens` are T printable pieces."""

    tokens: tuple[str, ...]
    weights: Array

    def __post_init__(self) -> None:
        frozen(self.weights)


@dataclass(frozen=True, slots=True, eq=False)
class AnsweredBy(Snapshot):
    """The model that answers, by its `title`, with those `weights` of it; `unknown` are the positions of characters in the
    prompt that its vocabulary lacks."""

    title: str
    weights: str
    unknown: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class NextTokens(Snapshot):
    """The model's opinion of what comes next: raw `logits` (V,) float32 and each token's printable piece.

    `pieces` is one tuple for all answers with one tokenizer: compare it with `is`, and keep what was made of it.
    `unknown` are the positions of characters in the prompt that the vocabulary lacks; `seen` are the ids in the window,
    which a repetition penalty needs. `weights` says which model answers, and with which of its weights.
    """

    logits: Array
    pieces: tuple[str, ...]
    prompt_pieces: tuple[str, ...] = ()
    unknown: tuple[int, ...] = ()
    seen: tuple[int, ...] = ()
    weights: str = ""

    def __post_init__(self) -> None:
        frozen(self.logits)


@dataclass(frozen=True, slots=True, eq=False)
class Chosen:
    """Tokens, and what the model thought of each where it was chosen.

    `ids` (n,) int32 with their printable `pieces`; `probabilities` (n,) that the sampler gave and drew with; before the
    sampler: `logprobs` (n,) in nats, `ranks` (n,) from 1, `entropies` (n,) in nats, and the likeliest `alternatives` (n, K)
    int32 with `before` and `after` (n, K), their probabilities without and with the sampler; `names` has every piece.
    """

    ids: Array
    pieces: tuple[str, ...]
    probabilities: Array
    logprobs: Array
    ranks: Array
    entropies: Array
    alternatives: Array
    before: Array
    after: Array
    names: Mapping[int, str]

    def __post_init__(self) -> None:
        for array in (self.ids, self.probabilities, self.logprobs, self.ranks, self.entropies):
            frozen(array)
        for array in (self.alternatives, self.before, self.after):
            frozen(array)

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True, eq=False)
class Writing(Snapshot):
    """A continuation so far: `pieces` in order with the `probabilities` (n,) the sampler gave each; `chosen` tells more.

    A piece is the text that its token completes, so it may be empty. With `cut`, the last piece is only the beginning of
    its token's text: a stop text begins in the middle of it.
    """

    prompt: str
    pieces: tuple[str, ...]
    probabilities: Array
    finished: bool = False
    reason: str = ""
    chosen: Chosen | None = None
    cut: bool = False

    def __post_init__(self) -> None:
        frozen(self.probabilities)

    @property
    def text(self) -> str:
        return "".join(self.pieces)


@dataclass(frozen=True, slots=True, eq=False)
class WritingGrid(Snapshot):
    """One seed with several samplers: a Writing for each of `temperatures` (rows) and `top_ps` (columns), row by row."""

    temperatures: tuple[float, ...]
    top_ps: tuple[float, ...]
    cells: tuple[Writing, ...]


@dataclass(frozen=True, slots=True, eq=False)
class BeamTree(Snapshot):
    """The tree of a beam search, its nodes in the order in which they were found: every parent before its children.

    A node is one token after the prompt or after its parent: `parents` (n,) int32 (-1: the prompt), `ids` (n,) int32,
    printable `pieces`, `logprobs` (n,) in nats of this token, `scores` (n,) of the way to it (the sum of its
    log-probabilities, over the length penalty), `depths` (n,) int32 from 1, and `states` (n,) uint8: see `STATES`.
    `best` are the nodes in which the best ways end, the best first; their texts are `texts`. `weights` says who answers.
    """

    prompt: str
    parents: Array
    ids: Array
    pieces: tuple[str, ...]
    logprobs: Array
    scores: Array
    depths: Array
    states: Array
    best: tuple[int, ...]
    texts: tuple[str, ...]
    finished: bool = False
    reason: str = ""
    weights: str = ""

    STATES: ClassVar[tuple[str, ...]] = ("kept", "pruned", "finished", "dropped")
    """kept: was continued, or can be; pruned: was too unlikely when found; finished: ended the text; dropped: was kept
    in its step, but no way through it is left."""

    def __post_init__(self) -> None:
        for array in (self.parents, self.ids, self.logprobs, self.scores, self.depths, self.states):
            frozen(array)


@dataclass(frozen=True, slots=True, eq=False)
class ScoredText(Snapshot):
    """A text as a model foretold it. `tokens` (its sampler is none: `probabilities` are the model's) and where each
    begins in the text, `starts` (n + 1,) int64 in characters.

    Where there is nothing before it, the first token cannot be foretold: its numbers are NaN, its rank 0.
    `nats` is the sum over the `scored` tokens, and `characters` are those of these tokens, without what they leave out.
    `worst` are the positions of the least likely tokens, the worst first; `unknown` those of characters that the
    vocabulary lacks. `weights` says who answers.
    """

    text: str
    tokens: Chosen
    starts: Array
    nats: float
    scored: int
    characters: int
    worst: tuple[int, ...]
    unknown: tuple[int, ...] = ()
    weights: str = ""

    def __post_init__(self) -> None:
        frozen(self.starts)

    @property
    def perplexity(self) -> float:
        """exp of the mean nats per token."""
        return math.exp(min(self.nats / max(self.scored, 1), 700.0))

    @property
    def bits_per_character(self) -> float:
        return self.nats / math.log(2) / max(self.characters, 1)


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

    def __post_init__(self) -> None:
        for array in (self.real, self.fake, self.field, self.arrows, self.mesh, self.scores):
            if array is not None:
                frozen(array)


@dataclass(frozen=True, slots=True, eq=False)
class Pictures(Snapshot):
    """Pictures side by side: `pixels` (n, h, w, c) uint8 with c 1 or 3, `labels` (n,) int64 or None with the names of the
    `classes`, and the discriminator's opinion `scores` (n,) where there is one."""

    pixels: Array
    labels: Array | None = None
    classes: tuple[str, ...] = ()
    scores: Array | None = None

    def __post_init__(self) -> None:
        for array in (self.pixels, self.labels, self.scores):
            if array is not None:
                frozen(array)


@dataclass(frozen=True, slots=True, eq=False)
class Histograms(Snapshot):
    """Counts (bins,) of one or more named quantities over the same `edges` (bins + 1,)."""

    edges: Array
    counts: Mapping[str, Array]

    def __post_init__(self) -> None:
        frozen(self.edges)
        for array in self.counts.values():
            frozen(array)


@dataclass(frozen=True, slots=True, eq=False)
class Distributions:
    """Values of several named things, `counts` (names, bins) int64 over shared `edges` (bins + 1,): multiples of each
    thing's root mean square, or log10 of magnitudes where `decades`. The outer bins hold what lies beyond them too.

    At most some thousand evenly spaced values of each thing are counted; `norms` (names,), Euclidean, and `sizes`
    (names,) int64 are of all values.
    """

    names: tuple[str, ...]
    edges: Array
    counts: Array
    norms: Array
    sizes: Array
    decades: bool = False

    def __post_init__(self) -> None:
        for array in (self.edges, self.counts, self.norms, self.sizes):
            frozen(array)

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
    dead: Array
    updates: Array
    tokens: int
    loss: float

    def __post_init__(self) -> None:
        frozen(self.dead)
        frozen(self.updates)


@dataclass(frozen=True, slots=True, eq=False)
class Stage:
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

    def __post_init__(self) -> None:
        frozen(self.values)


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

    def __post_init__(self) -> None:
        for array in (self.table, self.similarity, self.near, self.low, self.high):
            frozen(array)


@dataclass(frozen=True, slots=True, eq=False)
class EmbeddingMap(Snapshot):
    """Vectors as `points` (n, 2), with their `names` and `ids` (n,): of the vocabulary, or positions from 0 in a text whose
    stream is read at the depth `layer` of a model of `layers`.

    `explained` are the shares of the variance along both axes (PCA), or empty (t-SNE); `loss` is t-SNE's divergence in
    nats. `note` says which of `total` vectors these are. `finished` is False while the points still move.
    """

    space: str
    points: Array
    names: tuple[str, ...]
    ids: Array
    total: int
    explained: tuple[float, ...] = ()
    loss: float | None = None
    note: str = ""
    finished: bool = True
    layer: int = 0
    layers: int = 0

    def __post_init__(self) -> None:
        frozen(self.points)
        frozen(self.ids)


@dataclass(frozen=True, slots=True, eq=False)
class Answer(Snapshot):
    """The result of a task that computes one thing; `value` is plain data (numbers, strings, tuples, frozen dataclasses)."""

    value: Any


@dataclass(frozen=True, slots=True)
class Notice:
    """A mark on the time axis and a sentence: kind is `saved`, `best`, `changed`, `warning`, `info` or `done`."""

    step: int
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Advice:
    """What to try, in words, and the settings that do it; none where a person has to do something else."""

    text: str
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Something that goes wrong since `step`, in words: the `sentence` says what, `rule` when that is said, `evidence` the
    numbers it was said on. `severity` is `warning` or `error`. `until` is the step at which it was over, None before.
    """

    name: str
    title: str
    step: int
    sentence: str
    rule: str
    evidence: Mapping[str, float]
    advice: tuple[Advice, ...] = ()
    severity: str = "warning"
    until: int | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a task is. `done` in [0, 1] or None where the end is not known; `remaining` in seconds; `note` says what
    holds it up."""

    text: str = ""
    done: float | None = None
    step: int = 0
    total: int | None = None
    remaining: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """Everything that happened in one slice of time: all numbers, the newest snapshot of each channel.

    `halt` is empty, or says why the task waits until a person has acted: it is then paused, nothing is lost.
    """

    series: Mapping[str, Series] = field(default_factory=dict)
    snapshots: tuple[Snapshot, ...] = ()
    notices: tuple[Notice, ...] = ()
    progress: Progress | None = None
    halt: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Heads(Snapshot):
    """All heads over one text: `small` (layers, heads, s, s) float16 holds the largest weight of each patch of `patch`
    tokens, row = query; `descriptors` (layers, heads, 5) are the columns of `inspection.heads`, `labels` the same in words.

    `tokens` are the T that the model saw, `skipped` how many before them it did not; `looked` names what was computed, so
    that parts of it can be asked for. `row_error` and `leak` are the largest distance of a row's sum from 1, and the
    largest weight where the mask forbids any. `causal`: there is a mask. `seconds` it took: (forward pass, the rest).
    Only the first `read` layers are there yet.
    """

    tokens: tuple[str, ...]
    skipped: int
    small: Array
    patch: int
    descriptors: Array
    labels: tuple[tuple[str, ...], ...]
    causal: bool
    row_error: float
    leak: float
    looked: int
    seconds: tuple[float, float]
    read: int

    def __post_init__(self) -> None:
        frozen(self.small)
        frozen(self.descriptors)


@dataclass(frozen=True, slots=True, eq=False)
class HeadMap(Snapshot):
    """A rectangle of one attention map: `weights` (r, c) float16 are the largest of patches of `patch` tokens of the
    queries from `row` and the keys from `column` on; `title` says of what, `which` is what was asked for."""

    title: str
    which: Any
    row: int
    column: int
    patch: int
    weights: Array
    mass: float
    row_error: float
    leak: float
    looked: int

    def __post_init__(self) -> None:
        frozen(self.weights)


@dataclass(frozen=True, slots=True, eq=False)
class Lens(Snapshot):
    """What each depth would say next, at P places of a text from `first` on: `top` and `chances` (layers + 1, P, K), ids
    from the likeliest on and their probabilities; the `rank` (from 1) and `chance` (layers + 1, P) of the token that really
    follows, 0 and NaN after the last; `names` has every piece.

    `tokens` are all that the model saw, `skipped` how many before them it did not; `looked` names what was read, so that
    other places of it can be asked for.
    """

    tokens: tuple[str, ...]
    first: int
    top: Array
    chances: Array
    rank: Array
    chance: Array
    names: Mapping[int, str]
    skipped: int = 0
    looked: int = 0

    def __post_init__(self) -> None:
        for array in (self.top, self.chances, self.rank, self.chance):
            frozen(array)


@dataclass(frozen=True, slots=True, eq=False)
class Saliency(Snapshot):
    """What each of the `tokens` before `position` did for the log-probability of `target` there: one signed `score` (T,)
    by `method`, "leave one out" or "gradient". `choices` are likely targets (id, piece, probability)."""

    tokens: tuple[str, ...]
    position: int
    score: Array
    target: int
    target_piece: str
    logprob: float
    choices: tuple[tuple[int, str, float], ...]
    method: str = "leave one out"

    def __post_init__(self) -> None:
        frozen(self.score)


@dataclass(frozen=True, slots=True, eq=False)
class Knocked(Snapshot):
    """A model as it is, and with parts switched off. `tokens` (T) were read; `losses` are two (T - 1,) in nats of each token
    after the first; `chances` two (V,) of the next token; `written` the two continuations."""

    tokens: tuple[str, ...]
    losses: tuple[Array, Array]
    chances: tuple[Array, Array]
    pieces: tuple[str, ...]
    written: tuple[str, str]
    shape: tuple[int, int]
    off: Any

    def __post_init__(self) -> None:
        for array in (*self.losses, *self.chances):
            frozen(array)


@dataclass(frozen=True, slots=True, eq=False)
class Induction(Snapshot):
    """A probe with random tokens, repeated: prefix-matching `scores` (layers, heads); `losses` (2 n - 1,) in nats of each
    token after the first, by place; `period` n; `even` is the score of a head that looks everywhere alike."""

    scores: Array
    losses: Array
    period: int
    texts: int
    even: float

    def __post_init__(self) -> None:
        frozen(self.scores)
        frozen(self.losses)
