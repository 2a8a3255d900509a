"""Toy tasks as a language model learns them: lines of question and answer, split without a leak, marked where the answer is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genstudio.data import shelf
from genstudio.data.datasets import TaskDataset
from genstudio.data.info import DatasetInfo
from genstudio.data.learnable.questions import QuestionData, prepare_questions
from genstudio.data.tokenizers import CharTokenizer
from genstudio.data.vocabulary import TokenSettings
from genstudio.data.work import finished
from genstudio.errors import DataError
from genstudio.evaluation.questions import baselines


def task(asked: dict[str, str]) -> TaskDataset:
    info = DatasetInfo("task", "Task", "tasks", "generated", Path(), 0, "0" * 64, count=len(asked))
    return TaskDataset(info, tuple(asked), tuple(asked.values()))


SUMS = {f"{a}+{b}": str(a + b) for a in range(30) for b in range(10)}


def prepared(asked: dict[str, str] = SUMS, context: int = 20, kind: Any = "char", **options: Any) -> QuestionData:
    return finished(prepare_questions(task(asked), context, TokenSettings(kind, 300, 1), **options))


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("kind", ["char", "byte", "word", "bpe"])
def test_a_line_is_the_question_and_its_answer_between_two_markers(kind: str, backwards: bool) -> None:
    data = prepared(kind=kind, backwards=backwards)
    begin, end = data.tokenizer.begin, data.tokenizer.end
    for part in (data.asked, data.held):
        ids, inside, answer = part.padded(np.arange(len(part)), end)
        for row, (question, written) in enumerate(part.texts):
            assert written == (SUMS[question[:-1]][::-1] if backwards else SUMS[question[:-1]])
            line = ids[row][inside[row]]
            assert line[0] == begin and line[-1] == end and set(ids[row][~inside[row]].tolist()) <= {end}
            alone, _ = data.tokenizer.encode_lossy(question)
            at = part.answers[row]
            assert line[1:at].tolist() == alone.tolist(), "a question alone has the tokens that it has in its line"
            assert ids[row][answer[row]].tolist() == line[at:].tolist()
            if kind != "word":
                assert data.tokenizer.decode(line[at:-1]) == written
        assert part.answer_ids.tolist() == [token for row in range(len(part)) for token in ids[row][answer[row]].tolist()]


def leak(data: QuestionData) -> int:
    return len({question for question, _ in data.asked.texts} & {question for question, _ in data.held.texts})


def test_no_held_out_question_is_trained_on() -> None:
    """The twin adds a held-out line to the training part, which the same count must see."""
    data = prepared()
    assert leak(data) == 0 and len(data.asked) + len(data.held) == len(SUMS) and len(data.held) == 30
    spoiled = QuestionData(
        data.tokenizer, data.train, data.validation, 0, "", "", asked=data.held, held=data.held
    )  # fmt: skip
    assert leak(spoiled) == len(data.held)


def test_lines_that_do_not_fit_are_left_out_and_counted() -> None:
    lengths = np.array([len(f"{q}={a}") + 2 for q, a in SUMS.items()])
    data = prepared(context=6)
    assert data.left_out == int((lengths > 7).sum()) > 0 and data.asked.lines.lengths.max() == 7
    with pytest.raises(DataError, match="longer than a context of 3"):
        prepared(context=3)
    with pytest.raises(DataError, match="does not match its settings"):
        prepared(tokenizer=CharTokenizer.of("0123456789+="))


def test_the_most_frequent_answer_is_right_as_often_as_it_occurs() -> None:
    data = prepared({str(number): "7" if number % 4 else "1" for number in range(200)})
    right = sum(answer == "7" for _, answer in data.held.texts) / len(data.held)
    known = baselines(data)
    assert known["usual"] == right > 0.5
    assert 0 < known["unigram"] < known["uniform"] == pytest.approx(np.log(data.tokenizer.size))


@pytest.mark.parametrize("name", ["copy", "reverse", "sort", "addition", "dyck"])
def test_every_toy_task_that_ships_fits_its_preset(name: str) -> None:
    from genstudio.families.gpt import FAMILY

    preset = next(preset for preset in FAMILY.presets if preset.data == name)
    dataset = shelf.open_dataset(shelf.find_dataset(name))
    data = finished(FAMILY.prepare(FAMILY.config.parse(preset.values), dataset))
    assert isinstance(data, QuestionData) and not data.left_out and leak(data) == 0
