"""Matrices as colours: blue-white-orange around zero for signed values, viridis for magnitudes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QBrush, QColor, QFontMetricsF, QImage, QPainter, QPen

from genstudio.events import Array
from genstudio.ui import theme
from genstudio.ui.views.chart import value_text
from genstudio.ui.views.pointed import PointedFigure, moved
from genstudio.ui.views.view import (
    CENTRE,
    LEFT,
    NO_TEXT,
    RIGHT,
    Lines,
    Table,
    paint_empty,
    paint_title,
    token_text,
    write_quietly,
)

Kind = Literal["signed", "share", "magnitude"]

_BAR = 10.0
_NOTHING, _PLAIN = 0.005, 0.1
"""What two figures after the point do not show, and the size of other numbers from which on that is shown as 0."""


@dataclass(frozen=True, slots=True, eq=False)
class Matrix:
    """Values (rows, columns) with the names of rows and columns, or () where their numbers from 1 are the names.

    NaN is what a mask forbids. `signed` values are shown around 0, a `share` from 0 to 1 by its square root, a
    `magnitude` from 0 to the largest.
    """

    values: Array
    rows: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    kind: Kind = "signed"

    def row(self, index: int) -> str:
        return token_text(self.rows[index]) if self.rows else str(index + 1)

    def column(self, index: int) -> str:
        return token_text(self.columns[index]) if self.columns else str(index + 1)


def largest(matrix: Matrix) -> float:
    """The value that has the last colour: 1 for shares, else the largest magnitude there is."""
    if matrix.kind == "share":
        return 1.0
    finite = matrix.values[np.isfinite(matrix.values)]
    return float(np.abs(finite).max()) if finite.size and np.abs(finite).max() > 0 else 1.0


def shrunk(values: Array, rows: int, columns: int) -> Array:
    """At most `rows` x `columns`: of each patch the value with the largest magnitude, so that nothing large is lost."""
    for axis, most in ((0, rows), (1, columns)):
        size = values.shape[axis]
        step = -(-size // max(most, 1))
        if step > 1:
            starts = np.arange(0, size, step)
            high = np.fmax.reduceat(values, starts, axis=axis)
            low = np.fmin.reduceat(values, starts, axis=axis)
            values = np.where(-low > high, low, high)
    return values


def heat_image(values: Array, kind: Kind, limit: float) -> QImage:
    """One pixel for each value (rows, columns); what is NaN is transparent."""
    shown = np.sqrt(np.clip(values, 0, 1)) if kind == "share" else values
    if kind == "signed":
        colors = theme.mapped(shown, -limit, limit, theme.DIVERGING)
    else:
        colors = theme.mapped(shown, 0.0, limit)
    pixels = np.empty((*values.shape, 4), np.uint8)
    pixels[..., 2::-1] = colors
    pixels[..., 3] = np.where(np.isnan(values), 0, 255)
    height, width = values.shape
    return QImage(pixels.data, width, height, 4 * width, QImage.Format.Format_ARGB32).copy()


def paint_heat(painter: QPainter, box: QRectF, matrix: Matrix, limit: float | None = None) -> None:
    """The matrix into the box, hatched where it is masked, with a thin frame."""
    look = theme.current()
    values = np.asarray(matrix.values, np.float32)
    if values.size:
        painter.fillRect(box, look.color("raised"))
        if np.isnan(values).any():
            painter.fillRect(box, QBrush(look.color("border"), Qt.BrushStyle.BDiagPattern))
        ratio = painter.device().devicePixelRatioF()
        values = shrunk(values, max(1, int(box.height() * ratio)), max(1, int(box.width() * ratio)))
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
        painter.drawImage(box, heat_image(values, matrix.kind, largest(matrix) if limit is None else limit))
    painter.setPen(QPen(look.color("border"), 1))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRect(box)


class MatrixView(PointedFigure[tuple[int, int]]):
    """A matrix large, with names on both sides and the number of each cell on hover, and in the cell where it fits.

    `pointed(row, column)` follows the pointer and the arrow keys; -1 for none.
    """

    pointed = Signal(int, int)

    def __init__(self, title: str, name: str) -> None:
        super().__init__(title, name)
        self.matrix: Matrix | None = None
        self.note = ""
        self.empty = NO_TEXT
        self._box = QRectF()

    def show_matrix(self, matrix: Matrix | None, title: str = "", note: str = "") -> None:
        """Replace what is shown; None for nothing."""
        self.matrix, self.note, self.hover = matrix, note, None
        if title:
            self.title = title
        if matrix is not None:
            rows, columns = matrix.values.shape
            self.setAccessibleDescription(f"{self.title}: {rows} rows, {columns} columns. {note}")
        self.redraw()

    def table(self) -> Table:
        if self.matrix is None:
            return (), ()
        shown = self.matrix
        header = ["", *(shown.column(i) for i in range(shown.values.shape[1]))]
        return header, ([shown.row(i), *row.tolist()] for i, row in enumerate(shown.values))

    def describe(self, row: int, column: int) -> str:
        """The number of a cell, in words."""
        if self.matrix is None:
            return ""
        value = float(self.matrix.values[row, column])
        return "masked" if np.isnan(value) else value_text(value)

    def cell_at(self, at: QPointF) -> tuple[int, int] | None:
        """Row and column under a point of this widget."""
        if self.matrix is None or not self._box.contains(at) or not self.matrix.values.size:
            return None
        rows, columns = self.matrix.values.shape
        row = min(int((at.y() - self._box.top()) / self._box.height() * rows), rows - 1)
        return row, min(int((at.x() - self._box.left()) / self._box.width() * columns), columns - 1)

    def cell(self, row: int, column: int) -> QRectF:
        """Where a cell is drawn."""
        if self.matrix is None:
            return QRectF()
        rows, columns = self.matrix.values.shape
        wide, high = self._box.width() / columns, self._box.height() / rows
        return QRectF(self._box.left() + column * wide, self._box.top() + row * high, wide, high)

    def paint_figure(self, painter: QPainter, area: QRectF) -> None:
        paint_title(painter, self.title, self.note, area)
        if self.matrix is None or not self.matrix.values.size:
            paint_empty(painter, area, self.empty)
            self._box = QRectF()
            return
        painter.setFont(theme.mono(theme.SMALL))
        self._place(area, QFontMetricsF(painter.font()))
        paint_heat(painter, self._box, self.matrix)
        painter.setFont(theme.mono(theme.SMALL))
        self._paint_names(painter)
        self._paint_numbers(painter)
        self._paint_bar(painter)

    def _place(self, area: QRectF, metrics: QFontMetricsF) -> None:
        assert self.matrix is not None
        rows, columns = self.matrix.values.shape
        names = max(metrics.horizontalAdvance(self._short(self.matrix.row(i), metrics)) for i in _some(rows))
        above = max(metrics.horizontalAdvance(self._short(self.matrix.column(i), metrics)) for i in _some(columns))
        self._upright = above <= (area.width() - names - 90) / columns
        top = metrics.height() + 4 if self._upright or not self.matrix.columns else above + 8
        room = area.adjusted(names + 18, 34 + top, -68, -10)
        wide = min(room.width(), columns * 72.0)
        high = min(room.height(), rows * 40.0)
        if self.matrix.kind == "share" and rows == columns:
            wide = high = min(wide, high)
        self._box = QRectF(room.left(), room.top(), max(wide, 8.0), max(high, 8.0))

    def _short(self, text: str, metrics: QFontMetricsF) -> str:
        return metrics.elidedText(text, Qt.TextElideMode.ElideRight, 72)

    def _paint_names(self, painter: QPainter) -> None:
        assert self.matrix is not None
        painter.setPen(theme.current().color("quiet"))
        metrics = QFontMetricsF(painter.font())
        rows, columns = self.matrix.values.shape
        every = max(1, -int(-metrics.height() // self.cell(0, 0).height()))
        for row in range(0, rows, every):
            box = self.cell(row, 0)
            at = QRectF(0, box.center().y() - 9, box.left() - 6, 18)
            painter.drawText(at, RIGHT, self._short(self.matrix.row(row), metrics))
        wide = self.cell(0, 0).width()
        upright = self._upright or not self.matrix.columns
        need = metrics.height() - 2
        if upright:
            need = 8 + max(metrics.horizontalAdvance(self.matrix.column(i)) for i in _some(columns))
        every = max(1, -int(-need // wide))
        for column in range(0, columns, every):
            middle, name = self.cell(0, column).center().x(), self._short(self.matrix.column(column), metrics)
            if upright:
                painter.drawText(QRectF(middle - 40, self._box.top() - metrics.height() - 2, 80, metrics.height()), CENTRE, name)
                continue
            painter.save()
            painter.translate(middle, self._box.top() - 4)
            painter.rotate(-90)
            painter.drawText(QRectF(0, -9, 90, 18), LEFT, name)
            painter.restore()

    def _paint_numbers(self, painter: QPainter) -> None:
        """Each number in its cell, where there is room for all of them."""
        assert self.matrix is not None
        first = self.cell(0, 0)
        if first.width() < 38 or first.height() < 15:
            return
        painter.setFont(theme.font(11, tabular=True))
        limit = largest(self.matrix)
        for row, values in enumerate(self.matrix.values):
            for column, value in enumerate(values):
                if np.isnan(value):
                    continue
                painter.setPen(QColor(ink(float(value), self.matrix.kind, limit)))
                painter.drawText(self.cell(row, column), CENTRE, cell_text(float(value), limit))

    def _paint_bar(self, painter: QPainter) -> None:
        assert self.matrix is not None
        limit = largest(self.matrix)
        bar = QRectF(self._box.right() + 12, self._box.top(), _BAR, min(max(self._box.height(), 56.0), 140.0))
        signed = self.matrix.kind == "signed"
        ramp = np.linspace(limit, -limit if signed else 0, 64)[:, None]
        kind: Kind = "signed" if signed else "magnitude"
        painter.drawImage(bar, heat_image(ramp, kind, limit))
        write_quietly(painter)
        marks = [(limit, 0.0), (0.0, 0.5), (-limit, 1.0)] if signed else [(limit, 0.0), (0.0, 1.0)]
        if self.matrix.kind == "share":
            marks = [(1.0, 0.0), (0.25, 0.5), (0.0, 1.0)]
        for value, share in marks:
            text = value_text(float(f"{value:.2g}"))
            painter.drawText(QPointF(bar.right() + 5, bar.top() + 4 + share * bar.height()), text)

    def paint_hover(self, painter: QPainter) -> None:
        if self.hover is not None:
            painter.setPen(QPen(theme.current().color("text"), 1.5))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(self.cell(*self.hover))
        super().paint_hover(painter)

    def mark_at(self, point: QPointF) -> tuple[int, int] | None:
        return self.cell_at(point)

    def beside(self, mark: tuple[int, int] | None, right: int, down: int) -> tuple[int, int] | None:
        if self.matrix is None or not self.matrix.values.size or mark is None:
            return (0, 0) if self.matrix is not None and self.matrix.values.size else None
        rows, columns = self.matrix.values.shape
        return moved(mark[0], down, rows), moved(mark[1], right, columns)

    def card(self, mark: tuple[int, int]) -> tuple[QPointF, Lines, str]:
        assert self.matrix is not None
        names = self.matrix.row(mark[0]), self.matrix.column(mark[1])
        return self.cell(*mark).center(), [(None, names[0], ""), (None, names[1], self.describe(*mark))], ""

    def rest_on(self, mark: tuple[int, int] | None) -> None:
        if mark != self.hover:
            self.pointed.emit(*(mark or (-1, -1)))
        super().rest_on(mark)


def cell_text(value: float, largest: float = 0.0) -> str:
    """A number in few letters: two figures after the point, less where it is long. Beside others of which the `largest` is as
    large as this, one that two figures do not show is 0.

    >>> [cell_text(value) for value in (0.513, -12.34, 0.0021)], cell_text(-0.0021, 0.9)
    (['0.51', '-12.3', '2e-3'], '0.00')
    """
    size = abs(value)
    if largest >= _PLAIN and size < _NOTHING:
        return "0.00"
    if size and (size >= 10_000 or size < _NOTHING):
        return f"{value:.0e}".replace("e-0", "e-").replace("e+0", "e")
    return f"{value:.2f}" if size < 10 else f"{value:.1f}" if size < 100 else f"{value:.0f}"


def ink(value: float, kind: Kind, limit: float) -> str:
    """Black or white, whichever can be read on the colour of a value."""
    share = np.array([[max(value, 0.0) ** 0.5 if kind == "share" else value]])
    colors = theme.mapped(share, -limit, limit, theme.DIVERGING) if kind == "signed" else theme.mapped(share, 0, limit)
    back = "#" + "".join(f"{int(part):02X}" for part in colors[0, 0])
    return "#10141A" if theme.contrast(back, "#10141A") >= theme.contrast(back, "#FFFFFF") else "#FFFFFF"


def _some(count: int) -> range:
    """Up to a few hundred indexes, evenly spaced."""
    return range(0, count, max(1, count // 200))
