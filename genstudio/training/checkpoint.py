"""Checkpoints: saved whole with hashes, loaded all or nothing, never fewer than two verified ones.

    checkpoints/<step>/  model.safetensors  optimizer.safetensors  optimizer.json  state.json  manifest.json

A damaged one is set aside under the name <step>.damaged; one left behind by going back becomes <step>.rewound.
"""

from __future__ import annotations

import contextlib
import json
import math
import re
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, Literal

from torch import Tensor, nn

from genstudio import storage
from genstudio.errors import CheckpointError, StorageError, TrainingError
from genstudio.runs import Run, RunInfo
from genstudio.runs.thinning import superfluous
from genstudio.training import tensors as packed
from genstudio.training.learner import Learner
from genstudio.training.manifest import FILES, FORMAT, manifest, promises, read_file, read_json, verified_bytes, verify
from genstudio.training.matching import check_identity, check_optimizers, check_weights
from genstudio.training.tensors import DamagedError

MAXIMUM = 12
Which = Literal["last", "best"] | int
State = Mapping[str, Any]
"""What was given to `save` beside the learner, with the `step` of the checkpoint."""

_STEP = re.compile(r"\d{8,15}")


def checkpoint_dir(run: Run, step: int) -> Path:
    """The folder of a step's checkpoint."""
    return run.folder / "checkpoints" / f"{step:08d}"


def steps(run: Run) -> list[int]:
    """Steps that have a checkpoint, ascending; whether it is sound shows when it is loaded."""
    names = [path.name for path in storage.listed(run.folder / "checkpoints")]
    return sorted(int(name) for name in names if _STEP.fullmatch(name))


def best_step(run: Run) -> int | None:
    """The checkpoint with the lowest loss: the one given to `save`, or `best` in the state, a running minimum.

    Of equals the first, which for a running minimum is the one made soonest after it was reached.
    """
    scored = [(loss, step) for step in steps(run) if (loss := _loss(checkpoint_dir(run, step))) is not None]
    return min(scored)[1] if scored else None


def _loss(folder: Path) -> float | None:
    try:
        said = read_json(read_file(folder / "state.json"))
        loss = said.get("loss", (said["state"].get("best") or [None])[0])
    except (OSError, DamagedError, KeyError, TypeError, AttributeError, IndexError):
        return None
    return float(loss) if isinstance(loss, int | float) and math.isfinite(loss) else None


def resolve(run: Run, which: Which) -> int:
    """The step of `last`, `best` (the newest where no loss is known) or a step: the newest sound one for a word.

    Raises CheckpointError.
    """
    damage = ""
    for step in _order(run, which):
        damage = verify(checkpoint_dir(run, step))
        if not damage:
            return step
    raise _unsound(run, damage)


def save(
    run: Run,
    step: int,
    learner: Learner,
    state: Mapping[str, Any],
    *,
    loss: float | None = None,
    maximum: int = MAXIMUM,
    keep: Collection[int] = (),
) -> Path:
    """Writes the learner after `step` and thins out older checkpoints.

    `state` is any JSON-able data to get back from `load`; the checkpoint with the lowest `loss` is the best,
    and those of the steps in `keep` stay. Raises TrainingError naming the tensor that is not finite, or StorageError;
    what was saved before stays.
    """
    run.require_writer()
    weights = weights_of(learner.model.modules)
    moments: dict[str, Tensor] = {}
    settings = {name: packed.flatten(o.state_dict(), name, moments) for name, o in learner.optimizers.items()}
    if bad := packed.nonfinite(weights) or packed.nonfinite(moments):
        raise TrainingError(
            f"'{bad}' contains values that are not finite after step {step}, so the checkpoint was not saved.",
            "Go back to the last checkpoint and lower the learning rate.",
            run.folder,
        )
    info = run.info
    if not info.usable:
        raise StorageError(
            f"The folder {run.folder} is gone or damaged: {info.reason.rstrip('.')}. What is in memory is intact.",
            "Put the folder back, then save again.",
            run.folder,
        )
    best = {"loss": loss} if loss is not None and math.isfinite(loss) else {}
    said = {"format": FORMAT, "step": step, **_identity(info), "plan": dict(info.plan), **best, "state": dict(state)}
    run.sync()
    where = checkpoint_dir(run, step)
    storage.make_folder(where.parent)
    storage.sweep(where.parent, alone=True)
    with storage.StagedFolder(where) as stage:
        stage.write("model.safetensors", packed.dump(weights))
        stage.write("optimizer.safetensors", packed.dump(moments))
        stage.write("optimizer.json", json.dumps(settings).encode())
        stage.write("state.json", json.dumps(said, indent=1).encode())
        stage.write("manifest.json", manifest(step, stage.written))
        stage.commit()
    if reason := verify(where):
        raise StorageError(
            f"The checkpoint of step {step} differs from what was written: {reason}. Older checkpoints are intact.",
            "Check this computer's disk and memory.",
            where,
        )
    with contextlib.suppress(StorageError, CheckpointError):
        prune(run, maximum, keep)
    return where


