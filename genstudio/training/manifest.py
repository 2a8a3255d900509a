"""What a checkpoint folder promises: size and SHA-256 of each file, and a digest of the promise itself."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from pathlib import Path
from stat import S_ISREG
from typing import Any

from genstudio import storage
from genstudio.errors import CheckpointError
from genstudio.training.tensors import DamagedError

FORMAT = 1
FILES = ("model.safetensors", "optimizer.safetensors", "optimizer.json", "state.json")
_JSON_LIMIT = 1 << 26
_verified: dict[Path, tuple[Any, ...]] = {}


def manifest(step: int, written: Collection[storage.Written]) -> bytes:
    """Canonical text with a digest of itself, so that no byte of it can change unnoticed either."""
    files = {one.name: {"size": one.size, "sha256": one.sha256} for one in written}
    return _bytes({"format": FORMAT, "step": step, "files": files})


def promises(folder: Path) -> Mapping[str, storage.Written]:
    """What the manifest promises. Raises DamagedError, OSError; CheckpointError where a newer version made it."""
    data = read_file(folder / "manifest.json")
    said = read_json(data)
    body = {name: value for name, value in said.items() if name != "sha256"}
    if said.get("sha256") != _digest(body) or _bytes(body) != data:
        raise DamagedError("manifest.json is damaged")
    if type(said.get("format")) is int and said["format"] > FORMAT:
        raise CheckpointError(
            f"Checkpoint {folder.name} was made by a newer version of genstudio.", "Update genstudio.", folder
        )
    try:
        written = [storage.Written(name, int(f["size"]), str(f["sha256"])) for name, f in said["files"].items()]
        step = int(said["step"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DamagedError("manifest.json is damaged") from error
    if {one.name for one in written} != set(FILES):
        raise DamagedError("manifest.json lists files that do not belong to a checkpoint")
    if folder.name != f"{step:08d}":
        raise DamagedError(f"manifest.json belongs to step {step}")
    return {one.name: one for one in written}


def _digest(body: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def _bytes(body: Mapping[str, Any]) -> bytes:
    return json.dumps({**body, "sha256": _digest(body)}, indent=1, sort_keys=True).encode()


def verified_bytes(folder: Path, promised: Mapping[str, storage.Written], name: str) -> bytes:
    """The file's bytes, exactly as they were written. Raises DamagedError, OSError."""
    data = read_file(folder / name, promised[name].size)
    if len(data) != promised[name].size:
        raise DamagedError(f"{name} does not have the size that was written")
    if hashlib.sha256(data).hexdigest() != promised[name].sha256:
        raise DamagedError(f"{name} differs from what was written (SHA-256)")
    return data


def read_file(path: Path, most: int = _JSON_LIMIT) -> bytes:
    """The bytes of a regular file: a pipe or a device in its place would never end. Raises DamagedError, OSError."""
    stat = path.stat()
    if not S_ISREG(stat.st_mode):
        raise DamagedError(f"{path.name} is not a file")
    if stat.st_size > most:
        raise DamagedError(f"{path.name} does not have the size that was written")
    return path.read_bytes()


def read_json(data: bytes) -> dict[str, Any]:
    try:
        said = json.loads(data) if len(data) <= _JSON_LIMIT else None
    except (ValueError, RecursionError) as error:
        raise DamagedError("a JSON file cannot be read") from error
    if not isinstance(said, dict):
        raise DamagedError("a JSON file has unexpected content")
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
        promised = promises(folder)
        signature = _signature(folder)
        if _verified.get(folder) != signature:
            for name in promised:
                verified_bytes(folder, promised, name)
            _verified[folder] = signature
    except FileNotFoundError as error:
        raise DamagedError(f"{Path(error.filename).name} is missing") from error
    return ""


def _signature(folder: Path) -> tuple[Any, ...]:
    found = [(path.name, path.stat()) for path in sorted(folder.iterdir())]
    return tuple((name, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino) for name, stat in found)
