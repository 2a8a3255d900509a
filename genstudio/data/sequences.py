"""Toy sequence tasks: questions with known answers."""

from __future__ import annotations

from dataclasses import dataclass

from genstudio.data.info import DatasetInfo


@dataclass(frozen=True, eq=False)
class TaskDataset:
    """`answers[i]` is the right answer to `questions[i]`."""

    info: DatasetInfo
    questions: tuple[str, ...]
    answers: tuple[str, ...]
