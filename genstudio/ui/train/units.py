"""What a loss in nats per token can be read as: bits per character, and perplexity."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from genstudio.events import Array


@dataclass(frozen=True, slots=True)
class Unit:
    """A way to count: its `title`, and how values (n,) become values in it."""

    title: str
    of: Callable[[Array], Array]


def units(nats: str, known: Mapping[str, float]) -> dict[str, Unit]:
    """The units of a loss that is counted in `nats`, "nats per token" for one, by name.

    Bits per character need `characters_per_token` among the values that are `known` of the data; without it they are per token.
    """
    per = nats.removeprefix("nats ") or "per token"
    ratio = known.get("characters_per_token", 0.0)
    bits, scale = ("bits per character", math.log(2) * ratio) if ratio > 0 else (f"bits {per}", math.log(2))
    return {
        "nats": Unit(nats, lambda values: values),
        "bits": Unit(bits, lambda values: values / scale),
        "perplexity": Unit(f"perplexity {per}", lambda values: np.exp(np.minimum(values, 700.0))),
    }
