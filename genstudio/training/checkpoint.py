"""Checkpoints: saved whole with hashes, loaded all or nothing, never fewer than two verified ones.

    checkpoints/<step>/  model.safetensors  optimizer.safetensors  optimizer.json  state.json  manifest.json

A damaged one is set aside under the name <step>.damaged; one left behind by going back becomes <step>.rewound.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from genstudio import storage
from genstudio.errors import CheckpointError, StorageError, TrainingError
from genstudio.runs import Run, RunInfo
from genstudio.training import tensors as packed
from genstudio.training.loop import Learner
from genstudio.training.tensors import DamagedError

FORMAT = 1
KEEP = 12
Which = Literal["last", "best"] | int

_STEP = re.compile(r"\d{8,15}")
_JSON_LIMIT = 1 << 26
_ALL = ("model.safetensors", "optimizer.safetensors", "optimizer.json", "state.json")
_verified: dict[Path, tuple[Any, ...]] = {}


@dataclass(frozen=True, slots=True)
class Restored:
    """What a checkpoint held beside the weights. `notes` are sentences about damaged ones that were passed over."""

    step: int
    state: Mapping[str, Any]
    notes: tuple[str, ...] = ()


def place(run: Run, step: int) -> Path:
    """The folder of a step's checkpoint."""
    return run.folder / "checkpoints" / f"{step:08d}"


def steps(run: Run) -> list[int]:
    """Steps that have a checkpoint, ascending; whether it is sound shows when it is loaded."""
    folder = run.folder / "checkpoints"
    try:
        return sorted(int(path.name) for path in folder.iterdir() if _STEP.fullmatch(path.name))
    except OSError:
        return []


def best_step(run: Run) -> int | None:
    """The checkpoint with the lowest loss given to `save`; the later one of equals."""
    scored = [(loss, -step) for step in steps(run) if (loss := _loss(place(run, step))) is not None]
    return -min(scored)[1] if scored else None


def _loss(folder: Path) -> float | None:
    try:
        loss = _read_json((folder / "state.json").read_bytes()).get("loss")
    except (OSError, DamagedError):
        return None
    return float(loss) if isinstance(loss, int | float) and math.isfinite(loss) else None


def save(
    run: Run, step: int, learner: Learner, state: Mapping[str, Any], *, loss: float | None = None, keep: int = KEEP
) -> Path:
    """Writes the learner after `step` and thins out older checkpoints.

    `state` is any JSON-able data to get back from `load`; the checkpoint with the lowest `loss` is the best.
    Raises TrainingError naming the tensor that is not finite, or StorageError; what was saved before stays.
    """
    run.require_writer()
    weights = _weights(learner.parts)
    moments: dict[str, Tensor] = {}
    settings = {name: packed.flatten(o.state_dict(), name, moments) for name, o in learner.optimizers.items()}
    if bad := packed.nonfinite(weights) or packed.nonfinite(moments):
        raise TrainingError(
            f"'{bad}' holds values that are not finite after step {step}, so it was not saved.",
            "Go back to the last checkpoint and lower the learning rate.",
            run.folder,
        )
    info = run.info
    best = {"loss": loss} if loss is not None and math.isfinite(loss) else {}
    said = {"format": FORMAT, "step": step, **_identity(info), "plan": dict(info.plan), **best, "state": dict(state)}
    run.sync()
    where = place(run, step)
    storage.make_folder(where.parent)
    storage.sweep(where.parent, alone=True)
    with storage.StagedFolder(where) as stage:
        stage.write("model.safetensors", packed.dump(weights))
        stage.write("optimizer.safetensors", packed.dump(moments))
        stage.write("optimizer.json", json.dumps(settings).encode())
        stage.write("state.json", json.dumps(said, indent=1).encode())
        stage.write("manifest.json", _manifest(step, stage.written))
        stage.commit()
    if reason := verify(where):
        raise StorageError(
            f"The checkpoint of step {step} reads back otherwise than it was written: {reason}. Older ones are intact.",
            "Check the disk and the memory of this computer.",
            where,
        )
    with contextlib.suppress(StorageError, CheckpointError):
        prune(run, keep)
    return where


def which(text: str) -> Which:
    """`last`, `best` or a step, from what a person typed. Raises CheckpointError."""
    if text in ("last", "best"):
        return "last" if text == "last" else "best"
    if not (text.isascii() and text.isdigit()):
        raise CheckpointError(f"'{text}' is not a checkpoint.", "Say last, best or the number of a step.")
    return int(text)


