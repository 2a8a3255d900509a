"""Pieces of words: byte-level byte-pair encoding (Sennrich et al. 2016; over bytes, Radford et al. 2019).

The library `tokenizers` does the work and is imported when the first text is encoded. It only ever sees a vocabulary
and merges that were checked here, and never a regular expression that somebody else made.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genstudio.data.tokenizers.library import LETTERS, VALUES, byte_level, to_bytes
from genstudio.data.tokenizers.tokenizer import (
    Ids,
    checked,
    damaged,
    printable_bytes,
    surrogates,
    whole,
    without,
)
from genstudio.data.tokenizers.units import UnitTable

LARGEST = 1 << 18
"""Tokens at most, so that one tokenizer takes tens of megabytes."""

_LONGEST = 100_000
_PLAIN = re.compile(rf"[ \t\n\r]*[^ \t\n\r]{{1,{_LONGEST}}}|[ \t\n\r]+")
_LINES = re.compile(rf"\n|[ \t\r]*[^ \t\n\r]{{1,{_LONGEST}}}|[ \t\r]+")
_OTHER_SPACE = re.compile(r"[^\S \t\n\r]")
_LINE_ENDS = re.compile(r"(\n)")
_CAREFUL = re.compile(r"(?<=\S)(?=[ \t\n\r])")


def units_of(text: str, lines: bool = False) -> list[str]:
    """The text cut where no token can cross: before whitespace that follows something else.

    In the library's rule (Radford et al. 2019) a token is letters, digits or signs with at most one space before them,
    or whitespace alone, so a token never holds whitespace behind something else. Without whitespace a unit is cut
    after 100,000 characters, which bounds the library's memory. With `lines`, every line end is a unit of its own.
    """
    if _OTHER_SPACE.search(text) is None:
        return (_LINES if lines else _PLAIN).findall(text)
    parts = _LINE_ENDS.split(text) if lines else [text]
    pieces = [piece for part in parts for piece in ([part] if part == "\n" else _CAREFUL.split(part))]
    return [piece[at : at + _LONGEST] for piece in pieces for at in range(0, len(piece), _LONGEST)]


@dataclass(frozen=True)
class BPETokenizer:
    """`tokens` by id in the letters that stand for bytes, `merges` in the order of training.

    `special` are (name, id) of tokens that never come from text, with ids behind or between the others; `begin_name` and
    `end_name` say which of them are the markers of a sequence. Raises DataError for a vocabulary that does not fit.
    """

    tokens: tuple[str, ...]
    merges: tuple[tuple[str, str], ...]
    special: tuple[tuple[str, int], ...] = ()
    begin_name: str = ""
    end_name: str = ""

    def __post_init__(self) -> None:
        named = {index for _, index in self.special}
        known = {token for index, token in enumerate(self.tokens) if index not in named}
        if len(self.tokens) > LARGEST:
            raise damaged(f"it has more than {LARGEST:,} tokens")
        if len(known) + len(named) != len(self.tokens):
            raise damaged("a token occurs twice")
        if missing := [value for value, letter in enumerate(LETTERS) if letter not in known]:
            raise damaged(f"it has no token for {len(missing)} of the 256 bytes, the first is 0x{missing[0]:02x}")
        if not all(token and set(token) <= VALUES.keys() for token in known):
            raise damaged("one of its tokens does not stand for bytes")
        if len(set(self.merges)) != len(self.merges):
            raise damaged("a merge occurs twice")
        for first, second in self.merges:
            if not (first in known and second in known and first + second in known):
                raise damaged(f"a merge of '{first[:20]}' and '{second[:20]}' is not one of its tokens")

    @property
    def name(self) -> str:
        return "byte pairs"

    @property
    def size(self) -> int:
        return len(self.tokens)

    @property
    def begin(self) -> int | None:
        return dict(self.special).get(self.begin_name)

    @property
    def end(self) -> int | None:
        return dict(self.special).get(self.end_name)

    @property
    def markers(self) -> bool:
        """Whether lines are sequences."""
        return self.begin is not None and self.end is not None

    @cached_property
    def token_bytes(self) -> tuple[bytes, ...]:
        """What each id stands for: an end marker a line end, other special tokens nothing."""
        named = {index: b"\n" if index == self.end else b"" for _, index in self.special}
        return tuple(named[i] if i in named else to_bytes(token) for i, token in enumerate(self.tokens))

    @cached_property
    def _pieces(self) -> tuple[str, ...]:
        named = {index: name for name, index in self.special}
        return tuple(named.get(i) or printable_bytes(token) for i, token in enumerate(self.token_bytes))

    @cached_property
    def _engine(self) -> Any:
        from tokenizers import Tokenizer, models, pre_tokenizers

        named = {index for _, index in self.special}
        vocabulary = {token: index for index, token in enumerate(self.tokens) if index not in named}
        engine = Tokenizer(models.BPE(vocab=vocabulary, merges=list(self.merges)))
        engine.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        return engine

    @cached_property
    def _table(self) -> UnitTable:
        return UnitTable(self.encode_units)

    def units(self, text: str, lines: bool = False) -> list[str]:
        """Pieces of a text that are encoded independently; with `lines`, every line end is one of its own."""
        return units_of(text, lines)

    def encode_units(self, units: Sequence[str]) -> list[list[int]]:
        """The ids of each unit."""
        return [found.ids for found in self._engine.encode_batch_fast(units, add_special_tokens=False)]

    def encode(self, text: str) -> NDArray[np.int32]:
        return self._table.ids(units_of(whole(text)))

    def encode_lossy(self, text: str) -> tuple[NDArray[np.int32], tuple[int, ...]]:
        unknown = surrogates(text)
        return self.encode(without(text, unknown)), unknown

    def decode(self, ids: Sequence[int] | Ids) -> str:
        """Bytes that are no whole character become U+FFFD."""
        return b"".join(map(self.token_bytes.__getitem__, checked(ids, self.size).tolist())).decode("utf-8", "replace")

    def pieces(self, ids: Sequence[int] | Ids) -> tuple[str, ...]:
        return tuple(self._pieces[index] for index in checked(ids, self.size).tolist())

    def shortened(self, size: int) -> BPETokenizer:
        """The tokenizer that training to `size` ids would have given: the same without the last merges."""
        named = {index for _, index in self.special}
        gone = max(len(self.tokens) - size, 0)
        merges = self.merges[: max(len(self.merges) - gone, 0)]
        dropped = {first + second for first, second in self.merges[len(merges) :]}
        kept = [(index, token) for index, token in enumerate(self.tokens) if index in named or token not in dropped]
        moved = {index: place for place, (index, _) in enumerate(kept)}
        special = tuple((name, moved[index]) for name, index in self.special)
        return BPETokenizer(tuple(token for _, token in kept), merges, special, self.begin_name, self.end_name)

    def to_json(self) -> dict[str, Any]:
        """As the library `tokenizers` writes it."""
        named = {index for _, index in self.special}
        vocabulary = {token: index for index, token in enumerate(self.tokens) if index not in named}
        return byte_level(vocabulary, self.merges, dict(self.special))
