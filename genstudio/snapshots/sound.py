"""A clip of sound with what can be seen of it."""

from __future__ import annotations

from dataclasses import dataclass

from genstudio.events import Array, Frozen


@dataclass(frozen=True, slots=True, eq=False)
class Clip(Frozen):
    """`samples` (T,) int16, of which `rate` make a second; `spectrogram` (F, N) and `mels` (M, N) in dB of the loudest, a column
    every `hop` samples, up to half the rate; `segments` (k, 3) first sample, behind the last, index into `phones`."""

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
