"""What can go wrong, in words a person can act on."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Problem:
    """One setting that cannot stay as it is: the field's name and a sentence."""

    field: str
    message: str

    def __str__(self) -> str:
        name = self.field.rstrip("_")  # what is a word of Python as well has one at its end
        return f"{name}: {self.message}" if name else self.message


class GenstudioError(Exception):
    """Something a person can act on: what happened (`message`), what to do next (`hint`), which file (`path`)."""

    def __init__(self, message: str, hint: str = "", path: Path | str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.path = None if path is None else Path(path)

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class ConfigError(GenstudioError):
    """Settings that cannot be used; carries every problem, each with its field."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(str(problem).rstrip(".") for problem in problems) + ".", "Change this and start again.")
        self.problems = tuple(problems)


class DataError(GenstudioError):
    """A file or dataset that cannot be used as it is."""


class RunError(GenstudioError):
    """A run folder that cannot be opened, written or found."""


class RunBusyError(RunError):
    """Another process or window writes this run."""


class CheckpointError(RunError):
    """A checkpoint that is damaged, of another model, or missing."""


class StorageError(GenstudioError):
    """The disk is full, read-only or gone; what was saved before is untouched."""


class DeviceError(GenstudioError):
    """The device asked for is not there, or has too little memory."""


class TrainingError(GenstudioError):
    """Training cannot go on: a non-finite loss or gradient."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An error as text, so that it can cross threads and processes."""

    kind: str
    message: str
    hint: str = ""
    path: str = ""
    problems: tuple[Problem, ...] = ()
    details: str = ""
    expected: bool = True

    @classmethod
    def of(cls, error: BaseException) -> Failure:
        """`expected` is False for anything that is a bug of ours; `details` then holds the traceback."""
        kind = type(error).__name__
        if isinstance(error, GenstudioError):
            problems = error.problems if isinstance(error, ConfigError) else ()
            return cls(kind, error.message, error.hint, str(error.path or ""), problems)
        details = "".join(traceback.format_exception(error))
        message = f"{kind}: {error}".strip().rstrip(":")
        hint = "Something went wrong inside genstudio. Please include the details when you report it."
        return cls(kind, message, hint, details=details, expected=False)
