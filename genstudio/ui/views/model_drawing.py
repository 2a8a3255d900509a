"""A drawing of a model that follows its settings: boxes from left to right, each with its parameters."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from genstudio.families.drawing import Chain, Drawing, Part, parameters
from genstudio.ui import theme

_ARROW, _PAD, _BAR = 22.0, 8.0, 4.0
_WIDEST = 190.0
_BEHIND = 3
"""Boxes that are seen behind one which is there several times, at most."""


class ModelDrawing(QWidget):
    """Shows a drawing; nothing while there is none."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setAccessibleName("The model as it is set up")
        self.drawing: Drawing = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        theme.changed.connect(self._recolour)

    def show_drawing(self, drawing: Drawing) -> None:
        """Draw this model instead."""
        if drawing != self.drawing:
            self.drawing = drawing
            said = (f"{part.title}{_times(part)}, {part.total:,} parameters" for chain in drawing for part in chain.parts)
            self.setAccessibleDescription("; ".join(said))
            self.update()

    def minimumSizeHint(self) -> QSize:
        return QSize(240, 120)

    def sizeHint(self) -> QSize:
        return QSize(640, 260)

    def _recolour(self, _theme: object) -> None:
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        if not self.drawing:
            return
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            height = self.height() / len(self.drawing)
            for row, chain in enumerate(self.drawing):
                self._paint_chain(painter, chain, QRectF(0, row * height, self.width(), height))

    def _paint_chain(self, painter: QPainter, chain: Chain, room: QRectF) -> None:
        look, small = theme.current(), QFontMetricsF(theme.font(theme.SMALL))
        weights = [2.0 if part.inside else 1.0 for part in chain.parts]
        unit = min((room.width() - _ARROW * (len(weights) - 1) - 12) / sum(weights), _WIDEST)
        x = room.center().x() - (unit * sum(weights) + _ARROW * (len(weights) - 1)) / 2
        middle = room.center().y() + (small.height() / 2 if chain.title else 0)
        most = room.height() - (2 * small.height() if chain.title else 16)
        if chain.title:
            painter.setFont(theme.font(theme.SMALL, bold=True))
            painter.setPen(look.color("quiet"))
            painter.drawText(QPointF(x, middle - min(most, self._height(chain.parts[0])) / 2 - 6), chain.title)
        for number, (part, weight) in enumerate(zip(chain.parts, weights, strict=True)):
            height = min(most, self._height(part))
            box = QRectF(x, middle - height / 2, unit * weight, height)
            self._paint_part(painter, part, box)
            x = box.right()
            if number < len(weights) - 1:
                _paint_arrow(painter, QPointF(x + 4, middle), QPointF(x + _ARROW - 4, middle))
                x += _ARROW

    @staticmethod
    def _height(part: Part) -> float:
        line = QFontMetricsF(theme.font(theme.SMALL)).height() + 2
        return 2 * _PAD + _BAR + 8 + line * (3 + len(part.inside))

    def _paint_part(self, painter: QPainter, part: Part, box: QRectF) -> None:
        look = theme.current()
        painter.setPen(QPen(look.color("border"), 1))
        painter.setBrush(look.color("panel"))
        for behind in range(min(part.times - 1, _BEHIND), 0, -1):
            painter.drawRoundedRect(box.translated(3.0 * behind, -3.0 * behind), 6, 6)
        painter.drawRoundedRect(box, 6, 6)
        inside, y = box.adjusted(_PAD, _PAD, -_PAD, -_PAD), box.top() + _PAD
        y = _write(painter, inside, y, part.title + _times(part), bold=True)
        y = _write(painter, inside, y, part.detail)
        for inner in part.inside:
            y = _write(painter, inside, y, inner.title, count(inner.parameters))
        whole = parameters(self.drawing)
        if part.total and whole:
            _write(painter, inside, box.bottom() - _PAD - _BAR - 4 - _line(), f"{count(part.total)} parameters")
            bar = QRectF(inside.left(), box.bottom() - _PAD - _BAR + 2, inside.width(), _BAR)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(look.color("grid"))
            painter.drawRoundedRect(bar, 2, 2)
            painter.setBrush(look.color("accent"))
            painter.drawRoundedRect(QRectF(bar.topLeft(), bar.bottomLeft()).adjusted(
                0, 0, max(bar.width() * part.total / whole, 2.0), 0), 2, 2)  # fmt: skip


def count(number: int) -> str:
    """A number of parameters in a few letters.

    >>> [count(n) for n in (512, 8192, 196_608, 1_769_472)]
    ['512', '8.2k', '197k', '1.77M']
    """
    if number < 1000:
        return str(number)
    return f"{number / 1e6:.3g}M" if number >= 999_500 else f"{number / 1e3:.3g}k" if number >= 9950 else f"{number / 1e3:.2g}k"


def _times(part: Part) -> str:
    return f" × {part.times}" if part.times > 1 else ""


def _line() -> float:
    return QFontMetricsF(theme.font(theme.SMALL)).height() + 2


def _write(painter: QPainter, room: QRectF, y: float, words: str, right: str = "", *, bold: bool = False) -> float:
    """A line in a box, with a number at its right; gives the y below it."""
    look = theme.current()
    painter.setFont(theme.font(theme.SMALL, bold=bold, tabular=True))
    metrics = QFontMetricsF(painter.font())
    painter.setPen(look.color("text" if bold else "quiet"))
    wide = room.width() - (metrics.horizontalAdvance(right) + 6 if right else 0)
    painter.drawText(
        QPointF(room.left(), y + metrics.ascent()), metrics.elidedText(words, Qt.TextElideMode.ElideRight, wide)
    )
    if right:
        painter.drawText(QPointF(room.right() - metrics.horizontalAdvance(right), y + metrics.ascent()), right)
    return y + _line()


def _paint_arrow(painter: QPainter, start: QPointF, end: QPointF) -> None:
    look = theme.current()
    painter.setPen(QPen(look.color("quiet"), 1.4))
    painter.drawLine(start, end - QPointF(3, 0))
    painter.setBrush(look.color("quiet"))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.drawPolygon(QPolygonF([end, end + QPointF(-6, -3.5), end + QPointF(-6, 3.5)]))
