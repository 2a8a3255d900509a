"""What the model wrote."""

from __future__ import annotations

from PySide6.QtGui import QColor, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QPlainTextEdit, QTextEdit

from genstudio.snapshots.text import Text
from genstudio.ui import theme
from genstudio.ui.layouts import named, vbox
from genstudio.ui.views.view import View
from genstudio.ui.widgets import plain_label


class SamplesView(View[Text]):
    """A prompt, and the text that a model wrote after it at a step."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("samples")
        self.setAccessibleName("Samples")
        self.text = named(QPlainTextEdit(), "samples_text", "What the model wrote")
        self.text.setReadOnly(True)
        self.text.setFont(theme.mono())
        self.label = plain_label("", role="quiet", name="samples_step")
        self.label.setFont(theme.font(theme.SMALL, tabular=True))
        vbox(self.label, (self.text, 1), into=self, spacing=4)
        theme.changed.connect(self._recolour)

    def draw(self, snapshot: Text) -> None:
        missing = f" · ignored in the prompt, not in the vocabulary: {' '.join(snapshot.unknown)}" if snapshot.unknown else ""
        self.label.setText(f"step {snapshot.step:,}{missing}")
        bar = self.text.verticalScrollBar()
        place = bar.value()
        self.text.setPlainText(snapshot.prompt + snapshot.text)
        bar.setValue(place)
        self._tint(snapshot)

    def clear(self) -> None:
        """Show nothing."""
        self.snapshot = None
        self.label.setText("")
        self.text.clear()

    def _recolour(self, _theme: object) -> None:
        if self.snapshot is not None:
            self._tint(self.snapshot)

    def _tint(self, snapshot: Text) -> None:
        """The prompt in the colour of what is marked."""
        mark = QTextEdit.ExtraSelection()
        shape = QTextCharFormat()
        shape.setBackground(QColor(theme.current().accent_soft))
        cursor = QTextCursor(self.text.document())
        length = len(snapshot.prompt.replace("\r\n", "\n").encode("utf-16-le")) // 2
        cursor.setPosition(min(length, self.text.document().characterCount() - 1), QTextCursor.MoveMode.KeepAnchor)
        mark.cursor, mark.format = cursor, shape
        self.text.setExtraSelections([mark])
