"""A run folder: made, acquired by one writer, recorded into, read back."""

from __future__ import annotations

import contextlib
import difflib
import itertools
import json
import platform
import re
import secrets
import sys
import time
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import Any, Self

import genstudio
from genstudio import paths, storage
from genstudio.errors import RunError, StorageError
from genstudio.events import Advice, Diagnosis, Notice, Series, Snapshot
from genstudio.runs import lock, metrics_log
from genstudio.runs.included import list_included, refuse_included
from genstudio.runs.info import FORMAT, KEPT, RunInfo, hint, is_ours, list_runs, read_info, read_json
from genstudio.runs.snapshot_store import SnapshotStore
from genstudio.runs.weight_history import WeightHistory


@dataclass(frozen=True, slots=True)
class Change:
    """Settings by name and the value they have after `step`; `saved` when a checkpoint was taken just before."""

    step: int
    values: Mapping[str, Any]
    saved: bool = True


class Run:
    """An open run folder: anybody may read it; who has acquired it may write.

    with runs.create(...) as run:
        run.log(...)
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = lock.FolderLock(folder)
        self._snapshots = SnapshotStore(folder / "snapshots")
        self.weights = WeightHistory(folder / "trail")

    @classmethod
    def open(cls, path: Path | str) -> Self:
        """The run in a folder. Raises RunError when there is none, it is damaged, or a newer version made it."""
        run = cls(Path(path))
        info = run.info
        if not info.usable:
            raise RunError(f"{info.name}: {info.reason}", hint(info), run.folder)
        return run

    @property
    def id(self) -> str:
        return self.folder.name

    @property
    def info(self) -> RunInfo:
        """Read from the disk at every call."""
        return read_info(self.folder)

    @property
    def writing(self) -> bool:
        """Whether this object holds the run's lock."""
        return self._lock.held

    def acquire(self) -> Self:
        """Become the run's one writer, and repair what a dead one left.

        Raises RunBusyError naming process and computer, StorageError when the folder cannot be written, or RunError for a model
        that ships.
        """
        if self.writing:
            return self
        refuse_included(self.folder)
        self._lock.acquire()
        try:
            storage.check_writable(self.folder)
            for place in (self.folder, self.folder / "checkpoints", self.weights.folder, *self._snapshots.folders()):
                storage.sweep(place, alone=True)
        except StorageError:
            self._lock.release()
            raise
        return self

    def release(self) -> None:
        """Let others write. Does nothing when not acquired."""
        self._lock.release()

    def __enter__(self) -> Self:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()

    def require_writer(self) -> None:
        """Raises RunError unless this object has acquired the run."""
        if not self.writing:
            raise RunError(f"{self.id} is open read-only.", "Acquire it before writing.", self.folder)

    def log(self, series: Mapping[str, Series], elapsed: float) -> None:
        """Adds numbers; `elapsed` is the run's training time in seconds. Raises StorageError, RunError."""
        self.require_writer()
        if data := metrics_log.metric_lines(series, elapsed):
            metrics_log.append(self.folder / "metrics.jsonl", data)

    def history(self) -> Iterator[Mapping[str, Series]]:
        """All numbers logged so far, a few milliseconds of work at a time."""
        return metrics_log.history(self.folder / "metrics.jsonl")

    def sync(self) -> None:
        """Everything appended so far survives a power cut. Raises StorageError."""
        for name in ("metrics.jsonl", "notices.jsonl"):
            metrics_log.sync(self.folder / name)

    def truncate(self, step: int) -> None:
        """Drops numbers, notices, snapshots and kept weights after a step: training goes on from an older checkpoint."""
        self.require_writer()
        path = self.folder / "metrics.jsonl"
        if path.exists():
            storage.write_atomic(path, b"".join(metrics_log.until(path, step)))
        kept = [notice for notice in self.notices() if notice.step <= step]
        if (path := self.folder / "notices.jsonl").exists():
            storage.write_atomic(path, b"".join(map(_notice_line, kept)))
        if (path := self.folder / "doctor.jsonl").exists():
            early = [told for told in self.diagnoses() if told.step <= step]
            early = [replace(t, until=None) if t.until is not None and t.until > step else t for t in early]
            storage.write_atomic(path, b"".join(map(_diagnosis_line, early)))
        changes = self.changes()
        if any(change.step > step for change in changes):
            self.set_changes([change for change in changes if change.step <= step])
        self._snapshots.cut(step)
        self.weights.cut(step)

    def record(self, snapshot: Snapshot, *, always: bool = False) -> bool:
        """Keeps a Text or Attention for later, some 200 a channel; whether it was kept. Raises StorageError."""
        self.require_writer()
        return self._snapshots.add(snapshot, always=always)

    def snapshot_channels(self) -> list[str]:
        return self._snapshots.channels()

    def snapshot_steps(self, channel: str) -> list[int]:
        return self._snapshots.steps(channel)

    def load_snapshot(self, channel: str, step: int) -> Snapshot:
        """Raises RunError where it is missing or damaged."""
        return self._snapshots.load(channel, step)

    def notice(self, notice: Notice) -> None:
        """Adds a mark on the time axis. Raises StorageError, RunError."""
        self.require_writer()
        metrics_log.append(self.folder / "notices.jsonl", _notice_line(notice))

    def notices(self) -> list[Notice]:
        rows = metrics_log.read_rows(self.folder / "notices.jsonl")
        return [
            Notice(row["step"], row["kind"], row["text"])
            for row in rows
            if type(row.get("step")) is int and type(row.get("kind")) is str and type(row.get("text")) is str
        ]

    def diagnose(self, diagnosis: Diagnosis) -> None:
        """Adds what the doctor told, or that it is over. Raises StorageError, RunError."""
        self.require_writer()
        metrics_log.append(self.folder / "doctor.jsonl", _diagnosis_line(diagnosis))

    def diagnoses(self) -> list[Diagnosis]:
        """What the doctor told, in order, each as it ended; damaged lines are left out."""
        found: dict[tuple[str, int], Diagnosis] = {}
        for row in metrics_log.read_rows(self.folder / "doctor.jsonl"):
            if (told := _diagnosis(row)) is not None:
                found[told.name, told.step] = told
        return list(found.values())

    def changes(self) -> tuple[Change, ...]:
        """Settings that were changed while training, in order. Raises RunError where the record is damaged."""
        path = self.folder / "changes.json"
        try:
            rows = json.loads(path.read_bytes())
        except FileNotFoundError:
            return ()
        except (OSError, ValueError, RecursionError) as error:
            raise RunError("changes.json cannot be read.", "Copy it from a backup.", path) from error
        if not isinstance(rows, list) or not all(_is_change(row) for row in rows):
            raise RunError("changes.json is not a list of changes.", "Copy it from a backup.", path)
        return tuple(Change(row["step"], row["values"], row["saved"]) for row in rows)

    def set_changes(self, changes: Sequence[Change]) -> None:
        """Another record of the settings that were changed. Raises StorageError, RunError."""
        self.require_writer()
        rows = [{"step": change.step, "values": dict(change.values), "saved": change.saved} for change in changes]
        storage.write_atomic(self.folder / "changes.json", _json(rows))

    def kept(self) -> dict[str, Any]:
        """The files given to `create`, by name: JSON as what it says, others as bytes. Raises RunError where one is missing or
        damaged."""
        found = {}
        for name in self.info.kept:
            try:
                content = (self.folder / name).read_bytes()
                found[name] = json.loads(content) if name.endswith(".json") else content
            except (OSError, ValueError, RecursionError) as error:
                raise RunError(
                    f"{name} is missing or damaged.", "Copy it from a backup.", self.folder / name
                ) from error
        return found

    def set_plan(self, plan: Mapping[str, float]) -> None:
        """The planned length, {"steps": n} or {"seconds": s}, of a run that is extended."""
        self.require_writer()
        _change(self.folder, plan=dict(plan))


