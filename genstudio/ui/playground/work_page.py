"""What pages share that write or search: the sampler, one job that begins by itself, and taking a result into the document."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from genstudio.errors import Failure
from genstudio.events import Snapshot
from genstudio.sampling.segments import Made
from genstudio.snapshots.text import AnsweredBy
from genstudio.tasks.models import ModelRef
from genstudio.tasks.prompt import Prompt
from genstudio.tasks.task import Task
from genstudio.ui.engine import Engine
from genstudio.ui.layouts import Flow, named, single_shot, vbox
from genstudio.ui.playground.page import Page
from genstudio.ui.playground.sampler import Sampling
from genstudio.ui.widgets import ElidedLabel, button

_JOB = "work"
REST_MS = 700
"""How long the model, the text and the sampler have to rest before a page begins by itself."""


class WorkPage(Page):
    """A row of settings with a button that starts, and one that stops. Sub-classes say `task` and `show_result`.

    A visible page begins by itself once the model, the text and the sampler have rested; with a model in training only
    once for each text, because its weights never rest.

    `take_wanted(Prompt, segments)`: go on with this in the document. What is shown was made of `asked`, not of what the
    person has typed since.
    """

    take_wanted = Signal(object, object)

    def __init__(self, engine: Engine, name: str, title: str, verb: str) -> None:
        super().__init__(engine, name, title)
        self.sampling = Sampling()
        self.asked: tuple[ModelRef, Prompt, Sampling] | None = None
        self.model_title = ""
        self.start = button(verb, f"{name}_start", "play", f"{verb}: {title.lower()}", self.run)
        self.stop = button("Stop", f"{name}_stop", "stop", f"Stop: {title.lower()}", lambda: self.cancel(_JOB))
        self.note = named(ElidedLabel(), f"{name}_note", f"{title}: what is shown")
        self.column = vbox(self.note, into=self)
        self._by_itself = False
        self._begins = single_shot(self, REST_MS)
        self._begins.timeout.connect(self._begin_by_itself)
        self.busy_changed()

    def task(self, model: ModelRef, prompt: Prompt, sampling: Sampling) -> Task[object]:
        """What to ask for."""
        raise NotImplementedError

    def show_result(self, snapshot: Snapshot) -> None:
        """Show what has come so far."""
        raise NotImplementedError

    def add_settings(self, *widgets: QWidget) -> None:
        """The settings, and the buttons behind them, in as many rows as the width asks for."""
        self.column.insertWidget(0, Flow(*widgets, self.start, self.stop))

    def show_sampling(self, sampling: Sampling) -> None:
        self.sampling = sampling
        self._begins.start()

    def look(self, model: ModelRef, prompt: Prompt) -> None:
        self.busy_changed()
        if self.asked is None or self.asked[:2] != (model, prompt):
            self._begins.start()

    def look_at(self, model: ModelRef | None, prompt: Prompt) -> None:
        super().look_at(model, prompt)
        self.busy_changed()

    def ready(self) -> bool:
        """Whether there is something to begin with; called before a page begins by itself."""
        return bool(self._prompt)

    def _begin_by_itself(self) -> None:
        known = self.asked == (self._model, self._prompt, self.sampling)
        if self.isVisible() and self._model is not None and not known and self.ready():
            self.run()
            self._by_itself = True

    def run(self) -> None:
        """Start with the text up to the cursor; what still runs is stopped."""
        self._begins.stop()
        self._by_itself = False
        if self._model is None:
            return
        asked = self.asked = (self._model, self._prompt, self.sampling)
        self.cancel(_JOB, "it was started again")
        self.ask(
            _JOB,
            self.task(*asked),
            lambda frame: self._came(asked, frame.snapshots),
            on_result=lambda found: self._came(asked, (found,)),
        )

    def made(self, step: int, method: str = "", seed: int | None = None) -> Made:
        """Who made what is shown."""
        assert self.asked is not None
        model, _, sampling = self.asked
        return Made(
            model.run, self.model_title, step, sampling.options, sampling.seed if seed is None else seed, method
        )

    def busy_changed(self) -> None:
        self.start.setEnabled(self._model is not None)
        self.stop.setEnabled(self.busy(_JOB))

    def _ended(self, kind: str, failure: Failure | None) -> None:
        if failure is not None and kind == _JOB and self._by_itself:
            self.note.setText(f"{failure.message} {failure.hint}")  # nobody asked, so no message over the page
            failure = None
        super()._ended(kind, failure)

    def _came(self, asked: object, found: Iterable[object]) -> None:
        if asked is not self.asked:
            return
        for shown in found:
            if isinstance(shown, AnsweredBy):
                self.model_title = shown.title
            elif isinstance(shown, Snapshot):
                self.show_result(shown)
