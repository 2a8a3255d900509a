"""Attention of a text, as tasks: all heads small, and any part of a map in full."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sized
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from genstudio.data.work import Work, scaled
from genstudio.errors import DataError
from genstudio.events import Array, Frame, Progress
from genstudio.families.abilities import Traces
from genstudio.inspection.ablation import NOTHING_ABLATED, Ablation
from genstudio.snapshots.attention import HeadMap, Heads
from genstudio.tasks.models import ModelRef, Models, Opened
from genstudio.tasks.prompt import Prompt
from genstudio.tasks.task import Frames, Quiet, frames_of
from genstudio.tasks.translate import SourceReader, encode_for

if TYPE_CHECKING:
    from torch import Tensor

    from genstudio.inspection.heads import Summary

_ELEMENTS = 1_600_000
"""Weights computed between two chances for others: some 10 ms on one core."""
_KEPT = 100_000_000
"""Weights of means and rollouts that are kept at most, or one such map."""
_SHOW_EVERY = 0.3
"""Seconds between two pictures of the layers that were read so far."""
_LETTERS = 64
"""A token is hardly ever longer: of a long text, only so many letters for each token of the context are encoded."""
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Which:
    """A map: of a head; of a layer's mean over heads (`head` None); of the mean over all (`layer` None too); or rollout."""

    layer: int | None = None
    head: int | None = None
    rollout: bool = False

    def title(self) -> str:
        if self.rollout:
            return "Rollout through all layers"
        if self.layer is None:
            return "Mean over all layers and heads"
        return f"Layer {self.layer + 1}, " + ("mean over heads" if self.head is None else f"head {self.head + 1}")


@dataclass(slots=True)
class AttentionCache:
    """Queries and keys of a text that was looked at: (H, T, D) tensors of each layer so far, None for one that is off.

    `masks` has an entry for every layer of the model; `shown` is what all of them look like.
    """

    number: int
    model: ModelRef
    step: int
    ids: NDArray[np.int32]
    switches: Ablation
    masks: list[bool]
    parts: list[tuple[Tensor, Tensor] | None] = field(default_factory=list)
    maps: dict[Which, Tensor] = field(default_factory=dict)
    shown: Heads | None = None

    def has(self, which: Which) -> bool:
        """Whether the layers that a map needs have been read."""
        one = which.layer is not None and not which.rollout and which.layer < len(self.parts)
        return one or len(self.parts) == len(self.masks)


@dataclass(frozen=True, slots=True)
class LookAtAttention:
    """All heads of all layers over the last tokens of `prompt`, as thumbnails of at most `side` patches, and described.

    The first layers are shown while the others are still read. A saved model is not asked for the same text again.
    """

    model: ModelRef
    prompt: Prompt
    switches: Ablation = NOTHING_ABLATED
    side: int = 64

    def run(self, models: Models) -> Frames[None]:
        yield Frame(progress=Progress("Opening the model"))
        opened = models.open(self.model, Traces)
        ids, skipped = window(opened, self.prompt)
        known = None if opened.live else _known(models, self, opened, ids)
        if known is not None:
            yield Frame(snapshots=(replace(known, skipped=skipped),))
            return
        cache = _begin(models, opened, self.model, ids, self.switches)
        yield from _heads(opened, cache, skipped, self.side)


@dataclass(frozen=True, slots=True)
class LookAtMap(Quiet):
    """A rectangle of one map, with at most `side` patches each way. `mass` below 1 keeps of every row only the fewest
    tokens that hold this share. `looked` is that of the Heads it belongs to; the text is read again if that is gone."""

    model: ModelRef
    prompt: Prompt
    which: Which
    looked: int = 0
    rows: tuple[int, int] = (0, 1 << 30)
    columns: tuple[int, int] = (0, 1 << 30)
    mass: float = 1.0
    switches: Ablation = NOTHING_ABLATED
    side: int = 1024

    def run(self, models: Models) -> Frames[HeadMap]:
        cache = next((old for old in models.attention if old.number == self.looked and old.has(self.which)), None)
        if cache is None:
            yield Frame(progress=Progress("Opening the model"))
            opened = models.open(self.model, Traces)
            ids, _ = window(opened, self.prompt)
            cache = _begin(models, opened, self.model, ids, self.switches)
            yield from frames_of(_read(opened, cache), "Reading the text")
        _check(self.which, cache)
        return (yield from frames_of(_map(self, cache), "Inspecting the head"))


def _check(which: Which, cache: AttentionCache) -> None:
    """Raises DataError for a layer or a head that the model lacks."""
    heads = next((len(part[0]) for part in cache.parts if part is not None), 0)
    layer, head = which.layer or 0, which.head or 0
    if not 0 <= layer < len(cache.masks) or (cache.parts[layer] is not None and not 0 <= head < heads):
        raise DataError(f"This model has no {which.title().lower()}.", "Choose one that it has.")


