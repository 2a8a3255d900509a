"""A confusion matrix: which class is taken for which."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter

from genstudio.snapshots.confusion import Confusion
from genstudio.ui import theme
from genstudio.ui.views.picture_grid import picture
from genstudio.ui.views.pointed import PointedFigure, moved
from genstudio.ui.views.view import (
    CENTRE,
    LEFT,
    RIGHT,
    Lines,
    SnapshotFigure,
    Table,
    paint_empty,
    paint_title,
    write_quietly,
)

_TOP, _EDGE, _LEAST_TEXT, _LEAST_WIDE, _NAMES = 56.0, 12.0, 15.0, 22.0, 18.0
_PICTURE, _CAPTION, _GAP, _SHARED = 40.0, 15.0, 8.0, 0.66


class ConfusionView(SnapshotFigure[Confusion], PointedFigure[tuple[int, int]]):
    """A row for each true class, a column for each that was named; the darker, the larger its share of the row. What is right
    is on the diagonal, in another colour. Point at a cell, or use the arrow keys, for its numbers and its pictures, where there
    are some. Where the columns are something else, a share is that of the column, and its largest has the other colour."""

    def __init__(self, title: str = "Confusion", name: str = "confusion") -> None:
        super().__init__(title, name)

    def prepare(self, snapshot: Confusion) -> None:
        self.hover = None
        if snapshot.columns:
            self.setAccessibleDescription(f"{len(snapshot.columns)} units, of which the most frequent phone explains "
                                          f"{snapshot.accuracy:.1%}")  # fmt: skip
            return
        wrong = snapshot.counts.copy()
        np.fill_diagonal(wrong, 0)
        row, column = np.unravel_index(int(wrong.argmax()), wrong.shape)
        said = f"{snapshot.accuracy:.1%} right of {snapshot.counts.sum():,}"
        if wrong.any():
            said += f"; most often {snapshot.classes[int(row)]} is taken for {snapshot.classes[int(column)]}"
        self.setAccessibleDescription(said)

    def table(self) -> Table:
        if self.snapshot is None:
            return (), ()
        shown = self.snapshot
        return ("class", *self.columns), ((name, *row) for name, row in zip(shown.classes, shown.counts.tolist(), strict=True))

    @property
    def columns(self) -> tuple[str, ...]:
        """What the columns are called."""
        return () if self.snapshot is None else self.snapshot.columns or self.snapshot.classes

    def cell(self, row: int, column: int) -> QRectF:
        """Where a cell is drawn."""
        size = 1 if self.snapshot is None else len(self.snapshot.classes)
        left = self._names() + _EDGE
        beside = self.snapshot is not None and self.snapshot.pixels is not None
        width = (_SHARED if beside else 1.0) * self.width()
        if self.snapshot is not None and self.snapshot.columns:
            wide = max(2.0, min((width - left - _EDGE) / max(len(self.columns), 1), 44.0))
            tall = max(2.0, min((self.height() - _TOP - _EDGE - _NAMES) / size, 44.0))
            return QRectF(left + column * wide, _TOP + row * tall, wide, tall)
        side = max(2.0, min((width - left - _EDGE) / size, (self.height() - _TOP - _EDGE) / size, 44.0))
        return QRectF(left + column * side, _TOP + row * side, side, side)

    def paint_figure(self, painter: QPainter, area: QRectF) -> None:
        shown = self.snapshot
        note = ""
        if shown is not None:
            many = f"{shown.counts.sum():,}"
            right = f"of {many} frames explained by their unit" if shown.columns else f"right of {many}"
            note = f"step {shown.step:,}, {shown.accuracy:.1%} {right}"
        paint_title(painter, self.title, note, area)
        if shown is None:
            paint_empty(painter, area, "Waiting for the first evaluation")
            return
        write_quietly(painter)
        last = self.cell(0, len(shown.classes) - 1).right()
        what = "row: phone, column: unit, the share of the unit" if shown.columns else "row: true class, column: predicted class"
        says = painter.fontMetrics().elidedText(what, Qt.TextElideMode.ElideRight,
                                                int((last if shown.pixels is not None else area.right()) - _EDGE))  # fmt: skip
        painter.drawText(QPointF(_EDGE, 46), says)
        self._paint_pictures(painter, area)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        shares = shown.counts / np.maximum(shown.counts.sum(0 if shown.columns else 1, keepdims=True), 1)
        largest = shown.counts.argmax(0)
        look, metrics = theme.current(), QFontMetricsF(theme.font(theme.SMALL))
        for row, name in enumerate(shown.classes):
            place = self.cell(row, 0)
            painter.setPen(look.color("text"))
            if place.height() >= 11:
                text = metrics.elidedText(name, Qt.TextElideMode.ElideRight, self._names() - 4)
                painter.drawText(QRectF(_EDGE, place.top(), self._names() - 4, place.height()), RIGHT, text)
            for column in range(len(self.columns)):
                box = self.cell(row, column).adjusted(0.5, 0.5, -0.5, -0.5)
                hue = theme.BLUE if row == (largest[column] if shown.columns else column) else theme.ORANGE
                painter.fillRect(box, look.color("raised"))
                painter.fillRect(box, look.color(theme.visible(hue), min(1.0, 0.9 * float(shares[row, column]))))
                if shown.counts[row, column] and box.height() >= _LEAST_TEXT and box.width() >= _LEAST_WIDE * bool(shown.columns):
                    painter.setPen(look.color("text"))
                    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, str(shown.counts[row, column]))

        if shown.columns and self.cell(0, 0).width() >= _LEAST_WIDE:
            write_quietly(painter)
            for column, name in enumerate(shown.columns):
                foot = self.cell(len(shown.classes) - 1, column)
                painter.drawText(QRectF(foot.left() - 6, foot.bottom(), foot.width() + 12, _NAMES), CENTRE, name)

    def rest_on(self, mark: tuple[int, int] | None) -> None:
        if mark != self.hover:
            super().rest_on(mark)
            if self.snapshot is not None and self.snapshot.pixels is not None:
                self.redraw()

    def _paint_pictures(self, painter: QPainter, area: QRectF) -> None:
        """Beside the matrix, the pictures of the cell that is pointed at; without one, those that were named wrongly."""
        shown = self.snapshot
        if shown is None or shown.pixels is None or shown.cells is None:
            return
        left = self.cell(0, len(shown.classes) - 1).right() + 18
        columns = int((area.right() - _EDGE - left) // (_PICTURE + _GAP))
        rows = int((area.bottom() - _EDGE - _TOP) // (_PICTURE + _CAPTION + _GAP))
        if columns < 1 or rows < 1:
            return
        cells = shown.cells
        if self.hover is None:
            chosen, title = np.flatnonzero(cells[:, 0] != cells[:, 1]), "Mistakes"
        else:
            row, column = self.hover
            chosen = np.flatnonzero((cells == self.hover).all(1))
            title = f"true: {shown.classes[row]}, predicted: {shown.classes[column]}"
        write_quietly(painter)
        metrics = painter.fontMetrics()
        right = Qt.TextElideMode.ElideRight
        painter.drawText(QPointF(left, 46), metrics.elidedText(title, right, int(area.right() - _EDGE - left)))
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
        for number, index in enumerate(chosen[: columns * rows].tolist()):
            x = left + number % columns * (_PICTURE + _GAP)
            y = _TOP + number // columns * (_PICTURE + _CAPTION + _GAP)
            painter.drawImage(QRectF(x, y, _PICTURE, _PICTURE), picture(shown.pixels[index]))
            true, named = (shown.classes[place] for place in cells[index].tolist())
            words = metrics.elidedText(f"{true} → {named}" if true != named else true, right, int(_PICTURE + _GAP))
            painter.drawText(QRectF(x, y + _PICTURE, _PICTURE + _GAP, _CAPTION), LEFT, words)

    def mark_at(self, point: QPointF) -> tuple[int, int] | None:
        if self.snapshot is None:
            return None
        first, size, wide = self.cell(0, 0), len(self.snapshot.classes), len(self.columns)
        column, row = int((point.x() - first.left()) // first.width()), int((point.y() - first.top()) // first.height())
        return (row, column) if 0 <= row < size and 0 <= column < wide else None

    def beside(self, mark: tuple[int, int] | None, right: int, down: int) -> tuple[int, int] | None:
        if self.snapshot is None:
            return None
        size = len(self.snapshot.classes)
        return (0, 0) if mark is None else (moved(mark[0], down, size), moved(mark[1], right, len(self.columns)))

    def card(self, mark: tuple[int, int]) -> tuple[QPointF, Lines, str]:
        assert self.snapshot is not None
        row, column = mark
        counts, classes = self.snapshot.counts, self.snapshot.classes
        if self.snapshot.columns:
            whole = max(int(counts[:, column].sum()), 1)
            share: Lines = [(None, "phone", classes[row]), (None, "frames", f"{counts[row, column]:,} of {whole:,}"),
                            (None, "share", f"{counts[row, column] / whole:.1%}")]  # fmt: skip
            return self.cell(row, column).center(), share, f"unit {self.snapshot.columns[column]}"
        of = max(int(counts[row].sum()), 1)
        what = "texts" if self.snapshot.pixels is None else "pictures"
        lines: Lines = [(None, "named", classes[column]), (None, what, f"{counts[row, column]:,} of {of:,}"),
                        (None, "share", f"{counts[row, column] / of:.1%}")]  # fmt: skip
        return self.cell(row, column).center(), lines, f"true: {classes[row]}"

    def _names(self) -> float:
        """Pixels for the names of the classes."""
        if self.snapshot is None:
            return 0.0
        metrics = QFontMetricsF(theme.font(theme.SMALL))
        return min(max(metrics.horizontalAdvance(name) for name in self.snapshot.classes) + 8, 0.34 * self.width())
