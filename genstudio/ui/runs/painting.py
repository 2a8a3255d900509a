"""How a row of the list of runs is painted: its curve or its pictures before its name, its result over a bar."""

from __future__ import annotations

import functools
import math
from collections import OrderedDict
from typing import Any

import numpy as np
from PySide6.QtCore import QModelIndex, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFont, QFontMetrics, QImage, QPainter, QPen, QPixmap
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from genstudio.events import Array
from genstudio.families.dashboard import Standing
from genstudio.runs import RunInfo
from genstudio.tasks.runs import Glance
from genstudio.ui import theme
from genstudio.ui.runs.model import RIGHT, Column, Index, Sifted
from genstudio.ui.runs.wording import measured
from genstudio.ui.views.chart import value_text
from genstudio.ui.views.picture_grid import strip_pixels
from genstudio.ui.views.view import polyline

HEIGHT = 46
_GLANCE = QSize(64, 34)
_PAD = 8
_ROWS, _COLUMNS = 2, 4
_CELLS = 600
"""Pictures of cells that are kept: some 20 pages of 1280 x 720, or 15 MB."""
_SELECTED, _OVER, _FOCUS = (
    flag.value
    for flag in (QStyle.StateFlag.State_Selected, QStyle.StateFlag.State_MouseOver, QStyle.StateFlag.State_HasFocus)
)
"""As numbers: a page has a hundred cells, and hashing and combining Qt's flags is done in Python."""
_ENDS = {"running": "accent", "running elsewhere": "accent", "damaged": "error", "newer": "warning"}


class RunPainter(QStyledItemDelegate):
    """Paints the cells of the list of runs, each once for as long as it stays as it is: typing in the search moves rows, and
    painting the text and curves of a page of them again would hold up the window."""

    def __init__(self, shown: Sifted, parent: QWidget) -> None:
        super().__init__(parent)
        self._shown, self._model = shown, shown.all_runs
        self._pictures: OrderedDict[int, QImage] = OrderedDict()
        self._cells: OrderedDict[tuple[Any, ...], QPixmap] = OrderedDict()
        self._model.modelReset.connect(self._cells.clear)
        self._model.dataChanged.connect(self._changed)
        theme.changed.connect(self._recolour)

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(super().sizeHint(option, index).width(), HEIGHT)

    def setEditorData(self, editor: QWidget, index: Index) -> None:
        """Fill the field once: Qt fills it again whenever something of its run is read, over what a person has typed by then."""
        if not editor.property("filled"):
            editor.setProperty("filled", True)
            super().setEditorData(editor, index)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        area, ratio = option.rect, painter.device().devicePixelRatioF()
        state = option.state.value & (_SELECTED | _OVER | _FOCUS)
        row, column = self._shown.source_row(index.row()), index.column()
        key = row, column, area.width(), area.height(), state, ratio
        cell = self._cells.get(key)
        if cell is None:
            cell = self._cells[key] = self._cell(area.size(), ratio, row, Column(column), state)
            while len(self._cells) > _CELLS:
                self._cells.popitem(last=False)
        painter.drawPixmap(area.topLeft(), cell)

    def _cell(self, size: QSize, ratio: float, row: int, column: Column, state: int) -> QPixmap:
        cell = QPixmap(size * ratio)
        cell.setDevicePixelRatio(ratio)
        info, words = self._model.runs[row], self._model.cell(row, column)
        look = theme.current()
        cell.fill(look.color(_back(state)))
        with QPainter(cell) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            area = QRectF(0, 0, size.width(), size.height()).adjusted(_PAD, 0, -_PAD, 0)
            if column == Column.NAME:
                self._name(painter, area, info, str(words))
            elif column == Column.RESULT and (found := self._model.standing(info)) is not None:
                paint_standing(painter, area, found)
            else:  # the style sheet takes five times as long to paint a cell
                painter.setFont(_font())
                _line(painter, area, str(words or ""), "text", area.center().y() + 4, right=column in RIGHT)
            if state & _FOCUS:
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.setPen(QPen(look.color("accent"), 1.5))
                painter.drawRoundedRect(QRectF(1, 1, size.width() - 2, size.height() - 2), 3, 3)
        return cell

    def _changed(self, first: QModelIndex, last: QModelIndex) -> None:
        rows = range(first.row(), last.row() + 1)
        for key in [key for key in self._cells if key[0] in rows]:
            del self._cells[key]

    def _name(self, painter: QPainter, area: QRectF, info: RunInfo, name: str) -> None:
        box = QRectF(area.left(), area.center().y() - _GLANCE.height() / 2, _GLANCE.width(), _GLANCE.height())
        glance = self._model.glance(info)
        if glance is not None and glance.pictures is not None:
            painter.drawImage(box, self._sheet(glance, painter.device().devicePixelRatioF()))
        elif glance is not None:
            paint_curve(painter, box.adjusted(0, 2, 0, -2), glance.curve)
        area = area.adjusted(_GLANCE.width() + 10, 0, 0, 0)
        painter.setFont(_font(bold=True))
        _line(painter, area, name, "text", area.center().y() - 3)
        painter.setFont(_font(theme.SMALL))
        says = info.reason or info.notes.partition("\n")[0]
        _line(painter, area, " · ".join(filter(None, (info.state, says))), _ENDS.get(info.state, "quiet"), area.center().y() + 14)

    def _sheet(self, glance: Glance, ratio: float) -> QImage:
        """The newest pictures in a few rows, drawn once."""
        if (found := self._pictures.get(id(glance))) is not None and found.devicePixelRatio() == ratio:
            return found
        assert glance.pictures is not None
        cell = round(_GLANCE.height() / _ROWS * ratio)
        back = theme.current().color("panel").rgb()
        rows = [
            strip_pixels(glance.pictures[row * _COLUMNS : (row + 1) * _COLUMNS], cell - 1, cell, _COLUMNS, back)
            for row in range(_ROWS)
        ]
        canvas = np.ascontiguousarray(np.concatenate(rows))
        image = QImage(canvas.data, canvas.shape[1], len(canvas), canvas.strides[0], QImage.Format.Format_RGB32).copy()
        image.setDevicePixelRatio(ratio)
        self._pictures[id(glance)] = image
        while len(self._pictures) > 200:
            self._pictures.popitem(last=False)
        return image

    def _recolour(self, _theme: object) -> None:
        self._pictures.clear()
        self._cells.clear()