def which(text: str) -> Which:
    """`last`, `best` or a step, from what a person typed. Raises CheckpointError."""
    if text in ("last", "best"):
        return "last" if text == "last" else "best"
    if not (text.isascii() and text.isdigit()):
        raise CheckpointError(f"'{text}' is not a checkpoint.", "Use last, best or a step number.")
    return int(text)


def weights_of(modules: Mapping[str, nn.Module]) -> dict[str, Tensor]:
    """Every tensor of these modules, as `module.name`."""
    found: dict[str, Tensor] = {}
    for part, module in modules.items():
        for name, tensor in module.state_dict().items():
            if not isinstance(tensor, Tensor) or f"{part}.{name}" in found:
                raise TypeError(f"{part}.{name} is not a tensor or appears twice")
            found[f"{part}.{name}"] = tensor
    return found


def _identity(info: RunInfo) -> dict[str, Any]:
    data = str(info.dataset.get("hash", ""))
    return {"run": info.key, "family": info.family, "seed": info.seed, "dataset": data, "config": dict(info.config)}


def load(run: Run, which: Which, learner: Learner, *, allow: Collection[str] = ()) -> dict[str, Any]:
    """Puts a checkpoint into the learner, or leaves the learner as it is.

    Returns the state given to `save` with `step`, and in `warnings` a sentence for each damaged checkpoint passed over:
    for `last` and `best` it is set aside and the newest sound one taken. `allow` names settings that may differ from
    the run's. Raises CheckpointError: none is sound, or the field, tensor or optimizer that does not fit.
    """

    def read(folder: Path) -> dict[str, Any]:
        promised = promises(folder)
        data = {name: verified_bytes(folder, promised, name) for name in FILES}
        said = _state(data["state.json"], folder)
        weights, moments = packed.load(data["model.safetensors"]), packed.load(data["optimizer.safetensors"])
        settings = {name: packed.unflatten(value, moments) for name, value in read_json(data["optimizer.json"]).items()}
        check_identity(_identity(run.info), said, folder, allow)
        check_weights(weights_of(learner.model.modules), weights, folder)
        check_optimizers(learner.optimizers, settings, folder)
        _apply(learner, weights, settings, folder)
        return said["state"] | {"step": said["step"]}

    return _first_sound(run, which, read)


def load_modules(run: Run, which: Which, modules: Mapping[str, nn.Module]) -> dict[str, Any]:
    """Puts the weights of these modules into them, for use without training; returns what `load` returns.

    Raises CheckpointError.
    """

    def read(folder: Path) -> dict[str, Any]:
        weights, said = _weights_in(run, folder)
        wanted = weights_of(modules)
        mine = {name: tensor for name, tensor in weights.items() if name.startswith(tuple(f"{module}." for module in modules))}
        check_weights(wanted, mine, folder)
        fill(modules, mine)
        return said

    return _first_sound(run, which, read)


def read_weights(run: Run, which: Which) -> tuple[dict[str, Tensor], int]:
    """Every tensor of a checkpoint as `module.name`, and its step. Raises CheckpointError."""
    found: dict[str, Tensor] = {}

    def read(folder: Path) -> dict[str, Any]:
        weights, said = _weights_in(run, folder)
        found.update(weights)
        return said

    return found, int(_first_sound(run, which, read)["step"])


