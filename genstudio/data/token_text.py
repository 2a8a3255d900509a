"""A text as a tokenizer sees it, token by token, for people to look at."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

import numpy as np

from genstudio.data.encoding import cuts
from genstudio.data.tokenizers import BPETokenizer, ByteTokenizer, CharTokenizer, Tokenizer, WordTokenizer, printable
from genstudio.data.work import Work
from genstudio.events import Array, Frozen

LARGEST = 2_000_000
"""Characters looked at in one go at most."""


@dataclass(frozen=True, slots=True, eq=False)
class TokenText(Frozen):
    """The tokens of a text. `ids` (n,), -1 for a character that the vocabulary lacks; `index` (n,) into `pieces`, which
    can be seen on one line; for each piece `cells` is its width in monospaced letters, `breaks` whether the line ends
    behind it, `unknown` whether the vocabulary lacks it. `returns`: whether decoding gives the text back."""

    ids: Array
    index: Array
    pieces: tuple[str, ...]
    cells: Array
    breaks: Array
    unknown: Array
    characters: int
    returns: bool


def tokens_of(tokenizer: Tokenizer, text: str) -> Work[TokenText]:
    """The tokens of a text of at most `LARGEST` characters. Yields the fraction done."""
    text = text[:LARGEST]
    ids: list[Array] = []
    lacking: dict[str, int] = {}
    for position, behind in cuts(text, 0, len(text)):
        ids.append(_keys(tokenizer, text[position:behind], lacking))
        yield 0.8 * behind / len(text)
    keys = np.concatenate(ids) if ids else np.empty(0, np.int64)
    known = keys[keys >= 0]
    returns = not lacking and tokenizer.decode(known) == text
    yield 0.9
    unique, index = np.unique(keys, return_inverse=True)
    absent, present = unique[unique < 0], unique[unique >= 0]
    names = list(lacking)
    missing = [names[-int(key) - 1] for key in absent]
    pieces = (*("".join(map(printable, name)) for name in missing), *tokenizer.pieces(present))
    ends = [*(name.endswith("\n") for name in missing), *_ends(tokenizer, present)]
    unknown = np.arange(len(unique)) < len(absent)
    shown = np.where(keys >= 0, keys, 0 if isinstance(tokenizer, WordTokenizer) else -1)
    cells = np.array([cells_of(piece) for piece in pieces], np.int64)
    return TokenText(
        shown, index.astype(np.int64), pieces, cells, np.array(ends, bool), unknown, len(text), bool(returns)
    )


def cells_of(piece: str) -> int:
    """Width of a piece in monospaced letters: those of East Asia take two, combining marks none."""
    if piece.isascii():
        return len(piece)
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in piece)
    return len(piece) + wide - sum(1 for letter in piece if unicodedata.combining(letter))


def _keys(tokenizer: Tokenizer, text: str, lacking: dict[str, int]) -> Array:
    """Ids, and -1, -2 ... for what the vocabulary lacks, numbered in `lacking`."""

    def absent(piece: str) -> int:
        return -1 - lacking.setdefault(piece, len(lacking))

    if isinstance(tokenizer, CharTokenizer):
        ids, unknown = tokenizer.encode_lossy(text)
        places = np.array(unknown, np.int64)
        keys = np.empty(len(text), np.int64)
        keys[places] = [absent(text[place]) for place in unknown]
        keys[np.setdiff1d(np.arange(len(text)), places, assume_unique=True)] = ids
        return keys
    if isinstance(tokenizer, WordTokenizer):
        units = tokenizer.units(text)
        found: list[int] = []
        for unit, ids_of_unit in zip(units, tokenizer.encode_units(units), strict=True):
            found += ids_of_unit
            if found[-1] == tokenizer.unknown:
                found[-1] = absent(unit[len(ids_of_unit) - 1 :])
        return np.array(found, np.int64)
    return tokenizer.encode_lossy(text)[0].astype(np.int64)


def _ends(tokenizer: Tokenizer, ids: Array) -> list[bool]:
    if isinstance(tokenizer, ByteTokenizer | BPETokenizer | WordTokenizer):
        return [tokenizer.token_bytes[index].endswith(b"\n") for index in ids.tolist()]
    return [tokenizer.decode([index]) == "\n" for index in ids.tolist()]