def window(opened: Opened[Traces], prompt: Prompt) -> tuple[NDArray[np.int32], int]:
    """The last tokens of a prompt that the model can see: ids (T,), and about how many before them were left out. At the side of
    an encoder, those of its source."""
    context = opened.model.transformer.context
    most, cut, parts = context * _LETTERS, 0, []
    for part in reversed(prompt):
        text = part if isinstance(part, str) else part.text
        if most <= 0:
            cut += len(text)
            continue
        if isinstance(part, str) and len(part) > most:
            cut += len(part) - most
            part = part[-most:]
        parts.append(part)
        most -= len(text) if isinstance(part, str) else len(part.ids) * _LETTERS
    encoded = encode_for(opened, tuple(reversed(parts)))
    cut = 0 if isinstance(opened.model, SourceReader) else cut
    return encoded.ids[-context:], max(0, len(encoded.ids) - context) + cut


def _begin(models: Models, opened: Opened[Traces], ref: ModelRef, ids: NDArray[np.int32], switches: Ablation) -> AttentionCache:
    masks = [block.attention.causal for block in opened.model.transformer.typed_blocks()]
    cache = AttentionCache(next(_numbers), ref, opened.step, ids, switches, masks)
    models.attention[:] = [cache, *models.attention][:2]
    return cache


def _known(models: Models, task: LookAtAttention, opened: Opened[Traces], ids: NDArray[np.int32]) -> Heads | None:
    """What was shown of the same text and weights before."""
    for old in models.attention:
        same = (old.model, old.step, old.switches) == (task.model, opened.step, task.switches)
        if same and old.shown is not None and np.array_equal(old.ids, ids):
            return old.shown
    return None


def _read(opened: Opened[Traces], cache: AttentionCache) -> Work[None]:
    from genstudio.inspection.trace import read_heads

    yield from read_heads(opened.frozen_stack(), cache.ids, cache.switches, cache.parts)


def _heads(opened: Opened[Traces], cache: AttentionCache, skipped: int, side: int) -> Frames[None]:
    """Each layer is summed up as soon as it is read; all so far are shown when the last picture is old enough."""
    from genstudio.inspection.heads import Summary

    heads, T, layers = opened.model.transformer.architecture.heads, len(cache.ids), len(cache.masks)
    pieces = opened.tokenizer.pieces(cache.ids)
    summaries = [Summary(heads, T, side) for _ in cache.masks]
    reading, began, spent, done, due = _read(opened, cache), time.monotonic(), 0.0, 0, 0.0
    while done < layers:
        yield from frames_of(_until(reading, cache.parts, done + 1), "Reading the text")
        middle = time.monotonic()
        yield from frames_of(_sum_up(cache, done, summaries[done]), "Reading every head")
        done, now = done + 1, time.monotonic()
        spent += now - middle
        if now >= due or done == layers:
            seconds = now - began - spent, spent
            shown = _shown(cache, summaries, done, pieces, skipped, seconds)
            cache.shown = shown if done == layers else None
            yield Frame(snapshots=(shown,), progress=Progress("Reading every head", done / layers))
            due = time.monotonic() + _SHOW_EVERY


def _until(reading: Work[None], parts: Sized, count: int) -> Work[None]:
    """Read on until so many layers are there; the rest waits."""
    if len(parts) < count:
        for share in reading:
            yield share
            if len(parts) >= count:
                return


def _sum_up(cache: AttentionCache, layer: int, summary: Summary) -> Work[None]:
    from genstudio.inspection.heads import score_rows, seen

    if (part := cache.parts[layer]) is None:
        return
    q, k = part
    T, switches, mask = len(cache.ids), cache.switches, cache.masks[layer]
    for first, last in _blocks(T, len(q) * T, summary.patch):
        scores = score_rows(q, k, first, last, switches, mask)
        summary.add(scores, first, seen(switches, mask, first, last, scores.shape[2]))
        yield (layer + last / T) / len(cache.masks)


def _shown(
    cache: AttentionCache, summaries: list[Summary], done: int, pieces: tuple[str, ...], skipped: int,
    seconds: tuple[float, float],
) -> Heads:  # fmt: skip
    from genstudio.inspection.heads import label

    descriptors = np.stack([summary.descriptors() for summary in summaries])
    descriptors[done:] = np.nan
    read = [summary for summary, part in zip(summaries, cache.parts, strict=False) if part is not None]
    none = ("",) * descriptors.shape[1]
    words = [
        ("switched off",) * len(none) if part is None else tuple(map(label, heads))
        for part, heads in zip(cache.parts[:done], descriptors, strict=False)
    ]
    return Heads(
        "heads",
        cache.step,
        pieces,
        skipped,
        np.stack([summary.small.numpy().astype(np.float16) for summary in summaries]),
        summaries[0].patch,
        descriptors,
        (*words, *[none] * (len(descriptors) - done)),
        cache.masks[0] and cache.switches.causal,
        max((summary.row_error for summary in read), default=0.0),
        max(summary.leak for summary in summaries),
        cache.number,
        seconds,
        done,
    )


