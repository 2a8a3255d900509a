"""One thing worth knowing about a dataset before training on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["error", "warning", "info"]
_SHOWN = 5
_LENGTH = 120


@dataclass(frozen=True)
class Finding:
    """`rule` names the check and its limit, `sentence` says what was found, `mend` what a person can do.

    `error`: training cannot start or means nothing; `warning`: the result will suffer; `info`: good to know. `count`
    items are concerned; `examples` are up to five of them.
    """

    rule: str
    level: Level
    sentence: str
    count: int
    examples: tuple[str, ...]
    mend: str


def shown(examples: list[str]) -> tuple[str, ...]:
    """Examples on one line each, cut."""
    plain = [
        " ".join("".join(c if c.isprintable() else " " for c in text[:1000]).split()) for text in examples[:_SHOWN]
    ]
    return tuple(text if len(text) <= _LENGTH else text[: _LENGTH - 1] + "…" for text in plain)


def share(part: int, whole: int) -> str:
    """A share as a person reads it."""
    percent = 100 * part / max(whole, 1)
    return f"{percent:.0f} %" if percent >= 10 or percent == 0 else f"{percent:.2g} %"
