"""How well a model predicts a text, token by token."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from genstudio.data.encoding import cuts
from genstudio.data.token_starts import token_starts
from genstudio.data.tokenizers import texts
from genstudio.errors import DataError
from genstudio.events import Array, Frame, Progress
from genstudio.families.abilities import Writes
from genstudio.sampling.choose import SamplingOptions
from genstudio.sampling.record import ALTERNATIVES
from genstudio.snapshots.text import Chosen, ScoredText
from genstudio.tasks.models import ModelRef, Models, Opened
from genstudio.tasks.prompt import Encoded, Prompt, encode
from genstudio.tasks.task import Frames, frames_of
from genstudio.tasks.write import SLICE, said

if TYPE_CHECKING:
    from genstudio.sampling.score import Columns

LARGEST = 4_000_000
"""Characters that are scored at most: each takes a few hundred bytes of results."""
_BYTES = 4
"""A character has at most so many bytes, so no more tokens before one decide what text it completes."""
_BEGINNING, _WRITTEN = 200, 48


@dataclass(frozen=True)
class Score:
    """Predict every token of `text` after `before`.

    Windows of one context move by half of it, so that every token has at least half a context before it where there is
    one. The `worst` least likely tokens are named, and `alternatives` for every token. Raises DataError for a text that
    is empty, too large, or has nothing that the vocabulary knows.
    """

    model: ModelRef
    text: str
    before: Prompt = ()
    worst: int = 20
    alternatives: int = 5

    def run(self, models: Models) -> Frames[ScoredText]:
        if not self.text:
            raise DataError("There is no text to score.", "Type or paste some.")
        if len(self.text) > LARGEST:
            raise DataError(f"A text of more than {LARGEST:,} characters is too large to be shown.", "Use a part of it.")
        yield Frame(progress=Progress("Opening the model"))
        opened = models.open(self.model, Writes)
        from genstudio.sampling.score import score

        start = encode(opened.tokenizer, self.before) if self.before or opened.tokenizer.begin is not None else None
        ids, starts, unknown = yield from _tokens(opened, self.text)
        if not len(ids):
            raise DataError("None of these characters is in the model's vocabulary.", "Use text similar to its "
                "training data.")
        context = start.ids if start else np.empty(0, np.int32)
        yield said(opened, start) if start else said(opened, Encoded(ids, unknown, 0))
        scores = yield from frames_of(score(opened.model.language_model, context, ids, self.alternatives), "Scoring")
        shown = self._shown(opened, ids, starts, unknown, scores)
        yield Frame(progress=Progress("Scored", 1.0))
        return shown

    def _shown(self, opened: Opened[Writes], ids: Array, starts: Array, unknown: tuple[int, ...], scores: Columns) -> ScoredText:
        counts = scores.pop("counts", None)
        logprobs = scores["logprobs"]
        predicted = np.flatnonzero(~np.isnan(logprobs))
        count = max(0, min(self.worst, len(predicted)))
        order = predicted[np.argsort(logprobs[predicted], kind="stable")[:count]]
        present = np.unique(np.concatenate([ids, scores["alternatives"].ravel()]))
        names = dict(zip(present.tolist(), opened.tokenizer.pieces(present), strict=True))
        first = int(predicted[0]) if len(predicted) else len(ids)
        pieces = tuple(map(names.__getitem__, ids.tolist()))
        left_out = () if hasattr(opened.tokenizer, "unknown") else unknown  # else <unk> stands for them
        tokens = Chosen(ids, pieces, np.exp(logprobs), after=scores["before"], names=names, **scores)
        return ScoredText(
            "score",
            opened.step,
            self.text,
            tokens,
            starts,
            float(-logprobs[predicted].sum()),
            len(predicted),
            int(starts[-1] - starts[first] - sum(place >= starts[first] for place in left_out)),
            tuple(order.tolist()),
            unknown,
            opened.words,
            counts,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """What the weights of `step` think of `tokens`, in which no sampler had a part; `texts` are what each completes."""

    step: int
    texts: tuple[str, ...]
    tokens: Chosen


@dataclass(frozen=True)
class Judge:
    """What the model thinks of tokens that follow a prompt. Raises DataError."""

    model: ModelRef
    prompt: Prompt
    ids: tuple[int, ...]

    def run(self, models: Models) -> Frames[Judged]:
        opened = models.open(self.model, Writes)
        if not all(0 <= token < opened.tokenizer.size for token in self.ids):
            raise DataError("This model does not have these tokens.", "Choose the model that wrote them.")
        from genstudio.sampling.score import score

        before = encode(opened.tokenizer, self.prompt).ids
        ids = np.array(self.ids, np.int32)
        columns = yield from frames_of(score(opened.model.language_model, before, ids, ALTERNATIVES), "Scoring")
        columns.pop("counts", None)
        present = np.unique(np.concatenate([ids, columns["alternatives"].ravel()]))
        names = dict(zip(present.tolist(), opened.tokenizer.pieces(present), strict=True))
        pieces = tuple(map(names.__getitem__, ids.tolist()))
        tokens = Chosen(ids, pieces, np.exp(columns["logprobs"]), after=columns["before"], names=names, **columns)
        added = texts(opened.tokenizer, [*before[-_BYTES:].tolist(), *self.ids])[-len(ids) :] if len(ids) else ()
        return Judged(opened.step, added, tokens)


@dataclass(frozen=True, slots=True)
class PrecisionCost:
    """By precision, `float32` and `int8`: the mean `nats` per token of a text of `tokens` predicted ones and `characters`,
    and the `speeds` at which each writes, in tokens a second."""

    nats: Mapping[str, float]
    speeds: Mapping[str, float]
    tokens: int
    characters: int


@dataclass(frozen=True)
class ComparePrecision:
    """What 8 bits cost and give.

    Only the time of this task counts, whatever else runs. Raises DataError for a text of which no token can be predicted.
    """

    model: ModelRef
    text: str

    def run(self, models: Models) -> Frames[PrecisionCost]:
        nats, speeds = dict[str, float](), dict[str, float]()
        for precision in ("float32", "int8"):
            ref = replace(self.model, precision=precision)
            scored = yield from Score(ref, self.text, worst=0, alternatives=1).run(models)
            if not scored.scored:
                raise DataError("No token of this text can be predicted.", "Use a longer text.")
            nats[precision] = scored.nats / scored.scored
            speeds[precision] = yield from _speed(ref, self.text, models)
        return PrecisionCost(nats, speeds, scored.scored, scored.characters)


def _speed(model: ModelRef, text: str, models: Models) -> Frames[float]:
    """Tokens a second that a model writes, without the time in which others work."""
    from genstudio.sampling.text import writing

    opened = models.open(model, Writes)
    ids = encode(opened.tokenizer, (text[:_BEGINNING],)).ids
    spent, count, first = 0.0, 0, True
    with opened.readers.lend(ids) as reader:
        work = writing(reader, ids, SamplingOptions(greedy=True), 0, _WRITTEN, None)
        while True:
            began = time.perf_counter()
            choice = next(work, work)
            if choice is work:
                return count / max(spent, 1e-9)
            if choice is not None and not first:
                spent, count = spent + time.perf_counter() - began, count + 1
            first = first and choice is None
            yield Frame(progress=Progress("Measuring", count / _WRITTEN))


def _tokens(opened: Opened[Writes], text: str) -> Frames[tuple[Array, Array, tuple[int, ...]]]:
    """Ids (n,), where each begins in the text (n + 1,), and the positions of unknown characters; in slices."""
    tokenizer = opened.tokenizer
    parts, starts, missing = list[Array](), list[Array](), list[int]()
    due = time.monotonic() + SLICE
    for begin, end in cuts(text, 0, len(text)):
        piece = text[begin:end]
        ids, unknown = tokenizer.encode_lossy(piece)
        parts.append(np.asarray(ids, np.int32))
        starts.append(begin + token_starts(tokenizer, piece, ids, unknown))
        missing += [begin + int(place) for place in unknown]
        if time.monotonic() >= due:
            yield Frame(progress=Progress("Reading the text", end / len(text)))
            due = time.monotonic() + SLICE
    return np.concatenate(parts), np.concatenate([*starts, [len(text)]]), tuple(missing)
