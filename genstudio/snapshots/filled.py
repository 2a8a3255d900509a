"""Gaps in a text, and what a model would put into each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from genstudio.events import Array, Frozen, Held, Snapshot


@dataclass(frozen=True, slots=True, eq=False)
class Gap(Frozen):
    """The most probable tokens at `position` of a text: `ids` (k,) with their printable `pieces` and `probabilities` (k,), the
    best first."""

    position: int
    ids: Annotated[Array, Held("int64", "k")]
    pieces: Annotated[tuple[str, ...], Held("", "k")]
    probabilities: Annotated[Array, Held("float32", "k")]


@dataclass(frozen=True, slots=True, eq=False)
class Filled(Snapshot):
    """A text of `tokens` (T printable pieces), some of which are gaps, and what fits into each of them.

    `ids` (T,) are the tokens that the model read, `mask` the one that stands for a gap. `weights` says who answers; `unknown`
    are the positions of characters of the text that its vocabulary lacks.
    """

    tokens: Annotated[tuple[str, ...], Held("", "n")]
    ids: Annotated[Array, Held("int64", "n")]
    gaps: tuple[Gap, ...]
    mask: int = -1
    weights: str = ""
    unknown: tuple[int, ...] = ()

    def sound(self) -> bool:
        inside = all(0 <= gap.position < len(self.tokens) for gap in self.gaps)
        return inside and all(len(gap.ids) and (gap.probabilities >= 0).all() for gap in self.gaps)

    @property
    def best(self) -> tuple[str, ...]:
        """The tokens with the most probable one in every gap."""
        found = {gap.position: gap.pieces[0] for gap in self.gaps}
        return tuple(found.get(place, piece) for place, piece in enumerate(self.tokens))
