"""What a model is asked to continue: text that was typed, and tokens that a model wrote."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genstudio.data.tokenizers import Tokenizer
from genstudio.errors import DataError


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens that were written, as ids, and the text they make: they are not encoded again, for another way of cutting
    the same text would be another input."""

    ids: tuple[int, ...]
    text: str


Prompt = tuple[str | Tokens, ...]
"""Parts of a text in order."""


def text_of(prompt: Prompt) -> str:
    """The whole text."""
    return "".join(part if isinstance(part, str) else part.text for part in prompt)


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """Ids (n,) int32 of a prompt, at least one; the positions of characters in its text that the vocabulary lacks; and
    how many of the first ids were put there so that there is a beginning."""

    ids: NDArray[np.int32]
    unknown: tuple[int, ...]
    added: int


def encode(tokenizer: Tokenizer, prompt: Prompt) -> Encoded:
    """Ids of a prompt; one that is empty becomes a beginning.

    Written tokens are taken as they are where the tokenizer knows them. Raises DataError when nothing of a text is in
    the vocabulary.
    """
    parts: list[NDArray[np.int32]] = []
    unknown: list[int] = []
    length = 0
    for part in prompt:
        if isinstance(part, Tokens) and all(0 <= i < tokenizer.size for i in part.ids):
            parts.append(np.array(part.ids, np.int32))
            length += len(part.text)
            continue
        text = part if isinstance(part, str) else part.text
        ids, missing = tokenizer.encode_lossy(text)
        parts.append(np.asarray(ids, np.int32))
        unknown += [length + position for position in missing]
        length += len(text)
    begin = [] if tokenizer.begin is None else [tokenizer.begin]
    ids = np.concatenate([np.array(begin, np.int32), *parts])
    if len(ids) == 0 and unknown:
        raise DataError("None of these characters is in the model's vocabulary.", "Type some text similar to its "
            "training data.")
    if len(ids) == 0:
        start, _ = tokenizer.encode_lossy("\n")
        ids = np.asarray(start, np.int32) if len(start) else np.zeros(1, np.int32)
        begin = [int(i) for i in ids]
    return Encoded(ids, tuple(unknown), len(begin))
