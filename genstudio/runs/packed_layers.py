"""Statistics of layers as bytes and back. Bytes may come from other people."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from genstudio.events import Array
from genstudio.snapshots.layers import Distributions, LayerStatistics

_PARTS = ("activations", "weights", "gradients")
_MOST = 10_000


def dump(snapshot: LayerStatistics) -> tuple[dict[str, Any], dict[str, Array]]:
    """A header and the arrays; numbers that may not be finite are in the header, as null."""
    parts = {name: part for name in _PARTS if (part := getattr(snapshot, name)) is not None}
    header = {
        "kind": "layers",
        "tokens": snapshot.tokens,
        "loss": _plain([snapshot.loss])[0],
        "dead": _plain(snapshot.dead),
        "updates": _plain(snapshot.updates),
        "parts": {
            name: {"names": part.names, "norms": _plain(part.norms), "decades": part.decades}
            for name, part in parts.items()
        },
    }
    arrays: dict[str, Array] = {}
    for name, part in parts.items():
        for kind, dtype in (("edges", np.float64), ("counts", np.int64), ("sizes", np.int64)):
            arrays[f"{name}_{kind}"] = np.asarray(getattr(part, kind), dtype)
    return header, arrays


def load(channel: str, step: int, header: Mapping[str, Any], arrays: Mapping[str, Array]) -> LayerStatistics:
    """What `dump` was given. Raises ValueError, TypeError or KeyError for anything else."""
    said = header["parts"]
    parts = {name: _part(said[name], arrays, name) for name in _PARTS if name in said}
    dead, updates = _numbers(header["dead"]), _numbers(header["updates"])
    weights = parts["weights"]
    if len(updates) != len(weights.names):
        raise ValueError("not an update for each weight")
    tokens, loss = int(header["tokens"]), float(_numbers([header["loss"]])[0])
    hidden = sum(name.endswith(" hidden") for name in parts["activations"].names)
    if len(dead) != hidden:
        raise ValueError("not a number for each layer")
    return LayerStatistics(
        channel, step, parts["activations"], weights, parts.get("gradients"), dead, updates, tokens, loss
    )


def _part(said: Mapping[str, Any], arrays: Mapping[str, Array], name: str) -> Distributions:
    edges, counts, sizes = (arrays[f"{name}_{kind}"] for kind in ("edges", "counts", "sizes"))
    names, norms = tuple(said["names"]), _numbers(said["norms"])
    if not 0 < len(names) < _MOST or not all(isinstance(row, str) for row in names):
        raise TypeError("not names")
    if edges.ndim != 1 or len(edges) < 2 or edges.dtype != np.float64 or (np.diff(edges) <= 0).any():
        raise ValueError("not bins")
    if counts.shape != (len(names), len(edges) - 1) or counts.dtype != np.int64 or (counts < 0).any():
        raise ValueError("not counts")
    if sizes.shape != (len(names),) or sizes.dtype != np.int64 or (sizes < 0).any() or norms.shape != sizes.shape:
        raise ValueError("not a size for each name")
    return Distributions(names, edges, counts, norms, sizes, bool(said["decades"]))


def _plain(values: Any) -> list[float | None]:
    return [float(value) if math.isfinite(value) else None for value in values]


def _numbers(values: Any) -> Array:
    if not isinstance(values, list) or len(values) > _MOST:
        raise TypeError("not numbers")
    return np.array([math.nan if value is None else float(value) for value in values])
