"""Curves of a function and of its slope over one axis, with a handle to drag along it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPen

from genstudio.events import Array
from genstudio.ui import theme
from genstudio.ui.views.chart import paint_scale, tick_text, ticks
from genstudio.ui.views.view import CENTRE, Figure, Table, paint_title, polyline, write_quietly

_POINTS = 401


@dataclass(frozen=True, slots=True)
class Drawn:
    """A curve: its name, its colour, whether it is dashed, and the function (n,) -> (n,)."""

    name: str
    color: str
    dashed: bool
    of: Callable[[Array], Array]


class CurveFigure(Figure):
    """Draws curves over [low, high]. `moved(x)` while the handle is dragged, or moved with the arrow keys."""

    moved = Signal(float)

    def __init__(self, title: str, name: str, low: float, high: float, axis: str) -> None:
        super().__init__(title, name)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.low, self.high, self.axis, self.handle, self.note = low, high, axis, 0.5, ""
        self.curves: Sequence[Drawn] = ()
        self.bands: Sequence[tuple[float, float]] = ()
        self.range = (-1.0, 1.0)

    def show_curves(
        self, curves: Sequence[Drawn], limits: tuple[float, float], bands: Sequence[tuple[float, float]] = (), note: str = ""
    ) -> None:
        """Curves within `limits` of the upright axis; `bands` of the axis are shaded: the function is flat there."""
        self.curves, self.range, self.bands, self.note = curves, limits, bands, note
        self._say()
        self.redraw()

    def set_x(self, x: float) -> None:
        """Put the handle there; `moved` is emitted where it moves."""
        x = min(max(x, self.low), self.high)
        if x != self.handle:
            self.handle = x
            self._say()
            self.redraw()
            self.moved.emit(x)

    def values(self) -> dict[str, float]:
        """Each curve's value at the handle."""
        return {curve.name: float(curve.of(np.array([self.handle]))[0]) for curve in self.curves}

    def table(self) -> Table:
        x = np.linspace(self.low, self.high, _POINTS)
        return (self.axis, *(c.name for c in self.curves)), np.stack([x, *(c.of(x) for c in self.curves)], 1).tolist()

    def paint_figure(self, painter: QPainter, area: QRectF) -> None:
        paint_title(painter, self.title, self.note, area)
        plot, look = self._plot(), theme.current()
        painter.save()
        for low, high in self.bands:
            left, right = self._at(max(low, self.low), 0).x(), self._at(min(high, self.high), 0).x()
            painter.fillRect(QRectF(left, plot.top(), right - left, plot.height()), look.color("warning_back"))
        paint_scale(painter, plot, *self.range)
        for value in ticks(self.low, self.high, max(2, int(plot.width() / 70))):
            x = self._at(value, 0).x()
            painter.setPen(look.color("line" if value == 0 else "grid"))
            painter.drawLine(QPointF(x, plot.top()), QPointF(x, plot.bottom()))
            painter.setPen(look.color("quiet"))
            painter.drawText(QRectF(x - 40, plot.bottom() + 2, 80, 16), CENTRE, tick_text(value))
        painter.drawText(QRectF(plot.left(), plot.bottom() + 18, plot.width(), 16), CENTRE, self.axis)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setClipRect(plot)
        along = np.linspace(self.low, self.high, _POINTS)
        for curve in self.curves:
            y = curve.of(along)
            painter.setPen(QPen(self._color(curve), 2, Qt.PenStyle.DashLine if curve.dashed else Qt.PenStyle.SolidLine))
            low, high = self.range
            across = plot.left() + (along - self.low) / (self.high - self.low) * plot.width()
            painter.drawPolyline(polyline(across, plot.bottom() - (np.clip(y, -1e6, 1e6) - low) / (high - low) * plot.height()))
        painter.setPen(QPen(look.color("accent"), 1.5))
        at = self._at(self.handle, 0).x()
        painter.drawLine(QPointF(at, plot.top()), QPointF(at, plot.bottom()))
        for curve in self.curves:
            value = float(curve.of(np.array([self.handle]))[0])
            painter.setBrush(self._color(curve))
            painter.setPen(QPen(look.color("panel"), 1))
            painter.drawEllipse(self._at(self.handle, value), 4.5, 4.5)
        painter.restore()
        self._legend(painter, plot)

    def _legend(self, painter: QPainter, plot: QRectF) -> None:
        """Each curve's name with its value at the handle."""
        write_quietly(painter)
        metrics, x, y = painter.fontMetrics(), plot.left(), plot.top() - 8
        for curve in self.curves:
            words = f"{curve.name} {float(curve.of(np.array([self.handle]))[0]):.4f}"
            if x + metrics.horizontalAdvance(words) + 24 > plot.right() and x > plot.left():
                x, y = plot.left(), y - metrics.height()
            painter.setPen(QPen(self._color(curve), 2.5, Qt.PenStyle.DashLine if curve.dashed else Qt.PenStyle.SolidLine))
            painter.drawLine(QPointF(x, y - 4), QPointF(x + 14, y - 4))
            painter.setPen(theme.current().color("text"))
            painter.drawText(QPointF(x + 18, y), words)
            x += metrics.horizontalAdvance(words) + 36

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._drag(event.position())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._drag(event.position())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = (self.high - self.low) / 100
        moves = {
            Qt.Key.Key_Left: self.handle - step, Qt.Key.Key_Right: self.handle + step,
            Qt.Key.Key_Home: self.low, Qt.Key.Key_End: self.high,
        }  # fmt: skip
        key = Qt.Key(event.key())
        if key in moves:
            self.set_x(moves[key])
        else:
            super().keyPressEvent(event)

    def _drag(self, at: QPointF) -> None:
        plot = self._plot()
        self.set_x(self.low + (at.x() - plot.left()) / max(plot.width(), 1) * (self.high - self.low))

    def _say(self) -> None:
        found = ", ".join(f"{name} {value:.4f}" for name, value in self.values().items())
        self.setAccessibleDescription(f"at {self.handle:.2f}: {found}")

    @staticmethod
    def _color(curve: Drawn) -> QColor:
        return QColor(theme.visible(curve.color))

    def _at(self, x: float, y: float) -> QPointF:
        plot, (low, high) = self._plot(), self.range
        return QPointF(
            plot.left() + (x - self.low) / (self.high - self.low) * plot.width(),
            plot.bottom() - (y - low) / (high - low) * plot.height(),
        )

    def _plot(self) -> QRectF:
        return QRectF(self.rect()).adjusted(54, 72, -18, -40)
