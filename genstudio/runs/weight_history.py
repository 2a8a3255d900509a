"""Weights kept along the way of a training, so that a prompt can be replayed over it. Files may come from other people."""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

from genstudio import storage
from genstudio.errors import RunError
from genstudio.runs.thinning import superfluous

MAXIMUM, MINIMUM = 24, 4
BUDGET = 256_000_000
"""Bytes that one run may take for it; a model of which fewer than MINIMUM fit has only its checkpoints."""

_FILE = re.compile(r"(\d{8,15})-([0-9a-f]{32})\.safetensors")


def room(size: int) -> int:
    """How many weights of this many bytes are kept; 0 where they are too large."""
    fit = min(MAXIMUM, BUDGET // max(size, 1))
    return fit if fit >= MINIMUM else 0


class WeightHistory:
    """The files `<step>-<digest>.safetensors` of a folder. The name says what the bytes must be."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def steps(self) -> list[int]:
        """Steps that have a file, ascending; whether it is sound shows when it is read."""
        return sorted({step for step, _ in self._files()})

    def size(self) -> int:
        """Bytes on the disk."""
        try:
            return sum(path.stat().st_size for _, path in self._files())
        except OSError:
            return 0

    def mark(self, step: int) -> str:
        """A word for the bytes of a step; empty without any."""
        return " ".join(path.name for at, path in self._files() if at == step)

    def add(self, step: int, data: bytes) -> list[int]:
        """Keeps the weights of a step and thins out the others; the steps that are kept now. Raises StorageError."""
        storage.make_folder(self.folder)
        place = self.folder / f"{step:08d}-{_digest(data)}.safetensors"
        storage.write_atomic(place, data)
        self._remove([path for at, path in self._files() if at == step and path != place])
        self._drop(superfluous(self.steps(), room(len(data))))
        return self.steps()

    def read(self, step: int) -> bytes:
        """What was given to `add`. Raises RunError where it is missing or damaged."""
        found = [path for at, path in self._files() if at == step]
        for path in found:
            try:
                if path.is_file() and path.stat().st_size <= BUDGET:
                    data = path.read_bytes()
                    if path.name == f"{step:08d}-{_digest(data)}.safetensors":
                        return data
            except OSError:
                continue
        said = "are damaged" if found else "no longer exist"
        raise RunError(f"The weights saved at step {step:,} {said}.", "Choose another step.", self.folder)

    def cut(self, step: int) -> None:
        """Removes everything after a step. Raises StorageError."""
        self._drop([at for at in self.steps() if at > step])

    def clear(self) -> None:
        """Removes everything. Raises StorageError."""
        self._remove([path for _, path in self._files()])

    def _files(self) -> list[tuple[int, Path]]:
        names = [(found, path) for path in storage.listed(self.folder) if (found := _FILE.fullmatch(path.name))]
        return sorted((int(found[1]), path) for found, path in names)

    def _drop(self, steps: Sequence[int]) -> None:
        self._remove([path for at, path in self._files() if at in steps])

    def _remove(self, paths: Sequence[Path]) -> None:
        with storage.translated(self.folder):
            for path in paths:
                storage.again(functools.partial(path.unlink, missing_ok=True))


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:32]
