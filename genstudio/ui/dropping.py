"""Files dropped on the window go where they belong: runs, models of other programs, and what may become data."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from PySide6.QtCore import QUrl


class Target(Protocol):
    """What takes what was dropped."""

    def open_run(self, path: str) -> None: ...

    def import_model(self, folder: str) -> None: ...

    def import_files(self, paths: list[str]) -> None: ...

    def show_banner(self, what: str, kind: str = "info", next_step: str = "") -> None: ...


def deliver(urls: Sequence[QUrl], target: Target) -> None:
    """A folder with run.json is a run, another one with config.json is a model, all else is data."""
    files = [Path(url.toLocalFile()) for url in urls if url.isLocalFile()]
    if len(files) < len(urls):
        what = "Only files on this computer can be dropped here, not links."
        target.show_banner(what, next_step="Download it first, then drop the file.")
    runs = [file for file in files if (file / "run.json").is_file()]
    models = [file for file in files if file not in runs and (file / "config.json").is_file()]
    for run in runs:
        target.open_run(str(run))
    for model in models:
        target.import_model(str(model))
    if data := [str(file) for file in files if file not in (*runs, *models)]:
        target.import_files(data)
