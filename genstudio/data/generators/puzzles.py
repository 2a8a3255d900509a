"""Toy sequence tasks: every question has one right answer, so a model can be marked exactly."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from genstudio.config import Config, setting
from genstudio.data.datasets import TaskDataset
from genstudio.data.generators.chance import Chance
from genstudio.data.info import DatasetInfo
from genstudio.errors import DataError, Problem

LETTERS = "abcdefghijklmnopqrstuvwxyz"
BRACKETS = {"(": ")", "[": "]", "{": "}"}
_TRIES = 20

Question = Callable[[Chance], str]


class PuzzleSettings(Config):
    """What every toy task has."""

    count: int = setting(10_000, "Number of distinct questions", low=1, high=200_000, logarithmic=True)
    seed: int = setting(0, "A different seed asks different questions", low=0, high=2**31 - 1)


class SequenceSettings(PuzzleSettings):
    symbols: int = setting(26, "Number of distinct symbols: letters, or digits for the sorting task", low=2, high=26)
    shortest: int = setting(3, "Length of the shortest question, in symbols", low=1, high=64)
    longest: int = setting(10, "Length of the longest question, in symbols", low=1, high=64)

    def rules(self) -> Iterator[Problem]:
        if self.shortest > self.longest:
            yield Problem("shortest", f"{self.shortest} symbols is more than the length of the longest question, "
                f"{self.longest}")


class SortSettings(SequenceSettings):
    symbols: int = setting(10, "Number of distinct digits", low=2, high=10)


class AdditionSettings(PuzzleSettings):
    digits: int = setting(3, "Number of digits in the largest number", low=1, high=12)


class DyckSettings(PuzzleSettings):
    kinds: int = setting(3, "Number of bracket kinds: ( ), [ ] and { }", low=1, high=3)
    longest: int = setting(16, "Length of the longest question, in symbols", low=1, high=128)


def copy(settings: SequenceSettings, info: DatasetInfo) -> TaskDataset:
    """The answer is the question."""
    return _answered(settings, info, _letters(settings, LETTERS), lambda question: question)


def reverse(settings: SequenceSettings, info: DatasetInfo) -> TaskDataset:
    """The answer is the question from its end."""
    return _answered(settings, info, _letters(settings, LETTERS), lambda question: question[::-1])


def sort(settings: SortSettings, info: DatasetInfo) -> TaskDataset:
    """The answer is the question's digits in order."""
    return _answered(settings, info, _letters(settings, "0123456789"), lambda question: "".join(sorted(question)))


def addition(settings: AdditionSettings, info: DatasetInfo) -> TaskDataset:
    """`a+b` and the sum; the number of digits of each is drawn first, so that small numbers are not rare."""

    def question(chance: Chance) -> str:
        first, second = (_number(chance, 1 + chance.below(settings.digits)) for _ in range(2))
        return f"{first}+{second}"

    return _answered(settings, info, question, lambda text: str(sum(int(part) for part in text.split("+"))))


def dyck(settings: DyckSettings, info: DatasetInfo) -> TaskDataset:
    """The beginning of a bracket expression, and the shortest way to close it (the Dyck languages)."""
    opening = list(BRACKETS)[: settings.kinds]

    def question(chance: Chance) -> str:
        text, open_ones = [opening[chance.below(len(opening))]], 1
        expected = [BRACKETS[text[0]]]
        while len(text) < settings.longest and (not open_ones or chance.below(12)):
            if open_ones and chance.below(5) < 2:
                text.append(expected.pop())
                open_ones -= 1
            else:
                text.append(opening[chance.below(len(opening))])
                expected.append(BRACKETS[text[-1]])
                open_ones += 1
        return "".join(text)

    return _answered(settings, info, question, _closing)


def _closing(text: str) -> str:
    expected: list[str] = []
    for symbol in text:
        if symbol in BRACKETS:
            expected.append(BRACKETS[symbol])
        else:
            expected.pop()
    return "".join(reversed(expected))


def _number(chance: Chance, digits: int) -> int:
    return int("".join(str(chance.below(10)) for _ in range(digits)))


def _letters(settings: SequenceSettings, alphabet: str) -> Question:
    def question(chance: Chance) -> str:
        length = settings.shortest + chance.below(settings.longest - settings.shortest + 1)
        return "".join(alphabet[chance.below(settings.symbols)] for _ in range(length))

    return question


def _answered(
    settings: PuzzleSettings, info: DatasetInfo, question: Question, answer: Callable[[str], str]
) -> TaskDataset:
    chance = Chance(settings.seed)
    found: dict[str, str] = {}
    for _ in range(_TRIES * settings.count):
        asked = question(chance)
        if asked not in found and (right := answer(asked)):
            found[asked] = right
        if len(found) == settings.count:
            return TaskDataset(info, tuple(found), tuple(found.values()))
    raise DataError(
        f"There are fewer than {settings.count:,} distinct questions of this kind.",
        f"Ask for {max(1, len(found) // 2):,} or fewer, or for longer questions.",
    )
