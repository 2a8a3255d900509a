"""What a lesson is, and how its file is read: TOML, described in `resources/lessons/README.md`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from genstudio import paths
from genstudio.errors import GenstudioError
from genstudio.runs.plan import ENDLESS

_LONGEST = 420
_SECONDS = {"second": 1.0, "seconds": 1.0, "minute": 60.0, "minutes": 60.0}
_UNTIL_STOPPED = "until I stop"
README = "README.md"


class LessonError(GenstudioError):
    """A file of a lesson that cannot be read."""


class Part(BaseModel):
    """Something of a lesson; a key that is not known is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Put(Part):
    """Give a control a value, as a person would: choose an entry, type a text, move a slider, tick a box."""

    put: bool | int | float | str
    into: str = Field(alias="in")


class Press(Part):
    """Click a button."""

    press: str


class Keys(Part):
    """Press keys in a control: names of Qt, such as "K" or "Right", separated by spaces."""

    keys: str
    into: str = Field(alias="in")


class TrainFor(Part):
    """Plan a training: "30 seconds", "2 minutes", "600 steps" or "until I stop"."""

    train_for: str

    @model_validator(mode="after")
    def _is_a_plan(self) -> TrainFor:
        self.plan()
        return self

    def plan(self) -> tuple[int | None, float | None]:
        """(steps, seconds), one of them None. Raises ValueError."""
        if self.train_for == _UNTIL_STOPPED:
            return ENDLESS, None
        number, _, unit = self.train_for.partition(" ")
        if number.isdecimal() and int(number) and (unit in _SECONDS or unit in ("step", "steps")):
            return (None, int(number) * _SECONDS[unit]) if unit in _SECONDS else (int(number), None)
        raise ValueError(f"'{self.train_for}' is not a length: write for instance \"30 seconds\" or \"600 steps\"")


class ControlHas(Part):
    """A control has a value, can be used (`enabled`), or has another value than at the beginning of the step (`changed`)."""

    control: str
    equals: bool | int | float | str | None = Field(None, alias="is")
    above: float | None = None
    below: float | None = None
    contains: str | None = None
    longer: int | None = None
    changed: Literal[True] | None = None
    enabled: bool | None = None

    @model_validator(mode="after")
    def _asks_something(self) -> ControlHas:
        if len(self.model_fields_set) < 2:
            raise ValueError("say what the control should have: is, above, below, contains, longer, changed or enabled")
        return self


class RunIs(Part):
    """A run of this family, begun in this lesson, trains or has trained: up to a step, to its end, or to a number."""

    run: str
    step: int | None = Field(None, ge=1)
    finished: Literal[True] | None = None
    measure: str | None = None
    below: float | None = None
    above: float | None = None
    preset: str | None = None

    @model_validator(mode="after")
    def _has_a_bound(self) -> RunIs:
        if (self.measure is None) != (self.below is None and self.above is None):
            raise ValueError("a measure needs a bound, and a bound a measure")
        return self


class HasModel(Part):
    """The model chosen in the Playground has this ability, such as "Writes" or "Traces"."""

    model: str


class Pressed(Part):
    """A button has been pressed since the step began."""

    pressed: str


class Seen(Part):
    """A control can be seen."""

    seen: str


P = TypeVar("P", bound=Part)
_ACTIONS: Mapping[str, type[Part]] = {"put": Put, "press": Press, "keys": Keys, "train_for": TrainFor}
_CONDITIONS: Mapping[str, type[Part]] = {
    "control": ControlHas, "run": RunIs, "model": HasModel, "pressed": Pressed, "seen": Seen,
}  # fmt: skip


def _by_key(kinds: Mapping[str, type[Part]]) -> BeforeValidator:
    """Tell what a table of the file is by the one key that it must have."""

    def choose(table: object) -> object:
        if isinstance(table, Part):
            return table
        keys = [key for key in kinds if isinstance(table, dict) and key in table]
        if len(keys) != 1:
            raise ValueError(f"write one of: {', '.join(kinds)}")
        return kinds[keys[0]].model_validate(table)

    return BeforeValidator(choose)


Action = Annotated[Part, _by_key(_ACTIONS)]
Condition = Annotated[Part, _by_key(_CONDITIONS)]


