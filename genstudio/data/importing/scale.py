"""Which values of pictures are black and white: decided once for a whole set."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Limits = tuple[float, float]
BYTES: Limits = (0.0, 255.0)
_TOPS = (16.0, 255.0, 1023.0, 4095.0, 16383.0, 65535.0)
_HAIR = 0.01
_FEW = 10_000
_DARK = 32.0
_PIECE = 1 << 22


@dataclass(frozen=True)
class Spread:
    """What is known of the values of one picture or of many.

    `whole` where all are whole numbers. `below` of the values are less than 0 and `outside` less than -1 or more than
    1, both by more than a hundredth; `used` are more than a quarter; `odd` are infinite or not numbers.
    """

    count: int
    low: float
    high: float
    whole: bool
    below: int
    outside: int
    used: int
    odd: int

    @classmethod
    def of(cls, values: NDArray[Any]) -> Spread:
        """The spread of an array of any shape, of numbers or booleans."""
        flat = values.reshape(-1)
        return joined(_measured(flat[start : start + _PIECE]) for start in range(0, max(1, flat.size), _PIECE))

    @classmethod
    def checked(cls, fields: Any) -> Spread:
        """The spread whose fields another process sent. Raises TypeError, ValueError for anything else."""
        spread = cls(*fields)
        counts = (spread.count, spread.below, spread.outside, spread.used, spread.odd)
        extremes = (spread.low, spread.high)
        if any(type(count) is not int or count < 0 for count in counts) or type(spread.whole) is not bool:
            raise ValueError("no spread")
        if any(type(extreme) is not float or not math.isfinite(extreme) for extreme in extremes):
            raise ValueError("no spread")
        return spread

    def fields(self) -> list[Any]:
        """What `checked` takes, as plain JSON."""
        return list(astuple(self))

    def limits(self) -> Limits:
        """The values that become black and white.

        A usual range: 0 to 1 or -1 to 1 even where one value in 10,000 lies outside; 0 to 16 of whole numbers; 0 to
        255; 10, 12, 14 or 16 bits. Otherwise the lowest and the highest value, or 0 where none is negative.
        """
        few = self.count // _FEW
        unit = self.outside == 0 or (self.outside <= few and self.used >= self.count // 100)
        if self.below > (few if unit else 0):
            return (-1.0, 1.0) if unit else (self.low, self.high)
        if unit:
            return 0.0, 1.0
        top = next((top for top in _TOPS if self.high <= top * (1 + _HAIR)), None)
        return 0.0, self.high if top is None or (not self.whole and self.high < _DARK) else top


def joined(spreads: Iterable[Spread]) -> Spread:
    """The spread of all of them together; of none, that of no values."""
    parts = [spread for spread in spreads if spread.count]
    low, high = min((part.low for part in parts), default=0.0), max((part.high for part in parts), default=0.0)
    counts = (sum(getattr(part, name) for part in parts) for name in ("below", "outside", "used", "odd"))
    return Spread(sum(part.count for part in parts), low, high, all(part.whole for part in parts), *counts)


def to_bytes(values: NDArray[Any], limits: Limits) -> NDArray[np.uint8]:
    """Numbers of any kind -> uint8: the limits become 0 and 255, what lies outside is cut, what is no number is 0."""
    if values.dtype == np.uint8 and limits == BYTES:
        return values
    low, high = limits
    factor = 255.0 / ((high - low) or 1.0)
    out = np.empty(values.shape, np.uint8)
    rows = max(1, _PIECE // max(1, math.prod(values.shape[1:])))
    for start in range(0, len(values), rows):
        part = (values[start : start + rows].astype(np.float64) - low) * factor
        out[start : start + rows] = np.clip(np.nan_to_num(part, nan=0.0) + 0.5, 0, 255).astype(np.uint8)
    return out


def sentence(spread: Spread, limits: Limits) -> str:
    """What was done to the values, for a person; nothing where they are kept as they are."""
    low, high = limits
    cut = spread.low < low - _HAIR * (high - low) or spread.high > high + _HAIR * (high - low)
    said = [] if limits == BYTES and not cut else [f"Values {low:g} to {high:g} are scaled to 0..255."]
    if cut:
        said.append(f"The values range from {spread.low:g} to {spread.high:g}; those outside become black or white.")
    if spread.odd:
        said.append(f"{spread.odd:,} values are infinite or not numbers; they become black or white.")
    return " ".join(said)


def _measured(values: NDArray[Any]) -> Spread:
    odd, floating = 0, values.dtype.kind == "f"
    if floating:
        finite = np.isfinite(values)
        odd = values.size - int(np.count_nonzero(finite))
        values = values[finite] if odd else values
    if not values.size:
        return Spread(odd, 0.0, 0.0, True, 0, 0, 0, odd)
    low, high = float(values.min()), float(values.max())
    below = int(np.count_nonzero(values < -_HAIR)) if low < -_HAIR else 0
    outside = int(np.count_nonzero(values > 1 + _HAIR)) if high > 1 + _HAIR else 0
    outside += int(np.count_nonzero(values < -1 - _HAIR)) if low < -1 - _HAIR else 0
    whole = not floating or bool((values == np.floor(values)).all())
    used = int(np.count_nonzero(values > 0.25)) if outside else 0
    return Spread(values.size + odd, low, high, whole, below, outside, used, odd)
