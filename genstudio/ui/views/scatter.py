"""Points in the plane: each as a dot, or how dense they lie; with the centres they were drawn around."""

from __future__ import annotations

from typing import Literal

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QImage, QKeyEvent, QMouseEvent, QPainter, QPen, QWheelEvent

from genstudio.events import Array
from genstudio.ui import theme
from genstudio.ui.views.chart import tick_text, ticks
from genstudio.ui.views.picture_grid import packed
from genstudio.ui.views.view import Figure, Table, bubble, polyline, write_quietly

MOST_DOTS = 20_000
_CELLS = 128


class ScatterView(Figure):
    """`show_points(points (n, 2), centres (k, 2) | None, sigma)`. Wheel zooms, drag moves, double click shows all."""

    moved = Signal()

    def __init__(self, title: str = "Points", name: str = "scatter") -> None:
        super().__init__(title, name)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.mode: Literal["points", "density"] = "points"
        self._points: Array = np.empty((0, 2), np.float32)
        self._centres: Array | None = None
        self._sigma: float | None = None
        self._middle, self._half = np.zeros(2), 1.0
        self._marked: int | None = None
        self._hover: QPointF | None = None
        self._grabbed: tuple[QPointF, Array] | None = None

    def show_points(self, points: Array, centres: Array | None = None, sigma: float | None = None) -> None:
        self._points, self._centres, self._sigma, self._marked = points, centres, sigma, None
        self.setAccessibleDescription(
            f"{len(points):,} points" + (f", {len(centres)} centres" if centres is not None else "")
        )
        self.reset_zoom()

    def set_mode(self, mode: Literal["points", "density"]) -> None:
        self.mode = mode
        self.redraw()

    def mark(self, index: int) -> None:
        """Put a ring around a point, in a view of all of them."""
        if 0 <= index < len(self._points):
            self._marked = index
            self.setAccessibleDescription(f"point {index + 1:,} is marked")
            self.reset_zoom()

    def reset_zoom(self) -> None:
        if len(self._points):
            low, high = self._points.min(0).astype(np.float64), self._points.max(0).astype(np.float64)
            self._middle, self._half = (low + high) / 2, max(float((high - low).max()) / 2 * 1.08, 1e-9)
        self.redraw()

    def table(self) -> Table:
        return ("x", "y"), self._points.tolist()

    def place(self, at: QPointF, area: QRectF | None = None) -> Array:
        """(x, y) of a point on the screen."""
        plot = self._plot(area or QRectF(self.rect()))
        return np.array([
            self._middle[0] + (at.x() - plot.center().x()) / self._scale(plot),
            self._middle[1] - (at.y() - plot.center().y()) / self._scale(plot),
        ])  # fmt: skip

    def pixels(self, points: Array, area: QRectF | None = None) -> Array:
        """Points (n, 2) as pixels (n, 2)."""
        plot = self._plot(area or QRectF(self.rect()))
        shifted = (np.asarray(points, np.float64) - self._middle) * self._scale(plot)
        return np.stack([plot.center().x() + shifted[:, 0], plot.center().y() - shifted[:, 1]], 1)

    def shown(self) -> Array:
        """The points that are drawn as dots: all, or an even choice of them."""
        step = max(1, -(-len(self._points) // MOST_DOTS))
        return self._points[::step]

    def paint_figure(self, painter: QPainter, area: QRectF) -> None:
        look, plot = theme.current(), self._plot(area)
        self._axes(painter, plot)
        painter.save()
        painter.setClipRect(plot)
        if self.mode == "density":
            self._density(painter, plot)
        else:
            at = self.pixels(self.shown(), area)
            color = look.color(theme.visible(theme.BLUE), 0.75 if len(at) < 5_000 else 0.4)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(color, 3.5 if len(at) < 5_000 else 2.5, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
            painter.drawPoints(polyline(at[:, 0], at[:, 1]))
        self._paint_centres(painter, area, plot)
        if self._marked is not None:
            self._paint_mark(painter, area, self._marked)
        painter.restore()
        if self.mode == "points" and len(self.shown()) < len(self._points):
            write_quietly(painter)
            painter.drawText(
                QPointF(plot.left() + 8, plot.top() + 16), f"{len(self.shown()):,} of {len(self._points):,} points"
            )

    def _density(self, painter: QPainter, plot: QRectF) -> None:
        wide = _CELLS * plot.width() / max(plot.height(), 1)
        low, high = self.place(plot.bottomLeft()), self.place(plot.topRight())
        counts, _, _ = np.histogram2d(
            self._points[:, 1], self._points[:, 0], (_CELLS, max(8, int(wide))), [(low[1], high[1]), (low[0], high[0])]
        )
        colors = packed(theme.mapped(np.sqrt(counts[::-1]), 0.0, float(np.sqrt(counts.max())) or 1.0)[None])[0]
        colors = np.ascontiguousarray(colors)
        drawn = QImage(colors.data, colors.shape[1], colors.shape[0], colors.strides[0], QImage.Format.Format_RGB32)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
        painter.drawImage(plot, drawn)

    def _paint_centres(self, painter: QPainter, area: QRectF, plot: QRectF) -> None:
        if self._centres is None:
            return
        color = theme.current().color(theme.visible(theme.VERMILION if self.mode == "points" else "#FFFFFF"))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for x, y in self.pixels(self._centres, area):
            at = QPointF(float(x), float(y))
            painter.setPen(QPen(color, 2))
            painter.drawLine(at + QPointF(-5, 0), at + QPointF(5, 0))
            painter.drawLine(at + QPointF(0, -5), at + QPointF(0, 5))
            if self._sigma:
                radius = 2 * self._sigma * self._scale(plot)
                painter.setPen(QPen(color, 1))
                painter.drawEllipse(at, radius, radius)

    def _paint_mark(self, painter: QPainter, area: QRectF, index: int) -> None:
        look = theme.current()
        ((x, y),) = self.pixels(self._points[index : index + 1], area)
        at = QPointF(float(x), float(y))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(look.color("accent"), 2.5))
        painter.drawEllipse(at, 9.0, 9.0)
        painter.setPen(look.color("text"))
        painter.setFont(theme.font(theme.SMALL, tabular=True))
        words = f"point {index + 1:,}: ({self._points[index, 0]:.4g}, {self._points[index, 1]:.4g})"
        wide = painter.fontMetrics().horizontalAdvance(words)
        left = at.x() + 14 if at.x() + 14 + wide < area.right() - 40 else at.x() - 14 - wide
        painter.drawText(QPointF(left, at.y() + 4), words)

    def _axes(self, painter: QPainter, plot: QRectF) -> None:
        look = theme.current()
        painter.setFont(theme.font(theme.SMALL, tabular=True))
        metrics = painter.fontMetrics()
        low, high = self.place(plot.bottomLeft()), self.place(plot.topRight())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        for value in ticks(float(low[0]), float(high[0]), max(2, int(plot.width() / 80))):
            x = float(self.pixels(np.array([[value, 0.0]]))[0, 0])
            painter.setPen(look.color("grid"))
            painter.drawLine(QPointF(x, plot.top()), QPointF(x, plot.bottom()))
            painter.setPen(look.color("quiet"))
            text = tick_text(value)
            painter.drawText(
                QPointF(x - metrics.horizontalAdvance(text) / 2, plot.bottom() + 4 + metrics.ascent()), text
            )
        for value in ticks(float(low[1]), float(high[1]), max(2, int(plot.height() / 60))):
            y = float(self.pixels(np.array([[0.0, value]]))[0, 1])
            painter.setPen(look.color("grid"))
            painter.drawLine(QPointF(plot.left(), y), QPointF(plot.right(), y))
            painter.setPen(look.color("quiet"))
            text = tick_text(value)
            painter.drawText(
                QPointF(plot.left() - 6 - metrics.horizontalAdvance(text), y + metrics.ascent() / 2 - 1), text
            )

    def paint_hover(self, painter: QPainter) -> None:
        plot = self._plot(QRectF(self.rect()))
        if self._hover is None or self._grabbed or not plot.contains(self._hover) or not len(self._points):
            return
        x, y = self.place(self._hover)
        bubble(painter, self._hover, [(None, "x", f"{x:.3g}"), (None, "y", f"{y:.3g}")], QRectF(self.rect()))

    def wheelEvent(self, event: QWheelEvent) -> None:
        before = self.place(event.position())
        self._half *= 1.2 ** (-event.angleDelta().y() / 120)
        self._middle = self._middle + before - self.place(event.position())
        self.redraw()
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._grabbed = (event.position(), self._middle.copy())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._hover = event.position()
        if self._grabbed is not None:
            moved = event.position() - self._grabbed[0]
            scale = self._scale(self._plot(QRectF(self.rect())))
            self._middle = self._grabbed[1] + np.array([-moved.x(), moved.y()]) / scale
            self.redraw()
        else:
            self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._grabbed = None

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.reset_zoom()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = 0.2 * self._half
        moves = {
            Qt.Key.Key_Left: (-step, 0), Qt.Key.Key_Right: (step, 0), Qt.Key.Key_Up: (0, step), Qt.Key.Key_Down: (0, -step),
        }  # fmt: skip
        key = Qt.Key(event.key())
        if key in moves:
            self._middle = self._middle + np.array(moves[key])
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal, Qt.Key.Key_Minus):
            self._half *= 1.25 if key == Qt.Key.Key_Minus else 0.8
        elif key == Qt.Key.Key_Home:
            self.reset_zoom()
        else:
            super().keyPressEvent(event)
            return
        self.redraw()

    def _plot(self, area: QRectF) -> QRectF:
        return area.adjusted(48, 14, -36, -26)

    def _scale(self, plot: QRectF) -> float:
        return max(min(plot.width(), plot.height()), 1.0) / (2 * self._half)
