"""The lists of runs and of datasets: read through the engine, watched by every list of the window."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, TypeVar

from PySide6.QtCore import QObject, Signal

from genstudio.errors import Failure
from genstudio.tasks.task import Task
from genstudio.ui.engine import Engine

if TYPE_CHECKING:
    from genstudio.data.info import DatasetInfo
    from genstudio.runs import RunInfo

R = TypeVar("R")


class Library(QObject):
    """Runs (the newest first), the models that ship and datasets as they were read last, and the folders of the runs that are
    in training.

    `runs_changed(runs)`, `datasets_changed(infos)` after each reading, `live_changed(folders)`, `failed(Failure)`.
    """

    runs_changed = Signal(object)
    datasets_changed = Signal(object)
    live_changed = Signal(object)
    failed = Signal(object)

    def __init__(self, engine: Engine, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.runs: tuple[RunInfo, ...] = ()
        self.included: tuple[RunInfo, ...] = ()
        self.datasets: tuple[DatasetInfo, ...] = ()
        self.live: frozenset[str] = frozenset()
        self.listed = False
        """Whether the runs were read once."""
        self._engine = engine
        self._reading: dict[str, bool] = {}

    @property
    def reading(self) -> bool:
        """Whether a list is being read."""
        return bool(self._reading)

    def run(self, folder: str) -> RunInfo | None:
        """The run in this folder, if it is listed."""
        return next((run for run in self.runs if str(run.folder) == folder), None)

    def dataset(self, name: str) -> DatasetInfo | None:
        """The dataset of this id, if it is listed."""
        return next((info for info in self.datasets if info.id == name), None)

    @property
    def models(self) -> tuple[RunInfo, ...]:
        """The runs, and the models that ship behind them."""
        return (*self.runs, *self.included)

    def refresh_runs(self) -> None:
        # this and the next bring what reads runs and data, which the first picture does without
        from genstudio.tasks.runs import ListIncluded, ListRuns

        if not self.included:
            self._read("included", ListIncluded(), self._set_included)
        self._read("runs", ListRuns(), self.set_runs)

    def refresh_datasets(self) -> None:
        from genstudio.tasks.datasets import ListDatasets

        self._read("datasets", ListDatasets(), self.set_datasets)

    def set_runs(self, runs: tuple[RunInfo, ...]) -> None:
        self.runs, self.listed = runs, True
        self.runs_changed.emit(runs)

    def _set_included(self, models: tuple[RunInfo, ...]) -> None:
        self.included = models
        if models:
            self.runs_changed.emit(self.runs)

    def set_datasets(self, infos: tuple[DatasetInfo, ...]) -> None:
        self.datasets = infos
        self.datasets_changed.emit(infos)

    def set_live(self, folders: Iterable[str]) -> None:
        """The runs that are in training now; an empty name is none."""
        live = frozenset(folder for folder in folders if folder)
        if live != self.live:
            self.live = live
            self.live_changed.emit(live)

    def _read(self, kind: str, task: Task[R], show: Callable[[R], None]) -> None:
        """Read a list; where that is going on, once more afterwards, for it may have missed a change."""
        if kind in self._reading:
            self._reading[kind] = True
            return

        def ended(failure: Failure | None) -> None:
            outdated = self._reading.pop(kind)
            if failure is not None:
                self.failed.emit(failure)
            if outdated:
                self._read(kind, task, show)

        self._reading[kind] = False
        self._engine.start(task, None, ended, on_result=show)
