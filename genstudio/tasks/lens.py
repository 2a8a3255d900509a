"""The logit lens and saliency, as tasks."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from genstudio.data.tokenizers import Tokenizer
from genstudio.errors import DataError
from genstudio.events import Array, Frame, Progress
from genstudio.families.abilities import FillsIn, Traces, Writes
from genstudio.sampling.choose import most_probable
from genstudio.snapshots.attention import Lens, Saliency
from genstudio.tasks.inside import window
from genstudio.tasks.models import ModelRef, Models, Opened
from genstudio.tasks.prompt import Prompt, encode
from genstudio.tasks.task import Frames, Quiet, frames_of

if TYPE_CHECKING:
    from genstudio.nn.transformer import Transformer

CHOICES = 10
PART = 32
"""Tokens that are asked of every depth at a time."""
_numbers = itertools.count(1)


@dataclass(slots=True)
class Stream:
    """A text that was read: its residual stream (layers + 1, T, C), and the model that read it."""

    number: int
    step: int
    ids: NDArray[np.int32]
    skipped: int
    residual: Array
    model: Transformer


@dataclass(frozen=True, slots=True)
class LookThroughLens(Quiet):
    """What each depth would say after each of the last `positions` tokens of the text before the place `end`; at each of them
    where the model fills gaps.

    The text is the last tokens of `prompt` that the model can see. It is read once: `looked` is that of the Lens it belongs
    to, and where that is gone, it is read again.
    """

    model: ModelRef
    prompt: Prompt
    positions: int = PART
    end: int = 1 << 30
    looked: int = 0

    def run(self, models: Models) -> Frames[Lens]:
        from genstudio.inspection.lens import depths

        stream = models.stream
        if stream is None or stream.number != self.looked:
            stream = models.stream = None
            yield Frame(progress=Progress("Opening the model"))
            stream = models.stream = yield from _read(models.open(self.model, Traces), self.prompt)
        end = min(max(self.end, 1), len(stream.ids))
        first = max(0, end - max(self.positions, 1))
        opened = models.open(self.model, Traces)
        fills = opened.model if isinstance(opened.model, FillsIn) else None
        own = stream.ids.astype(np.int64)
        wanted = np.append(own[1:], -1) if fills is None else np.where(own == fills.mask_id, -1, own)
        work = depths(stream.model, stream.residual[:, first:end], wanted[first:end])
        found = yield from frames_of(work, "Reading every layer")
        tokenizer = opened.tokenizer
        names, tokens = _names(tokenizer, np.unique(found.top)), tokenizer.pieces(stream.ids)
        return Lens(
            "lens", stream.step, tokens, first, found.top, found.chances, found.rank, found.chance, names,
            stream.skipped, stream.number, fills is not None,
        )  # fmt: skip


def _read(opened: Opened[Traces], prompt: Prompt) -> Frames[Stream]:
    from genstudio.inspection.trace import trace

    step, model = opened.step, opened.frozen()
    ids, skipped = window(opened, prompt)
    inside = yield from frames_of(trace(model, ids, ("residual",)), "Reading the text")
    return Stream(next(_numbers), step, ids, skipped, inside["residual"], model)


@dataclass(frozen=True, slots=True)
class Explain(Quiet):
    """Which tokens moved a prediction: that of the token at `position` of the window (from 0), or, without one, that of
    what follows the prompt: of `target`, or of the most probable token. A model that fills gaps explains what it puts into
    the first gap, or into one at `position`.

    By leaving one token out at a time, or hiding it behind a mask where gaps are filled; by gradient times input; or by leaving
    out one token of the source at a time, of a model that translates: `tokens` are then those of the source.

    Layers in 8 bits have no gradients, so a model in 8 bits is explained as it was before that.
    """

    model: ModelRef
    prompt: Prompt
    position: int | None = None
    target: int | None = None
    method: Literal["leave one out", "gradient", "source"] = "leave one out"

    def run(self, models: Models) -> Frames[Saliency]:
        from genstudio.inspection.lens import gradient_times_input, hide_one, leave_one_out

        yield Frame(progress=Progress("Opening the model"))
        if self.method == "source":
            return (yield from self._by_source(models.open(self.model, Writes)))
        opened = models.open(replace(self.model, precision="float32"), Traces)
        step = opened.step
        tokenizer, (ids, _) = opened.tokenizer, window(opened, self.prompt)
        position, target = len(ids), self.target
        fills = opened.model if isinstance(opened.model, FillsIn) else None
        if fills is not None:
            there, (ids, position) = ids, _with_gap(ids, fills.mask_id, self.position)
            if target is None and there[position] != fills.mask_id:
                target = int(there[position])
        elif self.position is not None and 0 < self.position < len(ids):
            position, target = self.position, int(ids[self.position])
        if target is not None and not 0 <= target < tokenizer.size:
            raise DataError("This model does not have this token.", "Choose one of the listed tokens.")
        if fills is not None and self.method == "gradient":
            work = gradient_times_input(opened.frozen(), ids, target, at=position)
        elif fills is not None:
            work = hide_one(opened.frozen(), ids, position, fills.mask_id, target)
        elif self.method == "gradient":
            work = gradient_times_input(opened.frozen(), ids[:position], target)
        else:
            work = leave_one_out(opened.frozen(), ids[:position], target)
        scores, logprobs, target = yield from frames_of(work, "Explaining the prediction")
        return self._told(step, tokenizer, tokenizer.pieces(ids), position, scores, logprobs, target, fills is not None)

    def _by_source(self, opened: Opened[Writes]) -> Frames[Saliency]:
        from genstudio.tasks.translate import Translator, without_source_tokens

        model = opened.model
        if not isinstance(model, Translator):
            raise DataError("This model reads no source.", "Choose another method.")
        ids = encode(opened.tokenizer, self.prompt).ids[-model.context :]
        if self.target is not None and not 0 <= self.target < opened.tokenizer.size:
            raise DataError("This model does not have this token.", "Choose one of the listed tokens.")
        work = without_source_tokens(model, ids, self.target)
        scores, logprobs, target = yield from frames_of(work, "Explaining the prediction")
        tokens = model.source_pieces[:-1]
        return self._told(opened.step, opened.tokenizer, tokens, len(tokens), scores, logprobs, target)

    def _told(
        self, step: int, tokenizer: Tokenizer, tokens: tuple[str, ...], position: int, scores: Array, logprobs: Array,
        target: int, both: bool = False,
    ) -> Saliency:  # fmt: skip
        likely = most_probable(logprobs, CHOICES)
        named = _names(tokenizer, np.append(likely, target))
        choices = tuple((int(i), named[int(i)], float(np.exp(logprobs[i]))) for i in likely)
        return Saliency(
            "saliency", step, tokens, position, scores, target, named[target], float(logprobs[target]), choices, self.method,
            both,
        )  # fmt: skip


def _with_gap(ids: NDArray[np.int32], mask: int, position: int | None) -> tuple[NDArray[np.int32], int]:
    """The ids with a gap at a position, and where it is; without a position the first gap there is. Raises DataError."""
    gaps = np.flatnonzero(ids == mask)
    if position is None and not len(gaps):
        raise DataError("There is no gap in the text.", "Write [MASK] in it, or click a token.")
    place = int(gaps[0]) if position is None else min(max(position, 1), len(ids) - 1)
    return np.where(np.arange(len(ids)) == place, mask, ids).astype(np.int32), place


def _names(tokenizer: Tokenizer, ids: Iterable[int]) -> dict[int, str]:
    wanted = [int(i) for i in ids]
    return dict(zip(wanted, tokenizer.pieces(np.array(wanted, np.int32)), strict=True))
