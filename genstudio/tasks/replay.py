"""One text over the whole training: what the model of each saved step makes of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from genstudio.data.tokenizers import texts
from genstudio.data.work import mapped
from genstudio.errors import CheckpointError, RunError
from genstudio.events import Array, Frame, Notice, Progress, Snapshot
from genstudio.families.abilities import Model, Traces, Translates, Writes
from genstudio.runs import Run
from genstudio.sampling.choose import SamplingOptions
from genstudio.snapshots.attention import Attention
from genstudio.snapshots.text import NextTokens, Writing
from genstudio.tasks.compare import AttentionTo
from genstudio.tasks.models import ModelRef, Models, Opened, built
from genstudio.tasks.prompt import Prompt, encode
from genstudio.tasks.task import Frames, Quiet, T, frames_of
from genstudio.tasks.write import Generate, NextTokensOf

if TYPE_CHECKING:
    from genstudio.nn.transformer import Transformer

LONGEST = 256
"""Tokens that are watched at most."""
CANDIDATES = 4


@dataclass(frozen=True, slots=True, eq=False)
class Watched(Snapshot):
    """The text that is watched: the end of the prompt, `prompt` tokens long, and what the newest weights write after it.

    `ids` (n,) int32 with printable `pieces` and the `texts` that they complete; `candidates` (n, K) int32 are the tokens
    that the newest weights find most probable in each place, with their `names`.
    """

    ids: Array
    pieces: tuple[str, ...]
    texts: tuple[str, ...]
    prompt: int
    candidates: Array
    names: dict[int, str]


@dataclass(frozen=True, slots=True, eq=False)
class ReplayPoint(Snapshot):
    """What the weights of a step make of the text: how they go on, what they expect next, where they look.

    `logprobs` (n,) and `candidates` (n, K) are log-probabilities in nats of the watched tokens and candidates, each
    after the watched tokens before it; NaN for a first token, which nothing predicts. `live`: not saved, but the
    weights of a training at that moment.
    """

    writing: Writing
    next: NextTokens
    attention: Attention
    logprobs: Array
    candidates: Array
    live: bool = False

    @property
    def bytes(self) -> int:
        """Memory that its arrays take."""
        return sum(a.nbytes for a in (self.next.logits, self.attention.weights, self.logprobs, self.candidates))


@dataclass(frozen=True, slots=True)
class Saved:
    """The steps of a run whose weights can be looked at, each with a word that changes when they may have; how many of
    them were kept along the way, and the bytes that these take."""

    run: str
    marks: dict[int, str]
    kept: int
    bytes: int


@dataclass(frozen=True)
class SavedSteps(Quiet):
    """Which steps of a run can be replayed."""

    run_path: str

    def run(self, models: Models) -> Frames[Saved]:
        from genstudio.training import weights

        run = Run.open(self.run_path)
        yield from ()
        return Saved(self.run_path, weights.marks(run), len(run.weights.steps()), run.weights.size())


@dataclass(frozen=True)
class ReadLoss(Quiet):
    """The training and validation loss of a run, as it was logged."""

    run_path: str

    def run(self, models: Models) -> Frames[None]:
        for series in Run.open(self.run_path).history():
            yield Frame(series={name: values for name, values in series.items() if name in ("train_loss", "val_loss")})


@dataclass(frozen=True)
class ForgetSteps:
    """Delete the weights kept along the way of a run; its checkpoints stay. Returns what is left. Raises RunBusyError while
    it trains."""

    run_path: str

    def run(self, models: Models) -> Frames[Saved]:
        run = Run.open(self.run_path)
        with run:
            run.weights.clear()
        models.forget(self.run_path)
        return (yield from SavedSteps(self.run_path).run(models))


@dataclass(frozen=True)
class Replay:
    """A Moment for every saved step of a run, the newest first and then from the first on, by a model of its own.

    `watched` and the steps that are `known` come from an earlier replay of the same text: only the others are worked
    out. A model that translates has read `source` at every step. Of a run in training, its weights at the beginning are the
    newest. What is damaged or gone is told and left out.
    Raises RunError, CheckpointError where nothing is left, DataError, ConfigError.
    """

    run_path: str
    prompt: Prompt
    length: int = 100
    options: SamplingOptions = field(default_factory=SamplingOptions)
    seed: int = 0
    watched: Watched | None = None
    known: tuple[int, ...] = ()
    source: str = ""

    def run(self, models: Models) -> Frames[None]:
        yield Frame(progress=Progress("Opening the run"))
        run = Run.open(self.run_path)
        model = _own(run, bool(self.source))
        watched, shown = self.watched, len(self.known)
        for done, step, live in _stops(models, run, model, self.known):
            yield Frame(progress=Progress(f"Replaying step {step:,}", done))
            if not live and (damage := _load(run, step, model)):
                yield Frame(notices=(Notice(step, "warning", f"Skipped: {damage}"),))
                continue
            whole = Opened(model, step, run.info.name, run.info.family)
            opened = (whole.reading(self.source) if self.source else whole).able(Writes).able(Traces)
            moment = yield from self._moment(opened)
            if watched is None:
                watched = yield from self._watch(opened, moment)
                yield Frame(snapshots=(watched,))
            predicted = yield from _predicted(opened.transformer, watched.ids)
            logprobs, candidates = _of(watched, predicted)
            shown += 1
            yield Frame(snapshots=(replace(moment, logprobs=logprobs, candidates=candidates, live=live),))
        if not shown:
            hint = "Train it longer, or copy it from a backup."
            raise CheckpointError("No weights of this run can be read.", hint, run.folder)
        yield Frame(progress=Progress("Replayed", 1.0))

    def _moment(self, opened: Opened[Traces]) -> Frames[ReplayPoint]:
        """What the Playground itself would show with these weights."""
        only = Models(training={_key(self.run_path): opened})
        ref = ModelRef(self.run_path, "live")
        expected = yield from _silently(NextTokensOf(ref, self.prompt).run(only))
        attention = yield from _silently(AttentionTo(ref, self.prompt).run(only))
        writing = Generate(ref, self.prompt, self.length, self.options, self.seed).run(only)
        (written,) = yield from _silently(writing)
        return ReplayPoint("moment", opened.step, written, expected, attention, np.empty(0), np.empty(0))

    def _watch(self, opened: Opened[Traces], moment: ReplayPoint) -> Frames[Watched]:
        tokenizer, chosen = opened.tokenizer, moment.writing.chosen
        ids = encode(tokenizer, self.prompt).ids
        most = min(LONGEST, opened.model.transformer.context)
        written = ids[:0] if chosen is None else chosen.ids[: max(most - len(ids), most // 2)]
        prompt = ids[-(most - len(written)) :]
        both = np.concatenate([prompt, written]).astype(np.int32)
        predicted = yield from _predicted(opened.transformer, both)
        most_probable = np.argsort(-predicted, axis=-1, kind="stable")[:, :CANDIDATES].astype(np.int32)
        first = np.full((1, most_probable.shape[1]), both[0], np.int32)
        kinds = np.unique(most_probable)
        names = dict(zip(kinds.tolist(), tokenizer.pieces(kinds), strict=True))
        shown = tokenizer.pieces(both), texts(tokenizer, both.tolist())
        return Watched("watched", opened.step, both, *shown, len(prompt), np.concatenate([first, most_probable]), names)


def _silently(work: Frames[T]) -> Frames[T]:
    """Work of which nothing is shown; returns what it returns."""
    return mapped(work, lambda _: Frame())


def _own(run: Run, translates: bool) -> Model:
    """A model of the run's kind that belongs to nobody else. Raises RunError, DataError."""
    opened = Opened(built(run, run.info.step), run.info.step, run.info.name, run.info.family)
    return opened.able(Translates).model if translates else opened.able(Writes).able(Traces).model


