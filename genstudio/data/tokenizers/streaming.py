"""The text that tokens add, one after the other: never a part of a character."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Sequence

from genstudio.data.tokenizers.bpe import BPETokenizer
from genstudio.data.tokenizers.byte import ByteTokenizer
from genstudio.data.tokenizers.tokenizer import Ids, Tokenizer


class TextStream:
    """Gives each token's text as it comes; what is only a part of a character comes with the token that completes it."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def add(self, token: int) -> str:
        """The text that this token completes; may be empty. Bytes that no character begins with become U+FFFD."""
        if isinstance(self._tokenizer, BPETokenizer | ByteTokenizer):
            return self._decoder.decode(self._tokenizer.token_bytes[token])
        return self._tokenizer.decode([token])


def texts(tokenizer: Tokenizer, ids: Iterable[int]) -> tuple[str, ...]:
    """The text of each token: joined, the text of all, without an unfinished character at the end."""
    stream = TextStream(tokenizer)
    return tuple(map(stream.add, ids))


def continuation(tokenizer: Tokenizer, ids: Sequence[int] | Ids) -> str:
    """The text of all tokens without an unfinished character at the end."""
    return "".join(texts(tokenizer, (int(i) for i in ids)))
