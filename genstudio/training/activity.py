"""Previews with what the parts of the model put out while it was looked at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from genstudio.events import Snapshot
from genstudio.snapshots.activity import CHANNEL, Activity
from genstudio.training.learner import Learner, Tick

NUMBERS = 64
"""Shown of each part, at most."""
_MOST = 96
_UNCHANGED = (nn.Identity, nn.Flatten, nn.Unflatten, nn.Dropout)
"""Modules that put out what they were given."""


def preview(learner: Learner) -> Iterator[Snapshot | Tick]:
    """What a learner shows of its model, then what the model's modules put out the first time that each was used for it."""
    seen: dict[str, Tensor] = {}
    looked_at = dict(parts(learner.model.modules))
    with ExitStack() as hooks:
        for name, module in looked_at.items():
            hooks.callback(module.register_forward_hook(partial(_keep, seen, name)).remove)
        yield from learner.preview()
    if seen:
        yield _activity(seen, tuple(type(looked_at[name]).__name__ for name in seen))


def parts(modules: Mapping[str, nn.Module]) -> list[tuple[str, nn.Module]]:
    """The modules of a model, what lies in them, and what lies in that where it is a list, by their paths."""
    found = list[tuple[str, nn.Module]]()
    for name, module in modules.items():
        for path, child in module.named_modules(prefix=name):
            listed = path.rpartition(".")[2].isdigit()
            if path.count(".") <= 2 + listed and not isinstance(child, _UNCHANGED):
                found.append((path, child))
    return found[:_MOST]


def _activity(seen: Mapping[str, Tensor], kinds: tuple[str, ...]) -> Activity:
    """One reading of the device for all of them."""
    sizes = np.array([len(row) - 1 for row in seen.values()])
    read = torch.cat([*seen.values()]).cpu().numpy()
    ends = np.cumsum(sizes + 1)
    values = np.zeros((len(seen), sizes.max()), np.float32)
    for row, (end, size) in enumerate(zip(ends, sizes, strict=True)):
        values[row, :size] = np.nan_to_num(read[end - size : end])
    rms = read[ends - sizes - 1].astype(np.float64)
    return Activity(CHANNEL, 0, tuple(seen), kinds, values, sizes, rms)


def _keep(seen: dict[str, Tensor], name: str, _module: nn.Module, _given: Any, put_out: Any) -> None:
    """Remember the root mean square of what a module put out, and some of its numbers."""
    if name in seen:  # a text is written token by token: only the first one counts
        return
    if isinstance(put_out, tuple | list) and put_out:
        put_out = put_out[0]
    if not isinstance(put_out, Tensor) or not put_out.is_floating_point() or not put_out.numel():
        return
    values = put_out.detach().float()
    one = values[0] if values.ndim > 1 else values
    row = one.mean((1, 2)) if one.ndim == 3 else one[-1] if one.ndim == 2 else one.flatten()
    if len(row) > NUMBERS:
        row = row[torch.from_numpy(np.linspace(0, len(row) - 1, NUMBERS).round().astype(np.int64)).to(row.device)]
    seen[name] = torch.cat((values.square().mean().sqrt()[None], row))