def create(
    root: Path,
    *,
    family: str,
    name: str,
    config: Mapping[str, Any],
    dataset: Mapping[str, Any],
    seed: int,
    device: str,
    plan: Mapping[str, float],
    kept: Mapping[str, Any],
    measures: Sequence[str] = (),
    race: Mapping[str, Any] | None = None,
) -> Run:
    """A new run in `<root>/<time>_<family>_<name>/`, not yet acquired. Raises StorageError.

    `dataset` has at least `id`, `title` and `hash`; `kept` are the files, JSON-able or bytes, that open the run without its data;
    `measures` name what says how good the model is and is not measured at every step; `race` as in `RunInfo`.
    """
    if bad := [file for file in kept if not KEPT.fullmatch(file) or file == "run.json"]:
        raise ValueError(f"{bad[0]!r} is not a name for a kept file")
    title = " ".join(name.split()) or family
    said = {
        "format": FORMAT,
        "key": secrets.token_hex(8),
        "name": title,
        "family": family,
        "config": dict(config),
        "dataset": dict(dataset),
        "seed": seed,
        "device": device,
        "versions": _versions(),
        "created": datetime.now().astimezone().isoformat(timespec="seconds"),
        "plan": dict(plan),
        "notes": "",
        "kept": sorted(kept),
        "measures": list(measures),
        **({"race": dict(race)} if race else {}),
    }
    storage.make_folder(root)
    storage.sweep(root)
    place = root / f"{time.strftime('%Y%m%d-%H%M%S')}_{slug(family)}_{slug(title)}"
    with storage.StagedFolder(place) as stage:
        for file, content in kept.items():
            stage.write(file, content if isinstance(content, bytes) else json.dumps(content).encode())
        stage.write("run.json", _json(said))
        for folder in ("checkpoints", "snapshots"):
            stage.make_folder(folder)
        for stage.place in _numbered(place):
            if stage.commit(replace=False):
                break
    return Run(stage.place)


