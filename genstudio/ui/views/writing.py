"""The document of the playground: the person's text, and after it what the model writes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QEvent, QObject, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QHelpEvent, QPainter, QPaintEvent, QSyntaxHighlighter, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QPlainTextEdit, QToolTip, QVBoxLayout, QWidget

from genstudio.events import Writing
from genstudio.ui import theme
from genstudio.ui.views.view import View, token_text
from genstudio.ui.widgets import tooltip

SURPRISE = (0.5, 0.2, 0.05, 0.01)
TINTS = {
    "light": ("#E3ECFB", "#EEF0E2", "#FCF0D3", "#FBDDB0", "#F6C287"),
    "dark": ("#22334F", "#30343A", "#453A22", "#5C441D", "#765015"),
}


def tint(probability: float) -> int:
    """Which of the five tints a token gets: 0 for likely ones (at least 0.5), 4 for those below 0.01."""
    return sum(not probability >= limit for limit in SURPRISE)


def units(text: str) -> int:
    """Length in UTF-16 units, in which Qt counts."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def shown(piece: str) -> str:
    """A piece of text as the document holds it: one line end for all kinds."""
    return piece.replace("\r\n", "\n").replace("\r", "\n").replace("\u2029", "\n").replace("\0", "\ufffd")


class _Painter(QSyntaxHighlighter):
    """Tints the continuation and underlines unknown characters without touching the text or its undo history."""

    def __init__(self, editor: QPlainTextEdit) -> None:
        super().__init__(editor.document())
        self.begin = 0
        self.starts: list[int] = []
        self.tints: list[int] = []
        self.end = 0
        self.unknown: list[int] = []

    def highlightBlock(self, text: str) -> None:
        first = self.currentBlock().position()
        last = first + units(text)
        if self.starts and last > self.begin:
            self._tint(first, last)
        if self.unknown:
            wave = QTextCharFormat()
            wave.setUnderlineStyle(QTextCharFormat.UnderlineStyle.WaveUnderline)
            wave.setUnderlineColor(QColor(theme.current().error))
            low, high = np.searchsorted(self.unknown, (first, last))
            for position in self.unknown[low:high]:
                self.setFormat(position - first, 1, wave)

    def _tint(self, first: int, last: int) -> None:
        index = max(0, int(np.searchsorted(self.starts, first - self.begin, side="right")) - 1)
        while index < len(self.starts) and self.begin + self.starts[index] < last:
            run = index
            while run + 1 < len(self.starts) and self.tints[run + 1] == self.tints[index]:
                run += 1
            stop = self.starts[run + 1] if run + 1 < len(self.starts) else self.end
            left, right = max(first, self.begin + self.starts[index]), min(last, self.begin + stop)
            if right > left:
                ground = QTextCharFormat()
                ground.setBackground(QColor(TINTS[theme.current().name][self.tints[index]]))
                self.setFormat(left - first, right - left, ground)
            index = run + 1


