"""Text to token ids and back."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from genstudio.data.slices import Slices, finished
from genstudio.errors import DataError

Ids = NDArray[np.integer[Any]]

CHUNK = 1 << 19
"""Characters handled at a time: a few milliseconds of work, a few megabytes of memory."""

_CODE_POINTS = 0x110000
_FORMAT = 1
_SIGNS = {"\n": "⏎", " ": "␣", "\t": "⇥", "\r": "␍"}


class Tokenizer(Protocol):
    """A reversible map between text and ids 0 .. size-1."""

    @property
    def name(self) -> str:
        """What kind of tokens these are, in one word."""

    @property
    def size(self) -> int:
        """How many different ids there are, markers included."""

    @property
    def begin(self) -> int | None:
        """Id of the beginning-of-sequence marker, if there is one."""

    @property
    def end(self) -> int | None:
        """Id of the end-of-sequence marker, if there is one."""

    def encode(self, text: str) -> NDArray[np.int32]:
        """text -> (n,) int32. Raises DataError that names the characters it lacks."""

    def encode_lossy(self, text: str) -> tuple[NDArray[np.int32], tuple[int, ...]]:
        """The same without the characters it lacks, and the positions in `text` where these were."""

    def decode(self, ids: Sequence[int] | Ids) -> str:
        """(n,) ids -> text; a beginning marker is nothing, an end marker a new line. Raises DataError."""

    def pieces(self, ids: Sequence[int] | Ids) -> tuple[str, ...]:
        """Each token in a form that can be seen on one line. Raises DataError."""

    def to_json(self) -> dict[str, Any]:
        """Plain data from which `tokenizer_from_json` makes an equal tokenizer."""


def code_points(text: str) -> NDArray[np.uint32]:
    """text -> (n,) uint32."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(np.uint32, copy=False)


def chunks(text: str, start: int = 0, stop: int | None = None) -> Iterator[tuple[int, NDArray[np.uint32]]]:
    """Position and code points of each piece of `text[start:stop]`, in order."""
    stop = len(text) if stop is None else stop
    for position in range(start, stop, CHUNK):
        yield position, code_points(text[position : min(position + CHUNK, stop)])


def count_characters(text: str) -> Slices[NDArray[np.int64]]:
    """How often each code point occurs: (0x110000,) int64."""
    counts = np.zeros(_CODE_POINTS, np.int64)
    for position, codes in chunks(text):
        found = np.bincount(codes)
        counts[: len(found)] += found
        yield min(1.0, (position + CHUNK) / len(text))
    return counts


@dataclass(frozen=True)
class CharTokenizer:
    """One token per code point of `alphabet`, in its order; with `markers`, two more for begin and end of sequence."""

    alphabet: str
    markers: bool = False

    def __post_init__(self) -> None:
        if not self.alphabet:
            raise DataError("There is no character to make a vocabulary of.", "Choose a text that is not empty.")
        codes = code_points(self.alphabet)
        if len(np.unique(codes)) != len(codes):
            raise DataError("A character occurs twice in the vocabulary.", "The tokenizer is damaged.")
        if np.any((codes >= 0xD800) & (codes < 0xE000)):
            raise DataError("The text holds half of a surrogate pair.", "Save it as UTF-8 with a text editor.")

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
        return tuple(map(printable, self.alphabet)) + (("<bos>", "<eos>") if self.markers else ())

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
        wanted = self._checked(ids)
        if self.markers:
            wanted = wanted[wanted != self.begin]
        return self._codes[wanted].astype("<u4").tobytes().decode("utf-32-le")

    def pieces(self, ids: Sequence[int] | Ids) -> tuple[str, ...]:
        return tuple(self._pieces[index] for index in self._checked(ids).tolist())

    def to_json(self) -> dict[str, Any]:
        return {"format": _FORMAT, "kind": self.name, "alphabet": self.alphabet, "markers": self.markers}

    def _checked(self, ids: Sequence[int] | Ids) -> NDArray[np.int64]:
        wanted = np.asarray(ids)
        if not wanted.size:
            return np.empty(0, np.int64)
        if wanted.ndim != 1 or wanted.dtype.kind not in "iu":
            raise DataError("Token ids are whole numbers in one row.", "This is a fault of what produced them.")
        if int(wanted.min()) < 0 or int(wanted.max()) >= self.size:
            raise DataError(f"A token id is outside 0 to {self.size - 1}.", "The ids belong to another vocabulary.")
        return wanted.astype(np.int64)

    def lacks(self, codes: NDArray[np.uint32], first: int) -> DataError:
        """The error for these code points, none of which is known; `first` is where in the text the first one is."""
        unknown = [chr(code) for code in np.unique(codes).tolist()]
        shown = " ".join(f"'{printable(character)}'" for character in unknown[:20])
        more = f" and {len(unknown) - 20} more" if len(unknown) > 20 else ""
        return DataError(
            f"The vocabulary lacks {shown}{more} (first at character {first}).",
            f"Leave these characters out; the vocabulary has {len(self.alphabet)} others.",
        )


def printable(character: str) -> str:
    """A form of one character that can be seen on one line."""
    if character in _SIGNS:
        return _SIGNS[character]
    if unicodedata.combining(character):
        return "◌" + character
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def tokenizer_from_json(kept: Any) -> Tokenizer:
    """The tokenizer that `to_json` described. Raises DataError for anything else, whoever made it."""
    if not isinstance(kept, Mapping):
        raise _damaged("it is not a set of named values")
    version = kept.get("format")
    if type(version) is not int or version < 1:
        raise _damaged("its format number is missing")
    if version > _FORMAT:
        raise DataError(
            f"This tokenizer has format {version}; this program knows {_FORMAT}.", "Open it with a newer genstudio."
        )
    if kept.get("kind") != "characters":
        raise _damaged("its kind is not 'characters'")
    if set(kept) != {"format", "kind", "alphabet", "markers"}:
        raise _damaged("it has other entries than format, kind, alphabet and markers")
    alphabet, markers = kept["alphabet"], kept["markers"]
    if not isinstance(alphabet, str) or not 0 < len(alphabet) <= _CODE_POINTS:
        raise _damaged("its alphabet is not a text")
    if not isinstance(markers, bool):
        raise _damaged("'markers' is neither true nor false")
    return CharTokenizer(alphabet, markers)


def _damaged(why: str) -> DataError:
    return DataError(f"This tokenizer cannot be read: {why}.", "Its file is damaged or was made by another program.")
