"""How good a CycleGAN is, at bounded cost, each number beside what does nothing would reach."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from genstudio.data.learnable.sides import A, B
from genstudio.evaluation.samples import SEED
from genstudio.training.learner import Measured

if TYPE_CHECKING:
    from genstudio.families.cyclegan.model import CycleGAN

_HELD, _ROWS = 200, 100


def measure(model: CycleGAN, exact: bool) -> Iterator[Measured]:
    """Errors are mean absolute differences of pixels from 0 to 1, over held-out pictures of both sets, as many of each:

    `cycle_error` of pictures that went to the other set and back, `identity_error` of those given to the generator of their
    own set, `change` of pictures that became such of the other set; beside them `cycle_error_mean`, that of the mean picture
    of the set, and `pair_error`, that of another picture of the set. Where the true partner of a picture in the other set is
    known, `partner_error`, with `partner_error_identity` where the picture stays as it is, and `partner_error_mean` of the
    other set's mean picture. Of training pictures that became such of the other set, the distances, `agreement` and
    `nearest_ratio` of `Reference`.
    """
    data = model.data
    if not len(data.real):
        return
    found: dict[str, list[float]] = {}
    for side in (A, B):
        for name, value in _errors(model, side, None if exact else _HELD).items():
            found.setdefault(name, []).append(value)
        yield Measured(done=0.1 * (side + 1))
    values = {name: float(np.mean(both)) for name, both in found.items()}
    values |= {"cycle_error_a": found["cycle_error"][A], "cycle_error_b": found["cycle_error"][B]}
    if not (count := model.reference.count(exact)):
        yield Measured(values)
        return
    made = []
    targets = np.arange(count) % 2
    for side in (A, B):
        among = data.of(data.train, 1 - side)
        chosen = np.random.default_rng(SEED).choice(among, int((targets == side).sum()))
        with torch.no_grad():
            made += [model.turned(model.inside(data.real[chosen[n : n + _ROWS]]), side) for n in range(0, len(chosen), _ROWS)]
        yield Measured(done=0.2)
    values |= yield from model.reference.pictures(torch.cat(made), np.sort(targets))
    yield Measured(values)


def _errors(model: CycleGAN, side: int, most: int | None) -> dict[str, float]:
    """Of held-out pictures of one set."""
    data, other = model.data, 1 - side
    chosen = data.of(data.held, side)[:most]
    x, added = model.inside(data.real[chosen]), {}
    with torch.no_grad():
        there = model.turned(x, other)
        found = {
            "cycle_error": _apart(model.turned(there, side), x),
            "identity_error": _apart(model.turned(x, side), x),
            "change": _apart(there, x),
        }
    mean = _mean(model, side)
    found |= {"cycle_error_mean": _apart(mean, x), "pair_error": _apart(x.roll(1, 0), x)}
    if data.partners is not None:
        partner = model.inside(data.partners[chosen])
        added = {
            "partner_error": _apart(there, partner),
            "partner_error_identity": _apart(x, partner),
            "partner_error_mean": _apart(_mean(model, other), partner),
        }
    return found | added


def _mean(model: CycleGAN, side: int) -> Tensor:
    """The mean of training pictures of a set, (1, C, H, W)."""
    data = model.data
    return model.inside(data.real[data.of(data.train, side)[:2000]]).mean(0, keepdim=True)


def _apart(one: Tensor, other: Tensor) -> float:
    """Half, as pixels go from -1 to 1."""
    return float((one - other).abs().mean()) / 2
