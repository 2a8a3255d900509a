"""A picture as a model reads it: as patches, and which of them look at which."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from genstudio.events import Array, Frozen, Held, Snapshot


@dataclass(frozen=True, slots=True, eq=False)
class PatchLook(Frozen):
    """A `picture` (h, w, c) uint8 as it was read, of whose patches, counted row by row, those in `seen` (n,) were read.

    `weights` (layers, heads, T, T) is the attention, row = query, among a class token, where there is one, and the patches seen;
    `rollout` (T, T) how much of each one's input reaches each one at the end. `probabilities` (classes,) are what it was named,
    where a model names classes; `filled` (h, w, c) is the picture with what was not seen filled in, where one does that. `label`
    is the true class, -1 where it is not known.
    """

    picture: Annotated[Array, Held("uint8", "height width channels")]
    seen: Annotated[Array, Held("int64", "n")]
    weights: Annotated[Array, Held("float16", "layers heads tokens tokens")]
    rollout: Annotated[Array, Held("float16", "tokens tokens")]
    probabilities: Annotated[Array | None, Held("float32", "classes")] = None
    filled: Annotated[Array | None, Held("uint8", "height width channels")] = None
    label: int = -1

    def sound(self) -> bool:
        return len(self.rollout) - len(self.seen) in (0, 1) and self.picture.shape[2] in (1, 3) and bool((self.seen >= 0).all())

    @property
    def special(self) -> int:
        """Tokens in front of the patches: 1 where there is a class token."""
        return len(self.rollout) - len(self.seen)


@dataclass(frozen=True, slots=True, eq=False)
class PatchAttention(Snapshot):
    """Attention over some pictures, cut into squares of `patch` pixels; `classes` are the names of what is told apart."""

    looks: tuple[PatchLook, ...]
    patch: int
    classes: tuple[str, ...] = ()

    def sound(self) -> bool:
        def fits(look: PatchLook) -> bool:
            height, width = look.picture.shape[:2]
            whole = not height % self.patch and not width % self.patch
            inside = bool((look.seen < (height // self.patch) * (width // self.patch)).all())
            named = look.probabilities is None or len(look.probabilities) == len(self.classes)
            return whole and inside and named and -1 <= look.label < len(self.classes)

        return self.patch > 0 and bool(self.looks) and all(map(fits, self.looks))
