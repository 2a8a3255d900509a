"""Tasks of the playground: write, look at what comes next, look at attention. They use the model where it is."""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from genstudio.data.tokenizers import texts
from genstudio.errors import ConfigError, DataError
from genstudio.events import Answer, Attention, Frame, NextTokens, Progress, Writing
from genstudio.sampling.choose import SamplingOptions
from genstudio.tasks.models import ModelRef, Models, Opened


@dataclass(frozen=True)
class Generate:
    """Write `length` tokens after `prompt`; the frames carry the whole continuation so far."""

    model: ModelRef
    prompt: str
    length: int = 200
    options: SamplingOptions = field(default_factory=SamplingOptions)
    seed: int = 0

    def run(self, models: Models) -> Generator[Frame, None, None]:
        if problems := list(self.options.problems()):
            raise ConfigError(problems)
        yield Frame(progress=Progress("Opening the model"))
        opened = models.get(self.model)
        ids, unknown = _ids(opened, self.prompt)
        yield Frame(snapshots=(Answer("unknown", opened.step, unknown), Answer("model", opened.step, opened.title)))
        yield from self._stream(opened, ids)

    def _stream(self, opened: Opened, ids: Any) -> Generator[Frame, None, None]:
        from genstudio.sampling.text import stream

        tokenizer = opened.learner.data.tokenizer
        written: list[int] = []
        chances: list[float] = []
        due = time.monotonic() + 0.05
        choices = stream(opened.learner.model, ids, self.options, self.seed, self.length, stop=tokenizer.end)
        for choice in choices:
            written.append(choice.id)
            chances.append(choice.probability)
            if time.monotonic() >= due:
                yield self._frame(opened.step, tokenizer, written, chances, False)
                due = time.monotonic() + 0.05
        yield self._frame(opened.step, tokenizer, written, chances, True)

    def _frame(self, step: int, tokenizer: Any, written: list[int], chances: list[float], finished: bool) -> Frame:
        ended = bool(written) and written[-1] == tokenizer.end
        shown = written[:-1] if ended else written
        pieces = texts(tokenizer, shown)
        reason = ("the model ended the text" if ended else "as long as asked") if finished else ""
        writing = Writing("writing", step, self.prompt, pieces, np.array(chances[: len(pieces)]), finished, reason)
        return Frame(snapshots=(writing,), progress=Progress("Writing", len(written) / max(self.length, 1)))


@dataclass(frozen=True)
class NextTokensOf:
    """What the model expects after `prompt`: one forward pass, raw logits; the sampler is applied where they are shown."""

    model: ModelRef
    prompt: str

    def run(self, models: Models) -> Generator[Frame, None, None]:
        opened = models.get(self.model)
        yield Frame(snapshots=(_next_tokens(opened, self.prompt),))


def _next_tokens(opened: Opened, prompt: str) -> NextTokens:
    from genstudio.sampling.text import next_logits

    tokenizer = opened.learner.data.tokenizer
    ids, unknown = _ids(opened, prompt)
    logits = next_logits(opened.learner.model, ids)
    every = tokenizer.pieces(np.arange(tokenizer.size, dtype=np.int32))
    shown = tokenizer.pieces(np.asarray(ids[-opened.learner.model.context :], np.int32))
    return NextTokens("next", opened.step, logits, every, shown, unknown)


@dataclass(frozen=True)
class InspectAttention:
    """Attention of all layers and heads over a text (its last `limit` tokens)."""

    model: ModelRef
    text: str
    limit: int = 128

    def run(self, models: Models) -> Generator[Frame, None, None]:
        opened = models.get(self.model)
        ids, _ = _ids(opened, self.text)
        ids = ids[-min(self.limit, opened.learner.model.context) :]
        weights = opened.learner.attention(ids)
        pieces = opened.learner.data.tokenizer.pieces(np.asarray(ids, np.int32))
        yield Frame(snapshots=(Attention("attention", opened.step, pieces, weights),))


def _ids(opened: Opened, prompt: str) -> tuple[Any, tuple[int, ...]]:
    """Token ids of a prompt and the positions of characters that are left out or `<unk>`. An empty prompt becomes a
    beginning."""
    tokenizer = opened.learner.data.tokenizer
    ids, unknown = tokenizer.encode_lossy(prompt)
    if tokenizer.begin is not None:
        ids = np.concatenate([np.array([tokenizer.begin], np.int32), ids])
    if len(ids) == 0 and unknown:
        raise DataError("None of these characters is in the model's vocabulary.", "Type text like its training text.")
    if len(ids) == 0:
        ids, _ = tokenizer.encode_lossy("\n")
    return (ids if len(ids) else np.zeros(1, np.int32)), tuple(unknown)
