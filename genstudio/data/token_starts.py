"""Where the tokens of a text begin in it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from genstudio.data.tokenizers import BPETokenizer, ByteTokenizer, Ids, Tokenizer, WordTokenizer, code_points
from genstudio.data.tokenizers.tokenizer import without


def token_starts(tokenizer: Tokenizer, text: str, ids: Ids, unknown: Sequence[int]) -> NDArray[np.int64]:
    """The character of `text` in which each of its tokens begins, (n,) int64.

    `ids` (n,) and the positions `unknown` are what `encode_lossy` gave for the text. A token in the middle of the bytes
    of a character begins at that character.
    """
    if isinstance(tokenizer, WordTokenizer):
        units = tokenizer.units(text)
        counts = [
            length
            for unit, found in zip(units, tokenizer.encode_units(units), strict=True)
            for length in ((1, len(unit) - 1) if len(found) == 2 else (len(unit),))
        ]
        return _before(np.array(counts, np.int64))
    places = np.setdiff1d(np.arange(len(text), dtype=np.int64), np.array(unknown, np.int64), assume_unique=True)
    if not isinstance(tokenizer, BPETokenizer | ByteTokenizer):
        return places
    lengths = np.array([len(tokenizer.token_bytes[i]) for i in ids.tolist()], np.int64)
    codes = code_points(without(text, unknown))
    widths = 1 + (codes >= 0x80).astype(np.int64) + (codes >= 0x800) + (codes >= 0x10000)
    return places[np.repeat(np.arange(len(codes)), widths)[_before(lengths)]] if len(ids) else _before(lengths)


def _before(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """The sum of all counts before each."""
    return np.cumsum(counts) - counts
