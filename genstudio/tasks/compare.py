"""Two models with one text: their work in turns, and what differs between them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, Protocol

import numpy as np

from genstudio.events import Array, Frame, Frozen, Progress
from genstudio.families.abilities import Reads, Traces
from genstudio.sampling.choose import entropy, softmax
from genstudio.snapshots.attention import Attention
from genstudio.snapshots.text import AnsweredBy, NextTokens
from genstudio.tasks.models import ModelRef, Models, Opened
from genstudio.tasks.prompt import Prompt, encode, text_of
from genstudio.tasks.task import Frames, Quiet, R_co, Task

SIDES = ("a", "b")


@dataclass(frozen=True)
class AttentionTo(Quiet):
    """Attention of all layers and heads over the last tokens of a text, at most `limit`, and so few that all weights
    together are about `entries` at most."""

    model: ModelRef
    prompt: Prompt
    limit: int = 64
    entries: int = 500_000

    def run(self, models: Models) -> Frames[Attention]:
        yield from ()
        from genstudio.inspection.trace import attention

        opened = models.open(self.model, Traces)
        model = opened.transformer
        ids = encode(opened.tokenizer, self.prompt).ids
        fit = math.isqrt(self.entries // (model.architecture.layers * model.architecture.heads))
        ids = ids[-min(self.limit, model.context, max(fit, 8)) :]
        return Attention("attention", opened.step, opened.tokenizer.pieces(ids), attention(model, ids))


class OfModel(Task[R_co], Protocol[R_co]):
    """A task that asks one model."""

    @property
    def model(self) -> ModelRef:
        """Which one."""


@dataclass(frozen=True)
class Both(Generic[R_co]):
    """A task of the Playground with its model and with another one, in turns; returns what both return.

    The channels of their snapshots begin with `a/` and `b/`; first comes an AnsweredBy of each. Tokens that
    one model wrote are read as text by a model with another tokenizer.
    """

    task: OfModel[R_co]
    other: ModelRef

    @property
    def quiet(self) -> bool:
        return getattr(self.task, "quiet", False)

    def run(self, models: Models) -> Frames[tuple[R_co, R_co]]:
        yield Frame(progress=Progress("Opening the models"))
        opened = models.open(self.task.model, Reads), models.open(self.other, Reads)
        task: Any = self.task
        other = replace(task, model=self.other)
        if not same_tokenizer(*opened) and hasattr(other, "prompt"):
            other = replace(other, prompt=(text_of(other.prompt),))
        named = (
            AnsweredBy(f"{side}/model", one.step, one.title, one.words) for side, one in zip(SIDES, opened, strict=True)
        )
        yield Frame(snapshots=tuple(named))
        same = opened[0] is opened[1]  # read twice, its last digits would depend on what it remembers
        jobs: dict[str, Frames[R_co]] = {side: asked.run(models) for side, asked in zip(SIDES, (task, other), strict=True)}
        if same:
            del jobs["b"]
        found: dict[str, R_co] = {}
        try:
            while len(found) < len(jobs):
                for side in [one for one in jobs if one not in found]:
                    try:
                        frame = next(jobs[side])
                    except StopIteration as end:
                        found[side] = end.value
                    else:
                        yield from (_of(one, frame) for one in (SIDES if same else (side,)))
        finally:
            for job in jobs.values():
                job.close()
        return found["a"], found["a" if same else "b"]


def same_tokenizer(a: Opened[Reads], b: Opened[Reads]) -> bool:
    """Whether both models cut a text into the same tokens."""
    return a.tokenizer is b.tokenizer or bool(a.tokenizer.to_json() == b.tokenizer.to_json())


def _of(side: str, frame: Frame) -> Frame:
    named = tuple(replace(snapshot, channel=f"{side}/{snapshot.channel}") for snapshot in frame.snapshots)
    return replace(frame, snapshots=named)


@dataclass(frozen=True, slots=True, eq=False)
class Paired(Frozen):
    """What two models expect next. `pieces` (n,) are the most probable of either, by the larger probability, with the
    probabilities `a` and `b` (n,): of a token where the vocabularies are the same (`shared`), else of all tokens that
    show this piece of text; NaN where a vocabulary has no such piece. Entropies and the Jensen-Shannon divergence (Lin
    1991) are over everything, in bits; the divergence lies between 0 (the same) and 1 (nothing in common).
    """

    pieces: tuple[str, ...]
    a: Array
    b: Array
    shared: bool
    entropy_a: float
    entropy_b: float
    divergence: float


def paired(a: NextTokens, b: NextTokens, count: int = 12) -> Paired:
    """The most probable next tokens of two models side by side. Raises ValueError for logits that are not finite."""
    p, q = _probabilities(a.logits), _probabilities(b.logits)
    shared = a.pieces is b.pieces or a.pieces == b.pieces
    entropies = float(entropy(p)), float(entropy(q))
    pieces: Sequence[str] = a.pieces
    missing_p = missing_q = np.zeros(len(p), bool)
    if not shared:
        pieces = tuple(dict.fromkeys((*a.pieces, *b.pieces)))
        place = {piece: index for index, piece in enumerate(pieces)}
        (p, missing_p), (q, missing_q) = (_by_piece(side, some.pieces, place) for side, some in ((p, a), (q, b)))
    top = np.argsort(-np.maximum(p, q), kind="stable")[:count]
    return Paired(
        tuple(pieces[index] for index in top),
        np.where(missing_p, np.nan, p)[top],
        np.where(missing_q, np.nan, q)[top],
        shared,
        *entropies,
        divergence(p, q),
    )


def divergence(p: Array, q: Array) -> float:
    """Jensen-Shannon divergence of probabilities (n,) and (n,), in bits."""
    middle = (p + q) / 2

    def to_middle(one: Array) -> float:
        kept = one > 0
        return float((one[kept] * np.log2(one[kept] / middle[kept])).sum())

    return min(max((to_middle(p) + to_middle(q)) / 2, 0.0), 1.0)


def first_difference(a: Sequence[str], b: Sequence[str]) -> int | None:
    """Where two texts in pieces begin to differ, in characters; None where one goes on as the other does so far."""
    one, other = "".join(a), "".join(b)
    return next((index for index, (x, y) in enumerate(zip(one, other, strict=False)) if x != y), None)


def tokens_before(pieces: Sequence[str], character: int) -> int:
    """The number of the piece that holds this character."""
    ends = itertools.accumulate(map(len, pieces))
    return next((index for index, end in enumerate(ends) if end > character), len(pieces))


def _probabilities(logits: Array) -> Array:
    if not np.isfinite(logits.max()):
        raise ValueError("the logits hold a number that is not finite")
    return softmax(logits)


def _by_piece(p: Array, pieces: Sequence[str], place: dict[str, int]) -> tuple[Array, Array]:
    """Probabilities of each piece of text, and which pieces this vocabulary lacks."""
    index = np.fromiter((place[piece] for piece in pieces), np.int64, len(pieces))
    counts = np.bincount(index, minlength=len(place))
    return np.bincount(index, p, len(place)), counts == 0
