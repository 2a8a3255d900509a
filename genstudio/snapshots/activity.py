"""What the parts of a network put out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from genstudio.events import Array, Held, Snapshot

CHANNEL = "activity"


@dataclass(frozen=True, slots=True, eq=False)
class Activity(Snapshot):
    """Outputs of modules, for the first sample of what they were given: the first `sizes` (names,) int64 of `values` (names,
    numbers) float32 are some of the numbers of each, of the last token of a sequence, or means of the channels of a picture.

    `names` are paths of modules, "generator.body.0", and `kinds` their classes, "Linear"; `rms` (names,) is the root mean
    square of all that each put out.
    """

    names: Annotated[tuple[str, ...], Held("", "names")]
    kinds: Annotated[tuple[str, ...], Held("", "names")]
    values: Annotated[Array, Held("float32", "names numbers")]
    sizes: Annotated[Array, Held("int64", "names")]
    rms: Annotated[Array, Held("json", "names")]

    def sound(self) -> bool:
        return bool(self.names) and bool(((self.sizes > 0) & (self.sizes <= self.values.shape[1])).all())
