"""A text in tokens that is only looked at: tinted by how likely each token was; one of them can be chosen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QColor, QHelpEvent, QKeyEvent, QMouseEvent, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QPlainTextEdit, QTextEdit, QToolTip

from genstudio.ui import theme
from genstudio.ui.views.positions import Positions, shown
from genstudio.ui.views.view import token_text
from genstudio.ui.views.writing import TINTS, tint
from genstudio.ui.widgets import tooltip


class TintedText(QPlainTextEdit):
    """`show_tokens(texts, probabilities)`; a token that nothing predicted (NaN) has no tint.

    `token_chosen(index)` when a token is clicked, or reached with the arrow keys; what was chosen stays marked.
    `token_pointed(index)` follows the pointer, -1 for none.
    """

    token_chosen = Signal(int)
    token_pointed = Signal(int)

    def __init__(self, name: str, label: str, empty: str = "") -> None:
        super().__init__()
        self.setObjectName(name)
        self.setAccessibleName(label)
        self.setReadOnly(True)
        self.setTabChangesFocus(True)
        self.setPlaceholderText(empty)
        self.setFont(theme.mono())
        self.setMouseTracking(True)
        self.choosable = False
        self.texts: tuple[str, ...] = ()
        self.probabilities: tuple[float, ...] = ()
        self.counts: tuple[float, ...] = ()
        self.by_counts = False
        self.chosen: int | None = None
        self.mark: int | None = None
        self._starts = np.zeros(1, np.int64)
        theme.changed.connect(self._colour)

    def show_tokens(
        self, texts: Sequence[str], probabilities: Sequence[float], *, mark: int | None = None, note: str = "",
        counts: Sequence[float] = (), by_counts: bool = False,
    ) -> None:  # fmt: skip
        """Replace what is shown; `mark` is the number of a token that stands out, `note` what a screen reader says of it.
        `counts` are the shares of the probabilities that counts gave; tints are `by_counts` instead: the more, the stronger."""
        self.counts, self.by_counts = tuple(counts), by_counts
        pieces = tuple(map(shown, texts))
        if pieces != self.texts:
            bar = self.verticalScrollBar().value()
            self.setPlainText("".join(pieces))
            self.verticalScrollBar().setValue(bar)
            self._starts = np.concatenate(
                [[0], np.cumsum([Positions(piece).length for piece in pieces], dtype=np.int64)]
            )
        self.texts, self.probabilities, self.mark = pieces, tuple(probabilities), mark
        if self.chosen is not None and self.chosen >= len(pieces):
            self.chosen = None
        self.setAccessibleDescription(note)
        self._colour()

    def choose(self, token: int | None) -> None:
        """Mark this token as chosen, without a signal."""
        self.chosen = token
        self._colour()
        if token is not None:
            self.setTextCursor(self._cursor(token, token))

    def token_at(self, position: int) -> int | None:
        """The number of the token that holds a position of the text (UTF-16 units)."""
        found = int(np.searchsorted(self._starts, position, "right")) - 1
        return found if 0 <= found < len(self.texts) else None

    def hint(self, token: int) -> str:
        """What is known of a token, in words."""
        chance = self.probabilities[token] if token < len(self.probabilities) else float("nan")
        piece = f"'{token_text(self.texts[token])}'"
        if np.isnan(chance):
            return piece
        given = self.counts[token] if token < len(self.counts) else float("nan")
        from_counts = "" if np.isnan(given) else f", {given:.0%} of it from counts"
        return f"{piece}  probability {chance:.4f}, {-np.log2(max(chance, 1e-300)):.1f} bits{from_counts}"

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        if self.choosable and event.button() == Qt.MouseButton.LeftButton and not self.textCursor().hasSelection():
            self._pick(self._under(event))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        found = self._under(event)
        self.token_pointed.emit(-1 if found is None else found)

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self.token_pointed.emit(-1)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        move = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()))
        if move is None or not self.choosable or event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            super().keyPressEvent(event)
        elif self.texts:
            at = self.chosen + move if self.chosen is not None else 0
            self._pick(min(max(at, 0), len(self.texts) - 1))

    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            token = self.token_at(self.cursorForPosition(event.pos()).position())
            QToolTip.showText(event.globalPos(), tooltip("" if token is None else self.hint(token)), self)
            return True
        return super().viewportEvent(event)

    def minimumSizeHint(self) -> QSize:
        return QSize(120, 56)

    def _under(self, event: QMouseEvent) -> int | None:
        cursor = self.cursorForPosition(event.position().toPoint())
        right_of = event.position().x() < self.cursorRect(cursor).left()
        return self.token_at(max(cursor.position() - right_of, 0))

    def _pick(self, token: int | None) -> None:
        if token is not None:
            self.choose(token)
            self.token_chosen.emit(token)

    def _cursor(self, first: int, last: int) -> QTextCursor:
        cursor = QTextCursor(self.document())
        cursor.setPosition(int(self._starts[first]))
        cursor.setPosition(int(self._starts[last]), QTextCursor.MoveMode.KeepAnchor)
        return cursor

    def _colour(self, _theme: object = None) -> None:
        look, marks = theme.current(), []
        grounds = TINTS[look.name]
        kinds = [-1 if np.isnan(chance) else tint(chance) for chance in self.probabilities[: len(self.texts)]]
        if self.by_counts:
            kinds = [-1 if np.isnan(share) else min(int(share * 5), 4) for share in self.counts[: len(self.texts)]]
        first = 0
        for index in range(1, len(kinds) + 1):
            if index == len(kinds) or kinds[index] != kinds[first]:
                if kinds[first] >= 0:
                    marks.append(self._marked(first, index, ground=grounds[kinds[first]]))
                first = index
        if self.mark is not None and self.mark < len(self.texts):
            marks.append(self._marked(self.mark, self.mark + 1, ground=look.error, ink=look.panel))
        if self.chosen is not None and self.chosen < len(self.texts):
            marks.append(self._marked(self.chosen, self.chosen + 1, ground=look.accent, ink=look.on_accent))
        self.setExtraSelections(marks)

    def _marked(self, first: int, behind: int, ground: str, ink: str = "") -> QTextEdit.ExtraSelection:
        look = QTextCharFormat()
        look.setBackground(QColor(ground))
        if ink:
            look.setForeground(QColor(ink))
        selection = QTextEdit.ExtraSelection()
        selection.cursor, selection.format = self._cursor(first, behind), look
        return selection
