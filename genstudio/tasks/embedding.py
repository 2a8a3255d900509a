"""Tasks of the playground: vectors as a map, what lies near one of them, and how positions are told apart."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from genstudio.data.projection import nearest, principal, tsne
from genstudio.data.work import in_thread
from genstudio.errors import RunError
from genstudio.events import Array, Frame, Progress
from genstudio.families.abilities import Embeds, Traces
from genstudio.snapshots.layers import EmbeddingMap, PositionCode
from genstudio.tasks.models import ModelRef, Models, Opened
from genstudio.tasks.prompt import Prompt
from genstudio.tasks.task import Frames, Quiet, frames_of
from genstudio.tasks.translate import encode_for

if TYPE_CHECKING:
    from genstudio.nn.transformer import Stack

Space = Literal["tokens", "output", "hidden", "words"]

MOST_POSITIONS = 512
_SHOWN_EVERY = 0.1


@dataclass(frozen=True)
class Vectors:
    """What is mapped: rows (n, C) with their names, and ids in the vocabulary or positions in the text."""

    rows: Array
    names: tuple[str, ...]
    ids: Array


@dataclass(frozen=True)
class MapVectors:
    """A map of the token embeddings, the output layer's rows, what the stream holds at each token of a prompt, or the words of
    a model that has a vector for each.

    `layer` counts from 0, the stream before the first layer. Of a large vocabulary the first `most` tokens are taken,
    and those of the prompt. t-SNE shows the points while they move. Raises RunError, DataError.
    """

    model: ModelRef
    prompt: Prompt
    space: Space = "tokens"
    layer: int = 0
    method: Literal["pca", "tsne"] = "pca"
    most: int = 800
    perplexity: float = 30.0

    @property
    def quiet(self) -> bool:
        """t-SNE takes long enough to be stopped."""
        return self.method == "pca"

    def run(self, models: Models) -> Frames[EmbeddingMap]:
        yield Frame(progress=Progress("Opening the model"))
        if self.space == "words":
            words = models.open(self.model, Embeds)
            step, layers, found = words.step, 0, _words(words)
            chosen = np.arange(min(self.most, len(found.rows)))
            note = f"the {self.most:,} most frequent of {len(found.rows):,} words" if len(found.rows) > self.most else ""
        else:
            opened = models.open(self.model, Traces)
            step, layers = opened.step, opened.model.transformer.architecture.layers
            found = yield from _vectors(opened, self.prompt, self.space, self.layer)
            chosen, note = self._chosen(opened, found)
        shown = found.rows[chosen]
        names, ids = tuple(found.names[i] for i in chosen), found.ids[chosen]

        def made(points: Array, **more: Any) -> EmbeddingMap:
            small = np.ascontiguousarray(points, np.float32)
            return EmbeddingMap(
                "map", step, self.space, small, names, ids.copy(), len(found.rows), note=note, layer=self.layer,
                layers=layers, **more,
            )  # fmt: skip

        if self.method == "pca":
            points, shares = yield from frames_of(in_thread(lambda: principal(shown)), "Placing the points", 0.0)
            return made(points, explained=tuple(float(share) for share in shares))
        due = 0.0
        for last in tsne(shown, self.perplexity):
            if last.loss is not None and time.monotonic() >= due:
                yield Frame(snapshots=(made(last.points, loss=last.loss, finished=False),))
                due = time.monotonic() + _SHOWN_EVERY
            else:
                yield Frame(progress=Progress("Placing the points", last.done))
        return made(last.points, loss=last.loss)

    def _chosen(self, opened: Opened[Traces], found: Vectors) -> tuple[NDArray[np.int64], str]:
        if len(found.rows) <= self.most:
            return np.arange(len(found.rows)), ""
        first = np.arange(self.most)
        if self.space == "hidden":
            last = np.arange(len(found.rows) - self.most, len(found.rows))
            return last, f"the last {self.most:,} of {len(found.rows):,} tokens"
        ids = encode_for(opened, self.prompt).ids.astype(np.int64)
        chosen = np.union1d(first, ids)
        return chosen, f"the vocabulary's first {self.most:,} of {len(found.rows):,} tokens, and those of the text"


@dataclass(frozen=True)
class Near:
    """A token, its id or position and its name, and those nearest to it with the weights of `step`: (index, name, cosine)
    of each."""

    step: int
    index: int
    name: str
    found: tuple[tuple[int, str, float], ...]


@dataclass(frozen=True)
class FindNear(Quiet):
    """The tokens whose vectors point most the same way as that of `index` (its id, or its position in the text).

    All of the vocabulary is searched. Raises RunError where there is no such token.
    """

    model: ModelRef
    prompt: Prompt
    index: int
    space: Space = "tokens"
    layer: int = 0
    count: int = 12

    def run(self, models: Models) -> Frames[Near]:
        opened: Opened[Any]
        if self.space == "words":
            opened = models.open(self.model, Embeds)
            step, found = opened.step, _words(opened)
        else:
            opened = models.open(self.model, Traces)
            step = opened.step
            found = yield from _vectors(opened, self.prompt, self.space, self.layer)
        where = np.flatnonzero(found.ids == self.index)
        if not len(where):
            raise RunError("This token no longer exists.", "Choose another one.")
        rows, at = found.rows.copy() if opened.live else found.rows, int(where[0])
        near = yield from frames_of(in_thread(lambda: nearest(rows, at, self.count)), "Searching", 0.0)
        said = tuple((int(found.ids[i]), found.names[i], cosine) for i, cosine in near)
        return Near(step, self.index, found.names[at], said)


@dataclass(frozen=True)
class LookAtPositions(Quiet):
    """How a model tells positions apart, and how like each other they are by distance."""

    model: ModelRef

    def run(self, models: Models) -> Frames[PositionCode]:
        yield Frame(progress=Progress("Opening the model"))
        opened = models.open(self.model, Traces)
        step = opened.step
        model = opened.model.transformer
        arch = model.architecture
        count = min(model.context, MOST_POSITIONS)
        table, vectors = _positions(model, count)
        similarity = yield from frames_of(in_thread(lambda: cosines(vectors)), "Comparing positions", 0.0)
        near, low, high = yield from frames_of(in_thread(lambda: by_distance(similarity)), "Comparing positions", 0.0)
        base = float(arch.position_base) if arch.positions in ("sinusoidal", "rotary") else 0.0
        return PositionCode(
            "positions", step, arch.positions, base, model.context, table.astype(np.float32),
            similarity.astype(np.float32), near, low, high,
        )  # fmt: skip


def cosines(vectors: Array) -> Array:
    """Of each two of (n, m): (n, n)."""
    sizes = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = vectors / np.maximum(sizes, 1e-12)
    return np.asarray(unit @ unit.T)


def by_distance(similarity: Array) -> tuple[Array, Array, Array]:
    """Mean, 5 % and 95 % quantile of the entries (n, n) of each distance 0 .. n - 1."""
    rows = [np.diagonal(similarity, distance) for distance in range(len(similarity))]
    bands = np.array([np.quantile(row, (0.05, 0.95)) for row in rows]).reshape(-1, 2)
    return np.array([row.mean() for row in rows]), bands[:, 0].copy(), bands[:, 1].copy()


def _positions(model: Stack, count: int) -> tuple[Array, Array]:
    """What is shown of the first positions, and the vectors whose cosines say how like each other they are."""
    kind = model.architecture.positions
    if kind == "rotary":
        turned = model.turn[:count].detach().cpu().numpy()
        return turned.real, np.concatenate([turned.real, turned.imag], axis=1).astype(np.float64)
    if kind == "none":
        return np.zeros((0, 0)), np.zeros((0, 0))
    found = model.waves if model.positions is None else model.positions.weight
    table = found[:count].detach().float().cpu().numpy().copy()
    return table, table.astype(np.float64)


def _words(opened: Opened[Embeds]) -> Vectors:
    """The vectors of all words; their places are their ids."""
    words, rows = opened.model.embeddings()
    return Vectors(rows, words, np.arange(len(words)))


def _vectors(opened: Opened[Traces], prompt: Prompt, space: Space, layer: int) -> Frames[Vectors]:
    from genstudio.inspection.trace import trace

    model, tokenizer = opened.model.transformer, opened.tokenizer
    if space == "hidden":
        ids = encode_for(opened, prompt).ids[-model.context :]
        inside = yield from frames_of(trace(opened.frozen_stack(), ids, ("residual",)), "Reading the text")
        layer = min(max(layer, 0), model.architecture.layers)
        return Vectors(inside["residual"][layer], tokenizer.pieces(ids), np.arange(len(ids)))
    found = model.tokens.weight if space == "tokens" else opened.transformer.head.weight
    every = np.arange(tokenizer.size, dtype=np.int32)
    return Vectors(found.detach().float().cpu().numpy(), tokenizer.pieces(every), every.astype(np.int64))
