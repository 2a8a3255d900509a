"""The source of a translation: a line over the document, for models that translate."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLineEdit, QWidget

from genstudio.errors import Failure
from genstudio.tasks.models import ModelRef
from genstudio.tasks.translate import Example, HeldOutPair, ReadSource, SourceText
from genstudio.ui.asking import Asking
from genstudio.ui.engine import Engine
from genstudio.ui.layouts import choice, hbox, named, single_shot, vbox
from genstudio.ui.views.view import token_text
from genstudio.ui.widgets import ElidedLabel, button, icon_button, plain_label, restyle

GREEDY, SAMPLER, BEAM = METHODS = "Greedy", "Sampler", "Beam search"
_TYPED_MS = 150
_LONGEST = 20_000
_LISTED = 60


class SourceRow(QWidget):
    """What is typed is cut into tokens as the model does it; `text` is the source as far as it can be translated.

    `changed()` when that is another one; `translate_wanted(method)`, one of METHODS; `failed(Failure)`.
    """

    changed = Signal()
    translate_wanted = Signal(str)
    failed = Signal(object)

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self.setObjectName("source_row")
        self._asking = Asking(engine)
        self._model: ModelRef | None = None
        self._asked: tuple[str, str] = ("", "")
        self._pending = False
        self.text = self.reference_text = ""
        self.edit = named(QLineEdit(), "source_text", "Source: the text to translate")
        self.edit.setPlaceholderText("Type a text to translate, then press Enter")
        self.edit.setMaxLength(_LONGEST)
        self.example = icon_button("dice", "source_example", "Another held-out pair of the model's dataset")
        self.method = choice("translate_method", "How the translation is chosen", *METHODS)
        self.translate = button("Translate", "translate", "play", "Translate the source", self._translate)
        self.note = named(ElidedLabel(), "source_note", "How the model reads the source")
        self._typed = single_shot(self, _TYPED_MS)
        label = plain_label("Source")
        label.setBuddy(self.edit)
        vbox(
            hbox(label, (self.edit, 1), self.example, self.method, self.translate), self.note, into=self, spacing=4
        )
        self.edit.textChanged.connect(lambda _: self._edited())
        self.edit.returnPressed.connect(self._translate)
        self.example.clicked.connect(lambda _=False: self.draw())
        self._typed.timeout.connect(self._read)
        self._enable()

    def reference(self) -> ModelRef | None:
        """The model, with the source that it is to translate."""
        return None if self._model is None else replace(self._model, source=self.text)

    def look_at(self, model: ModelRef | None) -> None:
        """The model that is to translate; None where the one chosen does not."""
        if model == self._model:
            return
        another = model is None or self._model is None or model.run != self._model.run
        self._model = model
        if another:
            self.text, self._asked = "", ("", "")
        self._enable()
        if model is None:
            return
        if not self.edit.text():
            self._draw(0, lambda _: None)  # where its dataset is gone, a source is typed
        else:
            self._read()

    def draw(self) -> None:
        """Take another held-out pair, at random."""
        self._draw(random.randrange(1 << 30), self._ended)

    def _draw(self, number: int, ended: Callable[[Failure | None], None]) -> None:
        if self._model is not None:
            self._asking.ask("example", HeldOutPair(self._model, number), None, ended, on_result=self._take)

    def _ended(self, failure: Failure | None) -> None:
        if failure is not None:
            self.failed.emit(failure)

    def _take(self, found: Example) -> None:
        self.edit.setText(found.source)
        self.reference_text = found.reference
        self._typed.stop()
        self._read()

    def _edited(self) -> None:
        self.reference_text = ""
        self._typed.start()

    def _read(self) -> None:
        if self._model is None:
            return
        asked = self._model.run, self.edit.text()
        if asked != self._asked:
            self._asked = asked
            self._asking.ask("read", ReadSource(self._model, asked[1]), None, self._ended, on_result=self._show)

    def _show(self, found: SourceText) -> None:
        before, self.text = self.text, found.text if found.pieces and not found.problem else ""
        restyle(self.note, "problem", bool(found.problem))
        restyle(self.note, "quiet", not found.problem)
        self.note.setText(found.problem or self._words(found))
        self._enable()
        if self.text != before:
            self.changed.emit()
        pending, self._pending = self._pending, False
        if pending and self.text:
            self.translate_wanted.emit(self.method.currentText())

    def _words(self, found: SourceText) -> str:
        if not found.pieces:
            return ""
        pieces = " | ".join(map(token_text, found.pieces[:_LISTED]))
        parts = [f"{len(found.pieces):,} token{'s' * (len(found.pieces) != 1)}: {pieces}"]
        if found.unknown:
            letters = "".join(dict.fromkeys(found.text[place] for place in found.unknown if place < len(found.text)))
            parts.insert(0, f"not in the vocabulary: {letters}")
        if self.reference_text:
            parts.insert(0, f"reference: {self.reference_text}")
        return "  ·  ".join(parts)

    def _translate(self) -> None:
        """Now, or once what was typed has been read."""
        if self._typed.isActive() or "read" in self._asking:
            self._typed.stop()
            self._pending = True
            self._read()
            if "read" not in self._asking:
                self._pending = False
        if not self._pending and self.text:
            self.translate_wanted.emit(self.method.currentText())

    def _enable(self) -> None:
        self.example.setEnabled(self._model is not None)
        self.translate.setEnabled(self._model is not None and bool(self.text))
