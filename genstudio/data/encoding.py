"""Long texts to token ids, in slices; what is encoded in pieces equals what is encoded whole."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genstudio.data.tokenizers import BPETokenizer, ByteTokenizer, CharTokenizer, Ids, Tokenizer, WordTokenizer, chunks
from genstudio.data.tokenizers.units import UnitTable
from genstudio.data.work import Work

SPAN = 1 << 17
"""Characters encoded at a time where tokens are longer than one character."""

_NEWLINE = 10
_CUT = re.compile(r"(?<=\S)[ \n]")


@dataclass(frozen=True, eq=False)
class Encoded:
    """`ids` (n,), uint16 where they fit, else int32; `characters` of the text that ids 1 .. n-1 stand for; `unknown` of
    the ids are `<unk>`. An end marker stands for its line end, a beginning marker for nothing."""

    ids: Ids
    characters: int
    unknown: int = 0


def encode_part(tokenizer: Tokenizer, text: str, start: int, stop: int) -> Work[Encoded]:
    """Ids of `text[start:stop]`; with markers, of its non-empty lines. Yields the fraction done.

    Raises DataError for characters missing from the vocabulary.
    """
    if isinstance(tokenizer, CharTokenizer):
        ids = yield from _characters(tokenizer, text, start, stop)
        return Encoded(
            ids, len(ids) - (1 if tokenizer.begin is None else int(np.count_nonzero(ids == tokenizer.begin)))
        )
    kind = np.uint16 if tokenizer.size <= 0xFFFF else np.int32
    found: list[Ids] = []
    for position, behind, ids in _spans(tokenizer, text, start, stop):
        if tokenizer.begin is not None and tokenizer.end is not None:
            before = position == start or text[position - 1] == "\n"
            after = behind >= stop or text[behind] == "\n"
            ids = wrap(tokenizer.begin, tokenizer.end, ids, ids >= 0, before, after)
        found.append(ids.astype(kind))
        yield (behind - start) / (stop - start)
    ids = np.concatenate(found) if found else np.empty(0, kind)
    unknown = int(np.count_nonzero(ids == tokenizer.unknown)) if isinstance(tokenizer, WordTokenizer) else 0
    return Encoded(ids, _stands_for(tokenizer, ids, text, start, stop), unknown)


def cuts(text: str, start: int, stop: int) -> Iterator[tuple[int, int]]:
    """Stretches of about `SPAN` characters between which no token of words or byte pairs crosses.

    They end before a space or line end that follows something else, so a text without any is one stretch.
    """
    position = start
    while position < stop:
        target = position + SPAN
        found = _CUT.search(text, target, stop) if target < stop else None
        behind = found.start() if found else stop
        yield position, behind
        position = behind


def _spans(tokenizer: Tokenizer, text: str, start: int, stop: int) -> Iterator[tuple[int, int, NDArray[np.int32]]]:
    """Where each stretch begins and ends, and its ids; with markers, -1 for each line end."""
    lines = tokenizer.begin is not None
    if isinstance(tokenizer, ByteTokenizer):
        for position in range(start, stop, SPAN):
            behind = min(position + SPAN, stop)
            ids = tokenizer.encode(text[position:behind])
            yield position, behind, np.where(ids == _NEWLINE, np.int32(-1), ids) if lines else ids
        return
    assert isinstance(tokenizer, WordTokenizer | BPETokenizer)

    def encode(units: Sequence[str]) -> Iterable[Sequence[int]]:
        every = tokenizer.encode_units(units)
        return ((-1,) if lines and unit == "\n" else ids for unit, ids in zip(units, every, strict=True))

    table = UnitTable(encode)
    for position, behind in cuts(text, start, stop):
        yield position, behind, table.ids(tokenizer.units(text[position:behind], lines))


def _stands_for(tokenizer: Tokenizer, ids: Ids, text: str, start: int, stop: int) -> int:
    """How many characters ids 1 .. n-1 stand for."""
    if tokenizer.end is not None:
        return stop - start - text.count("\n", start, stop) + int(np.count_nonzero(ids == tokenizer.end))
    if not len(ids):
        return 0
    assert isinstance(tokenizer, ByteTokenizer | WordTokenizer | BPETokenizer)
    if isinstance(tokenizer, WordTokenizer) and ids[0] == tokenizer.unknown:
        first = len(tokenizer.units(text[start : start + SPAN])[0])
    else:
        first = sum(byte & 0xC0 != 0x80 for byte in tokenizer.token_bytes[int(ids[0])])
    return stop - start - first


def _characters(tokenizer: CharTokenizer, text: str, start: int, stop: int) -> Work[Ids]:
    most = stop - start + (text.count("\n", start, stop) + 2 if tokenizer.markers else 0)
    out: Ids = np.empty(most, np.uint16 if tokenizer.size <= 0xFFFF else np.int32)
    size = 0
    for position, codes in chunks(text, start, stop):
        ids = tokenizer.lookup(codes)
        unknown = (ids < 0) & (codes != _NEWLINE) if tokenizer.markers else ids < 0
        if unknown.any():
            raise tokenizer.lacks(codes[unknown], position + int(unknown.argmax()))
        if tokenizer.begin is not None and tokenizer.end is not None:
            before = position == start or text[position - 1] == "\n"
            behind = position + len(codes)
            after = behind >= stop or text[behind] == "\n"
            ids = wrap(tokenizer.begin, tokenizer.end, ids, codes != _NEWLINE, before, after)
        out[size : size + len(ids)] = ids
        size += len(ids)
        yield (position + len(codes) - start) / (stop - start)
    return out[:size]


def wrap(
    begin: int, end: int, ids: NDArray[np.int32], inside: NDArray[np.bool_], before: bool, after: bool
) -> NDArray[np.int32]:
    """Replace line ends (not `inside`) by markers around what they enclose.

    `before` and `after` say whether a line end is just outside of this stretch.
    """
    begins = inside & np.concatenate([[before], ~inside[:-1]])
    ends = inside & np.concatenate([~inside[1:], [after]])
    last = np.cumsum(inside.astype(np.int64) + begins + ends)
    out = np.empty(int(last[-1]), np.int32)
    place = last - 1 - ends
    out[place[inside]] = ids[inside]
    out[place[begins] - 1] = begin
    out[place[ends] + 1] = end
    return out
