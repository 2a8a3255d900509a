"""Texts as a model reads and writes them: continuations, next tokens, beam trees, scores."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from genstudio.events import Array, Frozen, Snapshot


@dataclass(frozen=True, slots=True, eq=False)
class Text(Snapshot):
    """A prompt and what the model wrote after it; `unknown` are the characters that were left out of the prompt, each once,
    because the vocabulary lacks them."""

    prompt: str
    text: str
    unknown: str = ""


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
    which a repetition penalty needs. `weights` says which model answers, and with which of its weights. Where counts have a
    part in it, `parts` are the probabilities (V,) of the network and of the counts, and the share of the counts.
    """

    logits: Array
    pieces: tuple[str, ...]
    prompt_pieces: tuple[str, ...] = ()
    unknown: tuple[int, ...] = ()
    seen: tuple[int, ...] = ()
    weights: str = ""
    parts: tuple[Array, Array, float] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Chosen(Frozen):
    """Tokens, and what the model thought of each where it was chosen.

    `ids` (n,) int32 with their printable `pieces`; `probabilities` (n,) that the sampler gave and drew with; before the
    sampler: `logprobs` (n,) in nats, `ranks` (n,) from 1, `entropies` (n,) in nats, and the most probable `alternatives` (n, K)
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


@dataclass(frozen=True, slots=True, eq=False)
class ScoredText(Snapshot):
    """A text as a model predicted it. `tokens` (its sampler is none: `probabilities` are the model's) and where each
    begins in the text, `starts` (n + 1,) int64 in characters.

    Where there is nothing before it, the first token cannot be predicted: its numbers are NaN, its rank 0.
    `nats` is the sum over the `scored` tokens, and `characters` are those of these tokens, without what they leave out.
    `worst` are the positions of the least likely tokens, the worst first; `unknown` those of characters that the
    vocabulary lacks. `weights` says who answers. Where counts have a part in the model, `counts` (n,) is the share of each
    token's probability that they gave.
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
    counts: Array | None = None

    @property
    def perplexity(self) -> float:
        """exp of the mean nats per token."""
        return math.exp(min(self.nats / max(self.scored, 1), 700.0))

    @property
    def bits_per_character(self) -> float:
        return self.nats / math.log(2) / max(self.characters, 1)
