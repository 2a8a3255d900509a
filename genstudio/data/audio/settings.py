"""How sound files of any kind become clips of one rate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from genstudio.errors import DataError

RATES = (8_000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
USUAL_RATE = 16_000
"""Samples per second of what is recorded at more, where nobody chose a rate: speech has little above 8 kHz."""
SHORTEST, LONGEST = 0.5, 60.0


@dataclass(frozen=True)
class SoundSettings:
    """`rate` in samples per second, 0 for the commonest rate of the files, 16,000 at most; all channels are mixed to one. What is
    longer than `longest` seconds is cut into pieces; a clip with a transcript is left out instead, because nobody knows which
    words belong to which piece. `trim` takes silence (below -50 dB) from both ends."""

    rate: int = 0
    longest: float = 15.0
    trim: bool = False

    def __post_init__(self) -> None:
        if self.rate not in (0, *RATES):
            raise DataError(
                f"{self.rate:,} samples per second cannot be chosen.", f"Choose 0 or one of {', '.join(map(str, RATES))}."
            )
        if not SHORTEST <= self.longest <= LONGEST:
            raise DataError(
                f"The longest clip cannot be {self.longest:g} seconds.", f"Choose {SHORTEST:g} to {LONGEST:g} seconds."
            )

    @classmethod
    def of(cls, details: Mapping[str, Any]) -> SoundSettings:
        """The settings that `to_json` described; what is missing or strange has its default."""
        try:
            return cls(**{name: type(value)(details.get(name, value)) for name, value in asdict(cls()).items()})
        except (DataError, TypeError, ValueError):
            return cls()

    def to_json(self) -> dict[str, Any]:
        return asdict(self)
