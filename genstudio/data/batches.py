"""A batch of tokens as a person can look at it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from genstudio.events import Array, frozen


@dataclass(frozen=True, slots=True, eq=False)
class TokenBatch:
    """Token ids that a model is shown, and those it must name: `inputs` and `targets` (accumulation, batch, T) int64.

    `pieces` is the text of every id that occurs. `causal`: at each position the model sees that and earlier ones only.
    """

    inputs: Array
    targets: Array
    pieces: Mapping[int, str]
    causal: bool = True

    def __post_init__(self) -> None:
        frozen(self.inputs)
        frozen(self.targets)
