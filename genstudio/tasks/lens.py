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
from genstudio.tasks.translate import SourceReader, Translator, encode_target, without_source_tokens

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
    to, and where that is gone, it is read again. At the side of an encoder, the depths are its own, and what they would say is
    what the decoder writes that reads them: see `encoder_depths`.
    """

    model: ModelRef
    prompt: Prompt
    positions: int = PART
    end: int = 1 << 30
    looked: int = 0

    def run(self, models: Models) -> Frames[Lens]:
        from genstudio.inspection.lens import depths

        if self.model.source and self.model.side == "encoder":
            yield Frame(progress=Progress("Opening the model"))
            return (yield from self._from_the_source(models.open(self.model, Traces)))
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


    def _from_the_source(self, opened: Opened[Traces]) -> Frames[Lens]:
        from genstudio.inspection.lens import encoder_depths
        from genstudio.inspection.trace import trace

        step, encoder, reader = opened.step, opened.frozen_stack(), opened.model
        assert isinstance(reader, SourceReader)
        inside = yield from frames_of(trace(encoder, reader.ids, ("residual",)), "Reading the source")
        whole = encode_target(opened, self.prompt).ids
        ids = whole[-reader.context :]
        wanted = np.append(ids[1:].astype(np.int64), -1)
        work = encoder_depths(encoder, inside["residual"], reader.read, ids, wanted)
        found = yield from frames_of(work, "Reading every layer")
        tokenizer = reader.model.tokenizer
        return Lens(
            "lens", step, tuple(tokenizer.pieces(ids)), 0, found.top, found.chances, found.rank, found.chance,
            _names(tokenizer, np.unique(found.top)), len(whole) - len(ids), next(_numbers), of_encoder=True,
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

    By leaving one token out at a time, or hiding it behind a mask where gaps are filled; or by gradient times input. At the
    side of the encoder of a model that translates, `tokens` are those of the source.

    Layers in 8 bits have no gradients, so a model in 8 bits is explained as it was before that.
    """

    model: ModelRef
    prompt: Prompt
    position: int | None = None
    target: int | None = None
    method: Literal["leave one out", "gradient"] = "leave one out"

    def run(self, models: Models) -> Frames[Saliency]:
        from genstudio.inspection.lens import gradient_times_input, hide_one, leave_one_out

        yield Frame(progress=Progress("Opening the model"))
        ref = replace(self.model, precision="float32")
        if ref.source and (ref.side == "encoder" or not isinstance(models.get(ref).model, Traces)):
            return (yield from self._translated(models.open(replace(ref, side="decoder"), Writes)))
        opened = models.open(ref, Traces)
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

    def _translated(self, opened: Opened[Writes]) -> Frames[Saliency]:
        """Of a model that has read a source, whatever it is made of: what tokens of the source did, or those of the target."""
        from genstudio.inspection.lens import leave_one_out

        model, tokenizer, of_source = opened.model, opened.tokenizer, self.model.side == "encoder"
        assert isinstance(model, Translator)
        ids = encode(tokenizer, self.prompt).ids[-model.context :]
        position, target = len(ids), self.target
        if self.position is not None and 0 < self.position < len(ids) and not of_source:
            position, target = self.position, int(ids[self.position])
        if target is not None and not 0 <= target < tokenizer.size:
            raise DataError("This model does not have this token.", "Choose one of the listed tokens.")
        if self.method == "gradient":
            yield Frame(progress=Progress("Explaining the prediction"))
            sides = model.model.gradient_times_input(model.ids, ids[:position], target)
            scores, (_, _, logprobs, target) = sides[0][:-1] if of_source else sides[1], sides
        elif of_source:
            work = without_source_tokens(model, ids, target)
            scores, logprobs, target = yield from frames_of(work, "Explaining the prediction")
        else:
            work = leave_one_out(model.language_model, ids[:position], target)
            scores, logprobs, target = yield from frames_of(work, "Explaining the prediction")
        tokens = model.source_pieces[:-1] if of_source else tokenizer.pieces(ids)
        position = len(tokens) if of_source else position
        return self._told(opened.step, tokenizer, tokens, position, scores, logprobs, target, of_source=of_source)

    def _told(
        self, step: int, tokenizer: Tokenizer, tokens: tuple[str, ...], position: int, scores: Array, logprobs: Array,
        target: int, both: bool = False, of_source: bool = False,
    ) -> Saliency:  # fmt: skip
        likely = most_probable(logprobs, CHOICES)
        named = _names(tokenizer, np.append(likely, target))
        choices = tuple((int(i), named[int(i)], float(np.exp(logprobs[i]))) for i in likely)
        return Saliency(
            "saliency", step, tokens, position, scores, target, named[target], float(logprobs[target]), choices, self.method,
            both, of_source,
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
