"""Two distributions of the next token beside each other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPen

from genstudio.events import Array
from genstudio.ui import theme
from genstudio.ui.views.bars import paint_title
from genstudio.ui.views.view import Figure, token_text

_TOP, _EDGE, _ROW, _NUMBERS = 36.0, 12.0, 20.0, 110.0


class PairedBars(Figure):
    """The tokens that are likeliest in either of two distributions: the first as an outline, the second filled."""

    def __init__(self, title: str, name: str, first: str = "before", second: str = "after") -> None:
        super().__init__(title)
        self.setObjectName(name)
        self.names = first, second
        self.pieces: tuple[str, ...] = ()
        self.before: Array = np.empty(0)
        self.after: Array = np.empty(0)
        self.order: Array = np.empty(0, np.int64)
        self.note = ""

    def show_pair(self, pieces: tuple[str, ...], before: Array, after: Array, note: str = "") -> None:
        """Probabilities (V,) of every token, whose `pieces` are V."""
        self.pieces, self.before, self.after, self.note = pieces, before, after, note
        higher = np.maximum(before, after)
        most = min(len(higher), 50)
        top = np.argpartition(-higher, most - 1)[:most] if most else np.empty(0, np.int64)
        self.order = top[np.lexsort((top, -higher[top]))]
        words = (f"{token_text(pieces[i])} {before[i]:.0%} to {after[i]:.0%}" for i in self.order[:5])
        self.setAccessibleDescription(", ".join(words))
        self.redraw()

    def table(self) -> tuple[Sequence[str], Iterable[Sequence[Any]]]:
        pieces, before, after = self.pieces, self.before, self.after
        every = np.argsort(-np.maximum(before, after), kind="stable")
        header = ("id", "token", *self.names)
        return header, ((int(i), pieces[i], float(before[i]), float(after[i])) for i in every)

    def paint_figure(self, painter: QPainter, area: QRectF) -> None:
        look = theme.current()
        paint_title(painter, self.title, self.note, area)
        shown = self.order[: max(0, int((area.height() - _TOP - 6) // _ROW))]
        if not len(shown):
            return
        mono = QFontMetricsF(theme.mono())
        words = [mono.elidedText(token_text(self.pieces[i]), Qt.TextElideMode.ElideRight, 96) for i in shown]
        left = area.left() + _EDGE + 8 + max(mono.horizontalAdvance(word) for word in words)
        room = max(area.right() - _NUMBERS - left, 8.0)
        largest = max(float(self.before[shown].max()), float(self.after[shown].max()), 1e-12)
        right = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        for row, (token, word) in enumerate(zip(shown.tolist(), words, strict=True)):
            y, was, now = area.top() + _TOP + row * _ROW, float(self.before[token]), float(self.after[token])
            painter.setFont(theme.mono())
            painter.setPen(look.color("text"))
            at = QPointF(left - 8 - mono.horizontalAdvance(word), y + _ROW / 2 + mono.ascent() / 2 - 1)
            painter.drawText(at, word)
            filled = QRectF(left, y + 4, max(1.0, room * now / largest), _ROW - 8)
            painter.fillRect(filled, look.color(theme.visible(theme.ORANGE)))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(look.color("text", 0.75), 1))
            painter.drawRect(QRectF(left + 0.5, round(y) + 3.5, max(1.0, room * was / largest), _ROW - 7))
            painter.setFont(theme.font(theme.SMALL, tabular=True))
            painter.setPen(look.color("text"))
            said = f"{100 * was:.1f} → {100 * now:.1f} %"
            painter.drawText(QRectF(area.right() - _NUMBERS, y, _NUMBERS - _EDGE, _ROW), right, said)
