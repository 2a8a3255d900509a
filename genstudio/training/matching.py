"""Whether a checkpoint belongs to a run and fits a learner; says which field or tensor does not."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from genstudio.errors import CheckpointError
from genstudio.training import tensors as packed
from genstudio.training.tensors import DamagedError


def check_identity(mine: Mapping[str, Any], said: Mapping[str, Any], folder: Path, allow: Collection[str]) -> None:
    differing = [name for name in ("run", "family", "dataset", "seed") if said[name] != mine[name]]
    config, theirs = mine["config"], said["config"]
    fields = sorted(n for n in config.keys() | theirs.keys() if config.get(n) != theirs.get(n) and n not in allow)
    if differing or fields:
        texts = [f"{name} is '{said[name]}', not '{mine[name]}'" for name in differing]
        texts += [f"setting {name} is {theirs.get(name)}, not {config.get(name)}" for name in fields]
        raise CheckpointError(
            f"The checkpoint of step {said['step']} does not belong to this run: {_some(texts)}.",
            "Open the run it came from.",
            folder,
        )


def check_weights(wanted: Mapping[str, Tensor], found: Mapping[str, Tensor], folder: Path) -> None:
    texts = [f"{name} is missing" for name in wanted if name not in found]
    texts += [f"{name} is unexpected" for name in found if name not in wanted]
    for name in wanted.keys() & found.keys():
        mine, theirs = wanted[name], found[name]
        if mine.shape != theirs.shape:
            texts.append(f"{name} has shape {tuple(theirs.shape)}, not {tuple(mine.shape)}")
        elif mine.dtype != theirs.dtype:
            texts.append(f"{name} has type {theirs.dtype}, not {mine.dtype}")
    if not texts and (bad := packed.nonfinite(found)):
        texts.append(f"{bad} contains values that are not finite")
    if texts:
        hint = "Nothing was loaded. Open it with its original settings."
        raise CheckpointError(f"The checkpoint does not match the model: {_some(sorted(texts))}.", hint, folder)


def check_optimizers(mine: Mapping[str, torch.optim.Optimizer], found: Mapping[str, Any], folder: Path) -> None:
    texts = [f"{name} is missing" for name in mine if name not in found]
    texts += [f"{name} is unexpected" for name in found if name not in mine]
    for name in mine.keys() & found.keys():
        try:
            theirs = [len(group["params"]) for group in found[name]["param_groups"]]
            moments = found[name]["state"].keys()
        except (KeyError, TypeError, AttributeError) as error:
            raise DamagedError("optimizer.json has unexpected content") from error
        groups = [len(group["params"]) for group in mine[name].param_groups]
        if theirs != groups or len(moments) > sum(groups):
            texts.append(f"{name} has groups of {theirs} tensors, not {groups}")
    if texts:
        hint = "Nothing was loaded. Open it with its original settings."
        raise CheckpointError(f"The checkpoint does not match the optimizers: {_some(sorted(texts))}.", hint, folder)


def _some(texts: list[str]) -> str:
    more = f"; and {len(texts) - 5} more" if len(texts) > 5 else ""
    return "; ".join(texts[:5]) + more
