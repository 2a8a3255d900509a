"""Fixed sentences as a model translates them at a step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from genstudio.events import Array, Frozen, Held, Snapshot


@dataclass(frozen=True, slots=True, eq=False)
class Translated(Frozen):
    """One sentence as printable pieces: the `source` that the model reads, the reference translation `wanted`, and what was
    `made` without an end token. `right` (made,) bool says which of those tokens stand where the reference has them."""

    source: tuple[str, ...]
    wanted: tuple[str, ...]
    made: Annotated[tuple[str, ...], Held("", "made")]
    right: Annotated[Array, Held("bool", "made")]

    @property
    def judged(self) -> bool:
        """Whether there is a reference; a person's own sentence has none."""
        return bool(self.wanted)

    @property
    def exact(self) -> bool:
        """Whether the translation is the reference, token for token."""
        return len(self.made) == len(self.wanted) and bool(np.all(self.right))


@dataclass(frozen=True, slots=True, eq=False)
class Translations(Snapshot):
    """The same sentences at each step, decoded greedily."""

    sentences: tuple[Translated, ...]
