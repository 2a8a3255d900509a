"""Questions with one right answer as a language model learns them: a line `question=answer` each, between two markers."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genstudio.data.datasets import TaskDataset
from genstudio.data.info import DatasetInfo
from genstudio.data.learnable.pairs import PairData, Pairs, Sentences, prepare_pairs
from genstudio.data.learnable.tokens import TextData
from genstudio.data.split import SplitSettings
from genstudio.data.tokenizers import Ids, Tokenizer
from genstudio.data.vocabulary import TokenSettings
from genstudio.data.work import Work
from genstudio.errors import DataError

EQUALS = "="
"""Stands between a question and its answer."""
_NEVER_TOO_LONG = 1 << 30


@dataclass(frozen=True, eq=False)
class Questions:
    """Lines of a begin marker, a question, EQUALS, its answer, an end marker: `lines` (n), of which the answers begin at
    token `answers` (n,). `texts` are the questions and the answers as they are written in the lines."""

    lines: Sentences
    answers: NDArray[np.int64]
    texts: tuple[tuple[str, str], ...]

    def __len__(self) -> int:
        return len(self.lines)

    def padded(self, rows: NDArray[np.integer[Any]], end: int) -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.bool_]]:
        """Some lines side by side: ids (len(rows), longest) with `end` markers behind each; which of them belong to a line, and
        which to its answer, the end marker included."""
        ids, behind = self.lines.padded(rows)
        inside = ~behind
        answer = inside & (np.arange(ids.shape[1]) >= self.answers[rows][:, None])
        return np.where(behind, end, ids), inside, answer

    @cached_property
    def answer_ids(self) -> Ids:
        """The tokens of all answers, their end markers included."""
        every = np.arange(len(self.lines.ids)) - np.repeat(self.lines.starts[:-1], self.lines.lengths)
        return self.lines.ids[every >= np.repeat(self.answers, self.lines.lengths)]


@dataclass(frozen=True, eq=False, kw_only=True)
class QuestionData(TextData):
    """What a language model learns from a toy task: `asked` questions, and those that are `held` out."""

    asked: Questions
    held: Questions
    left_out: int = 0

    @property
    def usual(self) -> float:
        """Share of the held-out questions that one answer to all of them gets right: the answer most frequent in training."""
        if not self.asked.texts or not self.held.texts:
            return 0.0
        ((answer, _),) = Counter(answer for _, answer in self.asked.texts).most_common(1)
        return sum(wanted == answer for _, wanted in self.held.texts) / len(self.held.texts)


def prepare_questions(
    dataset: TaskDataset,
    context: int,
    settings: TokenSettings,
    tokenizer: Tokenizer | None = None,
    split: SplitSettings | None = None,
    *,
    backwards: bool = False,
) -> Work[QuestionData]:
    """Split and encode; yields the fraction done.

    Every question is on one side of the split only. Question and answer are encoded apart, so that a question alone has the
    same tokens as in its line. Lines that are longer than a context are left out and counted. With `backwards`, answers are
    written from their end. `tokenizer` is used where it is given, as a run keeps it. Raises DataError where no line fits, and
    for a tokenizer without markers.
    """
    if tokenizer is not None and (tokenizer.begin is None or tokenizer.end is None):
        raise DataError(
            "The run's tokenizer does not match its settings.", "Files of this run were modified.", dataset.info.place
        )
    lines = replace(
        dataset,
        questions=tuple(question + EQUALS for question in dataset.questions),
        answers=tuple(answer[::-1] if backwards else answer for answer in dataset.answers),
    )
    tokenizers = None if tokenizer is None else (tokenizer, tokenizer)
    pairs = yield from prepare_pairs(
        lines, _NEVER_TOO_LONG, replace(settings, lines=True), tokenizers=tokenizers, split=split or SplitSettings("random")
    )
    return _joined(pairs, context, dataset.info)


def _joined(pairs: PairData, context: int, info: DatasetInfo) -> QuestionData:
    tokenizer = pairs.tokenizer
    parts = [_lines(part, tokenizer) for part in (pairs.train, pairs.held)]
    asked, held = (_short(part, context) for part in parts)
    for which, every, short in (("training", parts[0], asked), ("held-out", parts[1], held)):
        if not len(short):
            least = int(every.lines.lengths.min()) - 1
            raise DataError(
                f"All {len(every):,} {which} questions are longer than a context of {context:,}, so there is nothing to learn "
                f"from; the shortest line 'question{EQUALS}answer' has {least:,} tokens with its marker.",
                f"Choose a context of at least {least:,}.",
                info.place,
            )
    characters = sum(len(answer) + 1 for _, answer in held.texts)
    return QuestionData(
        tokenizer, asked.lines.ids, held.lines.ids, characters, pairs.dataset_id, pairs.dataset_hash,
        asked=asked, held=held, left_out=sum(map(len, parts)) - len(asked) - len(held),
    )  # fmt: skip


def _lines(pairs: Pairs, tokenizer: Tokenizer) -> Questions:
    begin = np.array([tokenizer.begin], np.int32)
    sides = zip(range(len(pairs)), pairs.sources.lengths.tolist(), strict=True)
    # the marker that ends a source and the one that begins a target are left out between them
    lines = [np.concatenate([begin, pairs.sources[row][: length - 1], pairs.targets[row][1:]]) for row, length in sides]
    return Questions(Sentences.of(lines, np.int32), pairs.sources.lengths.copy(), pairs.texts)


def _short(questions: Questions, context: int) -> Questions:
    """The last token of a line is never read, so a line may have one more than the context."""
    rows = np.flatnonzero(questions.lines.lengths <= context + 1)
    if len(rows) == len(questions):
        return questions
    texts = tuple(questions.texts[row] for row in rows.tolist())
    return Questions(questions.lines.chosen(rows), questions.answers[rows], texts)
