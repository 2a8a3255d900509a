"""One token per word, sign or whitespace."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genstudio.data.tokenizers.library import whole_file
from genstudio.data.tokenizers.tokenizer import (
    BEGIN,
    END,
    UNKNOWN,
    Ids,
    checked,
    damaged,
    printable,
    surrogates,
)
from genstudio.data.tokenizers.units import UnitTable
from genstudio.errors import DataError

_ALONE = "[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
_MARKS = "\u0300-\u036f\u0591-\u05bd\u0610-\u061a\u064b-\u065f\u0900-\u0963\u0966-\u0dff"
PATTERN = rf"{_ALONE}| ?(?!{_ALONE})[\w{_MARKS}]+(?:['’][\w{_MARKS}]+)*|[\s\S]"
"""A word: letters, digits, marks and inner apostrophes, with the one space before it. Anything else is a token of one
character: signs, other whitespace, and each character of scripts that put no spaces between words."""

_SPLIT = {"type": "Split", "pattern": {"Regex": PATTERN}, "behavior": "Isolated", "invert": False}
_FIND = re.compile(PATTERN)


def words_of(text: str) -> list[str]:
    """The text cut into words with the space before them, signs and whitespace: joined, they are the text."""
    return _FIND.findall(text)


@dataclass(frozen=True)
class WordTokenizer:
    """`words` have ids from 1, in their order; 0 is `<unk>`, which stands for a word or sign that is not among them.

    An unknown word with a space before it becomes a space and `<unk>`, where the space is known. With `markers`, two
    more ids for begin and end of sequence; lines are sequences then.
    """

    words: tuple[str, ...]
    markers: bool = False

    def __post_init__(self) -> None:
        if not self.words:
            raise DataError(
                "There are no words to build a vocabulary from.", "Choose a longer text, or a smaller minimum count."
            )
        if len(set(self.words)) != len(self.words):
            raise damaged("a word occurs twice")

    @classmethod
    def of_counts(
        cls, counts: Mapping[str, int], vocabulary: int, min_count: int = 1, markers: bool = False
    ) -> WordTokenizer:
        """The most frequent words, at most so many that there are `vocabulary` ids, none rarer than `min_count`.

        A word counts with and without the space before it, and both forms are taken as far as they occur. Single
        characters of the text stay however rare, as far as there is room: the space before all others.
        """
        room = vocabulary - 1 - 2 * markers
        bare: Counter[str] = Counter()
        for word, count in counts.items():
            bare[_bare(word)] += count
        usual = sorted(counts, key=lambda word: (-bare[_bare(word)], _bare(word), word))
        single = sorted((w for w in counts if len(w) == 1 and w != " "), key=lambda w: (-counts[w], w))
        single = [" ", *(word for word in single if not (markers and word == "\n"))][:room]
        rest = [word for word in usual if len(word) > 1 and bare[_bare(word)] >= min_count]
        return cls((*single, *rest[: room - len(single)]), markers)

    @classmethod
    def of(cls, text: str, vocabulary: int, min_count: int = 1, markers: bool = False) -> WordTokenizer:
        """The same from a text."""
        return cls.of_counts(Counter(words_of(text)), vocabulary, min_count, markers)

    @property
    def name(self) -> str:
        return "words"

    @property
    def size(self) -> int:
        return 1 + len(self.words) + 2 * self.markers

    @property
    def unknown(self) -> int:
        """Id of `<unk>`."""
        return 0

    @property
    def begin(self) -> int | None:
        return 1 + len(self.words) if self.markers else None

    @property
    def end(self) -> int | None:
        return 2 + len(self.words) if self.markers else None

    @cached_property
    def _table(self) -> dict[str, int]:
        return {word: index for index, word in enumerate(self.words, 1)}

    @cached_property
    def _texts(self) -> tuple[str, ...]:
        return (UNKNOWN, *self.words, *(("", "\n") if self.markers else ()))

    @cached_property
    def token_bytes(self) -> tuple[bytes, ...]:
        """What each id stands for as UTF-8: a beginning marker nothing, an end marker a line end."""
        return tuple(text.encode("utf-8") for text in self._texts)

    @cached_property
    def _pieces(self) -> tuple[str, ...]:
        shown = tuple("".join(map(printable, word)) for word in self.words)
        return (UNKNOWN, *shown, *((BEGIN, END) if self.markers else ()))

    @cached_property
    def _units(self) -> UnitTable:
        return UnitTable(self.encode_units)

    def _ids(self, unit: str) -> Sequence[int]:
        known = self._table.get(unit)
        if known is not None:
            return (known,)
        if len(unit) > 1 and unit[0] == " " and (space := self._table.get(" ")) is not None:
            return (space, self._table.get(unit[1:], 0))
        return (0,)

    def units(self, text: str, _lines: bool = False) -> list[str]:
        """Pieces of a text that are encoded independently; every line end is one of its own."""
        return words_of(text)

    def encode_units(self, units: Sequence[str]) -> list[Sequence[int]]:
        """The ids of each unit."""
        return [self._ids(unit) for unit in units]

    def encode(self, text: str) -> NDArray[np.int32]:
        return self._units.ids(words_of(text))

    def encode_lossy(self, text: str) -> tuple[NDArray[np.int32], tuple[int, ...]]:
        units = words_of(text)
        unknown: list[int] = []
        position = 0
        for unit in units:
            if (ids := self._ids(unit))[-1] == 0:
                unknown += range(position + len(ids) - 1, position + len(unit))
            position += len(unit)
        return self._units.ids(units), tuple(unknown)

    def decode(self, ids: Sequence[int] | Ids) -> str:
        return "".join(map(self._texts.__getitem__, checked(ids, self.size).tolist()))

    def pieces(self, ids: Sequence[int] | Ids) -> tuple[str, ...]:
        return tuple(self._pieces[index] for index in checked(ids, self.size).tolist())

    def to_json(self) -> dict[str, Any]:
        """As the library `tokenizers` writes it: it gives the same ids where every word is known."""
        vocabulary = {UNKNOWN: 0} | self._table
        model = {"type": "WordLevel", "vocab": vocabulary, "unk_token": UNKNOWN}
        special = {BEGIN: self.begin, END: self.end} if self.begin is not None and self.end is not None else {}
        return whole_file(model, special, _SPLIT, {"type": "Fuse"})


def words_from_json(
    model: Mapping[str, Any], pre_tokenizer: Any, tokens: Sequence[str], markers: bool
) -> WordTokenizer:
    """What `WordTokenizer.to_json` described; `tokens` in the order of their ids. Raises DataError."""
    if pre_tokenizer != _SPLIT or set(model) != {"type", "vocab", "unk_token"} or model["unk_token"] != UNKNOWN:
        raise damaged("it does not split words the way genstudio does")
    if not tokens or tokens[0] != UNKNOWN:
        raise damaged("its first token is not <unk>")
    if bad := next((word for word in tokens[1:] if not _is_token(word)), None):
        raise damaged(f"'{bad[:40]}' is not one word")
    return WordTokenizer(tuple(tokens[1:]), markers)


def _bare(word: str) -> str:
    return word[1:] if len(word) > 1 and word[0] == " " else word


def _is_token(word: str) -> bool:
    return (len(word) == 1 and not surrogates(word)) or _FIND.fullmatch(word) is not None
