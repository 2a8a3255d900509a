"""How a model translates: where each target token looks in the source, and the states that both sentences become."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtWidgets import QFrame, QScrollArea, QTabWidget

from genstudio.events import Array
from genstudio.snapshots.attention import Attention
from genstudio.tasks.models import ModelRef
from genstudio.tasks.prompt import Prompt
from genstudio.tasks.translate import LookAtTranslation, TranslationInside
from genstudio.ui.engine import Engine
from genstudio.ui.layouts import choice, hbox, named, splitter, vbox
from genstudio.ui.playground.page import Page
from genstudio.ui.views.attention import AttentionView
from genstudio.ui.views.chart import value_text
from genstudio.ui.views.heat import Matrix, MatrixView
from genstudio.ui.views.translation_lines import TARGET, TranslationLinesView
from genstudio.ui.widgets import ElidedLabel, named_tabs, plain_label

_AVERAGE = "average"


class TranslatePage(Page):
    """Lines between the sentences, the same as a map, and hidden states as pictures, of the text before the cursor."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine, "page_translate", "Translate")
        self.found: TranslationInside | None = None
        self.layer = choice("translate_layer", "Layer whose attention is shown", _AVERAGE)
        self.head = choice("translate_head", "Head whose attention is shown", _AVERAGE)
        self.lines, self.room = TranslationLinesView(), QScrollArea()
        self.map = AttentionView("Cross-attention", "translation_map")
        self.states = {
            side: MatrixView(title, f"{side}_states")
            for side, title in (("encoder", "Encoder states"), ("decoder", "Decoder states"))
        }
        self.note = named(ElidedLabel(), "translate_note", "Model and weights used")
        self.tabs = named(QTabWidget(), "translate_tabs")
        self._lay_out()
        for figure in (self.lines, self.map, *self.states.values()):
            figure.failed.connect(self.failed)
        for box in (self.layer, self.head):
            box.activated.connect(lambda _: self._show())
        self.map.head_chosen.connect(self._head_chosen)
        self.lines.chosen.connect(self._mark_states)

    def look(self, model: ModelRef, prompt: Prompt) -> None:
        self.ask("look", LookAtTranslation(model, prompt), on_result=self.show_inside)

    def show_inside(self, found: TranslationInside) -> None:
        """Show this, with the layer and the head that are chosen as far as there are such."""
        self.found = found
        layers, heads = found.weights.shape[:2]
        for box, count, word in ((self.layer, layers, "layer"), (self.head, heads, "head")):
            if box.count() != count + 1:
                with QSignalBlocker(box):
                    kept = min(box.currentIndex(), count)
                    box.clear()
                    box.addItems([_AVERAGE, *(f"{word} {i + 1}" for i in range(count))])
                    box.setCurrentIndex(max(kept, 0))
            box.setEnabled(count > 1)
        self.tabs.setTabEnabled(self.tabs.indexOf(self.map), layers > 0)
        self._show()

    def weights(self) -> Array:
        """The attention (T, S) that is chosen: of a layer and head, or averaged over either or both."""
        assert self.found is not None
        every, layer, head = self.found.weights, self.layer.currentIndex() - 1, self.head.currentIndex() - 1
        if not every.size:
            return np.empty((0, 0), np.float32)
        some = every if layer < 0 else every[layer : layer + 1]
        some = some if head < 0 else some[:, head : head + 1]
        return np.asarray(some.mean((0, 1)))

    def _show(self) -> None:
        found = self.found
        if found is None:
            return
        weights = self.weights()
        layer, head = self.layer.currentIndex() - 1, self.head.currentIndex() - 1
        self.lines.show_weights(found.source, found.target, weights, f"step {found.step:,}")
        if found.weights.size:
            if layer < 0 or head < 0:
                of = [f"layer {layer + 1}" if layer >= 0 else "all layers", f"head {head + 1}" if head >= 0 else "all heads"]
                self.map.show_average(self._attention(np.ascontiguousarray(weights[None, None])), f"mean of {', '.join(of)}")
            else:
                self.map.show_heads(self._attention(found.weights))
                with QSignalBlocker(self.map):
                    self.map.choose(layer, head)
        for side, values, names in (("encoder", found.encoder, found.source), ("decoder", found.decoder, found.target)):
            note = f"{values.shape[1]:,} units for each token"
            self.states[side].show_matrix(Matrix(values.T, (), names, "signed"), note=note)
        parts = [found.words, f"{len(found.source):,} source tokens, {len(found.target):,} target tokens"]
        if found.weights.size:
            parts.append(f"{found.weights.shape[0]} layers of {found.weights.shape[1]} heads")
            parts.append(f"rows sum to 1 within {value_text(found.row_error)}")
        else:
            parts.append("this model has no attention")
        self.note.setText("  ·  ".join(parts))

    def _attention(self, weights: Array) -> Attention:
        assert self.found is not None
        return Attention("attention", self.found.step, self.found.source, weights, self.found.target)

    def _head_chosen(self, layer: int, head: int) -> None:
        """A thumbnail was clicked: while an average is shown there is but one."""
        if self.found is not None and self.map.snapshot is not None and self.map.snapshot.weights.shape[:2] != (1, 1):
            self.layer.setCurrentIndex(layer + 1)
            self.head.setCurrentIndex(head + 1)
            self._show()

    def _mark_states(self, side: int, token: int) -> None:
        """The states of a word that was clicked, among the others."""
        view = self.states["decoder" if side == TARGET else "encoder"]
        if token >= 0 and view.matrix is not None and token < view.matrix.values.shape[1]:
            view.rest_on((0, token))

    def _lay_out(self) -> None:
        self.room.setObjectName("translate_scroll")
        self.room.setFrameShape(QFrame.Shape.NoFrame)
        self.room.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.room.setWidgetResizable(True)
        self.room.setWidget(self.lines)
        named_tabs(self.tabs, "What is shown of the translation")
        self.tabs.setDocumentMode(True)
        self.tabs.addTab(self.room, "Lines")
        self.tabs.addTab(self.map, "Map")
        self.tabs.addTab(splitter("states_splitter", *self.states.values(), sizes=(300, 300)), "Hidden states")
        label = plain_label("Attention of", role="quiet")
        label.setBuddy(self.layer)
        vbox(hbox(label, self.layer, self.head, None), (self.tabs, 1), self.note, into=self, spacing=4)

