"""Tasks of the playground that write, and that look at what comes next. They use the model where it is."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from genstudio.data.tokenizers import TextStream
from genstudio.errors import ConfigError, Problem
from genstudio.events import Array, Frame, Progress
from genstudio.families.abilities import Writes
from genstudio.sampling.choose import SamplingOptions
from genstudio.sampling.record import Record
from genstudio.sampling.stops import StopTexts, stop_problems
from genstudio.snapshots.text import AnsweredBy, NextTokens, Writing, WritingGrid
from genstudio.tasks.models import ModelRef, Models, Opened
from genstudio.tasks.prompt import Encoded, Prompt, encode, text_of
from genstudio.tasks.task import Frames, Quiet, frames_of

if TYPE_CHECKING:
    from genstudio.sampling.reader import Reader
    from genstudio.sampling.text import Choice

SLICE = 0.05
"""Seconds between two frames."""
LONGEST = 1_000_000
MOST = 16


@dataclass(frozen=True)
class Generate:
    """Write `length` tokens after `prompt`; the frames carry the whole continuation so far.

    `count` continuations are written in turns, the i-th (from 0) with `seed` + i on channel `writing:i`; each is what it
    would be alone. A continuation ends before the first of the `stop_texts`. The weights of a live model may change
    between two tokens: every token is drawn with the weights of one step, and the text before it is read again.
    Raises ConfigError.
    """

    model: ModelRef
    prompt: Prompt
    length: int = 200
    options: SamplingOptions = field(default_factory=SamplingOptions)
    seed: int = 0
    stop_texts: tuple[str, ...] = ()
    count: int = 1

    def run(self, models: Models) -> Frames[tuple[Writing, ...]]:
        check(self._problems())
        yield Frame(progress=Progress("Opening the model"))
        opened = models.open(self.model, Writes)
        encoded = encode(opened.tokenizer, self.prompt)
        yield said(opened, encoded)
        with ExitStack() as held:
            readers = [held.enter_context(opened.readers.lend(encoded.ids)) for _ in range(self.count)]
            yield from prepare(readers, encoded, opened)
            text = text_of(self.prompt)
            writers = [
                Writer(f"writing:{i}", opened, text, encoded, self.options, self.seed + i, self.length, self.stop_texts)
                for i in range(self.count)
            ]
            for writer, reader in zip(writers, readers, strict=True):
                writer.begin(reader)
            return (yield from in_turns(writers, self.length))

    def _problems(self) -> Iterator[Problem]:
        yield from self.options.problems()
        yield from stop_problems(self.stop_texts)
        yield from length_problems(self.length)
        yield from seed_problems(self.seed)
        if not 1 <= self.count <= MOST:
            yield Problem("count", f"{self.count} is not from 1 to {MOST} continuations")


@dataclass(frozen=True)
class SamplingGrid:
    """One seed with several temperatures and top-p: a small text for each, shown as they grow. Raises ConfigError."""

    model: ModelRef
    prompt: Prompt
    temperatures: tuple[float, ...] = (0.2, 0.5, 0.8, 1.0, 1.3)
    top_ps: tuple[float, ...] = (0.5, 0.8, 0.95, 1.0)
    length: int = 60
    seed: int = 0
    options: SamplingOptions = field(default_factory=SamplingOptions)

    def run(self, models: Models) -> Frames[WritingGrid]:
        cells = [
            replace(self.options, temperature=temperature, top_p=top_p, greedy=False)
            for temperature in self.temperatures
            for top_p in self.top_ps
        ]
        check(self._problems(cells))
        yield Frame(progress=Progress("Opening the model"))
        opened = models.open(self.model, Writes)
        encoded = encode(opened.tokenizer, self.prompt)
        yield said(opened, encoded)
        text = text_of(self.prompt)
        writers = [
            Writer(f"grid:{i}", opened, text, encoded, options, self.seed, self.length)
            for i, options in enumerate(cells)
        ]
        with opened.readers.lend(encoded.ids) as reader:
            yield from prepare([reader], encoded, opened)
            at_once = reader.texts_at_once
            for first in range(0, len(writers), at_once):
                some = writers[first : first + at_once]
                work: Iterator[object]
                if len(some) > 1:
                    work = self._together(reader, encoded, some, cells[first:])
                else:
                    some[0].begin(reader)
                    work = in_turns(some, self.length)
                for _ in work:
                    done = sum(len(writer) for writer in writers) / max(1, self.length * len(writers))
                    yield Frame(snapshots=(self._grid(writers, opened.step),), progress=Progress("Writing", done))
        return self._grid(writers, opened.step)

    def _together(
        self, reader: Reader, encoded: Encoded, writers: Sequence[Writer], cells: Sequence[SamplingOptions]
    ) -> Iterator[None]:
        """Write several cells in one batch, with a pause for others every slice."""
        from genstudio.sampling.text import together

        due, end = time.monotonic() + SLICE, writers[0].end
        for found in together(reader, encoded.ids, cells[: len(writers)], self.seed, self.length, end):
            for place, choice in found or ():
                writers[place].take(choice)
            if time.monotonic() >= due:
                yield
                due = time.monotonic() + SLICE
        for writer in writers:
            writer.advance()  # to its end
        yield

    def _problems(self, cells: Sequence[SamplingOptions]) -> Iterator[Problem]:
        yield from {str(problem): problem for options in cells for problem in options.problems()}.values()
        yield from length_problems(self.length)
        yield from seed_problems(self.seed)
        if not 1 <= len(cells) <= 64:
            yield Problem("temperatures", "the grid has from 1 to 64 cells")

    def _grid(self, writers: Sequence[Writer], step: int) -> WritingGrid:
        return WritingGrid("grid", step, self.temperatures, self.top_ps, tuple(writer.writing() for writer in writers))


class Writer:
    """A continuation that grows token by token."""

    def __init__(
        self,
        channel: str,
        opened: Opened[Writes],
        prompt: str,
        encoded: Encoded,
        options: SamplingOptions,
        seed: int,
        length: int,
        stop_texts: Sequence[str] = (),
    ) -> None:
        self._channel, self._opened, self._prompt, self._ids = channel, opened, prompt, encoded.ids
        self._options, self._seed, self._length = options, seed, length
        self.end = opened.tokenizer.end
        self._stream, self._stops = TextStream(opened.tokenizer), StopTexts(stop_texts)
        self._choices: Iterator[Choice | None] = iter(())
        self._new: list[Choice] = []
        self._record = Record(opened.tokenizer.pieces)
        self._pieces: list[str] = []
        self._cut = False
        self._step = opened.step
        self.reason = ""

    def begin(self, reader: Reader) -> None:
        """Write with this reader from now on."""
        from genstudio.sampling.text import writing

        self._choices = writing(reader, self._ids, self._options, self._seed, self._length, self.end)

    def advance(self) -> None:
        """One more token, or a slice of reading."""
        for choice in self._choices:
            if choice is not None:
                self.take(choice)
            return
        self.reason = self.reason or "length limit reached"

    def writing(self) -> Writing:
        """The text so far, without what may be the beginning of a stop text."""
        self._record.add(self._new)
        self._new = []
        count, held = len(self._pieces), 0 if self.reason else self._stops.held
        while held > 0 and count:
            count -= 1
            held -= len(self._pieces[count])
        chosen = self._record.chosen(count)
        pieces = tuple(self._pieces[:count])
        return Writing(
            self._channel, self._step, self._prompt, pieces, chosen.probabilities, bool(self.reason), self.reason,
            chosen, self._cut,
        )  # fmt: skip

    def __len__(self) -> int:
        return len(self._pieces)

    def take(self, choice: Choice) -> None:
        """One more token, which the model has chosen."""
        self._step = self._opened.step
        if choice.id == self.end:
            self.reason = "the model ended the text"
            return
        self._new.append(choice)
        self._pieces.append(self._stream.add(choice.id))
        place = self._stops.add(self._pieces[-1])
        if place is not None:
            self.reason = "a stop text"
            self._end_at(place)

    def _end_at(self, place: int) -> None:
        length = sum(map(len, self._pieces))
        while self._pieces and length - len(self._pieces[-1]) >= place:
            length -= len(self._pieces.pop())
        if length > place:
            self._pieces[-1] = self._pieces[-1][: place - length]
            self._cut = True


def in_turns(writers: Sequence[Writer], length: int) -> Frames[tuple[Writing, ...]]:
    """Frames with what the writers have written, until all have ended; each writes a token in turn. Returns the texts."""
    due = time.monotonic() + SLICE
    open_ones = list(writers)
    while open_ones:
        for writer in open_ones:
            writer.advance()
            if time.monotonic() >= due:
                yield _frame(writers, length)
                due = time.monotonic() + SLICE
        open_ones = [writer for writer in open_ones if not writer.reason]
    yield _frame(writers, length)
    return tuple(writer.writing() for writer in writers)


def _frame(writers: Sequence[Writer], length: int) -> Frame:
    done = sum(length if writer.reason else len(writer) for writer in writers) / max(1, length * len(writers))
    return Frame(snapshots=tuple(writer.writing() for writer in writers), progress=Progress("Writing", done))


def prepare(readers: Sequence[Reader], encoded: Encoded, opened: Opened[Writes]) -> Frames[None]:
    """Let the first of several readers read the prompt, and the others take it over."""
    yield from reading(readers[0], encoded.ids[-opened.model.context :])
    for other in readers[1:]:
        if other.common(encoded.ids) < readers[0].common(encoded.ids):
            other.copy(readers[0])


def reading(reader: Reader, ids: Array) -> Frames[Array]:
    """Frames while a reader reads ids; returns the logits after them."""
    return frames_of(reader.reading(ids), "Reading", 0.0)


@dataclass(frozen=True)
class NextTokensOf(Quiet):
    """What the model expects after `prompt`: raw logits; the sampler is applied where they are shown."""

    model: ModelRef
    prompt: Prompt

    def run(self, models: Models) -> Frames[NextTokens]:
        from genstudio.sampling.reader import parts_after

        opened = models.open(self.model, Writes)
        encoded = encode(opened.tokenizer, self.prompt)
        window = encoded.ids[-opened.model.context :]
        with opened.readers.lend(window) as reader:
            logits = yield from reading(reader, window)
            parts = parts_after(reader.model, window)
        shown = opened.tokenizer.pieces(window)
        seen = tuple(np.unique(window).tolist())
        return NextTokens("next", opened.step, logits, opened.pieces, shown, encoded.unknown, seen, opened.words, parts)


def said(opened: Opened[Writes], encoded: Encoded) -> Frame:
    """Which model answers, and what of the prompt it does not know."""
    return Frame(snapshots=(AnsweredBy("model", opened.step, opened.title, opened.words, encoded.unknown),))


def length_problems(length: int) -> Iterator[Problem]:
    if not 0 <= length <= LONGEST:
        yield Problem("length", f"{length:,} is not from 0 to {LONGEST:,} tokens")


def seed_problems(seed: int) -> Iterator[Problem]:
    if seed < 0:
        yield Problem("seed", f"{seed} is below 0")


def check(problems: Iterator[Problem]) -> None:
    """Raises ConfigError when there is any."""
    if found := list(problems):
        raise ConfigError(found)
