"""What a model of speech makes of clips."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from genstudio.events import Array, Frozen, Held, Snapshot


@dataclass(frozen=True, slots=True, eq=False)
class ClipUnits(Frozen):
    """One clip: its samples as `codes` (T,) uint8 by mu-law (`data.audio.samples.to_mu_law`); its `spectrum` (F, M) uint8, 255
    the loudest and 0 80 dB below it; `segments` (k, 3) first sample, behind the last, index of the phone, where these are
    known; the `units` (N, groups) of its frames, or the `letters` (n) that were recognised with their frames `spans` (n, 2),
    first and behind the last; and what is `spoken`, where that is known."""

    clip: int
    codes: Annotated[Array, Held("uint8", "T")]
    spectrum: Annotated[Array, Held("uint8", "F M")]
    segments: Annotated[Array, Held("int64", "k 3")]
    units: Annotated[Array, Held("int64", "N groups")]
    spans: Annotated[Array, Held("int64", "n 2")]
    letters: tuple[str, ...] = ()
    spoken: str = ""

    def sound(self) -> bool:
        """Whether it can be drawn."""
        whole = len(self.codes)
        return bool(
            len(self.letters) == len(self.spans) and (self.units >= 0).all() and (self.spans >= 0).all()
            and (self.segments[:, :2] >= 0).all() and (self.segments[:, :2] <= whole).all()
            and (self.segments[:, 0] < self.segments[:, 1]).all() and (self.segments[:, 2] >= 0).all()
        )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Listening(Snapshot):
    """Some clips, `rate` samples a second and a frame every `hop` of them; `phones` are the names of what sounds."""

    looks: tuple[ClipUnits, ...]
    rate: int
    hop: int
    phones: tuple[str, ...] = ()

    def sound(self) -> bool:
        return self.rate > 0 and self.hop > 0 and all((look.segments[:, 2] < len(self.phones)).all() for look in self.looks)
