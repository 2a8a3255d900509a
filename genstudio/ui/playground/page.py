"""What all pages of the Playground share: they look when seen, and have one job of a kind at a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QHideEvent, QPainter, QPaintEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QWidget

from genstudio.errors import Failure
from genstudio.events import Frame
from genstudio.tasks.models import ModelRef
from genstudio.tasks.prompt import Prompt
from genstudio.tasks.task import Task
from genstudio.ui import theme
from genstudio.ui.engine import Engine
from genstudio.ui.layouts import named, single_shot
from genstudio.ui.views.view import paint_empty

R = TypeVar("R")

REST = 4.0
"""How many times as long as a look took a page rests, where nothing but the weights moved on."""
_PATIENCE_MS = 250
_VEILED = 0.82


class _Veil(QWidget):
    """Lies over what a page shows of one model while it asks another: the pointer goes through it, the numbers do not."""

    def __init__(self, page: QWidget) -> None:
        super().__init__(page)
        self._page = page
        named(self, f"{page.objectName()}_veil", "What is shown is of the model before; the chosen one is being asked")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()

    def cover(self) -> None:
        self.setGeometry(self._page.rect())
        self.raise_()
        self.show()

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), theme.current().color("window", _VEILED))
        paint_empty(painter, QRectF(self.rect()), "Asking the chosen model")
        painter.end()


class Page(QWidget):
    """A page of the Playground. `failed(Failure)` carries what went wrong with its work.

    The tab calls `look_at` whenever the model, its weights or the text have changed. A page that is hidden only
    remembers; `look` is called when it is seen. Sub-classes say `look` and start their work with `ask`.

    While a page asks another model than it shows, and that takes more than a moment, what it shows is veiled.

    Where nothing but the weights of a training moved on, a page rests after a look for `REST` times as long as that took,
    so that the training keeps nine tenths of the engine: while both take turns, half of that time was the training's.
    """

    failed = Signal(object)
    rests = True
    follows_writing = False
    """Whether it is told of a text while that is being written."""
    as_translated = False
    """Whether it writes translations as the row of the source says, where that is greedily."""

    def __init__(self, engine: Engine, name: str, title: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setAccessibleName(title)
        self.title = title
        self._engine = engine
        self._jobs: dict[str, str] = {}
        self._waiting: dict[str, Callable[[], None]] = {}
        self._model: ModelRef | None = None
        self._prompt: Prompt = ()
        self._missed = False
        self._asked_at: dict[str, float] = {}
        self._rests_until = 0.0
        self._asks = self._answers = 0  # how many models have been looked at, and which of them has answered
        self._veil = _Veil(self)
        self._patience = single_shot(self, _PATIENCE_MS)
        self._patience.timeout.connect(self._veil.cover)

    def look_at(self, model: ModelRef | None, prompt: Prompt) -> None:
        """The model chosen, and the text from its beginning to the cursor."""
        moved = (model, prompt) != (self._model, self._prompt) or model is None or model.which != "live"
        if model is not None and self._model is not None and model.run != self._model.run:
            self._asks += 1
        self._model, self._prompt = model, prompt
        self._missed = not self.isVisible()
        if not self._missed and (moved or not self.resting()):
            self._look()

    def resting(self) -> bool:
        """Whether it is too early to look at moving weights again."""
        return self.rests and time.monotonic() < self._rests_until

    def look(self, model: ModelRef, prompt: Prompt) -> None:
        """Ask for what this page shows; for the sub-class to say."""
        raise NotImplementedError

    def ask(
        self,
        kind: str,
        task: Task[R],
        on_frame: Callable[[Frame], None] | None = None,
        *,
        on_result: Callable[[R], None] | None = None,
    ) -> None:
        """Start a task. While one of its kind runs, the newest that was asked for waits until that has ended."""
        if kind in self._jobs:
            self._waiting[kind] = lambda: self.ask(kind, task, on_frame, on_result=on_result)
            return
        if getattr(task, "quiet", False):
            self._asked_at[kind] = time.monotonic()
        asks = self._asks

        def framed(frame: Frame) -> None:
            self._answered(asks)
            if on_frame is not None:
                on_frame(frame)

        def ended(failure: Failure | None) -> None:
            self._answered(asks)
            self._ended(kind, failure)

        if asks != self._answers and not self._veil.isVisible():
            self._patience.start()
        self._jobs[kind] = self._engine.start(task, framed, ended, on_result=on_result)
        self.busy_changed()

    def cancel(self, kind: str, because: str = "") -> None:
        """Stop a task of this kind, and forget one that waits; `because` something else begins, if so."""
        self._waiting.pop(kind, None)
        if kind in self._jobs:
            self._engine.stop(self._jobs[kind], because)

    def owns(self, name: str) -> bool:
        """Whether this task of the engine is one of this page."""
        return name in self._jobs.values()

    def busy(self, kind: str) -> bool:
        return kind in self._jobs

    def explained(self, kind: str, failure: Failure) -> bool:
        """Whether the page itself says what could not be done; else a message of the window does."""
        return False

    def busy_changed(self) -> None:
        """Called when a task begins or ends; buttons may follow."""

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._veil.setGeometry(self.rect())

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._missed:
            self._missed = False
            self._look()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._waiting.clear()

    def _answered(self, asks: int) -> None:
        if asks == self._asks:
            self._answers = asks
            self._patience.stop()
            self._veil.hide()

    def _look(self) -> None:
        if self._model is not None:
            self.look(self._model, self._prompt)

    def _ended(self, kind: str, failure: Failure | None) -> None:
        self._jobs.pop(kind, None)
        now = time.monotonic()
        self._rests_until = max(self._rests_until, now + REST * (now - self._asked_at.pop(kind, now)))
        if failure is not None and not self.explained(kind, failure):
            self.failed.emit(failure)
        if kind in self._waiting:
            self._waiting.pop(kind)()
        self.busy_changed()
