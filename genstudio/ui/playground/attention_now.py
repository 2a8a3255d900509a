"""The attention of the text, all layers and heads."""

from __future__ import annotations

from PySide6.QtWidgets import QVBoxLayout

from genstudio.events import Attention, Frame
from genstudio.tasks.models import ModelRef
from genstudio.tasks.prompt import Prompt, text_of
from genstudio.tasks.write import InspectAttention
from genstudio.ui.engine import Engine
from genstudio.ui.playground.page import Page
from genstudio.ui.views.attention import AttentionView


class AttentionNowPage(Page):
    """All heads of all layers over the last tokens."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine, "page_attention", "Attention")
        self.view = AttentionView()
        self.view.failed.connect(self.failed)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.view)

    def look(self, model: ModelRef, prompt: Prompt) -> None:
        self.ask("attention", InspectAttention(model, text_of(prompt)), self._show)

    def _show(self, frame: Frame) -> None:
        for snapshot in frame.snapshots:
            if isinstance(snapshot, Attention):
                self.view.show_snapshot(snapshot)
