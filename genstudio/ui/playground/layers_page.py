"""Activations, gradients and weights of a model, layer by layer, for the text of the document."""

from __future__ import annotations

from genstudio.tasks.layers import LookAtLayers
from genstudio.tasks.models import ModelRef
from genstudio.tasks.prompt import Prompt
from genstudio.ui.engine import Engine
from genstudio.ui.layouts import vbox
from genstudio.ui.playground.page import Page
from genstudio.ui.views.layers import LayersPanel


class LayersPage(Page):
    """What every layer holds while the model reads the text; gradients are those of the text's mean loss."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine, "page_layers", "Layers")
        self.panel = LayersPanel()
        self.panel.view.failed.connect(self.failed)
        vbox(self.panel, into=self, spacing=None)

    def look(self, model: ModelRef, prompt: Prompt) -> None:
        self.ask("layers", LookAtLayers(model, prompt), on_result=self.panel.show_snapshot)
