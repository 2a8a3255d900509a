"""What the model would say next."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout

from genstudio.events import Frame, NextTokens
from genstudio.tasks.models import ModelRef
from genstudio.tasks.prompt import Prompt
from genstudio.tasks.write import NextTokensOf
from genstudio.ui.engine import Engine
from genstudio.ui.playground.page import Page
from genstudio.ui.playground.sampler import Sampling
from genstudio.ui.views.next_tokens import NextTokensView


class NextTokenPage(Page):
    """Bars before and after the sampler. `looked(NextTokens)` whenever the model has read the text."""

    looked = Signal(object)

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine, "page_next_token", "Next token")
        self.view = NextTokensView()
        self.view.failed.connect(self.failed)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.view)

    def show_sampling(self, sampling: Sampling) -> None:
        """The sampler was moved: no model is asked."""
        self.view.set_options(sampling.options)

    def look(self, model: ModelRef, prompt: Prompt) -> None:
        self.ask("next", NextTokensOf(model, prompt), self._show)

    def _show(self, frame: Frame) -> None:
        for snapshot in frame.snapshots:
            if isinstance(snapshot, NextTokens):
                self.view.show_snapshot(snapshot)
                self.looked.emit(snapshot)
