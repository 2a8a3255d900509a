"""What rows and pages need of many runs: read one after the other in the background, what was asked for last first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any

from PySide6.QtCore import QObject, Signal

from genstudio.errors import Failure
from genstudio.tasks.task import Task
from genstudio.ui.engine import Engine


class Background(QObject):
    """A cache of the results of tasks. `arrived(key)` when one is there; of one that failed, None is kept."""

    arrived = Signal(object)

    def __init__(self, engine: Engine, size: int, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._engine, self._size = engine, size
        self._found: OrderedDict[Hashable, Any] = OrderedDict()
        self._waiting: OrderedDict[Hashable, Callable[[], Task[Any]]] = OrderedDict()
        self._job: tuple[Hashable, str] | None = None

    def get(self, key: Hashable, task: Callable[[], Task[Any]]) -> Any:
        """The result of this key, or None, and then its task is asked."""
        if key in self._found:
            self._found.move_to_end(key)
            return self._found[key]
        if self._job is None or self._job[0] != key:
            self._waiting[key] = task
            self._waiting.move_to_end(key)
            while len(self._waiting) > self._size:
                self._waiting.popitem(last=False)
            self._next()
        return None

    def known(self, key: Hashable) -> bool:
        """Whether there is a result, or a failure, of this key."""
        return key in self._found

    @property
    def busy(self) -> bool:
        return self._job is not None

    def wait_for(self, keys: set[Hashable]) -> None:
        """Forget what waits to be read, but for these keys."""
        for key in [key for key in self._waiting if key not in keys]:
            del self._waiting[key]

    def _next(self) -> None:
        if self._job is not None or not self._waiting:
            return
        key, task = self._waiting.popitem()

        def ended(_failure: Failure | None) -> None:
            self._job = None
            if key not in self._found:
                self._keep(key, None)
            self._next()

        self._job = (key, "")
        self._job = (key, self._engine.start(task(), None, ended, on_result=lambda result: self._keep(key, result)))

    def _keep(self, key: Hashable, result: Any) -> None:
        self._found[key] = result
        while len(self._found) > self._size:
            self._found.popitem(last=False)
        self.arrived.emit(key)
