"""A text as a model of words reads it: a row of words, with the line of each, and how often each occurs. No torch here."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genstudio.data.datasets import AnalogyDataset, Question, TextDataset
from genstudio.data.encoding import cuts, encode_part
from genstudio.data.split import arrange
from genstudio.data.tokenizers import (
    CharTokenizer,
    Ids,
    Tokenizer,
    WordTokenizer,
    count_characters,
    tokenizer_from_json,
)
from genstudio.data.tokenizers.tokenizer import damaged
from genstudio.data.tokenizers.words import words_of
from genstudio.data.work import Work, scaled
from genstudio.errors import DataError
from genstudio.families.word2vec.config import Word2VecConfig

_FEWEST = 2
"""Different words that are needed to tell one from another."""


@dataclass(frozen=True, eq=False)
class Stretch:
    """Words in their order: `ids` (n,) and the number of the line that each stands in, `lines` (n,)."""

    ids: Ids
    lines: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, eq=False)
class WordData:
    """What a model of words learns from.

    `counts` (V,) says how often each token of the tokenizer stands in the training part, 0 for what has no vector: white
    space, signs where they are left out, and `<unk>`. `questions` are analogies that hold in the text, where they are known.
    """

    tokenizer: Tokenizer
    counts: NDArray[np.int64]
    train: Stretch
    validation: Stretch
    questions: tuple[Question, ...]
    dataset_id: str
    dataset_hash: str


def prepare(config: Word2VecConfig, dataset: TextDataset, kept: Mapping[str, Any] | None = None) -> Work[WordData]:
    """Split, count and encode a text; yields the fraction done. The words are those that a run kept, where there is one.

    Raises DataError for a text without enough words in either part.
    """
    info, lower = dataset.info, config.tokenizer == "word" and config.lower_case
    text = dataset.text.lower() if lower else dataset.text
    if not text:
        raise DataError("The text is empty.", "Choose a file with text in it.", info.place)
    arranged = yield from scaled(arrange(text, config.part), 0.0, 0.1)
    text, cut = arranged.text, arranged.cut
    if kept is None:
        tokenizer = yield from scaled(_vocabulary(config, text, cut), 0.1, 0.5)
    else:
        tokenizer = from_metadata(kept).tokenizer
    skipped = _skipped(config, tokenizer)
    middle = 0.5 + 0.5 * cut / len(text)
    train = yield from scaled(_read(tokenizer, skipped, text, 0, cut, config.within_lines), 0.5, middle)
    validation = yield from scaled(_read(tokenizer, skipped, text, cut, len(text), config.within_lines), middle, 1.0)
    counts = np.bincount(train.ids, minlength=tokenizer.size).astype(np.int64)
    known, what = int(np.count_nonzero(counts)), "words" if config.tokenizer == "word" else "characters"
    if known < _FEWEST or len(validation) < _FEWEST:
        least = f" that occur {config.min_count} times or more" if config.tokenizer == "word" else ""
        raise DataError(
            f"The text is too short: its training part has {known} different {what}{least}, its validation part "
            f"{len(validation):,} known ones in all.",
            "Choose a longer text, or a smaller minimum count.",
            info.place,
        )
    if not (train.lines[1:] == train.lines[:-1]).any():
        raise DataError(
            f"No line of the text has two {what} beside each other, so nothing is near anything.",
            "Switch off 'Stay in the line', or choose a text of sentences.",
            info.place,
        )
    asked = dataset.questions if isinstance(dataset, AnalogyDataset) else ()
    if lower:
        asked = tuple((a.lower(), b.lower(), c.lower(), d.lower()) for a, b, c, d in asked)
    return WordData(tokenizer, counts, train, validation, asked, info.id, info.sha256)


def metadata(data: WordData) -> dict[str, Any]:
    """What a run must hold to be opened without its dataset."""
    return {
        "tokenizer.json": data.tokenizer.to_json(),
        "words.json": {"counts": data.counts.tolist(), "questions": [list(question) for question in data.questions]},
    }


def from_metadata(kept: Mapping[str, Any]) -> WordData:
    """Data without content from what `metadata` gave. Raises DataError."""
    tokenizer, said = tokenizer_from_json(kept.get("tokenizer.json")), kept.get("words.json")
    said = said if isinstance(said, dict) else {}
    counts, questions = said.get("counts"), said.get("questions")
    if not isinstance(counts, list) or len(counts) != tokenizer.size or not all(type(n) is int and n >= 0 for n in counts):
        raise damaged("the counts of its words do not fit")
    if not isinstance(questions, list) or not all(
        isinstance(one, list) and len(one) == 4 and all(isinstance(word, str) for word in one) for one in questions
    ):
        raise damaged("its questions are none")
    nothing = Stretch(np.empty(0, np.int32), np.empty(0, np.int32))
    asked = tuple((a, b, c, d) for a, b, c, d in questions)
    return WordData(tokenizer, np.array(counts, np.int64), nothing, nothing, asked, "", "")


def _vocabulary(config: Word2VecConfig, text: str, stop: int) -> Work[Tokenizer]:
    """Characters of the whole text, or words of its training part, without the space before them."""
    if config.tokenizer == "char":
        return CharTokenizer.of_counts((yield from count_characters(text)), False)
    counts: Counter[str] = Counter()
    for position, behind in cuts(text, 0, stop):
        counts.update(words_of(text[position:behind]))
        yield behind / stop
    bare: Counter[str] = Counter()
    for word, count in counts.items():
        bare[word[1:] if len(word) > 1 and word[0] == " " else word] += count
    if not config.signs:
        bare = Counter({word: count for word, count in bare.items() if _is_word(word) or word == "\n"})
    rare = [word for word, count in bare.items() if len(word) == 1 and word != "\n" and count < config.min_count]
    for word in rare:
        del bare[word]
    tokenizer = WordTokenizer.of_counts(bare, config.vocabulary, config.min_count)
    return dataclasses.replace(tokenizer, words=tuple(dict.fromkeys((" ", *tokenizer.words))))


def _skipped(config: Word2VecConfig, tokenizer: Tokenizer) -> NDArray[np.bool_]:
    """(V,) tokens that have no vector."""
    unknown = getattr(tokenizer, "unknown", None)

    def counts(number: int, text: str) -> bool:
        if number == unknown or text == "\n":
            return False
        return config.tokenizer == "char" or _is_word(text) or (config.signs and bool(text.strip()))

    return np.array([not counts(number, tokenizer.decode([number])) for number in range(tokenizer.size)])


def _is_word(text: str) -> bool:
    return any(letter.isalnum() for letter in text)


def _read(
    tokenizer: Tokenizer, skipped: NDArray[np.bool_], text: str, start: int, stop: int, within_lines: bool
) -> Work[Stretch]:
    """The words of a part, and the line of each; one line where windows go across."""
    ids = (yield from encode_part(tokenizer, text, start, stop)).ids
    ends = [number for number in range(tokenizer.size) if tokenizer.decode([number]) == "\n"] if within_lines else []
    lines = np.cumsum(np.isin(ids, ends), dtype=np.int32) if ends else np.zeros(len(ids), np.int32)
    kept = ~skipped[ids]
    return Stretch(ids[kept], lines[kept])