def _back(state: int) -> str:
    if state & _SELECTED:
        return "accent_soft"
    return "raised" if state & _OVER else "panel"


def paint_curve(painter: QPainter, box: QRectF, points: Array) -> None:
    """Points (n, 2) from 0 to 1 as a thin line in a box."""
    if len(points) < 2:
        return
    painter.setPen(QPen(theme.current().color(theme.visible(theme.BLUE)), 1.4))
    painter.drawPolyline(polyline(box.left() + points[:, 0] * box.width(), box.bottom() - points[:, 1] * box.height()))


def paint_standing(painter: QPainter, area: QRectF, found: Standing) -> None:
    """A result in words over a bar: the line is the reference that is hardest to beat, the filled part the result."""
    look, middle = theme.current(), area.center().y()
    painter.setFont(_font(tabular=True))
    nearest = found.nearest
    _line(painter, area, measured(found), "text", middle - 3 if nearest else middle + 4)
    if nearest is None or not found.measure.better:
        return
    words, value = nearest
    share, mark = shares(found)
    bar = QRectF(area.left(), middle + 7, min(56.0, area.width() / 3), 5)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(look.color("raised" if not look.dark else "line"))
    painter.drawRoundedRect(bar, 2.5, 2.5)
    beats = found.value > value if found.measure.better == "higher" else found.value < value
    painter.setBrush(look.color(theme.visible(theme.GREEN if beats else theme.ORANGE)))
    painter.drawRoundedRect(QRectF(bar.left(), bar.top(), bar.width() * share, bar.height()), 2.5, 2.5)
    painter.setPen(QPen(look.color("text"), 1.5))
    x = bar.left() + bar.width() * mark
    painter.drawLine(QPointF(x, bar.top() - 2), QPointF(x, bar.bottom() + 2))
    painter.setFont(_font(theme.SMALL, tabular=True))
    _line(painter, area.adjusted(bar.width() + 8, 0, 0, 0), f"{words} {value_text(value)}", "quiet", middle + 14)


def shares(found: Standing) -> tuple[float, float]:
    """How far a bar is filled, and where the mark of the hardest reference is in it, both from 0 to 1.

    From the weakest reference, or from nothing where there is one, to a quarter beyond the hardest.
    """
    if not found.references or not math.isfinite(found.value):
        return 0.0, 0.8
    hard = found.references[-1][1]
    weak = found.references[0][1] if len(found.references) > 1 else (2 * hard if found.measure.better == "lower" else 0.0)
    if weak == hard or not (math.isfinite(weak) and math.isfinite(hard)):
        return (1.0 if found.good >= (hard if found.measure.better == "higher" else -hard) else 0.5), 0.8
    return min(max(0.8 * (found.value - weak) / (hard - weak), 0.02), 1.0), 0.8


def _font(size: int = theme.NORMAL, *, bold: bool = False, tabular: bool = False) -> QFont:
    return _made_font(theme.zoom(), size, bold, tabular)


@functools.lru_cache(maxsize=64)
def _made_font(_zoom: float, size: int, bold: bool, tabular: bool) -> QFont:
    return theme.font(size, bold=bold, tabular=tabular)


def _line(painter: QPainter, area: QRectF, text: str, role: str, baseline: float, *, right: bool = False) -> None:
    if not text:
        return
    painter.setPen(theme.current().color(role))
    short, used = _fitting(text, max(int(area.width()), 0), painter.font().key())
    painter.drawText(QPointF(area.right() - used if right else area.left(), baseline), short)


@functools.lru_cache(maxsize=4096)
def _fitting(text: str, width: int, font: str) -> tuple[str, int]:
    """A text cut to a width in pixels, and how wide it is then: measuring it takes longer than drawing it."""
    used = QFont()
    used.fromString(font)
    metrics = QFontMetrics(used)
    short = metrics.elidedText(text, Qt.TextElideMode.ElideRight, width)
    return short, metrics.horizontalAdvance(short)
