"""Sound with what can be seen of it: a clip of a dataset, and clips that a run keeps, each as recorded and as made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from genstudio.events import Array, Frozen, Held, Snapshot

_RATES = 1_000, 400_000


@dataclass(frozen=True, slots=True, eq=False)
class Clip(Frozen):
    """`samples` (T,) int16, of which `rate` make a second; `spectrogram` (F, N) and `mels` (M, N) in dB of the loudest, a column
    every `hop` samples, up to half the rate; `index` is the clip's in its dataset, -1 where it is of none; `segments` (k, 3)
    first sample, behind the last, index into `phones`."""

    index: int
    samples: Array
    rate: int
    spectrogram: Array
    mels: Array
    mel_edges: Array
    hop: int
    segments: Array
    phones: tuple[str, ...] = ()
    transcript: str = ""
    name: str = ""

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.rate


@dataclass(frozen=True, slots=True, eq=False)
class Track(Frozen):
    """One `version` of a clip, such as "real" or "Griffin-Lim"; tracks of the same `clip` are shown below each other.

    `codes` (T,) uint8 are the samples by mu-law (`data.audio.samples.to_mu_law`), none where there is nothing to hear; `mels`
    (bands, columns) natural logarithms of mel magnitudes, as `nn.spectrogram.log_mel`. Where there are such: `segments` (k, 3)
    int64 first sample, behind the last, index into `Sound.units`; `alignment` (symbols, steps) how much each of the `symbols`
    counted at each step, the steps spread evenly over the mels.
    """

    clip: str
    version: str
    codes: Annotated[Array, Held("uint8", "samples")]
    mels: Annotated[Array, Held("float16", "bands columns")]
    segments: Annotated[Array | None, Held("int64", "segments 3")] = None
    alignment: Annotated[Array | None, Held("float16", "symbols steps")] = None
    symbols: tuple[str, ...] = ()
    transcript: str = ""

    def sound(self) -> bool:
        named = self.alignment is None or len(self.symbols) in (0, len(self.alignment))
        return self.mels.size > 0 and named and (self.alignment is None or self.alignment.size > 0)


@dataclass(frozen=True, slots=True, eq=False)
class Sound(Snapshot):
    """Clips in one or more versions: `rate` samples make a second; the mels have a column every `hop` samples, and bands between
    the `edges` (bands + 1,) in Hz; `units` are what the segments are called. A file has room for 15 tracks of four arrays.

    A second at 8 kHz with 40 bands every 64 samples takes 18 kB before it is packed: what stays the same from step to step
    belongs on a channel of its own, which is written once.
    """

    tracks: tuple[Track, ...]
    rate: int
    hop: int
    edges: Annotated[Array, Held("float64", "edges")]
    units: tuple[str, ...] = ()

    def sound(self) -> bool:
        sizes = _RATES[0] <= self.rate <= _RATES[1] and self.hop > 0 and len(self.edges) > 1
        return sizes and bool((np.diff(self.edges) > 0).all()) and all(map(self._fits, self.tracks))

    def seconds(self, track: Track) -> float:
        """How long a track is."""
        return max(len(track.codes), (track.mels.shape[1] - 1) * self.hop, 1) / self.rate

    def _fits(self, track: Track) -> bool:
        if len(track.mels) != len(self.edges) - 1:
            return False
        if track.segments is None or not len(track.segments):
            return True
        first, behind, which = track.segments.T
        last = max(len(track.codes), track.mels.shape[1] * self.hop)
        placed = first.min() >= 0 and (first < behind).all() and behind.max() <= last
        return bool(placed and which.min() >= 0 and which.max() < len(self.units))
