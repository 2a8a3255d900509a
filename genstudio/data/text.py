"""Text as training data: split and encoded; and what there is to know about a text before training on it."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar

import numpy as np

from genstudio.data.datasets import TextDataset
from genstudio.data.encoding import encode_part
from genstudio.data.info import DatasetInfo
from genstudio.data.slices import Slices, scaled
from genstudio.data.split import SplitSettings, arrange
from genstudio.data.tokenizers import (
    Ids,
    Tokenizer,
    WordTokenizer,
    chunks,
    count_characters,
    printable,
    tokenizer_from_json,
)
from genstudio.data.vocabulary import TokenSettings, make_tokenizer, with_markers
from genstudio.errors import DataError

T = TypeVar("T")

_NEWLINE = 10
_TOP = 100
_LONGEST_WORD = 10
"""Characters of a word and what follows it, on average, where a text is cut into words at all."""

_SPACES = [code for code in range(0x3001) if chr(code).isspace()]


@dataclass(frozen=True, eq=False)
class TextData:
    """What a language model learns from: `train` and `validation` are (n,) ids, uint16 where they fit, else int32.

    `validation_characters` is the number of characters of the text that validation tokens 1 .. n-1 stand for (token 0
    is never predicted); an end marker stands for its line end, a beginning marker for nothing. `validation_unknown` of
    the validation tokens are `<unk>`, which is easier to foretell than the words it stands for.
    """

    tokenizer: Tokenizer
    train: Ids
    validation: Ids
    validation_characters: int
    dataset_id: str
    dataset_hash: str
    validation_unknown: int = 0


def prepare_text(
    dataset: TextDataset,
    markers: Literal["none", "lines"],
    context: int,
    settings: TokenSettings | None = None,
    tokenizer: Tokenizer | None = None,
    split: SplitSettings | None = None,
) -> Slices[TextData]:
    """Split, 90/10 without shuffling unless `split` says otherwise, and encode; yields the fraction done.

    The tokens are characters unless `settings` say otherwise; `tokenizer` is used instead where it is given, as a run
    keeps it. With markers "lines" the split is at the nearest line end, and every non-empty line becomes beginning
    marker, tokens, end marker. Raises DataError for a text with nothing to learn, or shorter than one context
    (`context` tokens and the one after them) in either part.
    """
    text, lines, info = dataset.text, markers == "lines", dataset.info
    settings = replace(settings or TokenSettings(), lines=lines)
    if not text:
        raise DataError("The text is empty.", "Choose a file with text in it.", info.path)
    if text.count(text[0]) == len(text):
        raise DataError(
            f"The text repeats one character, '{printable(text[0])}', and nothing else: there is nothing to learn.",
            "Choose a text with at least two different characters.",
            info.path,
        )
    split, files = split or SplitSettings(), info.details.get("files") or ()
    arranged = yield from scaled(arrange(text, split, lines=lines, context=context, files=files), 0.0, 0.1)
    text, cut = arranged.text, arranged.cut
    if tokenizer is None:
        tokenizer = yield from scaled(make_tokenizer(text, cut, settings, split.key(info.sha256)), 0.1, 0.4)
    elif (tokenizer.begin is not None) != lines:
        raise DataError("The run's tokenizer does not fit its settings.", "The run's files were changed.", info.path)
    middle = 0.4 + 0.6 * cut / len(text)
    train = yield from scaled(encode_part(tokenizer, text, 0, cut), 0.4, middle)
    validation = yield from scaled(encode_part(tokenizer, text, cut, len(text)), middle, 1.0)
    _refuse_short(len(train.ids), len(validation.ids), context, len(text), info, isinstance(tokenizer, WordTokenizer))
    return TextData(
        tokenizer, train.ids, validation.ids, validation.characters, info.id, info.sha256, validation.unknown
    )


def _refuse_short(train: int, validation: int, context: int, characters: int, info: DatasetInfo, words: bool) -> None:
    shortest = min(train, validation)
    if shortest >= context + 1:
        return
    which = "validation" if validation <= train else "training"
    share = characters / shortest if shortest else 10
    needed = max(10 * (context + 1), math.ceil(share * (context + 1)))
    if words and share > _LONGEST_WORD * 10 and characters > 10 * (context + 1):
        raise DataError(
            f"The text is almost without spaces: as words, its {which} part has {shortest:,} tokens.",
            "Choose characters or byte pairs as tokens.",
            info.path,
        )
    raise DataError(
        f"The text is too short: its {which} part has {shortest} tokens, and a context of {context} needs "
        f"{context + 1}.",
        f"Use a text of at least {needed} characters"
        + (f", or a context of at most {shortest - 1}." if shortest > 2 else "."),
        info.path,
    )


def all_validation(dataset: TextDataset, tokenizer: Tokenizer) -> Slices[TextData]:
    """Every token of a text as validation, in the vocabulary of a trained model, nothing to train on.

    Raises DataError naming the characters that the vocabulary lacks, and for a text of fewer than two tokens.
    """
    info = dataset.info
    found = yield from encode_part(tokenizer, dataset.text, 0, len(dataset.text))
    if len(found.ids) < 2:
        raise DataError("The text is too short to score: it needs two tokens.", "Choose a longer text.", info.path)
    return TextData(tokenizer, found.ids[:0], found.ids, found.characters, info.id, info.sha256, found.unknown)


def metadata(data: TextData) -> dict[str, Any]:
    """What a run must hold to be opened without its dataset."""
    return {"tokenizer.json": data.tokenizer.to_json()}


def from_metadata(kept: Mapping[str, Any], lines: bool | None = None) -> TextData:
    """Data without content from what `metadata` gave: enough to generate. Raises DataError.

    `lines` says whether sequences are marked, where the tokenizer came from a file that may say otherwise.
    """
    nothing = np.empty(0, np.uint16)
    tokenizer = tokenizer_from_json(kept.get("tokenizer.json"))
    return TextData(tokenizer if lines is None else with_markers(tokenizer, lines), nothing, nothing, 0, "", "")


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


def statistics(text: str, seed: int = 0) -> Slices[TextStatistics]:
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


def _words_and_lines(text: str) -> Slices[tuple[int, int, int, int]]:
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
