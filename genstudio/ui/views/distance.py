"""How like each other positions are by their distance: the mean as a line, 5 to 95% of the pairs as a band."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen

from genstudio.events import Array
from genstudio.snapshots.layers import PositionCode
from genstudio.ui import theme
from genstudio.ui.views.chart import paint_scale, tick_text, ticks
from genstudio.ui.views.pointed import PointedFigure, moved
from genstudio.ui.views.view import CENTRE, Lines, SnapshotFigure, Table, paint_empty, paint_title, polyline


class DistanceView(SnapshotFigure[PositionCode], PointedFigure[int]):
    """Cosine of two positions against the number of tokens between them."""

    def __init__(self) -> None:
        super().__init__("Similarity by distance", "position_distance")

    def prepare(self, snapshot: PositionCode) -> None:
        self.hover = None

    def table(self) -> Table:
        if self.snapshot is None:
            return (), ()
        code = self.snapshot
        rows = zip(code.near.tolist(), code.low.tolist(), code.high.tolist(), strict=True)
        return ("distance", "mean", "5%", "95%"), ((i, *row) for i, row in enumerate(rows))

    def at(self, x: float) -> int:
        """The distance under a place of this widget, or -1."""
        plot = self._plot(QRectF(self.rect()))
        if self.snapshot is None or not len(self.snapshot.near) or not plot.left() <= x <= plot.right():
            return -1
        return round((x - plot.left()) / plot.width() * max(len(self.snapshot.near) - 1, 1))

    def paint_figure(self, painter: QPainter, area: QRectF) -> None:
        paint_title(painter, self.title, "mean cosine of two positions, band: 5 to 95%", area)
        code, look = self.snapshot, theme.current()
        if code is None or not len(code.near):
            paint_empty(painter, area, "There are no positions to compare")
            return
        plot = self._plot(area)
        self._paint_axes(painter, plot, len(code.near))
        x = plot.left() + np.arange(len(code.near)) / max(len(code.near) - 1, 1) * plot.width()
        mean, low, high = (self._y(plot, part) for part in (code.near, code.low, code.high))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        color = look.color(theme.visible(theme.BLUE))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(look.color(theme.visible(theme.BLUE), 0.2))
        painter.drawPolygon(polyline(np.concatenate([x, x[::-1]]), np.concatenate([low, high[::-1]])))
        painter.setPen(QPen(color, 1.8))
        painter.drawPolyline(polyline(x, mean))

    def mark_at(self, point: QPointF) -> int | None:
        distance = self.at(point.x())
        return distance if distance >= 0 else None

    def beside(self, mark: int | None, right: int, down: int) -> int | None:
        count = 0 if self.snapshot is None else len(self.snapshot.near)
        return None if not count else 0 if mark is None else moved(mark, right, count)

    def card(self, mark: int) -> tuple[QPointF, Lines, str]:
        assert self.snapshot is not None
        code, plot = self.snapshot, self._plot(QRectF(self.rect()))
        x = plot.left() + mark / max(len(code.near) - 1, 1) * plot.width()
        lines = [
            (None, "mean", f"{code.near[mark]:.3f}"),
            (None, "5 to 95%", f"{code.low[mark]:.3f} to {code.high[mark]:.3f}"),
        ]
        return QPointF(x, float(self._y(plot, code.near[mark]))), lines, f"distance {mark:,}"

    def _plot(self, area: QRectF) -> QRectF:
        return area.adjusted(44, 40, -20, -42)

    def _range(self) -> tuple[float, float]:
        assert self.snapshot is not None
        least = float(min(self.snapshot.low.min(), 0.0))
        return (-1.0 if least < -0.5 else -0.5 if least < -1e-6 else 0.0), 1.0

    def _y(self, plot: QRectF, values: ArrayLike) -> Array:
        low, high = self._range()
        return plot.bottom() - (np.asarray(values, np.float64) - low) / (high - low) * plot.height()

    def _paint_axes(self, painter: QPainter, plot: QRectF, count: int) -> None:
        paint_scale(painter, plot, *self._range())
        for value in ticks(0, max(count - 1, 1), max(2, int(plot.width() / 70))):
            if value != int(value):
                continue
            x = plot.left() + value / max(count - 1, 1) * plot.width()
            painter.drawText(QRectF(x - 30, plot.bottom() + 4, 60, 16), CENTRE, tick_text(value))
        painter.drawText(QRectF(plot.left(), plot.bottom() + 21, plot.width(), 16), CENTRE, "distance in tokens")