def _weights(parts: Mapping[str, nn.Module]) -> dict[str, Tensor]:
    found: dict[str, Tensor] = {}
    for part, module in parts.items():
        for name, tensor in module.state_dict().items():
            if not isinstance(tensor, Tensor) or f"{part}.{name}" in found:
                raise TypeError(f"{part}.{name} is not a tensor or appears twice")
            found[f"{part}.{name}"] = tensor
    return found


def _identity(info: RunInfo) -> dict[str, Any]:
    data = str(info.dataset.get("hash", ""))
    return {"run": info.key, "family": info.family, "seed": info.seed, "dataset": data, "config": dict(info.config)}


def _manifest(step: int, written: Collection[storage.Written]) -> bytes:
    """Canonical text with a digest of itself, so that no byte of it can change unnoticed either."""
    files = {one.name: {"size": one.size, "sha256": one.sha256} for one in written}
    body = {"format": FORMAT, "step": step, "files": files}
    digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
    return json.dumps(body | {"sha256": digest}, indent=1, sort_keys=True).encode()


def _sizes(folder: Path) -> Mapping[str, storage.Written]:
    """What the manifest promises. Raises DamagedError, OSError."""
    data = (folder / "manifest.json").read_bytes()
    said = _read_json(data)
    try:
        if type(said["format"]) is int and said["format"] > FORMAT:
            raise CheckpointError(
                f"Checkpoint {folder.name} was made by a newer version of the program.", "Update the program.", folder
            )
        written = [storage.Written(str(n), int(f["size"]), str(f["sha256"])) for n, f in said["files"].items()]
        step = int(said["step"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DamagedError("manifest.json is damaged") from error
    if _manifest(step, written) != data or not set(_ALL) <= set(said["files"]):
        raise DamagedError("manifest.json is damaged")
    if folder.name != f"{step:08d}":
        raise DamagedError(f"manifest.json is of step {step}")
    return {one.name: one for one in written}


def _verified_bytes(folder: Path, promised: Mapping[str, storage.Written], name: str) -> bytes:
    """The file's bytes, exactly as they were written. Raises DamagedError, OSError."""
    path = folder / name
    if path.stat().st_size != promised[name].size:
        raise DamagedError(f"{name} has another size than was written")
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != promised[name].sha256:
        raise DamagedError(f"{name} differs from what was written (SHA-256)")
    return data


def _read_json(data: bytes) -> dict[str, Any]:
    try:
        said = json.loads(data) if len(data) <= _JSON_LIMIT else None
    except (ValueError, RecursionError) as error:
        raise DamagedError("a JSON file cannot be read") from error
    if not isinstance(said, dict):
        raise DamagedError("a JSON file is not what it should be")
    return said


def verify(folder: Path) -> str:
    """What is wrong with a checkpoint folder; empty when every file is exactly as it was written.

    Raises StorageError where it cannot be read, CheckpointError where a newer version made it.
    """
    try:
        with storage.translated(folder):
            return _verify(folder)
    except DamagedError as error:
        return str(error)


def _verify(folder: Path) -> str:
    try:
        promised = _sizes(folder)
        signature = _signature(folder)
        if _verified.get(folder) != signature:
            for name in promised:
                _verified_bytes(folder, promised, name)
            _verified[folder] = signature
    except FileNotFoundError as error:
        raise DamagedError(f"{Path(error.filename).name} is missing") from error
    return ""


def _signature(folder: Path) -> tuple[Any, ...]:
    found = [(path.name, path.stat()) for path in sorted(folder.iterdir())]
    return tuple((name, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino) for name, stat in found)


def load(run: Run, which: Which, learner: Learner, *, allow: Collection[str] = ()) -> Restored:
    """Puts a checkpoint into the learner, or leaves the learner as it is.

    A damaged one is set aside and the newest sound one taken, before the wanted step where there is one. `allow` names
    settings that may differ from the run's. Raises CheckpointError: none is sound, or the field, tensor or optimizer
    that does not fit.
    """

    def read(folder: Path) -> Restored:
        promised = _sizes(folder)
        data = {name: _verified_bytes(folder, promised, name) for name in _ALL}
        said = _state(data["state.json"], folder)
        weights, moments = packed.load(data["model.safetensors"]), packed.load(data["optimizer.safetensors"])
        settings = {
            name: packed.unflatten(value, moments) for name, value in _read_json(data["optimizer.json"]).items()
        }
        _check_identity(run, said, folder, allow)
        _check_weights(_weights(learner.parts), weights, folder)
        _check_optimizers(learner.optimizers, settings, folder)
        _apply(learner, weights, settings, folder)
        return Restored(said["step"], said["state"])

    return _first_sound(run, which, read)


def load_parts(run: Run, which: Which, parts: Mapping[str, nn.Module]) -> Restored:
    """Puts the weights of these parts into their modules, for use without training. Raises CheckpointError."""

    def read(folder: Path) -> Restored:
        promised = _sizes(folder)
        said = _state(_verified_bytes(folder, promised, "state.json"), folder)
        weights = packed.load(_verified_bytes(folder, promised, "model.safetensors"))
        _check_identity(run, said, folder, ())
        wanted = _weights(parts)
        mine = {name: tensor for name, tensor in weights.items() if name.startswith(tuple(f"{p}." for p in parts))}
        _check_weights(wanted, mine, folder)
        _fill(parts, mine)
        return Restored(said["step"], said["state"])

    return _first_sound(run, which, read)


def _first_sound(run: Run, which: Which, read: Any) -> Restored:
    notes: list[str] = []
    wanted: int | None = None
    for step in _order(run, which):
        folder = place(run, step)
        wanted = step if wanted is None else wanted
        try:
            found: Restored = read(folder)
        except DamagedError as error:
            notes.append(f"The checkpoint of step {step} is damaged: {error}.{_set_aside(run, folder, 'damaged')}")
            continue
        except FileNotFoundError as error:
            missing = Path(error.filename).name
            notes.append(
                f"The checkpoint of step {step} is damaged: {missing} is missing.{_set_aside(run, folder, 'damaged')}"
            )
            continue
        except OSError as error:
            notes.append(f"The checkpoint of step {step} cannot be read ({error.strerror}).")
            continue
        if notes:
            notes.append(f"The checkpoint of step {step} is used instead of step {wanted}.")
        return Restored(found.step, found.state, tuple(notes))
    if notes:
        raise CheckpointError(
            f"None of the run's {len(notes)} checkpoints is sound. {notes[0]}", "Copy one from a backup.", run.folder
        )
    raise CheckpointError(f"{run.id} has no checkpoint yet.", "Train it first.", run.folder)


def _order(run: Run, which: Which) -> Iterator[int]:
    there = steps(run)
    if isinstance(which, int):
        if which not in there:
            known = ", ".join(map(str, there)) or "none"
            raise CheckpointError(f"There is no checkpoint of step {which}.", f"There are: {known}.", run.folder)
        first: int | None = which
    else:
        first = best_step(run) if which == "best" else None
    if first is None:
        return iter(there[::-1])
    older, newer = [s for s in there if s < first], [s for s in there if s > first]
    return iter([first, *older[::-1], *newer])


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
    return f" It was set aside as {aside.name}."


def _state(data: bytes, folder: Path) -> dict[str, Any]:
    said = _read_json(data)
    types = {"step": int, "run": str, "family": str, "seed": int, "dataset": str, "config": dict, "state": dict}
    if any(type(said.get(name)) is not kind for name, kind in types.items()) or f"{said['step']:08d}" != folder.name:
        raise DamagedError("state.json is not of this checkpoint")
    return said


def _check_identity(run: Run, said: Mapping[str, Any], folder: Path, allow: Collection[str]) -> None:
    mine = _identity(run.info)
    differing = [name for name in ("run", "family", "dataset", "seed") if said[name] != mine[name]]
    config, theirs = mine["config"], said["config"]
    fields = sorted(n for n in config.keys() | theirs.keys() if config.get(n) != theirs.get(n) and n not in allow)
    if differing or fields:
        texts = [f"{name} is '{said[name]}', not '{mine[name]}'" for name in differing]
        texts += [f"setting {name} is {theirs.get(name)}, not {config.get(name)}" for name in fields]
        raise CheckpointError(
            f"The checkpoint of step {said['step']} belongs to something else: {_some(texts)}.",
            "Open the run it came from.",
            folder,
        )


def _check_weights(wanted: Mapping[str, Tensor], found: Mapping[str, Tensor], folder: Path) -> None:
    texts = [f"{name} is missing" for name in wanted if name not in found]
    texts += [f"{name} is unexpected" for name in found if name not in wanted]
    for name in wanted.keys() & found.keys():
        mine, theirs = wanted[name], found[name]
        if mine.shape != theirs.shape:
            texts.append(f"{name} has shape {tuple(theirs.shape)}, not {tuple(mine.shape)}")
        elif mine.dtype != theirs.dtype:
            texts.append(f"{name} has type {theirs.dtype}, not {mine.dtype}")
    if not texts and (bad := packed.nonfinite(found)):
        texts.append(f"{bad} holds values that are not finite")
    if texts:
        hint = "Nothing was loaded; open it with the settings it was made with."
        raise CheckpointError(f"The checkpoint does not fit the model: {_some(sorted(texts))}.", hint, folder)


def _check_optimizers(mine: Mapping[str, torch.optim.Optimizer], found: Mapping[str, Any], folder: Path) -> None:
    texts = [f"{name} is missing" for name in mine if name not in found]
    texts += [f"{name} is unexpected" for name in found if name not in mine]
    for name in mine.keys() & found.keys():
        try:
            theirs = [len(group["params"]) for group in found[name]["param_groups"]]
            moments = found[name]["state"].keys()
        except (KeyError, TypeError, AttributeError) as error:
            raise DamagedError("optimizer.json is not what it should be") from error
        groups = [len(group["params"]) for group in mine[name].param_groups]
        if theirs != groups or len(moments) > sum(groups):
            texts.append(f"{name} has groups of {theirs} tensors, not {groups}")
    if texts:
        hint = "Nothing was loaded; open it with the settings it was made with."
        raise CheckpointError(f"The checkpoint does not fit the optimizers: {_some(sorted(texts))}.", hint, folder)


def _some(texts: list[str]) -> str:
    more = f"; and {len(texts) - 5} more" if len(texts) > 5 else ""
    return "; ".join(texts[:5]) + more


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
            f"The checkpoint does not fit the optimizers: {error}.", "Nothing was loaded.", folder
        ) from error
    _fill(learner.parts, weights)


def _fill(parts: Mapping[str, nn.Module], weights: Mapping[str, Tensor]) -> None:
    for part, module in parts.items():
        module.load_state_dict({name: weights[f"{part}.{name}"] for name in module.state_dict()})


def prune(run: Run, keep: int = KEEP) -> list[int]:
    """Removes checkpoints beyond `keep`, evenly over the steps; the first, the best and the newest two stay.

    Nothing goes unless the newest two are verified; damaged ones are set aside. Returns the steps removed.
    """
    run.require_writer()
    sound: list[int] = []
    for step in steps(run)[::-1]:
        if len(sound) == 2:
            break
        if verify(place(run, step)):
            _set_aside(run, place(run, step), "damaged")
        else:
            sound.append(step)
    if len(sound) < 2:
        return []
    there, removed = steps(run), []
    safe = {there[0], best_step(run), *sound}
    while len(there) > max(keep, len(safe)):
        inner = [index for index in range(1, len(there)) if there[index] not in safe]
        index = min(inner, key=lambda i: (there[i + 1] - there[i - 1], i))
        removed.append(there.pop(index))
    for step in removed:
        _verified.pop(place(run, step), None)
        storage.discard(place(run, step))
    _forget_rewound(run, sound[1])
    return removed


def _forget_rewound(run: Run, step: int) -> None:
    """What was left behind by going back goes when two verified checkpoints are further than it."""
    for path in (run.folder / "checkpoints").glob("*.rewound*"):
        number = path.name.split(".")[0]
        if number.isdigit() and int(number) <= step:
            storage.discard(path)


def rewind(run: Run, step: int) -> None:
    """Makes `step` the newest: later checkpoints are set aside, later numbers and pictures dropped.

    To be called whenever training goes on from a checkpoint: numbers may be newer than it. Raises StorageError.
    """
    run.require_writer()
    with storage.translated(run.folder / "checkpoints"):
        for later in steps(run):
            if later > step and not _set_aside(run, place(run, later), "rewound"):
                raise PermissionError(13, "cannot be renamed", str(place(run, later)))
    run.truncate(step)
