"""A text in tokens on tinted grounds: what was worked out of each is its colour."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QFontMetricsF, QKeyEvent, QMouseEvent, QPainter, QPen, QWheelEvent

from genstudio.events import Array
from genstudio.ui import theme
from genstudio.ui.views.view import NO_TEXT, Figure, Table, bubble, paint_empty, paint_title, token_text

_TOP, _EDGE, _ROW, _PAD = 34.0, 12.0, 26.0, 4.0


class TokenStrip(Figure):
    """Tokens in lines, the last of them in sight; the wheel shows those before. `picked(index)` on a click, or the space
    bar on the one that the arrow keys chose; `twice(index)` on a double click, or Ctrl and the space bar.

    A value in [-1, 1] tints a token, orange above 0 and blue below; those that are `struck` are crossed out.
    """

    picked = Signal(int)
    twice = Signal(int)

    def __init__(self, title: str, name: str, column: str = "value") -> None:
        super().__init__(title, name)
        self.tokens: tuple[str, ...] = ()
        self.values: Array = np.empty(0)
        self.struck: frozenset[int] = frozenset()
        self.current: int | None = None
        self.note, self.empty = "", NO_TEXT
        self._column, self._words = column, tuple[str, ...]()
        self._scrolled, self._hover = 0, -1
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def show_tokens(
        self, tokens: tuple[str, ...], values: Array | None = None, words: Sequence[str] = (), note: str = ""
    ) -> None:
        """Show these tokens, their values (n,), and words about each for the pointer."""
        if len(tokens) != len(self.tokens):
            self._scrolled, self.current = 0, None
        self.tokens, self.note, self._words = tokens, note, tuple(words)
        self.values = np.zeros(len(tokens)) if values is None else values
        self._hover = -1
        self.redraw()

    def strike(self, struck: frozenset[int]) -> None:
        """Cross these tokens out, and no others."""
        self.struck = struck
        self.redraw()

    def mark(self, index: int | None) -> None:
        """Put a frame around this token."""
        self.current = index
        self._describe()
        self.redraw()

    def table(self) -> Table:
        header = ("position", "token", self._column)
        values = self.values
        return header, ((i, token, float(values[i])) for i, token in enumerate(self.tokens))

    def box(self, index: int) -> QRectF | None:
        """Where a token is, in pixels; None when it is out of sight."""
        return next((box for at, box in self._lay(QRectF(self.rect())) if at == index), None)

    def paint_figure(self, painter: QPainter, area: QRectF) -> None:
        look = theme.current()
        paint_title(painter, self.title, self.note, area)
        if not self.tokens:
            paint_empty(painter, area, self.empty)
            return
        painter.setFont(theme.mono())
        metrics = QFontMetricsF(painter.font())
        for index, box in self._lay(area):
            value = float(self.values[index]) if index < len(self.values) else 0.0
            if value:
                hue = theme.ORANGE if value > 0 else theme.BLUE
                painter.fillRect(box, look.color(theme.visible(hue), min(1.0, 0.06 + 0.7 * abs(value))))
            else:
                painter.fillRect(box, look.color("raised"))
            struck = index in self.struck
            painter.setPen(look.color("disabled" if struck else "text"))
            text = metrics.elidedText(token_text(self.tokens[index]), Qt.TextElideMode.ElideRight, box.width())
            painter.drawText(QPointF(box.left() + _PAD, box.center().y() + metrics.ascent() / 2 - 1), text)
            if struck:
                painter.setPen(QPen(look.color("error"), 2))
                painter.drawLine(QPointF(box.left(), box.center().y()), QPointF(box.right(), box.center().y()))
            if index == self.current:
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.setPen(QPen(look.color("accent"), 2))
                painter.drawRect(box)

    def paint_hover(self, painter: QPainter) -> None:
        box = self.box(self._hover)
        if box is None:
            return
        said = self._words[self._hover] if self._hover < len(self._words) else ""
        lines = [(None, said, "")] if said else []
        title = f"'{token_text(self.tokens[self._hover])}'  token {self._hover + 1} of {len(self.tokens):,}"
        bubble(painter, QPointF(box.right(), box.center().y()), lines, QRectF(self.rect()), title)

    def _lay(self, area: QRectF) -> list[tuple[int, QRectF]]:
        """Places of the tokens in sight: from the first where all have room, else backwards from the last in sight."""
        metrics, room = QFontMetricsF(theme.mono()), area.width() - 2 * _EDGE
        most = max(1, int((area.height() - _TOP - 8) // _ROW))

        def lines(order: range) -> list[list[tuple[int, float]]]:
            rows: list[list[tuple[int, float]]] = [[]]
            used = 0.0
            for index in order:
                width = min(metrics.horizontalAdvance(token_text(self.tokens[index])) + 2 * _PAD, room)
                if used + width > room:
                    rows.append([])
                    used = 0.0
                if len(rows) > most:
                    break
                rows[-1].append((index, width))
                used += width + 2
            return rows

        rows = lines(range(len(self.tokens)))
        if len(rows) > most or self._scrolled:
            backwards = lines(range(len(self.tokens) - self._scrolled - 1, -1, -1))[:most]
            rows = [row[::-1] for row in reversed(backwards)]
        placed = []
        for line, row in enumerate(rows):
            x = area.left() + _EDGE
            for index, width in row:
                placed.append((index, QRectF(x, area.top() + _TOP + line * _ROW, width, _ROW - 4)))
                x += width + 2
        return placed

    def _at(self, point: QPointF) -> int:
        return next((index for index, box in self._lay(QRectF(self.rect())) if box.contains(point)), -1)

    def _describe(self) -> None:
        if self.current is not None and self.current < len(self.tokens):
            said = self._words[self.current] if self.current < len(self._words) else ""
            self.setAccessibleDescription(f"'{token_text(self.tokens[self.current])}' {said}")

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        found = self._at(event.position())
        if found != self._hover:
            self._hover = found
            self.setCursor(Qt.CursorShape.PointingHandCursor if found >= 0 else Qt.CursorShape.ArrowCursor)
            self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        found = self._at(event.position())
        if event.button() == Qt.MouseButton.LeftButton and found >= 0:
            self.mark(found)
            self.picked.emit(found)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        found = self._at(event.position())
        if event.button() == Qt.MouseButton.LeftButton and found >= 0:
            self.twice.emit(found)

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._hover = -1
        self.update()

    def wheelEvent(self, event: QWheelEvent) -> None:
        by = 12 if event.angleDelta().y() > 0 else -12
        self._scrolled = min(max(self._scrolled + by, 0), max(0, len(self.tokens) - 1))
        self._redraw()
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        moves = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}
        key = Qt.Key(event.key())
        if key in moves and self.tokens:
            now = len(self.tokens) if self.current is None else self.current
            self.mark(min(max(now + moves[key], 0), len(self.tokens) - 1))
            if self.current is not None and self.box(self.current) is None:
                self._scrolled = max(0, len(self.tokens) - self.current - 12)
        elif key in (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.current is not None:
            both = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
            (self.twice if both else self.picked).emit(self.current)
        else:
            super().keyPressEvent(event)