def _map(task: LookAtMap, cache: AttentionCache) -> Work[HeadMap]:
    from genstudio.inspection.heads import heaviest, seen

    T = len(cache.ids)
    (top, bottom), (left, right) = (_within(*part, T) for part in (task.rows, task.columns))
    patch = -(-max(bottom - top, right - left) // max(task.side, 1))
    parts, row_error, leak = [], 0.0, 0.0
    causal = cache.masks[0] and cache.switches.causal
    for first, last in _blocks(bottom - top, T, patch):
        rows = yield from _rows(cache, task.which, top + first, top + last)
        row_error = max(row_error, float((rows.sum(-1) - 1).abs().max()))
        allowed = seen(cache.switches, causal, top + first, top + last, T)
        if allowed is not None:
            leak = max(leak, float(rows.masked_fill(allowed, 0.0).max()))
        parts.append(pooled(heaviest(rows, task.mass)[:, left:right].numpy(), patch).astype(np.float16))
        yield last / (bottom - top)
    weights = np.concatenate(parts)
    title = task.which.title()
    return HeadMap(
        "map", cache.step, title, task.which, top, left, patch, weights, task.mass, row_error, leak, cache.number
    )


def _within(first: int, last: int, size: int) -> tuple[int, int]:
    """At least one of `size` places."""
    first = max(0, min(first, size - 1))
    return first, max(first + 1, min(last, size))


def pooled(weights: Array, patch: int) -> Array:
    """The largest of each patch x patch of weights (r, c): (ceil(r / patch), ceil(c / patch))."""
    if patch == 1:
        return weights
    rows = np.maximum.reduceat(weights, np.arange(0, weights.shape[0], patch), axis=0)
    return np.asarray(np.maximum.reduceat(rows, np.arange(0, weights.shape[1], patch), axis=1))


def _rows(cache: AttentionCache, which: Which, first: int, last: int) -> Work[Tensor]:
    """Rows first .. last-1 (R, T) of a map; a map of many heads is worked out once, as a whole."""
    from genstudio.inspection.heads import weight_rows

    if which.layer is not None and which.head is not None:
        part = cache.parts[which.layer]
        if part is None:
            return _nothing(last - first, len(cache.ids))
        one = slice(which.head, which.head + 1)
        q, k = part
        return weight_rows(q[one], k[one], first, last, cache.switches, cache.masks[which.layer])[0]
    if which not in cache.maps:
        while cache.maps and (len(cache.maps) + 1) * len(cache.ids) ** 2 > _KEPT:
            del cache.maps[next(iter(cache.maps))]
        cache.maps[which] = yield from (_rollout(cache) if which.rollout else _mean(cache, which.layer))
    return cache.maps[which][first:last]


def _nothing(rows: int, tokens: int) -> Tensor:
    import torch

    return torch.zeros(rows, tokens)


def _mean(cache: AttentionCache, layer: int | None) -> Work[Tensor]:
    """The mean over the heads of a layer, or over those of all layers that are not off: (T, T)."""
    from genstudio.inspection.heads import weight_rows

    T = len(cache.ids)
    total, some = _nothing(T, T), 0
    for index, part in enumerate(cache.parts):
        if part is None or layer not in (None, index):
            continue
        q, k = part
        some += 1
        for first, last in _blocks(T, len(q) * T):
            total[first:last] += weight_rows(q, k, first, last, cache.switches, cache.masks[index]).mean(0)
            yield (index + last / T) / len(cache.parts)
    return total / max(some, 1)


def _rollout(cache: AttentionCache) -> Work[Tensor]:
    import torch

    T, result = len(cache.ids), None
    for index, part in enumerate(cache.parts):
        if part is None:
            continue
        share = index / len(cache.parts), (index + 0.5) / len(cache.parts)
        mixed = yield from scaled(_mean(cache, index), *share)
        mixed.diagonal().add_(1)
        mixed /= 2
        if result is None:
            result = mixed
            continue
        for first, last in _blocks(T, T * T // 20):
            mixed[first:last] = mixed[first:last] @ result
            yield share[1]
        result = mixed
    return torch.eye(T) if result is None else result


def _blocks(rows: int, each: int, of: int = 1) -> list[tuple[int, int]]:
    """Where blocks of rows begin and end: multiples of `of`, so many that a block has about a slice's elements."""
    size = max(1, _ELEMENTS // max(each, 1) // of) * of
    return [(first, min(first + size, rows)) for first in range(0, rows, size)]
