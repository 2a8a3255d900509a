"""A confusion matrix: which class is taken for which."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter

from genstudio.snapshots.confusion import Confusion
from genstudio.ui import theme
from genstudio.ui.views.pointed import PointedFigure, moved
from genstudio.ui.views.view import LEFT, RIGHT, Lines, SnapshotFigure, Table, paint_empty, paint_title, write_quietly

_TOP, _EDGE, _LEAST_TEXT = 56.0, 12.0, 15.0


class ConfusionView(SnapshotFigure[Confusion], PointedFigure[tuple[int, int]]):
    """A row for each true class, a column for each that was named; the darker, the larger its share of the row. What is right
    is on the diagonal, in another colour. Point at a cell, or use the arrow keys, for its numbers."""

    def __init__(self, title: str = "Confusion", name: str = "confusion") -> None:
        super().__init__(title, name)

    def prepare(self, snapshot: Confusion) -> None:
        self.hover = None
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
        return ("class", *shown.classes), ((name, *row) for name, row in zip(shown.classes, shown.counts.tolist(), strict=True))

    def cell(self, row: int, column: int) -> QRectF:
        """Where a cell is drawn."""
        size = 1 if self.snapshot is None else len(self.snapshot.classes)
        left = self._names() + _EDGE
        side = max(2.0, min((self.width() - left - _EDGE) / size, (self.height() - _TOP - _EDGE) / size, 44.0))
        return QRectF(left + column * side, _TOP + row * side, side, side)

    def paint_figure(self, painter: QPainter, area: QRectF) -> None:
        shown = self.snapshot
        note = "" if shown is None else f"step {shown.step:,}, {shown.accuracy:.1%} right of {shown.counts.sum():,}"
        paint_title(painter, self.title, note, area)
        if shown is None:
            paint_empty(painter, area, "Appears with the first evaluation")
            return
        write_quietly(painter)
        painter.drawText(QPointF(_EDGE, 46), "true class")
        painter.drawText(QRectF(self.cell(0, 0).left(), 34, self.width(), 16), LEFT, "predicted class, in the same order")
        shares = shown.counts / np.maximum(shown.counts.sum(1, keepdims=True), 1)
        look, metrics = theme.current(), QFontMetricsF(theme.font(theme.SMALL))
        for row, name in enumerate(shown.classes):
            place = self.cell(row, 0)
            painter.setPen(look.color("text"))
            if place.height() >= 11:
                text = metrics.elidedText(name, Qt.TextElideMode.ElideRight, self._names() - 4)
                painter.drawText(QRectF(_EDGE, place.top(), self._names() - 4, place.height()), RIGHT, text)
            for column in range(len(shown.classes)):
                box = self.cell(row, column).adjusted(0.5, 0.5, -0.5, -0.5)
                hue = theme.BLUE if row == column else theme.ORANGE
                painter.fillRect(box, look.color("raised"))
                painter.fillRect(box, look.color(theme.visible(hue), min(1.0, 0.9 * float(shares[row, column]))))
                if shown.counts[row, column] and box.height() >= _LEAST_TEXT:
                    painter.setPen(look.color("text"))
                    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, str(shown.counts[row, column]))

    def mark_at(self, point: QPointF) -> tuple[int, int] | None:
        if self.snapshot is None:
            return None
        first, size = self.cell(0, 0), len(self.snapshot.classes)
        column, row = int((point.x() - first.left()) // first.width()), int((point.y() - first.top()) // first.height())
        return (row, column) if 0 <= row < size and 0 <= column < size else None

    def beside(self, mark: tuple[int, int] | None, right: int, down: int) -> tuple[int, int] | None:
        if self.snapshot is None:
            return None
        size = len(self.snapshot.classes)
        return (0, 0) if mark is None else (moved(mark[0], down, size), moved(mark[1], right, size))

    def card(self, mark: tuple[int, int]) -> tuple[QPointF, Lines, str]:
        assert self.snapshot is not None
        row, column = mark
        counts, classes = self.snapshot.counts, self.snapshot.classes
        of = max(int(counts[row].sum()), 1)
        lines: Lines = [(None, "named", classes[column]), (None, "texts", f"{counts[row, column]:,} of {of:,}"),
                        (None, "share", f"{counts[row, column] / of:.1%}")]  # fmt: skip
        return self.cell(row, column).center(), lines, f"true: {classes[row]}"

    def _names(self) -> float:
        """Pixels for the names of the classes."""
        if self.snapshot is None:
            return 0.0
        metrics = QFontMetricsF(theme.font(theme.SMALL))
        return min(max(metrics.horizontalAdvance(name) for name in self.snapshot.classes) + 8, 0.34 * self.width())
