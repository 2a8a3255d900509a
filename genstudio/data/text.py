"""What there is to know about a text before training on it."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

import numpy as np

from genstudio.data.tokenizers import chunks, count_characters
from genstudio.data.work import Work, scaled

_NEWLINE = 10
_TOP = 100
_SPACES = [code for code in range(0x3001) if chr(code).isspace()]


@dataclass(frozen=True, slots=True)
class TextStatistics:
    """What a text consists of. `top` and `odd` are (character, count) with the most frequent first.

    `odd` are characters that rarely belong in a text: control characters, the replacement character, private and
    unassigned code points. `longest_line` is in characters, its number counts from 1.
    """

    bytes: int
    characters: int
    lines: int
    words: int
    vocabulary: int
    longest_line: int
    longest_line_number: int
    top: tuple[tuple[str, int], ...]
    odd: tuple[tuple[str, int], ...]
    excerpt: str


def statistics(text: str, seed: int = 0) -> Work[TextStatistics]:
    """Count what is in a text; `seed` chooses the excerpt. Yields the fraction done."""
    counts = yield from scaled(count_characters(text), 0.0, 0.5)
    words, lines, longest, longest_number = yield from scaled(_words_and_lines(text), 0.5, 1.0)
    present = np.flatnonzero(counts)
    order = present[np.argsort(-counts[present], kind="stable")]
    sizes = 1 + (present >= 0x80) + (present >= 0x800) + (present >= 0x10000)
    return TextStatistics(
        bytes=int(counts[present] @ sizes),
        characters=len(text),
        lines=lines,
        words=words,
        vocabulary=len(present),
        longest_line=longest,
        longest_line_number=longest_number,
        top=tuple((chr(code), int(counts[code])) for code in order[:_TOP].tolist()),
        odd=tuple((chr(code), int(counts[code])) for code in order.tolist() if _is_odd(chr(code)))[:_TOP],
        excerpt=excerpt(text, seed),
    )


def excerpt(text: str, seed: int = 0, characters: int = 600) -> str:
    """A random stretch of about `characters`, from the beginning of a line where one is near."""
    start = int(np.random.default_rng(seed).integers(max(1, len(text) - characters + 1)))
    line = text.rfind("\n", max(0, start - characters // 2), start) + 1
    start = line or start
    return text[start : start + characters]


def _is_odd(character: str) -> bool:
    if character in "\n\t":
        return False
    return character == "\ufffd" or unicodedata.category(character) in ("Cc", "Co", "Cn", "Cs")


def _words_and_lines(text: str) -> Work[tuple[int, int, int, int]]:
    """Runs of non-space, lines, length of the longest line and its number from 1."""
    is_space = np.zeros(0x3002, bool)
    is_space[_SPACES] = True
    words = lines = line_start = longest = longest_number = 0
    after_space = True
    for position, codes in chunks(text):
        space = is_space[np.minimum(codes, np.uint32(0x3001))]
        words += int(np.count_nonzero(~space & np.concatenate([[after_space], space[:-1]])))
        after_space = bool(space[-1])
        ends = np.flatnonzero(codes == _NEWLINE) + position
        if len(ends):
            lengths = np.diff(ends, prepend=line_start - 1) - 1
            best = int(lengths.argmax())
            if lengths[best] > longest:
                longest, longest_number = int(lengths[best]), lines + best + 1
            lines += len(ends)
            line_start = int(ends[-1]) + 1
        yield (position + len(codes)) / len(text)
    if len(text) > line_start:
        lines += 1
        if len(text) - line_start > longest:
            longest, longest_number = len(text) - line_start, lines
    return words, lines, longest, longest_number
