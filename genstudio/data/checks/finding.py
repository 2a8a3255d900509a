"""One thing worth knowing about a dataset before training on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Level = Literal["error", "warning", "info"]
_SHOWN = 5
_LENGTH = 120


@dataclass(frozen=True)
class Example:
    """One item that a finding is about, on one line: `place` is its first character in a text, its index among pictures,
    pairs, examples or points, None where it has no place; `length` is in characters of a text."""

    words: str
    place: int | None = None
    length: int = 0


@dataclass(frozen=True)
class Finding:
    """`rule` names the check and its limit, `sentence` says what was found, `repair` what a person can do.

    `error`: training cannot start or means nothing; `warning`: the result will suffer; `info`: good to know. `count`
    items are concerned; `examples` are up to five of them.
    """

    rule: str
    level: Level
    sentence: str
    count: int
    examples: tuple[Example, ...]
    repair: str


def shown(
    examples: Sequence[str], places: Sequence[int | None] = (), lengths: Sequence[int] = ()
) -> tuple[Example, ...]:
    """The first examples on one line each, cut, with where they are and how long they are there."""
    found = []
    for number, text in enumerate(examples[:_SHOWN]):
        plain = " ".join("".join(c if c.isprintable() else " " for c in text[:1000]).split())
        words = plain if len(plain) <= _LENGTH else plain[: _LENGTH - 1] + "…"
        found.append(Example(words, places[number] if places else None, lengths[number] if lengths else 0))
    return tuple(found)


def many(count: int, one: str, several: str) -> str:
    """A number with the words that fit it.

    >>> many(1, "picture has", "pictures have"), many(2_000, "picture has", "pictures have")
    ('1 picture has', '2,000 pictures have')
    """
    return f"{count:,} {one if count == 1 else several}"


def repeated(count: int, of: int, what: str, near: str = "") -> str:
    """How many of them are like others: in all, or `near` to that.

    >>> repeated(1, 1797, "pictures", "near-"), repeated(7, 1797, "pictures")
    ('1 of 1,797 pictures is a near-duplicate.', '7 of 1,797 pictures are duplicates.')
    """
    return f"{count:,} of {of:,} {what} {f'is a {near}duplicate' if count == 1 else f'are {near}duplicates'}."


def share(part: int, whole: int) -> str:
    """A share as a person reads it."""
    percent = 100 * part / max(whole, 1)
    return f"{percent:.0f}%" if percent >= 10 or percent == 0 else f"{percent:.2g}%"
