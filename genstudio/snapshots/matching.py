"""Pictures and texts that belong together, as a model sees them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from genstudio.events import Array, Held, Snapshot


@dataclass(frozen=True, slots=True, eq=False)
class Similarity(Snapshot):
    """How alike texts and pictures are: `cosines` (texts, pictures), or whatever `score` says, where text i belongs to picture i;
    the `pixels` (pictures, h, w, c) uint8, and the `texts`."""

    cosines: Annotated[Array, Held("float32", "texts pictures")]
    pixels: Annotated[Array, Held("uint8", "pictures height width channels")]
    texts: Annotated[tuple[str, ...], Held("", "texts")]
    score: str = "cosine"

    def sound(self) -> bool:
        return self.pixels.shape[3] in (1, 3) and self.cosines.shape[0] == self.cosines.shape[1]


@dataclass(frozen=True, slots=True, eq=False)
class Meeting(Snapshot):
    """Pictures and their texts in one plane: `pictures` and `captions` (n, 2) are where the vectors of each lie along two
    directions, which explain such shares of all; the `pixels` (n, h, w, c) uint8, and the `texts`."""

    pictures: Annotated[Array, Held("float32", "n 2")]
    captions: Annotated[Array, Held("float32", "n 2")]
    pixels: Annotated[Array, Held("uint8", "n height width channels")]
    texts: Annotated[tuple[str, ...], Held("", "n")]
    explained: tuple[float, ...] = ()

    def sound(self) -> bool:
        return self.pixels.shape[3] in (1, 3)
