"""A plane through the noise to drag in, and where the generator puts what it is given."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QImage, QKeyEvent, QMouseEvent, QPainter, QPen, QPolygonF

from genstudio.events import Array
from genstudio.ui import theme
from genstudio.ui.views.picture_grid import packed
from genstudio.ui.views.pictures import sheet
from genstudio.ui.views.scatter import ScatterView
from genstudio.ui.views.view import Figure, Table, paint_title, write_quietly

_CORNERS = np.array([[230, 159, 0], [0, 114, 178], [204, 121, 167], [0, 158, 115]], np.float64)


def hues(side: int) -> Array:
    """A colour for every place of a square, (side^2, 3) uint8 from the top row on: four corners, mixed evenly between."""
    across, down = np.meshgrid(np.linspace(0, 1, side), np.linspace(0, 1, side))
    u, v = across.ravel()[:, None], down.ravel()[:, None]
    top = (1 - u) * _CORNERS[0] + u * _CORNERS[1]
    low = (1 - u) * _CORNERS[2] + u * _CORNERS[3]
    return np.asarray(((1 - v) * top + v * low).round().astype(np.uint8))


class LatentPad(Figure):
    """A square through the noise, `reach` to each side. Dragging or the arrow keys: `moved(x, y)`.

    Behind it stands what the generator makes of each place: small pictures, or for points a colour that is found again
    where the point lands.
    """

    moved = Signal(float, float)

    def __init__(self) -> None:
        super().__init__("Slice of the latent space", "latent_pad")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.CrossCursor)
        self.reach, self.at = 3.0, (0.0, 0.0)
        self.names = ("", "")
        self._map: Array | None = None
        self._colors: Array | None = None

    def show_axes(self, names: tuple[str, str], reach: float) -> None:
        """What the two axes are called, and how far they go."""
        self.names, self.reach = names, reach
        self.redraw()

    def show_map(self, pixels: Array | None, colors: Array | None) -> None:
        """Pictures (side^2, h, w, c) or colours (side^2, 3) of an even grid, from the top row on."""
        self._map, self._colors = pixels, colors
        self.redraw()

    def set_at(self, x: float, y: float) -> None:
        """Where in the slice the dot is."""
        self.at = (x, y)
        self.setAccessibleDescription(f"{self.names[0]} {x:.2f}, {self.names[1]} {y:.2f}")
        self.update()

    def table(self) -> Table:
        return self.names, [self.at]

    def paint_figure(self, painter: QPainter, area: QRectF) -> None:
        look, box = theme.current(), self.box(area)
        paint_title(painter, self.title, f"{self.names[0]} →, {self.names[1]} ↑" if self.names[0] else "", area)
        if self._map is not None and len(self._map):
            side = round(len(self._map) ** 0.5)
            cell = max(int(box.width() // side) - 2, 4)
            places = [divmod(index, side) for index in range(len(self._map))]
            drawn = sheet(self._map, places, cell, painter.device().devicePixelRatioF(), look.color("panel"))
            painter.drawImage(box, drawn)
        elif self._colors is not None:
            side = round(len(self._colors) ** 0.5)
            colors = np.ascontiguousarray(packed(self._colors.reshape(1, side, side, 3))[0])
            image = QImage(colors.data, side, side, colors.strides[0], QImage.Format.Format_RGB32)
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(box, image)
        painter.setPen(QPen(look.color("line"), 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(box)
        write_quietly(painter)
        base = box.bottom() + 14
        for text, share in ((f"{-self.reach:g}", 0.0), ("0", 0.5), (f"{self.reach:g}", 1.0)):
            wide = painter.fontMetrics().horizontalAdvance(text)
            painter.drawText(QPointF(box.left() + share * (box.width() - wide), base), text)

    def paint_hover(self, painter: QPainter) -> None:
        box, look = self.box(QRectF(self.rect())), theme.current()
        x, y = (value / self.reach for value in self.at)
        at = QPointF(box.center().x() + x * box.width() / 2, box.center().y() - y * box.height() / 2)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(look.color("panel"), 5))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawEllipse(at, 7, 7)
        painter.setPen(QPen(look.color("accent"), 2.5))
        painter.drawEllipse(at, 7, 7)

    def box(self, area: QRectF) -> QRectF:
        """The square within the figure."""
        side = max(min(area.width() - 24, area.height() - 54), 16)
        return QRectF(area.center().x() - side / 2, area.top() + 32, side, side)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._drag(event.position())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._drag(event.position())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        stride = self.reach / 20
        moves = {
            Qt.Key.Key_Left: (-stride, 0), Qt.Key.Key_Right: (stride, 0),
            Qt.Key.Key_Up: (0, stride), Qt.Key.Key_Down: (0, -stride),
        }  # fmt: skip
        if (key := Qt.Key(event.key())) in moves:
            self._go(self.at[0] + moves[key][0], self.at[1] + moves[key][1])
        elif key == Qt.Key.Key_Home:
            self._go(0.0, 0.0)
        else:
            super().keyPressEvent(event)

    def _drag(self, at: QPointF) -> None:
        box = self.box(QRectF(self.rect()))
        shift = (at - box.center()) / (box.width() / 2) * self.reach
        self._go(shift.x(), -shift.y())

    def _go(self, x: float, y: float) -> None:
        x, y = (min(max(value, -self.reach), self.reach) for value in (x, y))
        self.set_at(x, y)
        self.moved.emit(x, y)


class LandingView(ScatterView):
    """Where points of the noise land: a coloured grid, a way through it, and the one that is looked at."""

    def __init__(self) -> None:
        super().__init__("Where it maps to", "latent_landing")
        self._colors: Array = np.zeros((0, 3), np.uint8)
        self._way: Array = np.zeros((0, 2), np.float32)
        self._one: Array | None = None

    def show_grid(self, points: Array, colors: Array, extent: tuple[float, float, float, float]) -> None:
        """Points (n, 2) and their colours (n, 3) in the part of the plane where the data lies."""
        first = not len(self._points)
        self._points, self._colors = points, colors
        self.setAccessibleDescription(f"{len(points):,} points of the noise")
        if first:
            x0, x1, y0, y1 = extent
            self._middle, self._half = np.array([(x0 + x1) / 2, (y0 + y1) / 2]), max(x1 - x0, y1 - y0) / 2
        self.redraw()

    def grid(self) -> Array | None:
        """Where the even grid lands (k, k, 2), if it is known."""
        side = round(len(self._points) ** 0.5)
        return self._points.reshape(side, side, 2).copy() if side > 1 else None

    def show_one(self, point: Array | None) -> None:
        """The point (2,) that is looked at."""
        self._one = point
        self.update()

    def show_way(self, points: Array) -> None:
        """Points (n, 2), joined in their order."""
        self._way = points
        self.redraw()

    def clear(self) -> None:
        """Show nothing."""
        self._points, self._colors, self._one = np.zeros((0, 2), np.float32), np.zeros((0, 3), np.uint8), None
        self.show_way(np.zeros((0, 2), np.float32))

    def paint_figure(self, painter: QPainter, area: QRectF) -> None:
        plot = self._plot(area)
        paint_title(painter, self.title, "coloured by its noise", area)
        self._axes(painter, plot)
        painter.save()
        painter.setClipRect(plot)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        for (x, y), color in zip(self.pixels(self._points, area).tolist(), self._colors.tolist(), strict=True):
            painter.setBrush(QColor(*color))
            painter.drawEllipse(QPointF(x, y), 3.5, 3.5)
        if len(self._way):
            way = [QPointF(x, y) for x, y in self.pixels(self._way, area).tolist()]
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(theme.current().color("text"), 1.5))
            painter.drawPolyline(QPolygonF(way))
            painter.setBrush(theme.current().color("text"))
            for at in way:
                painter.drawEllipse(at, 2.5, 2.5)
        painter.restore()

    def paint_hover(self, painter: QPainter) -> None:
        if self._one is None:
            return
        plot = self._plot(QRectF(self.rect()))
        x, y = self.pixels(np.asarray(self._one)[None])[0].tolist()
        painter.setClipRect(plot)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(theme.current().color("accent"))
        painter.setPen(QPen(theme.current().color("panel"), 2))
        painter.drawEllipse(QPointF(x, y), 7, 7)

    def _plot(self, area: QRectF) -> QRectF:
        return area.adjusted(44, 34, -14, -24)
