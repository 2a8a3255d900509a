"""One word in many sentences: where its vectors lie, and which sentences lie near each other."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit, QListWidget, QListWidgetItem

from genstudio.errors import Failure
from genstudio.tasks.contexts import Contexts, OneWord
from genstudio.tasks.models import ModelRef
from genstudio.tasks.prompt import Prompt
from genstudio.ui.engine import Engine
from genstudio.ui.layouts import hbox, named, splitter, vbox
from genstudio.ui.playground.page import Page
from genstudio.ui.views.embedding import EmbeddingView
from genstudio.ui.widgets import ElidedLabel, LabeledSlider, plain_label

_SAID = (
    "The same word has another vector in every sentence: the bark of a tree, the bark of a dog. Sentences are those of the "
    "document and of the dataset. Click a point for the sentences nearest to it."
)


class WordPage(Page):
    """A map of one word's vectors at a depth of the model, and the sentences nearest to the chosen one."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine, "page_word", "One word")
        self.word = named(QLineEdit("love"), "word_word", "Word")
        self.word.setMaxLength(60)
        self.layer = LabeledSlider("Layer", 0, 4, 4, whole=True, name="word_layer")
        self.layer.setToolTip("0: before the first layer, where the word has one vector whatever stands around it")
        self.view = EmbeddingView(kinds=False)
        self.near = named(QListWidget(), "word_near", "Nearest sentences")
        self.status = named(ElidedLabel(), "word_status", "What is shown")
        self._found: Contexts | None = None
        self._at: tuple[ModelRef, Prompt] | None = None
        vbox(
            plain_label(_SAID, role="quiet", wrap=True), hbox(plain_label("Word"), (self.word, 1), (self.layer, 1)), self.status,
            (splitter("word_splitter", (self.view, 3), (self.near, 1)), 1), into=self, spacing=6,
        )  # fmt: skip
        self.word.editingFinished.connect(self._ask)
        self.layer.changed.connect(lambda _: self._ask())
        self.view.chosen_changed.connect(self._show_near)
        self.near.itemActivated.connect(lambda item: self._show_near(item.data(Qt.ItemDataRole.UserRole)))
        self.view.failed.connect(self.failed)

    def explained(self, kind: str, failure: Failure) -> bool:
        """A word that is nowhere, such as the one that stands here at first, is said where the word is."""
        if failure.expected:
            self._found = None
            self.view.clear()
            self.near.clear()
            self.status.setText(f"{failure.message} {failure.hint}")
        return failure.expected

    def look(self, model: ModelRef, prompt: Prompt) -> None:
        self._at = model, prompt
        self._ask()

    def _ask(self) -> None:
        if self._at is not None and self.word.text().strip():
            task = OneWord(*self._at, self.word.text().strip(), int(self.layer.value()))
            self.ask("word", task, on_result=self._show)

    def _show(self, found: Contexts) -> None:
        self._found = found
        self.view.show_snapshot(found.map)
        shown, total = len(found.map.names), found.map.total
        self.status.setText(
            f"{shown:,} of {total:,} sentences, {found.mine:,} of them of the document  ·  layer {found.map.layer} of "
            f"{found.map.layers}, step {found.map.step:,}"
        )
        self._show_near(0)
        last, was_last = found.map.layers, self.layer.value() == self.layer.high
        if last and last != self.layer.high:
            self.layer.set_high(last)
            if was_last:
                self.layer.set_value(last)
            if self.layer.value() != found.map.layer:
                self._ask()

    def _show_near(self, index: int | None) -> None:
        found = self._found
        self.near.clear()
        if found is None or index is None or not 0 <= index < len(found.near):
            return
        for place, cosine in ((index, 1.0), *found.near[index]):
            item = QListWidgetItem(f"{cosine:.2f}  {found.map.names[place]}")
            item.setData(Qt.ItemDataRole.UserRole, place)
            self.near.addItem(item)
