"""Questions to the engine whose answers count only while nobody has asked something else."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from genstudio.errors import Failure
from genstudio.events import Frame
from genstudio.tasks.task import Task
from genstudio.ui.engine import Engine

R = TypeVar("R")


class Asking:
    """The open questions of one widget, one of each kind.

    A question that is replaced by a newer one of its kind, or dropped, is stopped, and nothing of it arrives any more:
    no frame, no result, no failure, no end.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._open: dict[str, str] = {}

    def ask(
        self,
        kind: str,
        task: Task[R],
        on_frame: Callable[[Frame], None] | None = None,
        on_end: Callable[[Failure | None], None] | None = None,
        *,
        on_result: Callable[[R], object] | None = None,
        because: str = "",
    ) -> None:
        """Start a task as the newest question of its kind; the callbacks are those of `Engine.start`.

        `because` is said of the one that it replaces, where a person waits for that.
        """
        if name := self._open.pop(kind, ""):
            self._engine.drop(name, because)

        def ended(failure: Failure | None) -> None:
            if self._open.get(kind) == job:  # else its own result had it dropped, or asked again
                del self._open[kind]
                if on_end is not None:
                    on_end(failure)

        job = self._open[kind] = self._engine.start(task, on_frame, ended, on_result=on_result)

    def drop(self, *kinds: str) -> None:
        """Forget the questions of these kinds; of all, where none is named."""
        for kind in kinds or tuple(self._open):
            if name := self._open.pop(kind, ""):
                self._engine.drop(name)

    def kind(self, name: str) -> str:
        """The kind of an open question, by the name of its task; empty where it is not one of these."""
        return next((kind for kind, job in self._open.items() if job == name), "")

    def __contains__(self, kind: str) -> bool:
        """Whether a question of this kind is open."""
        return kind in self._open
