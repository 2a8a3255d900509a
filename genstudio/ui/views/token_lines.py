"""Who attends to whom: two columns of tokens, and between them lines as strong as the attention."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QKeyEvent, QMouseEvent, QPainter, QPen, QWheelEvent

from genstudio.snapshots.attention import HeadMap
from genstudio.ui import theme
from genstudio.ui.views.view import (
    NO_TEXT,
    SnapshotFigure,
    Table,
    bubble,
    paint_empty,
    paint_title,
    token_text,
    write_quietly,
)

_TOP, _ROW, _EDGE = 52.0, 18.0, 12.0
_FAINTEST = 0.02
_SAID = 8


class TokenLinesView(SnapshotFigure[HeadMap]):
    """Queries at the left, keys at the right. The token under the pointer shows its lines alone; a click keeps it so.

    The wheel and the arrow keys move through a long text. Lines with less weight than 0.02 are left out.
    `frozen_at(row)` says which query was frozen, -1 for none. `wanted(first, last)` asks for weights of these tokens.
    """

    frozen_at = Signal(int)
    wanted = Signal(object, object)

    def __init__(self) -> None:
        super().__init__("Attention lines", "token_lines")
        self.tokens: tuple[str, ...] = ()
        self.causal = False
        self.frozen: int | None = None
        self._hover: int | None = None
        self._first, self._at_end = 0, True
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def show_text(self, tokens: tuple[str, ...], causal: bool) -> None:
        """The tokens that the next maps are about."""
        if tokens != self.tokens:
            self.snapshot = self.frozen = self._hover = None
            self._at_end = True
        self.tokens, self.causal = tokens, causal

    def show_map(self, shown: HeadMap) -> None:
        """Weights of single tokens; a map in patches asks for those that are seen."""
        if shown.patch == 1:
            self.show_snapshot(shown)
        else:
            self._ask_weights()

    def clear(self) -> None:
        self.frozen = self._hover = None
        super().clear()

    def fitting(self) -> int:
        """How many tokens there is room for below each other."""
        return max(1, int((self.height() - _TOP - 8) // _ROW))

    def weights(self, query: int) -> list[tuple[int, float]]:
        """(key, weight) of a query, the heaviest first, as far as they are known."""
        found = self.snapshot
        if found is None or not 0 <= query - found.row < found.weights.shape[0]:
            return []
        return _heaviest(found, query)

    def describe(self, query: int) -> str:
        """A query in words: "'h' attends to 'T' 0.43, 'h' 0.21"."""
        if not 0 <= query < len(self.tokens):
            return ""
        words = (f"'{token_text(self.tokens[key])}' {value:.2f}" for key, value in self.weights(query)[:5])
        return f"'{token_text(self.tokens[query])}' attends to {', '.join(words)}"

    def table(self) -> Table:
        header, tokens = ("query", "query token", "key", "key token", "weight"), self.tokens
        found = self.snapshot
        if found is None:
            return header, ()
        rows = range(found.row, found.row + found.weights.shape[0])
        return header, ((q, tokens[q], k, tokens[k], w) for q in rows for k, w in _heaviest(found, q))

    def move_to(self, first: int) -> None:
        """Show the tokens from this one on."""
        last = max(0, len(self.tokens) - self.fitting())
        self._first, self._at_end = min(max(first, 0), last), first >= last
        self._redraw()
        self._ask_weights()

    def paint_figure(self, painter: QPainter, area: QRectF) -> None:
        look, found = theme.current(), self.snapshot
        paint_title(painter, self.title if found is None else found.title, "" if found is None else f"step {found.step:,}", area)
        if found is None or not self.tokens:
            paint_empty(painter, area, NO_TEXT)
            return
        if self._at_end:
            self._first = max(0, len(self.tokens) - self.fitting())
        shown = range(self._first, min(self._first + self.fitting(), len(self.tokens)))
        left, right = self._columns(area)
        alone = self.frozen if self.frozen is not None else self._hover
        write_quietly(painter)
        painter.drawText(QPointF(left - 90, area.top() + _TOP - 8), "query token")
        painter.drawText(QPointF(right + 10, area.top() + _TOP - 8), "key token")
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.save()
        painter.setClipRect(area.adjusted(0, _TOP - 4, 0, -4))
        color = theme.visible(theme.BLUE)
        for query in shown if alone is None else (alone,):
            for key, weight in self.weights(query):
                if weight < _FAINTEST:
                    break
                painter.setPen(QPen(look.color(color, min(1.0, weight)), 2 if alone is None else 2.5))
                painter.drawLine(QPointF(left + 4, self._y(query)), QPointF(right - 4, self._y(key)))
        painter.restore()
        self._paint_tokens(painter, shown, left, right, alone)

    def paint_hover(self, painter: QPainter) -> None:
        alone = self.frozen if self.frozen is not None else self._hover
        if alone is None or self.snapshot is None:
            return
        known = self.weights(alone)
        lines: list[tuple[QColor | None, str, str]] = [
            (None, f"'{token_text(self.tokens[key])}'  {key + 1}", f"{value:.3f}") for key, value in known[:_SAID]
        ]
        if len(known) > _SAID:
            lines.append((None, f"{len(known) - _SAID:,} others", f"{sum(value for _, value in known[_SAID:]):.3f}"))
        title = f"'{token_text(self.tokens[alone])}'  {alone + 1} attends to"
        left, right = self._columns(QRectF(self.rect()))
        at = QPointF((left + right) / 2, self._y(alone))
        bubble(painter, at, lines, QRectF(self.rect()), title)

    def _paint_tokens(self, painter: QPainter, shown: range, left: float, right: float, alone: int | None) -> None:
        look = theme.current()
        painter.setFont(theme.mono(theme.SMALL))
        metrics = QFontMetricsF(painter.font())
        strength = dict(self.weights(alone)) if alone is not None else {}
        for index in shown:
            text = metrics.elidedText(token_text(self.tokens[index]), Qt.TextElideMode.ElideRight, 104)
            y = self._y(index)
            if index == alone:
                painter.fillRect(QRectF(left - 110, y - _ROW / 2, 112, _ROW), look.color("accent_soft"))
            if strength.get(index, 0) >= _FAINTEST:
                ground = look.color(theme.visible(theme.BLUE), 0.1 + 0.4 * min(1.0, strength[index]))
                painter.fillRect(QRectF(right - 2, y - _ROW / 2, 112, _ROW), ground)
            painter.setPen(look.color("text" if alone in (None, index) else "quiet"))
            painter.drawText(QPointF(left - 4 - metrics.horizontalAdvance(text), y + metrics.ascent() / 2 - 1), text)
            painter.setPen(look.color("text" if alone is None or strength.get(index, 0) >= _FAINTEST else "quiet"))
            painter.drawText(QPointF(right + 4, y + metrics.ascent() / 2 - 1), text)

    def _columns(self, area: QRectF) -> tuple[float, float]:
        width = min(area.width() - 2 * _EDGE - 220, 420)
        left = area.center().x() - max(width, 40) / 2
        return left, left + max(width, 40)

    def _y(self, index: int) -> float:
        return _TOP + (index - self._first + 0.5) * _ROW

    def _at(self, point: QPointF) -> int | None:
        index = int((point.y() - _TOP) // _ROW) + self._first
        return index if point.y() >= _TOP and index < min(len(self.tokens), self._first + self.fitting()) else None

    def _ask_weights(self) -> None:
        seen = self._first, min(self._first + self.fitting(), len(self.tokens))
        found = self.snapshot
        whole = found is not None and found.row <= seen[0] and seen[1] <= found.row + found.weights.shape[0]
        if not whole and self.tokens:
            first = max(0, min(seen[0] - 256, len(self.tokens) - 1024))
            self.wanted.emit((first, min(len(self.tokens), first + 1024)), (first, min(len(self.tokens), first + 1024)))

    def _point(self, at: int | None) -> None:
        if at != self._hover:
            self._hover = at
            self.setAccessibleDescription(self.describe(at) if at is not None else "")
            self._redraw()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._point(self._at(event.position()))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            found = self._at(event.position())
            self.frozen = None if self.frozen is not None else found
            self._redraw()
            self.frozen_at.emit(-1 if self.frozen is None else self.frozen)

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._point(None)

    def wheelEvent(self, event: QWheelEvent) -> None:
        self.move_to(self._first - round(event.angleDelta().y() / 40))
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        page = self.fitting()
        moves = {Qt.Key.Key_PageUp: -page, Qt.Key.Key_PageDown: page}
        steps = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}
        key = Qt.Key(event.key())
        if key in moves:
            self.move_to(self._first + moves[key])
        elif key in steps and self.tokens:
            now = self.frozen if self.frozen is not None else self._first + (steps[key] < 0)
            self.frozen = min(max(now + steps[key], 0), len(self.tokens) - 1)
            if not self._first <= self.frozen < self._first + page:
                self.move_to(self.frozen - page // 2)
            self.setAccessibleDescription(self.describe(self.frozen))
            self._redraw()
            self.frozen_at.emit(self.frozen)
        elif key == Qt.Key.Key_Escape and self.frozen is not None:
            self.frozen = None
            self._redraw()
            self.frozen_at.emit(-1)
        else:
            super().keyPressEvent(event)


def _heaviest(found: HeadMap, query: int) -> list[tuple[int, float]]:
    """(key, weight) of a query, the heaviest first; nothing of weight 0."""
    row = found.weights[query - found.row].astype(np.float32)
    return [(int(i) + found.column, float(row[i])) for i in np.argsort(-row, kind="stable") if row[i] > 0]
