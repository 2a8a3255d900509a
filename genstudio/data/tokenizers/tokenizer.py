"""What every tokenizer is, and what several of them need."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from genstudio.data.work import Work
from genstudio.errors import DataError

Ids = NDArray[np.integer[Any]]

CHUNK = 1 << 19
"""Characters handled at a time: a few milliseconds of work, a few megabytes of memory."""

BEGIN, END, UNKNOWN = "<bos>", "<eos>", "<unk>"

_CODE_POINTS = 0x110000
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
        """text -> (n,) int32. Raises DataError that names the characters it lacks, unless it has a token for those."""

    def encode_lossy(self, text: str) -> tuple[NDArray[np.int32], tuple[int, ...]]:
        """The same, with what it lacks left out or as `<unk>`, and the positions in `text` of those characters."""

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


def count_characters(text: str) -> Work[NDArray[np.int64]]:
    """How often each code point occurs: (0x110000,) int64."""
    counts = np.zeros(_CODE_POINTS, np.int64)
    for position, codes in chunks(text):
        found = np.bincount(codes)
        counts[: len(found)] += found
        yield min(1.0, (position + CHUNK) / len(text))
    return counts


def checked(ids: Sequence[int] | Ids, size: int) -> NDArray[np.int64]:
    """(n,) ids as int64. Raises DataError for anything but whole numbers from 0 to `size` - 1 in one row."""
    wanted = np.asarray(ids)
    if not wanted.size:
        return np.empty(0, np.int64)
    if wanted.ndim != 1 or wanted.dtype.kind not in "iu":
        raise DataError("Token ids are whole numbers in one row.", "The data that produced them is faulty.")
    if int(wanted.min()) < 0 or int(wanted.max()) >= size:
        raise DataError(f"A token id is outside 0 to {size - 1}.", "The ids belong to another vocabulary.")
    return wanted.astype(np.int64)


def damaged(why: str) -> DataError:
    """The error for a tokenizer's file that is none."""
    return DataError(f"This tokenizer cannot be read: {why}.", "Its file is damaged or was made by another program.")


def surrogates(text: str) -> tuple[int, ...]:
    """Positions of halves of surrogate pairs, which are no characters and have no bytes."""
    if text.isascii():
        return ()
    codes = code_points(text)
    return tuple(np.flatnonzero((codes >= 0xD800) & (codes < 0xE000)).tolist())


def whole(text: str) -> str:
    """The same text. Raises DataError where it contains half of a surrogate pair."""
    if found := surrogates(text):
        raise DataError(
            f"The text holds half of a surrogate pair at character {found[0]}.", "Save it as UTF-8 with a text editor."
        )
    return text


def without(text: str, positions: Sequence[int]) -> str:
    """The text without the characters at these positions."""
    gone = set(positions)
    return "".join(character for at, character in enumerate(text) if at not in gone) if gone else text


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


def on_one_line(text: str, most: int = 80) -> str:
    """The beginning of a text that somebody else wrote, with everything that cannot be seen written out."""
    return "".join(letter if letter == " " else printable(letter) for letter in text[:most])


def printable_bytes(token: bytes) -> str:
    """A form of a token of bytes that can be seen on one line; bytes that are no whole character as \\x and two digits."""
    text = token.decode("utf-8", "backslashreplace")
    return "".join(map(printable, text))
