"""The Playground: choose a model, write with it, and look at what it does from every side."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent, QKeySequence, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QSplitter, QVBoxLayout, QWidget

from genstudio.errors import Failure
from genstudio.events import Answer, Frame, NextTokens, Writing
from genstudio.tasks.models import ModelRef
from genstudio.tasks.prompt import Prompt
from genstudio.tasks.write import Generate
from genstudio.ui import theme
from genstudio.ui.engine import Engine
from genstudio.ui.playground.inspectors import Inspectors
from genstudio.ui.playground.model_choice import ModelChoice
from genstudio.ui.playground.next_token import NextTokenPage
from genstudio.ui.playground.page import Page
from genstudio.ui.playground.sampler import Sampler
from genstudio.ui.views.writing import DocumentView
from genstudio.ui.widgets import ElidedLabel, button, primary_button

_TYPED_MS = 120
_LIVE_MS = 2000
_WIDE_KEY = "F9"


class PlaygroundTab(QWidget):
    """Writes with the live model or any checkpoint, and holds the pages that look inside. `failed(Failure)`.

    A page that has `show_sampling(Sampling)` hears of the sampler; one with `branch_wanted(Prompt)` or
    `text_wanted(str)` may continue or replace the document.
    """

    failed = Signal(object)

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self.setObjectName("playground_tab")
        self._engine = engine
        self._job = ""
        self.choice = ModelChoice()
        self.status = ElidedLabel()
        self.document = DocumentView()
        self.sampler = Sampler()
        self.inspectors = Inspectors(engine)
        self.generate = primary_button("Generate", "generate", "play")
        self.stop = button("Stop", "stop_writing", "stop")
        self.clear = button("Clear continuation", "clear_writing")
        self.wide = QPushButton("Hide document")
        self._delay = QTimer(self)
        self._delay.setSingleShot(True)
        self._delay.setInterval(_TYPED_MS)
        self._follow = QTimer(self)
        self._follow.setInterval(_LIVE_MS)
        self._name_things()
        self._lay_out()
        self._connect()
        self._enable()
        self.inspectors.open("Next token")

    def page(self, title: str) -> Page:
        """The page of this title, built if need be. Raises KeyError."""
        return self.inspectors.page(title)

    def reference(self) -> ModelRef | None:
        """The model chosen, or None when there is none yet."""
        return self.choice.reference()

    def show_runs(self, runs: tuple[Any, ...]) -> None:
        """Every run that writes text, the newest first; keeps the choice."""
        self.choice.show_runs(runs)
        self._enable()

    def set_live(self, run: str) -> None:
        """The run that is in training now (empty: none)."""
        self.choice.set_live(run)

    def choose(self, run: str) -> None:
        self.choice.choose(run)

    def start_writing(self) -> None:
        """Write after the text with the chosen model; a writing that runs is stopped first."""
        ref = self.reference()
        if ref is None:
            return
        self.stop_writing()
        sampling = self.sampler.next_sampling()
        self.document.begin_writing()
        task = Generate(ref, (self.document.prompt(),), sampling.length, sampling.options, sampling.seed)
        self._job = self._engine.start(task, self._on_frame, self._on_end)
        self._enable()

    def stop_writing(self) -> None:
        if self._job:
            self._engine.stop(self._job)
            self._job = ""
        self._enable()

    def prompt(self) -> Prompt:
        """The text that the pages look at."""
        text = self.document.prompt()
        return (text,) if text else ()

    def set_wide(self, wide: bool) -> None:
        """Give the pages the whole width, or show the document beside them."""
        self.wide.setChecked(wide)

    def state(self) -> dict[str, Any]:
        """What comes back at the next start."""
        page = self.inspectors.rail.currentItem()
        return {
            "prompt": self.document.prompt(),
            "page": page.text() if page is not None else "",
            "wide": self.wide.isChecked(),
            **self.sampler.state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        self.sampler.restore(state)
        if state.get("prompt"):
            self.document.set_prompt(str(state["prompt"]))
        self.inspectors.open(str(state.get("page") or ""))
        self.wide.setChecked(bool(state.get("wide")))

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._follow.start()
        self._delay.start()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._follow.stop()

    def _on_end(self, failure: Failure | None) -> None:
        if self._job not in self._engine.running:
            self._job = ""
        if failure is not None:
            self.failed.emit(failure)
        self._enable()

    def _on_frame(self, frame: Frame) -> None:
        for snapshot in frame.snapshots:
            if isinstance(snapshot, Writing) and self._job:
                self.document.show_writing(snapshot)
                self.status.setText(
                    f"{len(snapshot.pieces):,} tokens with the weights of step {snapshot.step:,}"
                    + (f": {snapshot.reason}" if snapshot.reason else "")
                )
            elif isinstance(snapshot, Answer) and snapshot.channel == "unknown":
                self.document.set_unknown(snapshot.value)

    def _looked(self, snapshot: NextTokens) -> None:
        self.document.set_unknown(snapshot.unknown)
        parts = [f"weights of step {snapshot.step:,}", f"{len(snapshot.prompt_pieces)} tokens of prompt"]
        if snapshot.unknown:
            parts.append(f"{len(snapshot.unknown)} characters not in the vocabulary")
        self.status.setText("   ·   ".join(parts))

    def _look(self) -> None:
        if self.isVisible():
            self.inspectors.look_at(self.reference(), self.prompt())

    def _follow_live(self) -> None:
        ref = self.reference()
        if ref is not None and ref.which == "live" and ref.run == self.choice.live and not self._job:
            self._look()

    def _built(self, page: Page) -> None:
        page.failed.connect(self.failed)
        if hasattr(page, "show_sampling"):
            page.show_sampling(self.sampler.sampling())
        if isinstance(page, NextTokenPage):
            page.looked.connect(self._looked)

    def _sampling_changed(self) -> None:
        sampling = self.sampler.sampling()
        for page in self.inspectors.pages.values():
            if hasattr(page, "show_sampling"):
                page.show_sampling(sampling)

    def _set_wide(self, wide: bool) -> None:
        self._left.setVisible(not wide)
        self.wide.setText("Show document" if wide else "Hide document")

    def _enable(self) -> None:
        ready = self.reference() is not None
        self.generate.setEnabled(ready)
        self.stop.setEnabled(bool(self._job))
        if not ready:
            self.status.setText("There is no trained model yet: train one in the Transformer tab; a minute is enough.")

    def _connect(self) -> None:
        self.choice.changed.connect(self._look)
        self.document.prompt_changed.connect(lambda *_: self._delay.start())
        self._delay.timeout.connect(self._look)
        self._follow.timeout.connect(self._follow_live)
        self.generate.clicked.connect(self.start_writing)
        self.stop.clicked.connect(self.stop_writing)
        self.clear.clicked.connect(self.document.clear_writing)
        self.sampler.changed.connect(self._sampling_changed)
        self.inspectors.built.connect(self._built)
        self.wide.toggled.connect(self._set_wide)

    def _name_things(self) -> None:
        self.status.setObjectName("playground_status")
        self.status.setAccessibleName("What is happening")
        self.wide.setObjectName("hide_document")
        self.wide.setAccessibleName("Give the page the whole width")
        self.wide.setCheckable(True)
        self.wide.setShortcut(QKeySequence(_WIDE_KEY))
        self.wide.setToolTip(f"Give the page the whole width ({_WIDE_KEY})")
        theme.set_icon(self.wide, "zoom-reset")

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.setSpacing(8)
        top.addWidget(self.choice, 3)
        top.addWidget(self.status, 4)
        top.addWidget(self.wide)
        actions = QHBoxLayout()
        actions.setSpacing(8)
        for widget in (self.generate, self.stop, self.clear):
            actions.addWidget(widget)
        actions.addStretch(1)
        self._left = QWidget()
        column = QVBoxLayout(self._left)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self.document, 1)
        column.addWidget(self.sampler)
        column.addLayout(actions)
        self.splitter = QSplitter(Qt.Orientation.Horizontal)
        self.splitter.setObjectName("playground_splitter")
        self.splitter.setChildrenCollapsible(False)
        self.splitter.addWidget(self._left)
        self.splitter.addWidget(self.inspectors)
        self.splitter.setStretchFactor(0, 2)
        self.splitter.setStretchFactor(1, 3)
        self.splitter.setSizes([520, 720])
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 12, 12, 12)
        layout.setSpacing(8)
        layout.addLayout(top)
        layout.addWidget(self.splitter, 1)
