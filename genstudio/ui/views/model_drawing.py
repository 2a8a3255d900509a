"""A drawing of a model that follows its settings: boxes from left to right, or from top to bottom where that is narrow, each
with its parameters, and with what it puts out once there is a model."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QImage, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from genstudio.families.drawing import Chain, Drawing, Part, parameters
from genstudio.snapshots.activity import Activity
from genstudio.ui import theme
from genstudio.ui.views.chart import value_text

_ARROW, _PAD, _BAR = 22.0, 8.0, 4.0
_WIDEST, _NARROWEST, _COLUMN = 190.0, 112, 300
"""Width of a box: the most and the least that its words have room in, beside each other, and below each other."""
_LARGEST = 1.6
"""Times the usual size that a drawing grows to where there is room."""
_DROP = 16.0
_BEHIND = 3
"""Boxes that are seen behind one which is there several times, at most."""
_STRIP, _STRIPS = 14.0, 16
"""Height of a row of outputs, and how many there are in a box at most."""


class ModelDrawing(QWidget):
    """Shows a drawing; nothing while there is none."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setAccessibleName("The model as it is set up")
        self.drawing: Drawing = ()
        self.activity: Activity | None = None
        self._rows: dict[str, list[int]] = {}
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        theme.changed.connect(self._recolour)

    def show_drawing(self, drawing: Drawing) -> None:
        """Draw this model instead."""
        if drawing != self.drawing:
            self.drawing = drawing
            said = (f"{part.title}{_times(part)}, {part.total:,} parameters" for chain in drawing for part in chain.parts)
            self.setAccessibleDescription("; ".join(said))
            self.update()

    def show_snapshot(self, activity: Activity | None) -> None:
        """Fill the boxes with what their modules put out; empty them with None."""
        self.activity = activity
        self._rows.clear()
        self.update()

    def rows(self, part: Part) -> list[int]:
        """The rows of the activity that belong to a part: the innermost modules, in the order in which they ran."""
        if self.activity is None or not part.module:
            return []
        if part.module not in self._rows:  # asked for several times in each painting
            names, below = self.activity.names, part.module + "."
            mine = [row for row, name in enumerate(names) if name == part.module or name.startswith(below)]
            inner = [row for row in mine if not any(names[other].startswith(names[row] + ".") for other in mine)]
            self._rows[part.module] = inner[:: -(-len(inner) // _STRIPS)] if inner else []
        return self._rows[part.module]

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
            if (lines := self._lines_below()) is not None:
                wide = self.width() / len(self.drawing)
                for column, chain in enumerate(self.drawing):
                    self._paint_down(painter, chain, QRectF(column * wide, 0, wide, self.height()), lines)
                return
            scale = self._scale()
            painter.scale(scale, scale)
            width, height = self.width() / scale, self.height() / scale / len(self.drawing)
            for row, chain in enumerate(self.drawing):
                self._paint_chain(painter, chain, QRectF(0, row * height, width, height))

    def _scale(self) -> float:
        """How much larger than usual it is drawn: on a large screen it is looked at from afar."""
        boxes = max(sum(self._weight(part) for part in chain.parts) for chain in self.drawing)
        arrows = max(len(chain.parts) - 1 for chain in self.drawing)
        wide = self.width() / (boxes * _WIDEST + arrows * _ARROW + 12)
        tall = max(self._height(part) for chain in self.drawing for part in chain.parts) + 3 * _line()
        return max(1.0, min(wide, self.height() / len(self.drawing) / tall, _LARGEST))

    def _lines_below(self) -> int | None:
        """How much is said in each box where they stand below each other: 0 its title, 1 its detail, 2 what is inside; None
        where they have room beside each other, or no room below."""
        if all(self._unit(chain, self.width()) >= theme.scaled(_NARROWEST) for chain in self.drawing):
            return None
        fit = (lines for lines in (2, 1, 0) if all(_tall(chain, lines) <= self.height() for chain in self.drawing))
        return next(fit, None)

    def _paint_down(self, painter: QPainter, chain: Chain, room: QRectF, lines: int) -> None:
        look, wide = theme.current(), min(room.width() - 20, float(theme.scaled(_COLUMN)))
        left, y, whole = room.center().x() - wide / 2, room.center().y() - _tall(chain, lines) / 2, parameters(self.drawing)
        if chain.title:
            painter.setFont(theme.font(theme.SMALL, bold=True))
            painter.setPen(look.color("quiet"))
            painter.drawText(QPointF(left, y + QFontMetricsF(painter.font()).ascent()), chain.title)
            y += _line() + 4
        for number, part in enumerate(chain.parts):
            box = QRectF(left, y, wide, _box(part, lines))
            painter.setPen(QPen(look.color("border"), 1))
            painter.setBrush(look.color("panel"))
            for behind in range(min(part.times - 1, _BEHIND), -1, -1):
                painter.drawRoundedRect(box.translated(3.0 * behind, -3.0 * behind), 6, 6)
            inside = box.adjusted(_PAD, 5, -_PAD, -5)
            at = _write(painter, inside, inside.top(), part.title + _times(part), count(part.total) * bool(part.total), bold=True)
            if lines > 0 and part.detail:
                at = _write(painter, inside, at, part.detail)
            for inner in part.inside if lines > 1 else ():
                at = _write(painter, inside, at, inner.title, count(inner.parameters))
            if part.total and whole:
                _paint_share(painter, QRectF(inside.left(), box.bottom() - 5 - _BAR, inside.width(), _BAR), part.total / whole)
            y = box.bottom()
            if number < len(chain.parts) - 1:
                _paint_arrow(painter, QPointF(box.center().x(), y + 2), QPointF(box.center().x(), y + _DROP - 2))
                y += _DROP

    def _paint_chain(self, painter: QPainter, chain: Chain, room: QRectF) -> None:
        look, small = theme.current(), QFontMetricsF(theme.font(theme.SMALL))
        weights = [self._weight(part) for part in chain.parts]
        unit = self._unit(chain, room.width())
        x = room.center().x() - (unit * sum(weights) + _ARROW * (len(weights) - 1)) / 2
        middle = room.center().y() + (small.height() / 2 if chain.title else 0)
        most = room.height() - (2 * small.height() if chain.title else 16)
        if chain.title:
            painter.setFont(theme.font(theme.SMALL, bold=True))
            painter.setPen(look.color("quiet"))
            beside = QFontMetricsF(painter.font()).horizontalAdvance(chain.title) > unit * weights[0]  # over further boxes
            tall = max(min(most, self._height(part)) for part in (chain.parts if beside else chain.parts[:1]))
            painter.drawText(QPointF(x, middle - tall / 2 - 6), chain.title)
        for number, (part, weight) in enumerate(zip(chain.parts, weights, strict=True)):
            height = min(most, self._height(part))
            box = QRectF(x, middle - height / 2, unit * weight, height)
            self._paint_part(painter, part, box)
            x = box.right()
            if number < len(weights) - 1:
                _paint_arrow(painter, QPointF(x + 4, middle), QPointF(x + _ARROW - 4, middle))
                x += _ARROW

    def _weight(self, part: Part) -> float:
        """How many boxes wide a part is: two where something is inside, or shown of it."""
        return 2.0 if part.inside or self.rows(part) else 1.0

    def _unit(self, chain: Chain, width: float) -> float:
        """Width of a box of weight 1, where all stand beside each other."""
        boxes = sum(self._weight(part) for part in chain.parts)
        return min((width - _ARROW * (len(chain.parts) - 1) - 12) / boxes, _WIDEST)

    def _height(self, part: Part) -> float:
        line = QFontMetricsF(theme.font(theme.SMALL)).height() + 2
        return 2 * _PAD + _BAR + 8 + line * (3 + len(part.inside)) + _STRIP * len(self.rows(part))

    def _paint_part(self, painter: QPainter, part: Part, box: QRectF) -> None:
        look = theme.current()
        painter.setPen(QPen(look.color("border"), 1))
        painter.setBrush(look.color("panel"))
        for behind in range(min(part.times - 1, _BEHIND), 0, -1):
            painter.drawRoundedRect(box.translated(3.0 * behind, -3.0 * behind), 6, 6)
        painter.drawRoundedRect(box, 6, 6)
        inside, y = box.adjusted(_PAD, _PAD, -_PAD, -_PAD), box.top() + _PAD
        y = _write(painter, inside, y, part.title + _times(part), bold=True)
        whole = parameters(self.drawing)
        counted = bool(part.total and whole)
        foot = box.bottom() - _PAD - _BAR - 4 - _line() if counted else box.bottom() - _line()
        said = counted and y <= foot + 2  # in a low box what it costs goes before what it is made of
        if y + _line() * said <= foot + 2:
            y = _write(painter, inside, y, part.detail)
        for inner in part.inside:
            if y + 2 * _line() + _BAR + 4 > inside.bottom() + 2:
                break  # the box is lower than it would like to be
            y = _write(painter, inside, y, inner.title, count(inner.parameters))
        rows = self.rows(part)
        for number, row in enumerate(rows, 1):
            if y + _STRIP + _line() + _BAR + 4 > inside.bottom() + 2:
                break
            y = self._paint_outputs(painter, row, self._word(rows, row, number), inside, y)
        if said:
            _write(painter, inside, foot, _parameters(part.total, inside.width()))
        if counted:
            bar = QRectF(inside.left(), box.bottom() - _PAD - _BAR + 2, inside.width(), _BAR)
            _paint_share(painter, bar, part.total / whole)


    def _word(self, rows: list[int], row: int, number: int) -> str:
        """What a row is called: its number among equals, else what kind of module it is."""
        assert self.activity is not None
        kinds = {self.activity.kinds[one] for one in rows}
        return "" if len(rows) == 1 else str(number) if len(kinds) == 1 else self.activity.kinds[row]

    def _paint_outputs(self, painter: QPainter, row: int, word: str, room: QRectF, y: float) -> float:
        """A module's numbers as colours, from minus to plus three times their root mean square, which is written beside them;
        gives the y below."""
        assert self.activity is not None
        size, rms = int(self.activity.sizes[row]), float(self.activity.rms[row])
        painter.setFont(theme.font(theme.SMALL, tabular=True))
        metrics = QFontMetricsF(painter.font())
        named = room.width() * (0.34 if len(word) > 2 else 0.08) if word else 0.0
        wide = max(room.width() - named - metrics.horizontalAdvance("0.0000") - 6, 8.0)
        most = 3 * rms if rms > 0 and math.isfinite(rms) else 1.0
        colours = np.ascontiguousarray(theme.mapped(self.activity.values[row : row + 1, :size], -most, most, theme.DIVERGING))
        image = QImage(colours.data, size, 1, 3 * size, QImage.Format.Format_RGB888)
        painter.drawImage(QRectF(room.left() + named, y + 2, wide, _STRIP - 4), image)
        painter.setPen(theme.current().color("quiet"))
        base = y + _STRIP / 2 + metrics.capHeight() / 2
        painter.drawText(QPointF(room.left(), base), metrics.elidedText(word, Qt.TextElideMode.ElideRight, max(named - 4, 0)))
        painter.drawText(QPointF(room.left() + named + wide + 6, base), value_text(rms))
        return y + _STRIP


def _box(part: Part, lines: int) -> float:
    """Height of a box that says so much."""
    rows = 1 + (lines > 0 and bool(part.detail)) + (len(part.inside) if lines > 1 else 0)
    return 10 + rows * _line() + (_BAR + 3) * bool(part.total)


def _tall(chain: Chain, lines: int) -> float:
    """Height of boxes below each other that say so much."""
    title = _line() + 4 if chain.title else 0
    return title + sum(_box(part, lines) for part in chain.parts) + _DROP * (len(chain.parts) - 1) + 12


def _paint_share(painter: QPainter, bar: QRectF, share: float) -> None:
    look = theme.current()
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(look.color("grid"))
    painter.drawRoundedRect(bar, 2, 2)
    painter.setBrush(look.color("accent"))
    painter.drawRoundedRect(QRectF(bar.left(), bar.top(), max(bar.width() * share, 2.0), bar.height()), 2, 2)


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


def _parameters(number: int, wide: float) -> str:
    """So many parameters, in words that fit into so many pixels."""
    metrics, said = QFontMetricsF(theme.font(theme.SMALL, tabular=True)), count(number)
    return next((text for text in (f"{said} parameters", f"{said} param.") if metrics.horizontalAdvance(text) <= wide), said)


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
    """From left to right, or downwards."""
    look, down = theme.current(), end.x() == start.x()

    def back(along: float, across: float) -> QPointF:
        return end - (QPointF(across, along) if down else QPointF(along, across))

    painter.setPen(QPen(look.color("quiet"), 1.4))
    painter.drawLine(start, back(3, 0))
    painter.setBrush(look.color("quiet"))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.drawPolygon(QPolygonF([end, back(6, -3.5), back(6, 3.5)]))