class _Legend(QWidget):
    """What the tints mean."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("writing_legend")
        self.setAccessibleName("Tints: how likely each token was, from at least 50 % to below 1 %")
        self.setFixedHeight(20)

    def paintEvent(self, _event: QPaintEvent) -> None:
        look = theme.current()
        with QPainter(self) as painter:
            self._paint(painter, look)

    def _paint(self, painter: QPainter, look: theme.Theme) -> None:
        painter.setFont(theme.font(theme.SMALL, tabular=True))
        metrics = painter.fontMetrics()
        painter.setPen(look.color("quiet"))
        title = "Probability of each token:"
        painter.drawText(QRectF(0, 0, self.width(), 20), Qt.AlignmentFlag.AlignVCenter, title)
        x = metrics.horizontalAdvance(title) + 10.0
        words = [*(f"≥ {limit:.0%}" for limit in SURPRISE), f"< {SURPRISE[-1]:.0%}"]
        for color, word in zip(TINTS[look.name], words, strict=True):
            width = metrics.horizontalAdvance(word) + 12
            painter.fillRect(QRectF(x, 2, width, 16), QColor(color))
            painter.setPen(look.color("text"))
            painter.drawText(QRectF(x, 0, width, 20), Qt.AlignmentFlag.AlignCenter, word)
            x += width

    def sizeHint(self) -> QSize:
        return QSize(320, 20)


@dataclass(frozen=True, slots=True)
class _Taken:
    """A continuation that an edit took from the model, for when undo or redo brings its text back."""

    text: str
    by_undo: bool
    boundary: int
    snapshot: Writing | None
    starts: list[int]
    tints: list[int]
    end: int
    probabilities: list[float]


class DocumentView(View[Writing]):
    """The person types; what the model adds is tinted, and becomes the person's as soon as they edit it.

    `prompt_changed(text)` when the person's part changes.
    """

    prompt_changed = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("document")
        self.editor = QPlainTextEdit()
        self.editor.setObjectName("document_text")
        self.editor.setAccessibleName("Your text, and what the model writes after it")
        self.editor.setPlaceholderText("Write the beginning; the model goes on.")
        self.editor.setFont(theme.mono(theme.NORMAL + 1))
        self.editor.setTabChangesFocus(True)
        self._painter = _Painter(self.editor)
        self._legend = _Legend()
        self._legend.hide()
        self._boundary: int | None = None
        self._written = 0
        self._own = False
        self._listening = True
        self._last = self._last_prompt = ""
        self._probabilities: list[float] = []
        self._taken: _Taken | None = None
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.editor, 1)
        layout.addWidget(self._legend)
        self.setFocusProxy(self.editor)
        self.editor.viewport().installEventFilter(self)
        self.editor.document().contentsChange.connect(self._edited)
        theme.changed.connect(self._recolour)

    def _recolour(self, _theme: object) -> None:
        self._painter.rehighlight()

    def prompt(self) -> str:
        """The person's text, without a continuation that is still the model's."""
        return self._raw() if self._boundary is None else self._cut(self._boundary)

    def set_prompt(self, text: str) -> None:
        """Replace everything by this text."""
        self._forget()
        self._painter.unknown = []
        self._change(lambda: self.editor.setPlainText(shown(text)))
        self._say()

    def begin_writing(self) -> None:
        """Take an earlier continuation away and make ready for the next one."""
        self.clear_writing()
        self._boundary = self.editor.document().characterCount() - 1
        self._painter.begin = self._boundary
        self._listening = True

    def clear_writing(self) -> None:
        """Take the continuation away; the person's own text stays."""
        if self._boundary is not None:
            cursor = QTextCursor(self.editor.document())
            cursor.setPosition(min(self._boundary, self.editor.document().characterCount() - 1))
            cursor.movePosition(QTextCursor.MoveOperation.End, QTextCursor.MoveMode.KeepAnchor)
            self._change(lambda: cursor.removeSelectedText())
        self._forget()

    def show_writing(self, writing: Writing) -> None:
        """Add what is new of the continuation. Ignored once the person has made the continuation their own."""
        if self._boundary is None:
            if writing is self.snapshot or not self._listening:
                return
            self.begin_writing()
        self.show_snapshot(writing)

    def draw(self, snapshot: Writing) -> None:
        if self._boundary is None:
            return
        if len(snapshot.pieces) < self._written:
            self.begin_writing()
        fresh = [shown(piece) for piece in snapshot.pieces[self._written :]]
        if not fresh:
            return
        starts, position = self._painter.starts, self._painter.end
        for piece, probability in zip(fresh, snapshot.probabilities[self._written :].tolist(), strict=True):
            starts.append(position)
            self._painter.tints.append(tint(probability))
            self._probabilities.append(probability)
            position += units(piece)
        self._painter.end = position
        joined = self._written > 0
        self._written = len(snapshot.pieces)
        self._append("".join(fresh), joined)
        self._legend.show()

    def set_unknown(self, positions: Iterable[int]) -> None:
        """Underline these characters of the prompt (positions count characters): the model does not know them."""
        prompt = self.prompt()
        wide = units(prompt) != len(prompt)
        known = sorted({p for p in positions if 0 <= p < len(prompt)})
        marks = [units(prompt[:p]) if wide else p for p in known]
        if marks != self._painter.unknown:
            self._painter.unknown = marks
            self._painter.rehighlight()

    def hint_at(self, position: int) -> str:
        """What is known of the character at a position of the document (UTF-16 units); empty if nothing."""
        if position in self._painter.unknown:
            letter = token_text(
                self._raw().encode("utf-16-le")[2 * position : 2 * position + 2].decode("utf-16-le", "replace")
            )
            return f"The model does not know '{letter}'; it is left out."
        inside = position - self._painter.begin
        if self._boundary is None or not 0 <= inside < self._painter.end:
            return ""
        index = int(np.searchsorted(self._painter.starts, inside, side="right")) - 1
        probability = self._probabilities[index]
        bits = -math.log2(probability) if probability > 0 else math.inf
        piece = self.snapshot.pieces[index] if self.snapshot is not None and index < len(self.snapshot.pieces) else ""
        return f"'{token_text(piece)}'  probability {probability:.3f}, surprise {bits:.1f} bits"

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            position = self.editor.cursorForPosition(event.pos()).position()
            QToolTip.showText(event.globalPos(), tooltip(self.hint_at(position)), self.editor)
            return True
        return False

    def _raw(self) -> str:
        return self.editor.document().toRawText().replace("\u2029", "\n")

    def _cut(self, end: int) -> str:
        return self._raw().encode("utf-16-le", "surrogatepass")[: 2 * end].decode("utf-16-le", "replace")

    def _append(self, text: str, joined: bool) -> None:
        bar = self.editor.verticalScrollBar()
        at_end = bar.value() >= bar.maximum() - 2
        cursor = QTextCursor(self.editor.document())
        cursor.movePosition(QTextCursor.MoveOperation.End)

        def insert() -> None:
            if joined:
                cursor.joinPreviousEditBlock()
            else:
                cursor.beginEditBlock()
            cursor.insertText(text)
            cursor.endEditBlock()

        person = self.editor.textCursor()
        stays = person.position() if person.atEnd() and not person.hasSelection() else None
        self._change(insert)
        if stays is not None and self._boundary is not None and stays <= self._boundary:
            person.setPosition(stays)
            self.editor.setTextCursor(person)
        if at_end:
            bar.setValue(bar.maximum())

    def _change(self, run: Callable[[], object]) -> None:
        self._own = True
        try:
            run()
        finally:
            self._own = False

    def _edited(self, position: int, removed: int, added: int) -> None:
        raw, before = self._raw(), self._last
        self._last = raw
        if self._own or (removed == added and raw == before):
            return
        self._painter.unknown = []
        if self._taken is not None and self._bring_back(raw):
            pass
        elif self._boundary is not None:
            if position + removed <= self._boundary and position < self._boundary:
                self._boundary += added - removed
                self._painter.begin = self._boundary
            else:
                self._listening = False
                taken = _Taken(
                    before,
                    self.editor.document().isRedoAvailable(),
                    self._boundary,
                    self.snapshot,
                    list(self._painter.starts),
                    list(self._painter.tints),
                    self._painter.end,
                    list(self._probabilities),
                )
                self._forget()
                self._taken = taken
        self._say()

    def _bring_back(self, raw: str) -> bool:
        """Whether undo or redo made the document what it was with the continuation; then it is the model's again."""
        taken, can_redo = self._taken, self.editor.document().isRedoAvailable()
        if taken is None or raw != taken.text or not (taken.by_undo or can_redo):
            self._taken = taken if can_redo else None
            return False
        self._taken = None
        self._boundary = self._painter.begin = taken.boundary
        self._painter.starts, self._painter.tints, self._painter.end = taken.starts, taken.tints, taken.end
        self._probabilities, self.snapshot, self._written = taken.probabilities, taken.snapshot, len(taken.starts)
        self._legend.show()
        self._change(self._painter.rehighlight)
        return True

    def _say(self) -> None:
        text = self.prompt()
        if text != self._last_prompt:
            self._last_prompt = text
            self.prompt_changed.emit(text)

    def _forget(self) -> None:
        had = bool(self._painter.starts)
        self._taken = None
        self._boundary = None
        self._written = 0
        self._probabilities.clear()
        self._painter.starts.clear()
        self._painter.tints.clear()
        self._painter.end = 0
        self.snapshot = None
        self._legend.hide()
        if had:
            self._own = True
            self._painter.rehighlight()
            self._own = False