def slug(name: str) -> str:
    """A folder name of any text: letters and digits of any script, `-` and `_`; at most 40 characters, 120 bytes."""
    text = unicodedata.normalize("NFC", name)
    text = re.sub(r"[^\w-]+", "-", text).strip("-_")[:40]
    while len(text.encode("utf-8", "replace")) > 120:
        text = text[:-1]
    return text.strip("-_") or "run"


def _numbered(place: Path) -> Iterator[Path]:
    yield place
    yield from (place.with_name(f"{place.name}-{count}") for count in itertools.count(2))


def _versions() -> dict[str, str]:
    found = {"genstudio": genstudio.__version__, "python": platform.python_version(), "system": sys.platform}
    for package in ("torch", "numpy"):
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[package] = metadata.version(package)
    return found


def find(root: Path, text: str) -> Run:
    """The run with this id, folder or name, or the only one that begins so; where there is none, the model of those that ship.
    Raises RunError, suggesting near ones."""
    if text and storage.is_folder(path := paths.expanded(text)) and is_ours(path):
        return Run.open(path)
    own, included = list_runs(root), list_included()
    for infos in (own, included):
        for matches in (
            [info for info in infos if text == info.id],
            [info for info in infos if text == info.name],
            [info for info in infos if text and (info.id.startswith(text) or info.name.startswith(text))],
        ):
            if len(matches) == 1:
                return Run.open(matches[0].folder)
            if matches:
                some = ", ".join(info.id for info in matches[:5])
                raise RunError(f"'{text}' matches {len(matches)} runs: {some}.", "Type more of the id.", root)
    names = [word for info in (*own, *included) for word in (info.id, info.name)]
    near = list(dict.fromkeys(difflib.get_close_matches(text, names, n=3, cutoff=0.4)))
    hint = f"Did you mean {' or '.join(near)}?" if near else "List the runs with 'genstudio runs'."
    raise RunError(f"There is no run '{text}'.", hint, root)


def rename(run: Run, name: str) -> None:
    """Another name for a person to read; the folder keeps its own. Raises RunError, StorageError."""
    title = " ".join(name.split())
    if not title:
        raise RunError("A run needs a name.", "Type at least one letter.", run.folder)
    _change(run.folder, name=title)


def set_notes(run: Run, notes: str) -> None:
    """Free text about the run. Raises RunError, StorageError."""
    _change(run.folder, notes=notes)


def set_star(run: Run, star: bool) -> None:
    """Whether a person marked the run with a star. Raises RunError, StorageError."""
    _change(run.folder, star=star)


def set_exact(run: Run, step: int, values: Mapping[str, float]) -> None:
    """What the model of a step, the last one, was measured to be on all held-out data. Raises RunError, StorageError."""
    _change(run.folder, exact={"step": step, "values": dict(values)})


def _change(folder: Path, **fields: Any) -> None:
    refuse_included(folder)
    said = read_json(folder)
    if said["format"] > FORMAT:
        raise RunError(
            "This run was made by a newer version of genstudio.", "Update genstudio to change it.", folder
        )
    storage.write_atomic(folder / "run.json", _json(said | fields))


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=1).encode()


def _is_change(row: Any) -> bool:
    if not isinstance(row, dict) or type(row.get("step")) is not int or type(row.get("saved")) is not bool:
        return False
    values = row.get("values")
    return isinstance(values, dict) and all(isinstance(value, bool | int | float | str) for value in values.values())


def _diagnosis_line(diagnosis: Diagnosis) -> bytes:
    return json.dumps(asdict(diagnosis)).encode() + b"\n"


def _diagnosis(row: dict[str, Any]) -> Diagnosis | None:
    """What a line says, or None where it is no diagnosis; files may come from other people."""
    texts = [row.get(name) for name in ("name", "title", "sentence", "rule", "severity")]
    step, until, evidence, advice = (row.get(name) for name in ("step", "until", "evidence", "advice"))
    whole = type(step) is int and (until is None or type(until) is int) and all(type(text) is str for text in texts)
    if not whole or not isinstance(evidence, dict) or not isinstance(advice, list):
        return None
    if not all(isinstance(value, int | float) for value in evidence.values()):
        return None
    tried = []
    for entry in advice:
        if not isinstance(entry, dict) or type(entry.get("text")) is not str or not isinstance(entry.get("values"), dict):
            return None
        if not all(isinstance(value, bool | int | float | str) for value in entry["values"].values()):
            return None
        tried.append(Advice(entry["text"], entry["values"]))
    name, title, sentence, rule, severity = (str(text) for text in texts)
    assert isinstance(step, int)
    return Diagnosis(name, title, step, sentence, rule, evidence, tuple(tried), severity, until)


def _notice_line(notice: Notice) -> bytes:
    return json.dumps({"step": notice.step, "kind": notice.kind, "text": notice.text}).encode() + b"\n"
