"""Words that look at a picture, as a model reads both together."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated

from genstudio.events import Array, Frozen, Held, Snapshot
from genstudio.snapshots.filled import Gap


@dataclass(frozen=True, slots=True, eq=False)
class WordLook(Frozen):
    """A `picture` (h, w, c) uint8 as it was read, and how much each of the `words` of a text looks at each of its patches, row by
    row: `weights` (layers, heads, T, N); what is missing to 1 is at the picture as a whole.

    `gaps` are the words that were masked with what fits into each, `truth` what stood there, empty where that is not known.
    `match` is the probability that text and picture belong together; `filled` (h, w, c) the picture with its masked patches,
    those that are True in `hidden` (N,), as the model makes them.
    """

    picture: Annotated[Array, Held("uint8", "height width channels")]
    words: Annotated[tuple[str, ...], Held("", "tokens")]
    weights: Annotated[Array, Held("float16", "layers heads tokens patches")]
    hidden: Annotated[Array, Held("bool", "patches")]
    gaps: tuple[Gap, ...] = ()
    truth: tuple[str, ...] = ()
    match: float = math.nan
    filled: Annotated[Array | None, Held("uint8", "height width channels")] = None

    def sound(self) -> bool:
        inside = all(0 <= gap.position < len(self.words) and len(gap.ids) for gap in self.gaps)
        return inside and len(self.truth) in (0, len(self.gaps)) and self.picture.shape[2] in (1, 3) and bool(self.words)


@dataclass(frozen=True, slots=True, eq=False)
class WordLooks(Snapshot):
    """Some pictures with the words that look at them, cut into squares of `patch` pixels."""

    looks: tuple[WordLook, ...]
    patch: int

    def sound(self) -> bool:
        def fits(look: WordLook) -> bool:
            height, width = look.picture.shape[:2]
            whole = not height % self.patch and not width % self.patch
            return whole and (height // self.patch) * (width // self.patch) == look.weights.shape[3]

        return self.patch > 0 and bool(self.looks) and all(map(fits, self.looks))
