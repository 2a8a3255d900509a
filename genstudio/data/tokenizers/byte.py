"""One token per byte of the text as UTF-8: no training, and no text that it lacks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genstudio.data.tokenizers.library import LETTERS, byte_level
from genstudio.data.tokenizers.tokenizer import BEGIN, END, Ids, checked, printable_bytes, surrogates, whole, without

_SIZE = 256


@dataclass(frozen=True)
class ByteTokenizer:
    """Ids 0 to 255 are bytes; with `markers`, two more for begin and end of sequence, and lines are sequences."""

    markers: bool = False

    @property
    def name(self) -> str:
        return "bytes"

    @property
    def size(self) -> int:
        return _SIZE + 2 * self.markers

    @property
    def begin(self) -> int | None:
        return _SIZE if self.markers else None

    @property
    def end(self) -> int | None:
        return _SIZE + 1 if self.markers else None

    @cached_property
    def token_bytes(self) -> tuple[bytes, ...]:
        """What each id stands for: a beginning marker nothing, an end marker a line end."""
        return tuple(bytes([value]) for value in range(_SIZE)) + ((b"", b"\n") if self.markers else ())

    @cached_property
    def _pieces(self) -> tuple[str, ...]:
        return tuple(map(printable_bytes, self.token_bytes[:_SIZE])) + ((BEGIN, END) if self.markers else ())

    def encode(self, text: str) -> NDArray[np.int32]:
        return np.frombuffer(whole(text).encode("utf-8"), np.uint8).astype(np.int32)

    def encode_lossy(self, text: str) -> tuple[NDArray[np.int32], tuple[int, ...]]:
        unknown = surrogates(text)
        return self.encode(without(text, unknown)), unknown

    def decode(self, ids: Sequence[int] | Ids) -> str:
        """Bytes that are no whole character become U+FFFD."""
        return b"".join(map(self.token_bytes.__getitem__, checked(ids, self.size).tolist())).decode("utf-8", "replace")

    def pieces(self, ids: Sequence[int] | Ids) -> tuple[str, ...]:
        return tuple(self._pieces[index] for index in checked(ids, self.size).tolist())

    def to_json(self) -> dict[str, Any]:
        """As the library `tokenizers` writes it: byte-level BPE without merges."""
        markers = {BEGIN: _SIZE, END: _SIZE + 1} if self.markers else {}
        return byte_level({letter: value for value, letter in enumerate(LETTERS)}, [], markers)