class Step(Part):
    """One idea: a text, the control that it is about, and where that is; what the lesson can do itself (`do`), what the
    person has to have done (`check`), and a question with its answers, the right one of them counted from 1. The step is
    left away where all of `skip` holds at the beginning of the lesson.
    """

    _words: ClassVar[tuple[str, ...]] = ("text", "question", "reveal", "source")

    text: str = Field(min_length=1, max_length=_LONGEST)
    room: str = ""
    page: str = ""
    show: str = ""
    do: tuple[Action, ...] = ()
    check: tuple[Condition, ...] = ()
    skip: tuple[Condition, ...] = ()
    question: str = Field("", max_length=_LONGEST)
    answers: tuple[str, ...] = ()
    right: int = 0
    reveal: str = Field("", max_length=_LONGEST)
    source: str = ""

    @model_validator(mode="before")
    @classmethod
    def _one_space(cls, table: Any) -> Any:
        """Lines of the file are not lines of the text."""
        if isinstance(table, dict):
            words = {key: " ".join(table[key].split()) for key in cls._words if isinstance(table.get(key), str)}
            return table | words
        return table

    @model_validator(mode="after")
    def _asks_properly(self) -> Step:
        if not self.question:
            if self.answers or self.right or self.reveal:
                raise ValueError("answers, right and reveal belong to a question")
            return self
        if not 2 <= len(self.answers) <= 4:
            raise ValueError("a question needs two to four answers")
        if not 1 <= self.right <= len(self.answers):
            raise ValueError(f"right counts the answers from 1: it is 1 to {len(self.answers)}")
        if not self.reveal:
            raise ValueError("a question needs a reveal that explains the right answer")
        return self


class Lesson(Part):
    """A title, a line about it, the minutes that it takes, the subject under which it is listed, and its steps. `key` is its
    place among the others."""

    key: str = ""
    title: str = Field(min_length=1, max_length=60)
    line: str = Field(min_length=1, max_length=160)
    minutes: int = Field(ge=1, le=60)
    subject: str = Field("", max_length=40)
    step: tuple[Step, ...] = Field(min_length=1)

    @property
    def mine(self) -> bool:
        """Whether it is of the person's own folder."""
        return self.key.startswith("own/")


@dataclass(frozen=True, slots=True)
class Lessons:
    """All that could be read, in the order of their files, and what is wrong with the others."""

    lessons: tuple[Lesson, ...]
    problems: tuple[LessonError, ...]


def own_folder() -> Path:
    """Where a person puts lessons of their own."""
    return paths.home() / "lessons"


def read_lesson(file: Path, key: str = "") -> Lesson:
    """The lesson of a file. Raises LessonError, which says what is wrong and in which step."""
    hint = f"Correct the file; {README} in the folder of the lessons describes it."
    try:
        table = tomllib.loads(file.read_text("utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise LessonError(f"The lesson {file.name} cannot be read: {error}.", hint, file) from error
    except tomllib.TOMLDecodeError as error:
        raise LessonError(f"The lesson {file.name} is not valid TOML: {error}.", hint, file) from error
    try:
        return Lesson.model_validate({**table, "key": key or file.stem})
    except ValidationError as error:
        raise LessonError(f"The lesson {file.name} has an error. {_sentence(error)}.", hint, file) from error


def all_lessons() -> Lessons:
    """Those that ship, then those of the person's own folder."""
    lessons, problems = list[Lesson](), list[LessonError]()
    for file, key in _files():
        try:
            lessons.append(read_lesson(file, key))
        except LessonError as error:
            problems.append(error)
    return Lessons(tuple(lessons), tuple(problems))


def _files() -> Iterator[tuple[Path, str]]:
    for file in sorted((paths.resources() / "lessons").glob("*.toml")):
        yield file, file.stem
    for file in sorted(own_folder().glob("*.toml")):
        yield file, f"own/{file.stem}"


def _sentence(error: ValidationError) -> str:
    """The first error, and where it is: "Step 3, check 1: ..."."""
    first = error.errors(include_url=False)[0]
    words = re.sub(r"^(Value error|Assertion failed), ", "", first["msg"])
    parts, names = list[str](), list(first["loc"])
    while names:
        name, number = names.pop(0), names[0] if names else None
        if isinstance(number, int):
            names.pop(0)
            parts.append(f"{name} {number + 1}")
        else:
            parts.append(f"'{name}'")
    if first["type"] == "extra_forbidden":
        words = "there is no such key here"
    elif first["type"] == "missing":
        words = "it is missing"
    where = ", ".join(parts)
    return f"{where[:1].upper()}{where[1:]}: {words}".rstrip(".") if where else words.rstrip(".")
