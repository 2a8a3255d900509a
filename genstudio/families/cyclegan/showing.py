"""What a CycleGAN looks like from outside: held-out pictures there and back, what is lost on the way, and scores."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import torch

from genstudio.data.learnable.sides import A, B
from genstudio.events import Array, Snapshot
from genstudio.snapshots.samples import Histograms, Pictures

if TYPE_CHECKING:
    from genstudio.families.cyclegan.model import CycleGAN

_BINS, _STRONGER = 20, 2
Row = tuple[str, Array, Array]
"""Its name, pictures (n, h, w, c), and how far each is from the original (n,)."""


class Viewer:
    """Makes snapshots of a model at bounded cost; the pictures stay the same."""

    def __init__(self, model: CycleGAN) -> None:
        self.model = model

    def preview(self, step: int) -> Iterator[Snapshot]:
        """`cycles`: for each set a row of its pictures, one of what they become in the other, where it is known one of what
        they should become, and one of what comes back; scores are mean absolute differences from the original, 0 to 1.
        `cycle_errors`: the same difference pixel by pixel, twice as strong, below original and what came back. `scores` are
        histograms."""
        model, data = self.model, self.model.data
        if not all(len(chosen) for chosen in model.fixed):
            return
        count = min(len(chosen) for chosen in model.fixed)
        rows, errors = list[Row](), list[Row]()
        scored: dict[str, list[Array]] = {"D(x)": [], "D(made)": []}
        for side in (A, B):
            here, there = model.sides[side], model.sides[1 - side]
            chosen = model.fixed[side][:count]
            real = data.real[chosen]
            with torch.no_grad():
                turned = model.turned(model.inside(real), 1 - side)
                made, back = model.outside(turned), model.outside(model.turned(turned, side))
            scored["D(x)"].append(model.scores(model.inside(real), side))
            scored["D(made)"].append(model.scores(turned, 1 - side))
            original, came_back = (here, real, apart(real, real)), (f"→ {here}", back, apart(back, real))
            rows += [original, (f"→ {there}", made, apart(made, real))]
            if data.partners is not None:
                rows.append(("true partner", data.partners[chosen], apart(data.partners[chosen], real)))
            rows.append(came_back)
            lost = np.abs(back.astype(np.int16) - real)
            shown = np.minimum(lost * _STRONGER, 255).astype(np.uint8)
            errors += [original, came_back, ("error", shown, came_back[2])]
        yield _pictures("cycles", step, rows)
        yield _pictures("cycle_errors", step, errors)
        real_scores, made_scores = (np.concatenate(part) for part in scored.values())
        yield self._histograms(step, real_scores, made_scores)

    def _histograms(self, step: int, real: Array, made: Array) -> Histograms:
        both = np.concatenate([real, made])
        low, high = (0.0, 1.0) if self.model.bounded else (float(both.min()), float(both.max()))
        edges = np.linspace(low, high if high > low else low + 1, _BINS + 1)
        return Histograms("scores", step, edges, {"D(x)": np.histogram(real, edges)[0], "D(made)": np.histogram(made, edges)[0]})


def apart(one: Array, other: Array) -> Array:
    """Mean absolute differences of pictures (n, h, w, c) uint8, 0 to 1: (n,)"""
    return np.abs(one.astype(np.float32) - other).mean((1, 2, 3)) / 255


def _pictures(channel: str, step: int, rows: list[Row]) -> Pictures:
    """Rows of as many pictures each, under their names."""
    names, pixels, scores = zip(*rows, strict=True)
    labels = np.repeat(np.arange(len(rows)), len(pixels[0]))
    return Pictures(channel, step, np.concatenate(pixels), labels, names, np.concatenate(scores))
