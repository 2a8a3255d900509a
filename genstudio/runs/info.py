"""What a run folder says of itself, and finding one."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from genstudio import storage
from genstudio.errors import RunError
from genstudio.runs import lock, metrics_log
from genstudio.runs import plan as plans

FORMAT = 1
State = Literal["new", "running", "running elsewhere", "stopped", "finished", "newer", "damaged"]

_LARGEST = 1 << 22
_LAST_FRAME = 0.5  # seconds: the last numbers may be written a little before the planned end
_NUMBER = re.compile(r"\w{1,60}")
_ID = re.compile(r"\d{8}-\d{6}_")
KEPT = re.compile(r"[A-Za-z0-9_-]{1,60}\.(json|safetensors)")
OURS = ("run.json", "metrics.jsonl", "checkpoints", "snapshots")
_TEXTS = ("key", "name", "family", "device", "created", "notes")


@dataclass(frozen=True)
class RunInfo:
    """What run.json and the end of the metrics say. `reason` explains the states `newer` and `damaged`, or says what is
    wrong with a run that can be used.

    `key` stays the same when the folder is renamed or copied; `plan` is {"steps": n} or {"seconds": s}, or empty where
    run.json has none that can be used;
    `measures` name what says how good the model is and is not measured at every step, none in a run of an older version;
    `losses` are the last values of these and of every series whose name contains "loss", `measured` the steps of these:
    of every series, where a run has no `measures`; `exact` are those of the last step that were measured again on all held-out
    data instead of a sample;
    `checkpoints` are steps, ascending; `elapsed` is in seconds; `race` says which of several runs that raced this is:
    {"id": the same for all, "setting": what differs, "label": the value, "place": from 0}, or is empty.
    """

    id: str
    folder: Path
    name: str
    family: str = ""
    config: Mapping[str, Any] = field(default_factory=dict)
    dataset: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    device: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    created: str = ""
    plan: Mapping[str, float] = field(default_factory=dict)
    notes: str = ""
    star: bool = False
    format: int = FORMAT
    key: str = ""
    kept: tuple[str, ...] = ()
    state: State = "new"
    step: int = 0
    elapsed: float = 0.0
    measures: tuple[str, ...] = ()
    losses: Mapping[str, float] = field(default_factory=dict)
    measured: Mapping[str, int] = field(default_factory=dict)
    exact: Mapping[str, float] = field(default_factory=dict)
    checkpoints: tuple[int, ...] = ()
    race: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""

    @property
    def usable(self) -> bool:
        """Whether its metrics and checkpoints can be read."""
        return self.state not in ("newer", "damaged")

    @property
    def results(self) -> Mapping[str, float]:
        """`losses`, each as exact as it is known."""
        return {name: self.exact.get(name, value) for name, value in self.losses.items()}

    def result_step(self, name: str) -> int:
        """The step at which one of the `results` was measured."""
        return self.step if name in self.exact else self.measured.get(name, self.step)


def read_info(folder: Path) -> RunInfo:
    """What a folder says of itself; a damaged one is described, never an error."""
    try:
        said = read_json(folder)
    except RunError as error:
        return RunInfo(folder.name, folder, folder.name, state="damaged", reason=error.message)
    if said["format"] > FORMAT:
        reason = f"It was made by a newer version of genstudio (format {said['format']}, this one reads {FORMAT})."
        name = said.get("name") if isinstance(said.get("name"), str) else folder.name
        return RunInfo(folder.name, folder, str(name), format=said["format"], state="newer", reason=reason)
    measures = tuple(said.get("measures", ()))
    end = metrics_log.tail(folder / "metrics.jsonl", measures)
    measured = {name: step for name, (step, _) in end.last.items() if name in measures or not measures}
    plan, wrong = plans.read(said.get("plan"))
    return RunInfo(
        id=folder.name,
        folder=folder,
        **{name: said[name] for name in ("config", "dataset", "seed", "versions", "format", *_TEXTS)},
        plan=plan,
        star=said.get("star") is True,
        kept=tuple(said["kept"]),
        state=_state(folder, plan, end.step, end.elapsed),
        step=end.step,
        elapsed=end.elapsed,
        measures=measures,
        losses={name: value for name, (_, value) in end.last.items() if "loss" in name or name in measured},
        measured=measured,
        exact=_exact(said.get("exact"), end.step),
        checkpoints=_checkpoints(folder / "checkpoints"),
        race=_race(said.get("race")),
        reason=f"The planned length in run.json is invalid ({wrong})." if wrong else "",
    )


def _exact(said: Any, step: int) -> Mapping[str, float]:
    """Nothing where the run went further since, or where that is not what `set_exact` writes: a run is whole without it."""
    if not isinstance(said, dict) or said.get("step") != step or not isinstance(values := said.get("values"), dict):
        return {}
    sound = all(_NUMBER.fullmatch(name) and type(value) in (int, float) for name, value in values.items())
    return {name: float(value) for name, value in values.items()} if sound else {}


def _race(said: Any) -> Mapping[str, Any]:
    """Nothing where that is not what a race writes: a run is whole without it."""
    sound = isinstance(said, dict) and all(isinstance(said.get(name), str) for name in ("id", "setting", "label"))
    return said if sound and said["id"] and type(said.get("place")) is int else {}


def _state(folder: Path, plan: Mapping[str, float], step: int, elapsed: float) -> State:
    if writer := lock.holder(folder):
        return "running" if writer.here else "running elsewhere"
    done = step >= plan["steps"] if "steps" in plan else elapsed >= plan.get("seconds", float("inf")) - _LAST_FRAME
    if step and done:
        return "finished"
    return "stopped" if step else "new"


def read_json(folder: Path) -> dict[str, Any]:
    """run.json, every field but the plan of the type it must have. Raises RunError."""
    path = folder / "run.json"
    try:
        if path.exists() and not path.is_file():
            raise RunError("run.json is not a file.", "Copy it from a backup.", path)
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
        said = json.loads(data) if len(data) <= _LARGEST else None
    except FileNotFoundError:
        raise RunError("run.json is missing.", "Copy it from a backup.", path) from None
    except (OSError, ValueError, RecursionError):
        raise RunError("run.json cannot be read.", "Copy it from a backup.", path) from None
    if not isinstance(said, dict) or type(said.get("format")) is not int or said["format"] < 1:
        raise RunError("run.json does not describe a run.", "Copy it from a backup.", path)
    if said["format"] <= FORMAT and (wrong := _wrong_field(said)):
        raise RunError(f"run.json has no usable '{wrong}'.", "Copy it from a backup.", path)
    return said


def _wrong_field(said: Mapping[str, Any]) -> str:
    checks = {name: isinstance(said.get(name), str) for name in _TEXTS}
    checks |= {name: isinstance(said.get(name), dict) for name in ("config", "dataset", "versions")}
    checks["seed"] = type(said.get("seed")) is int
    kept = said.get("kept")
    checks["kept"] = isinstance(kept, list) and all(isinstance(k, str) and KEPT.fullmatch(k) for k in kept)
    measures = said.get("measures", [])
    checks["measures"] = isinstance(measures, list) and all(isinstance(m, str) and _NUMBER.fullmatch(m) for m in measures)
    return next((name for name, sound in checks.items() if not sound), "")


def hint(info: RunInfo) -> str:
    """What to do about the `reason`; nothing where there is none."""
    if info.state == "newer":
        return "Update genstudio to open it."
    if info.state == "damaged":
        return "Copy the missing part from a backup, or delete the run."
    return "Resume it with a new length." if info.reason else ""


def list_runs(root: Path) -> list[RunInfo]:
    """Every run under `root`, newest first; damaged ones too, each with its reason. Raises RunError where the folder is
    there and cannot be listed."""
    try:
        found = sorted((path for path in root.iterdir() if not path.name.startswith(".")), reverse=True)
    except FileNotFoundError:
        return []
    except OSError as error:
        text = f"The folder of runs {root} cannot be listed: {error.strerror}."
        raise RunError(text, "Change its permissions or choose another folder.", root) from None
    ours = [path for path in found if storage.is_folder(path) and (_ID.match(path.name) or is_ours(path))]
    return [read_info(folder) for folder in ours]


def is_ours(folder: Path) -> bool:
    """Whether the folder holds anything that a run does."""
    return any(os.path.lexists(folder / name) for name in OURS)


def _checkpoints(folder: Path) -> tuple[int, ...]:
    names = [path.name for path in storage.listed(folder)]
    return tuple(sorted(int(name) for name in names if name.isascii() and name.isdigit()))
