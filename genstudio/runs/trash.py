"""The trash of a folder of runs: what was deleted waits there until a person empties it.

It lies inside the folder of runs, so that moving a run there or back is one rename on one disk.
"""

from __future__ import annotations

import itertools
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from genstudio import storage
from genstudio.errors import RunError
from genstudio.runs import lock
from genstudio.runs.included import refuse_included
from genstudio.runs.info import RunInfo, list_runs
from genstudio.runs.run import Run

_NAME = ".trash"


def folder(root: Path) -> Path:
    """Where the deleted runs of this folder of runs are."""
    return root / _NAME


def put(run: Run) -> Path:
    """Moves a run to the trash, a damaged one too; returns where it is now.

    Raises RunBusyError while anybody writes it, StorageError when it cannot be moved, RunError for a folder that is no run and
    for a model that ships.
    """
    root = run.folder.parent
    if not any(info.folder == run.folder for info in list_runs(root)):
        raise RunError(f"{run.folder} is not the folder of a run.", "Delete it in a file manager.", run.folder)
    refuse_included(run.folder)
    guard = lock.FolderLock(run.folder)
    guard.acquire()
    try:
        if sys.platform == "win32":  # an open file keeps its folder from being renamed there
            guard.release()
        storage.make_folder(folder(root))
        return _move(run.folder, folder(root))
    finally:
        guard.release()


def restore(place: Path) -> Path:
    """Moves a run of the trash back among the runs; returns where it is now. Raises StorageError, RunError."""
    if place.parent.name != _NAME or not storage.is_folder(place):
        raise RunError(f"{place.name} is not in the trash.", "It may have been restored or removed already.", place)
    return _move(place, place.parent.parent)


def listed(root: Path) -> list[RunInfo]:
    """The runs in the trash, newest first. Raises RunError where they cannot be listed."""
    return list_runs(folder(root))


def remove(places: Sequence[Path]) -> None:
    """Removes runs of the trash from the disk. Raises RunError for what is not in a trash, StorageError."""
    for place in places:
        if place.parent.name != _NAME:
            raise RunError(f"{place.name} is not in the trash.", "Delete it first.", place)
    for place in places:
        shutil.rmtree(storage.move_aside(place), ignore_errors=True)


def _move(place: Path, target: Path) -> Path:
    """The folder inside `target`, under its name or the next one that is free."""
    names = itertools.chain([place.name], (f"{place.name}-{count}" for count in itertools.count(2)))
    free = next(target / name for name in names if not (target / name).exists())
    with storage.translated(place):
        storage.again(lambda: place.rename(free))
        storage.sync_folder(target)
    return free
