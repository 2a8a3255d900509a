"""What a document is made of: text that was typed, and tokens that a model wrote, with what it thought of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from genstudio.events import Array
from genstudio.sampling.choose import SamplingOptions
from genstudio.snapshots.text import Chosen

CHUNK = 4096
"""Characters in a segment of typed text at most: an edit copies one segment, not the document."""
BLOCK = 256
"""Tokens in a segment of written text at most."""


@dataclass(frozen=True, slots=True)
class Made:
    """Who wrote something, and how: the `run`'s folder, the `model` in words, the `step` of its weights, the sampler;
    a `method` in words where it was not the sampler that chose."""

    run: str
    model: str
    step: int
    options: SamplingOptions = field(default_factory=SamplingOptions)
    seed: int = 0
    method: str = ""


@dataclass(frozen=True, eq=False)
class Typed:
    """Text of a person."""

    text: str

    def __len__(self) -> int:
        return len(self.text)


@dataclass(frozen=True, eq=False)
class Written:
    """Tokens of a model: `texts` (n,) is the text that each of them completes, which may be empty."""

    texts: tuple[str, ...]
    tokens: Chosen
    made: Made

    def __len__(self) -> int:
        return len(self.text)

    @cached_property
    def text(self) -> str:
        return "".join(self.texts)

    @cached_property
    def starts(self) -> Array:
        """(n + 1,) where each token's text begins and the last one's ends, in characters."""
        return np.concatenate([[0], np.cumsum([len(text) for text in self.texts], dtype=np.int64)])

    def part(self, start: int, stop: int) -> Written:
        """Tokens `start` to `stop`."""
        return Written(self.texts[start:stop], chosen_part(self.tokens, start, stop), self.made)

    def cut(self, offset: int) -> tuple[int, str]:
        """Where to cut so that the text up to `offset` stays: how many whole tokens, and what is left of the next one.

        Tokens that complete no text belong to the one that follows, of whose characters they are a part.
        """
        count = int(np.searchsorted(self.starts, offset, side="right")) - 1
        while count and not self.texts[count - 1]:
            count -= 1
        return count, self.text[int(self.starts[count]) : offset]


Segment = Typed | Written


def chosen_part(tokens: Chosen, start: int, stop: int) -> Chosen:
    """Tokens `start` to `stop`, with the names of these only."""
    columns = {name: getattr(tokens, name)[start:stop] for name in _COLUMNS}
    ids = {*columns["ids"].tolist(), *columns["alternatives"].ravel().tolist()}
    names = {i: tokens.names[i] for i in ids if i in tokens.names}
    return Chosen(pieces=tokens.pieces[start:stop], names=names, **columns)


def chosen_joined(first: Chosen, second: Chosen) -> Chosen:
    """One after the other; both have the same number of alternatives."""
    columns = {name: np.concatenate([getattr(first, name), getattr(second, name)]) for name in _COLUMNS}
    return Chosen(pieces=first.pieces + second.pieces, names={**first.names, **second.names}, **columns)


def typed(text: str) -> tuple[Segment, ...]:
    """Text in segments of at most `CHUNK` characters."""
    return tuple(Typed(text[at : at + CHUNK]) for at in range(0, len(text), CHUNK))


def written(texts: tuple[str, ...], tokens: Chosen, made: Made) -> tuple[Segment, ...]:
    """Tokens in segments of at most `BLOCK` tokens."""
    whole = Written(texts, tokens, made)
    return tuple(whole.part(at, at + BLOCK) for at in range(0, len(texts), BLOCK))


def grown(segments: tuple[Segment, ...], more: tuple[Segment, ...]) -> tuple[Segment, ...]:
    """`more` after `segments`; small segments of the same kind at the seam become one."""
    if not segments or not more:
        return segments + more
    last, first = segments[-1], more[0]
    if isinstance(last, Typed) and isinstance(first, Typed) and len(last) + len(first) <= CHUNK:
        return (*segments[:-1], Typed(last.text + first.text), *more[1:])
    if (
        isinstance(last, Written)
        and isinstance(first, Written)
        and last.made == first.made
        and len(last.texts) + len(first.texts) <= BLOCK
        and last.tokens.alternatives.shape[1] == first.tokens.alternatives.shape[1]
    ):
        joined = Written(last.texts + first.texts, chosen_joined(last.tokens, first.tokens), last.made)
        return (*segments[:-1], joined, *more[1:])
    return segments + more


def cut_at(segments: tuple[Segment, ...], offset: int) -> tuple[tuple[Segment, ...], tuple[Segment, ...], str]:
    """Segments before and from a position in characters, and typed text that replaces the beginning of a cut token.

    The text of the first, and then the third, is what stands before the position; written tokens stay whole in the second.
    """
    begin = 0
    for index, segment in enumerate(segments):
        if offset <= begin:
            return segments[:index], segments[index:], ""
        if offset < begin + len(segment):
            before, behind = segments[:index], segments[index + 1 :]
            if isinstance(segment, Typed):
                text = segment.text
                return (*before, Typed(text[: offset - begin])), (Typed(text[offset - begin :]), *behind), ""
            count, rest = segment.cut(offset - begin)
            first = (segment.part(0, count),) if count else ()
            return (*before, *first), (segment.part(count, len(segment.texts)), *behind), rest
        begin += len(segment)
    return segments, (), ""


def alternative(segment: Written, token: int, choice: int, text: str) -> Written:
    """One of the alternatives of a written token, with the `text` it completes; its numbers are those it had there."""
    tokens = segment.tokens
    row = slice(token, token + 1)
    chosen = int(tokens.alternatives[token, choice])
    before = float(tokens.before[token, choice])
    part = Chosen(
        np.array([chosen], np.int32),
        (tokens.names.get(chosen, ""),),
        np.array([tokens.after[token, choice]]),
        np.array([np.log(before) if before > 0 else -np.inf]),
        np.array([choice + 1], np.int32),
        tokens.entropies[row],
        tokens.alternatives[row],
        tokens.before[row],
        tokens.after[row],
        {i: tokens.names[i] for i in (chosen, *tokens.alternatives[token].tolist()) if i in tokens.names},
    )
    return Written((text,), part, segment.made)


def merged(segments: Iterator[Segment], run: str) -> tuple[str | tuple[tuple[int, ...], str], ...]:
    """What a model of `run` reads: texts, and (ids, text) of what it wrote itself. Neighbours of a kind become one."""
    parts: list[str | tuple[tuple[int, ...], str]] = []
    texts: list[str] = []
    ids: list[int] = []

    def close() -> None:
        if texts:
            parts.append((tuple(ids), "".join(texts)) if ids else "".join(texts))
        texts.clear()
        ids.clear()

    own: bool | None = None
    for segment in segments:
        mine = isinstance(segment, Written) and segment.made.run == run
        if mine is not own:
            close()
        own = mine
        texts.append(segment.text)
        if mine and isinstance(segment, Written):
            ids += segment.tokens.ids.tolist()
    close()
    return tuple(parts)


_COLUMNS = ("ids", "probabilities", "logprobs", "ranks", "entropies", "alternatives", "before", "after")
