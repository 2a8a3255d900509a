"""Points with their classes, over what the network says of every place: the decision surface."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPen

from genstudio.events import Array
from genstudio.ui import theme
from genstudio.ui.views.chart import tick_text, ticks, value_text
from genstudio.ui.views.plane_parts import image, onward
from genstudio.ui.views.pointed import PointedFigure
from genstudio.ui.views.view import CENTRE, NO_DATA, RIGHT, Lines, Table, paint_empty, paint_title, write_quietly

_SQUARE = 3.0
"""Columns whose spans differ by no more than this factor share one scale."""


class DecisionView(PointedFigure[int]):
    """Shows points and a field. `pointed(index)` when the pointer or the keys rest on a point, -1 when they leave it;
    `chosen(index)` on a click; `placed(x, y)` when the pointer is elsewhere in the plane."""

    pointed, chosen = Signal(int), Signal(int)
    placed = Signal(float, float)
    live_share, slowest_ms = 0.05, 250

    def __init__(self, title: str = "Decision surface", name: str = "decision") -> None:
        super().__init__(title, name)
        self.note, self.empty, self.selected = "", NO_DATA, -1
        self.points: Array = np.empty((0, 2))
        self.labels: Array = np.empty(0, np.int64)
        self.held: Array = np.empty(0, bool)
        self.field: Array | None = None
        self.extent = (-1.0, 1.0, -1.0, 1.0)
        self.classes: Sequence[str] = ()
        self.axes = ("x", "y")

    def show_plane(
        self, points: Array, labels: Array, held: Array, field: Array | None, extent: tuple[float, float, float, float],
        classes: Sequence[str], axes: tuple[str, str], note: str = "", *, live: bool = False,
    ) -> None:  # fmt: skip
        """Points (n, 2) with labels (n,), `held` (n,) where they were kept from training; a field (classes, rows, cells) of
        probabilities fills the extent, rows from its lower edge up."""
        self.points, self.labels, self.held, self.field, self.extent = points, labels, held, field, extent
        self.classes, self.axes, self.note = classes, axes, note
        right = int((self.named() == labels).sum()) if field is not None else 0
        self.setAccessibleDescription(f"{len(points):,} points of {len(classes)} classes, {right:,} on the right side")
        if self.hover is not None and self.hover >= len(points):
            self.hover = None
        self.redraw(live=live)

    def clear(self) -> None:
        self.points, self.field, self.selected = np.empty((0, 2)), None, -1
        super().clear()

    def select(self, index: int) -> None:
        """Put a ring around a point; -1: around none."""
        self.selected = index
        self.redraw()

    def named(self) -> Array:
        """The class that the field says at each point (n,)."""
        if self.field is None or not len(self.points):
            return np.full(len(self.points), -1)
        x0, x1, y0, y1 = self.extent
        _, rows, cells = self.field.shape
        across = np.clip((self.points[:, 0] - x0) / (x1 - x0) * cells, 0, cells - 1).astype(int)
        up = np.clip((self.points[:, 1] - y0) / (y1 - y0) * rows, 0, rows - 1).astype(int)
        return np.asarray(self.field[:, up, across].argmax(0))

    def table(self) -> Table:
        named = self.named()
        rows = zip(self.points.tolist(), self.labels.tolist(), named.tolist(), strict=True)
        return (*self.axes, "class", "named"), [(*p, self.classes[c], self.classes[n] if n >= 0 else "") for p, c, n in rows]

    def paint_figure(self, painter: QPainter, area: QRectF) -> None:
        paint_title(painter, self.title, self.note, area)
        if not len(self.points):
            paint_empty(painter, area, self.empty)
            return
        plot, look = self._plot(), theme.current()
        if self.field is not None:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(plot, image(mixed(self.field[:, ::-1])))
        self._axes(painter, plot)
        painter.save()
        painter.setClipRect(plot)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        at, wrong = self.pixels(self.points), self.named() != self.labels
        size = 4.5 if len(at) <= 150 else 3.5
        for index, ((x, y), label) in enumerate(zip(at.tolist(), self.labels.tolist(), strict=True)):
            missed = self.field is not None and bool(wrong[index])
            painter.setPen(QPen(look.color("text" if missed else "panel"), 1.8 if missed else 1))
            painter.setBrush(class_color(label))
            if self.held[index]:
                painter.drawRect(QRectF(x - size, y - size, 2 * size, 2 * size))
            else:
                painter.drawEllipse(QPointF(x, y), size, size)
        if 0 <= self.selected < len(at):
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(look.color("accent"), 2.5))
            painter.drawEllipse(QPointF(*at[self.selected].tolist()), size + 5, size + 5)
        painter.restore()
        self._legend(painter, area)

    def pixels(self, points: Array) -> Array:
        """Places (n, 2) as pixels (n, 2)."""
        plot, (x0, x1, y0, y1) = self._plot(), self.extent
        x = plot.left() + (points[:, 0] - x0) / (x1 - x0) * plot.width()
        return np.stack([x, plot.bottom() - (points[:, 1] - y0) / (y1 - y0) * plot.height()], 1)

    def place(self, at: QPointF) -> tuple[float, float]:
        """The place under a pixel."""
        plot, (x0, x1, y0, y1) = self._plot(), self.extent
        return (
            x0 + (at.x() - plot.left()) / max(plot.width(), 1) * (x1 - x0),
            y0 + (plot.bottom() - at.y()) / max(plot.height(), 1) * (y1 - y0),
        )

    def mark_at(self, point: QPointF) -> int | None:
        if not len(self.points):
            return None
        away = np.abs(self.pixels(self.points) - [point.x(), point.y()]).max(1)
        best = int(away.argmin())
        return best if away[best] <= 8 else None

    def beside(self, mark: int | None, right: int, down: int) -> int | None:
        if not len(self.points):
            return None
        way = (int(np.sign(right)), -int(np.sign(down)))
        return onward(self.points, -1 if mark is None else mark, way, self.points.mean(0)) if mark is not None else 0

    def card(self, mark: int) -> tuple[QPointF, Lines, str]:
        place, lines = self.points[mark], list[tuple[QColor | None, str, str]]()
        lines += [(None, name, value_text(float(value))) for name, value in zip(self.axes, place, strict=True)]
        lines.append((class_color(int(self.labels[mark])), "class", self.classes[int(self.labels[mark])]))
        if self.field is not None:
            lines.append((None, "network", self.classes[int(self.named()[mark])]))
        kept = "held out" if self.held[mark] else "training"
        return QPointF(*self.pixels(self.points[mark : mark + 1])[0].tolist()), lines, f"point {mark + 1:,}, {kept}"

    def rest_on(self, mark: int | None) -> None:
        before = self.hover
        super().rest_on(mark)
        if mark != before:
            self.pointed.emit(-1 if mark is None else mark)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        if self.hover is None and len(self.points) and self._plot().contains(event.position()):
            self.placed.emit(*self.place(event.position()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if Qt.Key(event.key()) in (Qt.Key.Key_PageDown, Qt.Key.Key_PageUp) and len(self.points):
            step = 1 if event.key() == Qt.Key.Key_PageDown else -1
            self.rest_on(((-1 if self.hover is None else self.hover) + step) % len(self.points))
        else:
            super().keyPressEvent(event)

    def take(self, mark: int) -> None:
        self.select(mark)
        self.chosen.emit(mark)

    def _plot(self) -> QRectF:
        room = QRectF(self.rect()).adjusted(48, 34, -14, -44)
        x0, x1, y0, y1 = self.extent
        wide, high = x1 - x0, y1 - y0
        if max(wide / high, high / wide) > _SQUARE:
            return room
        scale = min(room.width() / wide, room.height() / high)
        plot = QRectF(0, 0, max(scale * wide, 1.0), max(scale * high, 1.0))
        plot.moveCenter(room.center())
        return plot

    def _axes(self, painter: QPainter, plot: QRectF) -> None:
        look, (x0, x1, y0, y1) = theme.current(), self.extent
        write_quietly(painter)
        for value in ticks(x0, x1, max(2, int(plot.width() / 70))):
            x = plot.left() + (value - x0) / (x1 - x0) * plot.width()
            painter.drawText(QRectF(x - 40, plot.bottom() + 2, 80, 16), CENTRE, tick_text(value))
        for value in ticks(y0, y1, max(2, int(plot.height() / 50))):
            y = plot.bottom() - (value - y0) / (y1 - y0) * plot.height()
            painter.drawText(QRectF(plot.left() - 48, y - 8, 43, 16), RIGHT, tick_text(value))
        painter.setPen(QPen(look.color("border"), 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(plot)

    def _legend(self, painter: QPainter, area: QRectF) -> None:
        """The classes with their colours, in one line at the bottom."""
        painter.setFont(theme.font(theme.SMALL))
        metrics, x, y = painter.fontMetrics(), area.left() + 14, area.bottom() - 12
        for number, name in enumerate(self.classes):
            wide = metrics.horizontalAdvance(name)
            if x + wide + 30 > area.right():
                break
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(class_color(number))
            painter.drawEllipse(QPointF(x, y - 4), 4, 4)
            painter.setPen(theme.current().color("quiet"))
            painter.drawText(QPointF(x + 8, y), name)
            x += wide + 26
        if self.held.any() and x + 110 < area.right():
            painter.setPen(theme.current().color("quiet"))
            painter.drawText(QPointF(x, y), "squares: held out")


def class_color(label: int) -> QColor:
    """The colour of a class."""
    return QColor(theme.visible(theme.CYCLE[label % len(theme.CYCLE)]))


def mixed(field: Array) -> Array:
    """Probabilities (classes, rows, cells) as colours (rows, cells, 3) uint8: those of the classes, mixed; pale where unsure."""
    count, panel = len(field), theme.current().color("panel")
    ground = np.array([panel.red(), panel.green(), panel.blue()], np.float32)
    colors = [class_color(number) for number in range(count)]
    hues = np.array([(color.red(), color.green(), color.blue()) for color in colors], np.float32)
    shares = field.astype(np.float32)
    strength = 0.08 + 0.47 * np.clip((shares.max(0) - 1 / count) / (1 - 1 / count), 0, 1)[..., None]
    mixture = np.tensordot(shares, hues, (0, 0))
    return np.clip(ground * (1 - strength) + mixture * strength, 0, 255).astype(np.uint8)
