"""How pictures of any size become pictures of one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from genstudio.errors import DataError

LARGEST_SIZE = 1024
AUTO = "auto"
_LIMITS = re.compile(r"(-?\d+(?:\.\d+)?)\.\.(-?\d+(?:\.\d+)?)")


@dataclass(frozen=True)
class PictureSettings:
    """How pictures of any size become squares of `size` pixels; 0 keeps a size that all of them have in common.

    `crop` fills the square and cuts what is too long, `pad` shows all of the picture between black bars, `stretch`
    gives up its proportions. `flip` adds every picture's mirror image, just behind it. `scale` says which values become
    black and white, such as `0..4095`; `auto` finds it out from the whole set where it holds numbers of more than 8
    bits, or an array.
    """

    size: int = 0
    fit: Literal["crop", "pad", "stretch"] = "crop"
    grey: bool = False
    flip: bool = False
    scale: str = AUTO

    def __post_init__(self) -> None:
        if type(self.size) is not int or not 0 <= self.size <= LARGEST_SIZE:
            raise DataError(f"A picture size of {self.size} is not possible.", f"Choose 0 to {LARGEST_SIZE} pixels.")
        if self.fit not in ("crop", "pad", "stretch"):
            raise DataError(f"Unknown picture fit '{self.fit}'.", "Choose crop, pad or stretch.")
        if self.scale != AUTO and self.limits is None:
            raise DataError(
                f"'{self.scale}' is not a range of pixel values.", "Give the values of black and white, such as 0..1 or 0..4095."
            )

    @property
    def limits(self) -> tuple[float, float] | None:
        """The values that become black and white; None where they are found out."""
        match = _LIMITS.fullmatch(self.scale)
        low, high = (float(match[1]), float(match[2])) if match else (0.0, 0.0)
        return (low, high) if low < high else None

    @classmethod
    def of(cls, details: Mapping[str, Any]) -> PictureSettings:
        """The settings that `to_json` described; what is missing or strange has its default."""
        found: dict[str, Any] = {}
        for name, default in asdict(cls()).items():
            value = details.get(name)
            found[name] = value if type(value) is type(default) else default
        try:
            return cls(**found)
        except DataError:
            return cls()

    def to_json(self) -> dict[str, Any]:
        return asdict(self)
