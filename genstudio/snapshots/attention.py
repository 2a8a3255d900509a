"""Who attends to whom, and what follows from it: attention maps, lenses, saliency, ablation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from genstudio.events import Array, Held, Snapshot


@dataclass(frozen=True, slots=True, eq=False)
class Attention(Snapshot):
    """Attention over one text: `weights` (layers, heads, Q, K) float32, row = query; `tokens` are the K printable pieces
    that are looked at, `queries` the Q that look, where these are others."""

    tokens: Annotated[tuple[str, ...], Held("", "keys")]
    weights: Annotated[Array, Held("float16", "layers heads queries keys")]
    queries: tuple[str, ...] = ()

    def sound(self) -> bool:
        return len(self.queries or self.tokens) == self.weights.shape[2]


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


@dataclass(frozen=True, slots=True, eq=False)
class Lens(Snapshot):
    """What each depth would say next, at P places of a text from `first` on: `top` and `chances` (layers + 1, P, K), ids
    from the most probable on and their probabilities; the `rank` (from 1) and `chance` (layers + 1, P) of the token that really
    follows, 0 and NaN after the last; `names` has every piece.

    `tokens` are all that the model saw, `skipped` how many before them it did not; `looked` names what was read, so that
    other places of it can be asked for. `here`: of a model that fills gaps, what it would say at each place and not after it.
    `of_encoder`: the depths are those of an encoder, as its decoder reads them; the text is what that writes.
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
    here: bool = False
    of_encoder: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Saliency(Snapshot):
    """What each of the `tokens` before `position` did for the log-probability of `target` there: one signed `score` (T,)
    by `method`, "leave one out" or "gradient". `choices` are likely targets (id, piece, probability). `both`: of a model that
    fills gaps, `score` is that of every token, on both sides of the gap. `of_source`: the tokens are those of a source that is
    translated."""

    tokens: tuple[str, ...]
    position: int
    score: Array
    target: int
    target_piece: str
    logprob: float
    choices: tuple[tuple[int, str, float], ...]
    method: str = "leave one out"
    both: bool = False
    of_source: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class AblationResult(Snapshot):
    """A model as it is, and with parts switched off. `tokens` (T) were read; `losses` are two (T - 1,) in nats of each token
    after the first; `chances` two (V,) of the next token; `written` the two continuations. `source` are the tokens (S) that can
    be hidden where parts of an encoder are off.

    Of a model that fills gaps, each token is hidden in turn, and the loss of a gap is NaN; `chances` are those of the token
    at `gap`, and the text is written with its gaps filled."""

    tokens: tuple[str, ...]
    losses: tuple[Array, Array]
    chances: tuple[Array, Array]
    pieces: tuple[str, ...]
    written: tuple[str, str]
    shape: tuple[int, int]
    off: Any
    source: tuple[str, ...] = ()
    gap: int = -1


@dataclass(frozen=True, slots=True, eq=False)
class Induction(Snapshot):
    """A probe with random tokens, repeated: prefix-matching `scores` (layers, heads); `losses` (2 n - 1,) in nats of each
    token after the first, by place; `period` n; `even` is the score of a head that looks everywhere alike."""

    scores: Array
    losses: Array
    period: int
    texts: int
    even: float