def _stops(models: Models, run: Run, model: Model, known: Sequence[int]) -> Iterator[tuple[float, int, bool]]:
    """The share done, step, and whether the model holds the weights in training already: the newest step first."""
    from genstudio.training import checkpoint, weights

    steps = [step for step in weights.steps(run) if step not in known]
    live = models.training.get(_key(str(run.folder)))
    now = None if live is None or live.step in known or live.step in steps else live.step
    if live is not None and now is not None:
        checkpoint.fill(model.modules, checkpoint.weights_of(live.model.modules))
        yield 0.0, now, True
    else:
        steps = [*steps[-1:], *steps[:-1]]
    for index, step in enumerate(steps):
        yield index / len(steps), step, False


def _load(run: Run, step: int, model: Model) -> str:
    """Put the weights of a step into the model; what is wrong with them, if anything."""
    from genstudio.training import weights

    try:
        weights.load(run, step, model.modules)
    except (CheckpointError, RunError) as error:
        return error.message
    return ""


def _predicted(model: Transformer, ids: Array) -> Frames[Array]:
    """Log-probabilities (n - 1, V) float64 in nats of what follows each of ids (n,) but the last."""
    from genstudio.inspection.trace import trace

    if len(ids) < 2:
        return np.empty((0, model.architecture.vocabulary))
    inside = yield from frames_of(trace(model, ids[:-1].copy(), ("logits",)), "Replaying")
    logits = inside.stages["logits"].astype(np.float64)
    logits -= logits.max(-1, keepdims=True)
    return np.asarray(logits - np.log(np.exp(logits).sum(-1, keepdims=True)))


def _of(watched: Watched, predicted: Array) -> tuple[Array, Array]:
    """Log-probabilities (n,) of the watched tokens and (n, K) of the candidates."""
    ids, candidates = watched.ids, watched.candidates
    logprobs, others = np.full(len(ids), np.nan), np.full(candidates.shape, np.nan)
    logprobs[1:] = np.take_along_axis(predicted, ids[1:, None], 1)[:, 0]
    others[1:] = np.take_along_axis(predicted, candidates[1:], 1)
    return logprobs, others


def _key(path: str) -> str:
    return str(Path(path).resolve())