def _weights_in(run: Run, folder: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors of a checkpoint of this run, and its state with the step."""
    promised = promises(folder)
    said = _state(verified_bytes(folder, promised, "state.json"), folder)
    weights = packed.load(verified_bytes(folder, promised, "model.safetensors"))
    check_identity(_identity(run.info), said, folder, ())
    return weights, said["state"] | {"step": said["step"]}


def _first_sound(run: Run, which: Which, read: Callable[[Path], dict[str, Any]]) -> dict[str, Any]:
    warnings: list[str] = []
    for step in _order(run, which):
        folder = checkpoint_dir(run, step)
        try:
            state = read(folder)
        except (DamagedError, FileNotFoundError) as error:
            said = str(error) if isinstance(error, DamagedError) else f"{Path(error.filename).name} is missing"
            warnings.append(f"The checkpoint of step {step} is damaged: {said}.{_set_aside(run, folder, 'damaged')}")
        except OSError as error:
            warnings.append(f"The checkpoint of step {step} cannot be read ({error.strerror}).")
        else:
            if warnings:
                warnings.append(f"The checkpoint of step {step} is used instead.")
            return state | {"warnings": warnings}
    raise _unsound(run, warnings[0])


def _unsound(run: Run, said: str) -> CheckpointError:
    left = ", ".join(map(str, steps(run))) or "none"
    return CheckpointError(said, f"Choose another checkpoint (there are: {left}) or copy it from a backup.", run.folder)


def _order(run: Run, which: Which) -> list[int]:
    if run.writing:
        with contextlib.suppress(StorageError):
            storage.sweep(run.folder / "checkpoints", alone=True)
    there = steps(run)
    if not there:
        raise CheckpointError(f"{run.id} has no checkpoint yet.", "Train the model first.", run.folder)
    if isinstance(which, int):
        if which not in there:
            known = ", ".join(map(str, there))
            raise CheckpointError(f"There is no checkpoint of step {which}.", f"Available: {known}.", run.folder)
        return [which]
    first = best_step(run) if which == "best" else None
    if first is None:
        return there[::-1]
    return [first, *(s for s in there[::-1] if s < first), *(s for s in there if s > first)]


def _set_aside(run: Run, folder: Path, kind: str) -> str:
    """Renames a checkpoint out of the way when this run may be written; a sentence saying so."""
    if not run.writing or not folder.exists():
        return ""
    aside, count = folder.with_name(f"{folder.name}.{kind}"), 1
    while aside.exists():
        count += 1
        aside = folder.with_name(f"{folder.name}.{kind}-{count}")
    try:
        folder.rename(aside)
    except OSError:
        return ""
    return f" It was renamed to {aside.name}."


def _state(data: bytes, folder: Path) -> dict[str, Any]:
    said = read_json(data)
    types = {"step": int, "run": str, "family": str, "seed": int, "dataset": str, "config": dict, "state": dict}
    if any(type(said.get(name)) is not kind for name, kind in types.items()) or f"{said['step']:08d}" != folder.name:
        raise DamagedError("state.json does not belong to this checkpoint")
    elapsed, best = said["state"].get("elapsed", 0.0), said["state"].get("best")
    if type(elapsed) not in (int, float) or not math.isfinite(elapsed) or not isinstance(best, list | None):
        raise DamagedError("state.json does not contain the times and losses of a training")
    return said


def _apply(learner: Learner, weights: Mapping[str, Tensor], settings: Mapping[str, Any], folder: Path) -> None:
    """Optimizers first: they can refuse, and then get back the state they had."""
    before = {name: optimizer.state_dict() for name, optimizer in learner.optimizers.items()}
    try:
        for name, optimizer in learner.optimizers.items():
            optimizer.load_state_dict(settings[name])
    except (ValueError, KeyError, TypeError, RuntimeError) as error:
        for name, optimizer in learner.optimizers.items():
            optimizer.load_state_dict(before[name])
        raise CheckpointError(
            f"The checkpoint does not match the optimizers: {error}.", "Nothing was loaded.", folder
        ) from error
    fill(learner.model.modules, weights)


def fill(modules: Mapping[str, nn.Module], weights: Mapping[str, Tensor]) -> None:
    """Puts tensors that fit into the modules."""
    for part, module in modules.items():
        module.load_state_dict({name: weights[f"{part}.{name}"] for name in module.state_dict()})


def prune(run: Run, maximum: int = MAXIMUM, keep: Collection[int] = ()) -> list[int]:
    """Removes checkpoints beyond `maximum`, as `thinning` says; the first, the best, `keep` and the newest two stay.

    Nothing goes unless the newest two are verified; damaged ones are set aside. Returns the steps removed.
    """
    run.require_writer()
    sound: list[int] = []
    for step in steps(run)[::-1]:
        if len(sound) == 2:
            break
        if verify(checkpoint_dir(run, step)):
            _set_aside(run, checkpoint_dir(run, step), "damaged")
        else:
            sound.append(step)
    if len(sound) < 2:
        return []
    best = best_step(run)
    removed = superfluous(steps(run), maximum, {*sound, *keep, *(() if best is None else (best,))})
    for step in removed:
        storage.discard(checkpoint_dir(run, step))
    _forget_rewound(run, sound[1])
    return removed


def _forget_rewound(run: Run, step: int) -> None:
    """What was left behind by going back goes when two verified checkpoints are further than it."""
    for path in storage.listed(run.folder / "checkpoints"):
        number, _, kind = path.name.partition(".")
        if kind.startswith("rewound") and number.isdigit() and int(number) <= step:
            storage.discard(path)


def rewind(run: Run, step: int) -> None:
    """Makes `step` the newest: later checkpoints are set aside, later numbers and pictures dropped.

    To be called whenever training goes on from a checkpoint: numbers may be newer than it. Raises StorageError.
    """
    run.require_writer()
    with storage.translated(run.folder / "checkpoints"):
        for later in steps(run):
            if later > step and not _set_aside(run, checkpoint_dir(run, later), "rewound"):
                raise PermissionError(13, "cannot be renamed", str(checkpoint_dir(run, later)))
    run.truncate(step)
