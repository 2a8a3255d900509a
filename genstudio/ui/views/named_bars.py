"""Numbers with names, as bars below each other: probabilities, or amounts that raise and lower."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter

from genstudio.ui import theme
from genstudio.ui.views.bars import paint_title
from genstudio.ui.views.view import Figure

_TOP, _EDGE, _ROW, _NUMBERS = 36.0, 12.0, 20.0, 64.0


class NamedBars(Figure):
    """`show_bars([(name, probability), ...])` in this order; as many as there is room for.

    With a `unit` the numbers are amounts of it: orange to the right of zero, blue to the left.
    """

    def __init__(self, title: str, name: str, unit: str = "") -> None:
        super().__init__(title)
        self.unit = unit
        self.setObjectName(name)
        self.bars: tuple[tuple[str, float], ...] = ()
        self.note = ""

    def show_bars(self, bars: Iterable[tuple[str, float]], note: str = "") -> None:
        self.bars, self.note = tuple(bars), note
        self.setAccessibleDescription(", ".join(f"{name} {self._said(value)}" for name, value in self.bars))
        self.redraw()

    def table(self) -> tuple[Sequence[str], Iterable[Sequence[Any]]]:
        return ("name", self.unit or "probability"), self.bars

    def paint_figure(self, painter: QPainter, area: QRectF) -> None:
        look = theme.current()
        paint_title(painter, self.title, self.note, area)
        shown = self.bars[: max(0, int((area.height() - _TOP - 6) // _ROW))]
        if not shown:
            return
        mono = QFontMetricsF(theme.mono())
        words = [mono.elidedText(name, Qt.TextElideMode.ElideRight, 120) for name, _ in shown]
        left = area.left() + _EDGE + 8 + max(mono.horizontalAdvance(word) for word in words)
        room = max(area.right() - _NUMBERS - left, 8.0)
        values = [value for _, value in self.bars]
        low, high = min(min(values), 0.0), max(max(values), 0.0)
        scale = room / max(high - low, 1e-12)
        zero = left - low * scale
        right = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        for row, ((_, value), word) in enumerate(zip(shown, words, strict=True)):
            y = area.top() + _TOP + row * _ROW
            painter.setFont(theme.mono())
            painter.setPen(look.color("text"))
            at = QPointF(left - 8 - mono.horizontalAdvance(word), y + _ROW / 2 + mono.ascent() / 2 - 1)
            painter.drawText(at, word)
            hue = theme.visible(theme.ORANGE if value > 0 else theme.BLUE) if self.unit else "accent"
            wide = max(1.0, abs(value) * scale)
            painter.fillRect(QRectF(zero if value > 0 else zero - wide, y + 4, wide, _ROW - 8), look.color(hue))
            painter.setFont(theme.font(theme.SMALL, tabular=True))
            number = QRectF(area.right() - _NUMBERS, y, _NUMBERS - _EDGE, _ROW)
            painter.drawText(number, right, self._said(value))

    def _said(self, value: float) -> str:
        return f"{value:+.3f}" if self.unit else f"{100 * value:.1f} %"
