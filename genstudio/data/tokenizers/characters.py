"""One token per character."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genstudio.data.tokenizers.tokenizer import (
    BEGIN,
    END,
    Ids,
    checked,
    chunks,
    code_points,
    count_characters,
    damaged,
    printable,
)
from genstudio.data.work import finished
from genstudio.errors import DataError

FORMAT = 1
_CODE_POINTS = 0x110000


@dataclass(frozen=True)
class CharTokenizer:
    """One token per code point of `alphabet`, in its order; with `markers`, two more for begin and end of sequence."""

    alphabet: str
    markers: bool = False

    def __post_init__(self) -> None:
        if not self.alphabet:
            raise DataError("There are no characters to build a vocabulary from.", "Choose a text that is not empty.")
        codes = code_points(self.alphabet)
        if len(np.unique(codes)) != len(codes):
            raise DataError("A character occurs twice in the vocabulary.", "The tokenizer is damaged.")
        if np.any((codes >= 0xD800) & (codes < 0xE000)):
            raise DataError("The text contains half of a surrogate pair.", "Save it as UTF-8 with a text editor.")

    @classmethod
    def of(cls, text: str, markers: bool = False) -> CharTokenizer:
        """The characters of `text`, sorted; with markers, lines are sequences and the line end is no token."""
        return cls.of_counts(finished(count_characters(text)), markers)

    @classmethod
    def of_counts(cls, counts: NDArray[np.int64], markers: bool = False) -> CharTokenizer:
        """The same from the result of `count_characters`."""
        present = np.flatnonzero(counts)
        if markers:
            present = present[present != ord("\n")]
        return cls("".join(map(chr, present.tolist())), markers)

    @property
    def name(self) -> str:
        return "characters"

    @property
    def size(self) -> int:
        return len(self.alphabet) + 2 * self.markers

    @property
    def begin(self) -> int | None:
        return len(self.alphabet) if self.markers else None

    @property
    def end(self) -> int | None:
        return len(self.alphabet) + 1 if self.markers else None

    @cached_property
    def _codes(self) -> NDArray[np.uint32]:
        marks = code_points("\n\n") if self.markers else code_points("")
        return np.concatenate([code_points(self.alphabet), marks])

    @cached_property
    def _table(self) -> NDArray[np.int32]:
        codes = code_points(self.alphabet)
        table = np.full(int(codes.max()) + 2, -1, np.int32)
        table[codes] = np.arange(len(codes), dtype=np.int32)
        return table

    @cached_property
    def _pieces(self) -> tuple[str, ...]:
        return tuple(map(printable, self.alphabet)) + ((BEGIN, END) if self.markers else ())

    def lookup(self, codes: NDArray[np.uint32]) -> NDArray[np.int32]:
        """(n,) code points -> (n,) int32 ids, -1 where the vocabulary has none."""
        return self._table.take(codes, mode="clip")

    def encode(self, text: str) -> NDArray[np.int32]:
        out = np.empty(len(text), np.int32)
        for position, codes in chunks(text):
            out[position : position + len(codes)] = self.lookup(codes)
        if len(out) and out.min() < 0:
            unknown = [np.unique(codes[out[at : at + len(codes)] < 0]) for at, codes in chunks(text)]
            raise self.lacks(np.concatenate(unknown), int((out < 0).argmax()))
        return out

    def encode_lossy(self, text: str) -> tuple[NDArray[np.int32], tuple[int, ...]]:
        found = [self.lookup(codes) for _, codes in chunks(text)]
        out = np.concatenate(found) if found else np.empty(0, np.int32)
        return out[out >= 0], tuple(np.flatnonzero(out < 0).tolist())

    def decode(self, ids: Sequence[int] | Ids) -> str:
        wanted = checked(ids, self.size)
        if self.markers:
            wanted = wanted[wanted != self.begin]
        return self._codes[wanted].astype("<u4").tobytes().decode("utf-32-le")

    def pieces(self, ids: Sequence[int] | Ids) -> tuple[str, ...]:
        return tuple(self._pieces[index] for index in checked(ids, self.size).tolist())

    def to_json(self) -> dict[str, Any]:
        return {"format": FORMAT, "kind": self.name, "alphabet": self.alphabet, "markers": self.markers}

    def lacks(self, codes: NDArray[np.uint32], first: int) -> DataError:
        """The error for these code points, none of which is known; `first` is where in the text the first one is."""
        unknown = [chr(code) for code in np.unique(codes).tolist()]
        shown = " ".join(f"'{printable(character)}'" for character in unknown[:20])
        more = f" and {len(unknown) - 20} more" if len(unknown) > 20 else ""
        return DataError(
            f"The vocabulary does not contain {shown}{more} (first at character {first}).",
            f"Remove these characters; the vocabulary has {len(self.alphabet)} others.",
        )


def characters_from_json(kept: Mapping[str, Any]) -> CharTokenizer:
    """What `CharTokenizer.to_json` described. Raises DataError for anything else."""
    version = kept.get("format")
    if type(version) is not int or version < 1:
        raise damaged("its format number is missing")
    if version > FORMAT:
        raise DataError(
            f"This tokenizer has format {version}; this version reads {FORMAT}.", "Open it with a newer genstudio."
        )
    if kept.get("kind") != "characters":
        raise damaged("its kind is not 'characters'")
    if set(kept) != {"format", "kind", "alphabet", "markers"}:
        raise damaged("it has entries other than format, kind, alphabet and markers")
    alphabet, markers = kept["alphabet"], kept["markers"]
    if not isinstance(alphabet, str) or not 0 < len(alphabet) <= _CODE_POINTS:
        raise damaged("its alphabet is not a text")
    if not isinstance(markers, bool):
        raise damaged("'markers' is neither true nor false")
    return CharTokenizer(alphabet, markers)
