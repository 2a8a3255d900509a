"""The trained models that ship with the program: folders of runs that are read where they lie, and never written."""

from __future__ import annotations

import contextlib
from pathlib import Path

from genstudio import paths
from genstudio.errors import RunError
from genstudio.runs.info import RunInfo, list_runs


def list_included() -> tuple[RunInfo, ...]:
    """The models that ship, in the order in which they are offered."""
    with contextlib.suppress(RunError):
        return tuple(list_runs(paths.models())[::-1])
    return ()


def list_models() -> list[RunInfo]:
    """Every run of the person, the newest first, and the models that ship behind them: what another training can stand on.
    Raises RunError where the runs cannot be listed."""
    return [*list_runs(paths.runs()), *list_included()]


def is_included(folder: Path | str) -> bool:
    """Whether the folder is that of a model that ships."""
    return Path(folder).resolve().parent == paths.models().resolve()


def refuse_included(folder: Path) -> None:
    """Raises RunError for a model that ships, which nobody may change."""
    if is_included(folder):
        raise RunError(
            f"'{folder.name}' is included with genstudio and cannot be changed.",
            "Copy it to your runs in the Playground, and use the copy.",
            folder,
        )
