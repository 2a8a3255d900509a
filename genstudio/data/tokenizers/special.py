"""A tokenizer with the special tokens of BERT behind its own: padding, classification, separator and mask."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genstudio.data.token_starts import token_starts
from genstudio.data.tokenizers.bpe import BPETokenizer
from genstudio.data.tokenizers.tokenizer import Ids, Tokenizer, checked
from genstudio.data.tokenizers.words import WordTokenizer

PAD, CLS, SEP, MASK = NAMES = ("[PAD]", "[CLS]", "[SEP]", "[MASK]")
_WRITTEN = re.compile(r" ?\[MASK\]|\[SEP\]")
_ALONE = re.compile(r"\[MASK\]|\[SEP\]")


@dataclass(frozen=True)
class SpecialTokenizer:
    """`base` with four more ids behind its own (Devlin et al. 2019, 3). Every text begins with [CLS].

    [MASK] and [SEP] in a text are those tokens. Where a token holds the space before it (words, byte pairs), a mask stands
    for that space too: "to [MASK]" hides " be", not "be" behind a lone space.
    """

    base: Tokenizer

    @property
    def name(self) -> str:
        return self.base.name

    @property
    def size(self) -> int:
        return self.base.size + len(NAMES)

    @property
    def pad(self) -> int:
        return self.base.size

    @property
    def begin(self) -> int:
        return self.base.size + 1

    @property
    def separator(self) -> int:
        return self.base.size + 2

    @property
    def mask(self) -> int:
        return self.base.size + 3

    @property
    def end(self) -> None:
        return None

    @property
    def unknown(self) -> int | None:
        """The id of `<unk>`, where there is one."""
        return self.base.unknown if isinstance(self.base, WordTokenizer) else None

    @property
    def absorbs_space(self) -> bool:
        """Whether a mask stands for the space before it too."""
        return isinstance(self.base, WordTokenizer | BPETokenizer)

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return _WRITTEN if self.absorbs_space else _ALONE

    def encode(self, text: str) -> NDArray[np.int32]:
        return self._joined(text, lambda part, _: self.base.encode(part))

    def encode_lossy(self, text: str) -> tuple[NDArray[np.int32], tuple[int, ...]]:
        unknown: list[int] = []

        def encode(part: str, start: int) -> NDArray[np.int32]:
            ids, missing = self.base.encode_lossy(part)
            unknown.extend(start + place for place in missing)
            return ids

        return self._joined(text, encode), tuple(unknown)

    def starts(self, text: str) -> NDArray[np.int64]:
        """Where in `text` each token of `encode_lossy` begins, and where the last one ends: (n + 1,) characters."""
        found: list[int] = []

        def note(part: str, start: int) -> NDArray[np.int32]:
            ids, unknown = self.base.encode_lossy(part)
            found.extend((token_starts(self.base, part, ids, unknown) + start).tolist())
            return ids

        at = 0
        for written in self._pattern.finditer(text):
            note(text[at : written.start()], at)
            found.append(written.start())
            at = written.end()
        note(text[at:], at)
        return np.array([*found, len(text)], np.int64)

    def decode(self, ids: Sequence[int] | Ids) -> str:
        """A mask is written as [MASK]; padding, [CLS] and [SEP] are nothing."""
        wanted = checked(ids, self.size)
        spaced = " " if self.absorbs_space else ""
        masks = np.flatnonzero(wanted == self.mask)
        parts = [self.base.decode(part[part < self.base.size]) for part in np.split(wanted, masks)]
        return parts[0] + "".join((spaced if number or parts[0] else "") + MASK + part for number, part in enumerate(parts[1:]))

    def pieces(self, ids: Sequence[int] | Ids) -> tuple[str, ...]:
        wanted = checked(ids, self.size).tolist()
        size = self.base.size
        own = iter(self.base.pieces([index for index in wanted if index < size]))
        return tuple(next(own) if index < size else NAMES[index - size] for index in wanted)

    def to_json(self) -> dict[str, Any]:
        """That of `base`: the special tokens follow from it."""
        return self.base.to_json()

    def _joined(self, text: str, encode: Any) -> NDArray[np.int32]:
        parts: list[NDArray[np.int32]] = []
        at = 0
        for found in self._pattern.finditer(text):
            parts += [encode(text[at : found.start()], at), np.array([self._written(found[0])], np.int32)]
            at = found.end()
        return np.concatenate([*parts, encode(text[at:], at)])

    def _written(self, text: str) -> int:
        return self.separator if text == SEP else self.mask
