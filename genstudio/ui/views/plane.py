"""Real points and those that a model makes, over what the model thinks of every place, with its grid and its pushes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QImage, QKeyEvent, QMouseEvent, QPainter, QPen, QPixmap
from PySide6.QtSvg import QSvgGenerator

from genstudio.events import Array
from genstudio.families.dashboard import LAYERS, Pane
from genstudio.snapshots.samples import Plane
from genstudio.ui import theme
from genstudio.ui.views.chart import value_text
from genstudio.ui.views.plane_parts import arrows, density, dot, image, onward, opinions, strokes, washes
from genstudio.ui.views.scatter import ScatterView
from genstudio.ui.views.view import NO_DATA, Table, bubble, polyline

REAL, FAKE = theme.BLUE, theme.GREEN
_LIGHT = "#ffffff"
_LONGEST = 0.14
_COARSE = 3
"""Pixels of the screen that share one shade of the density, across and down."""


_PANE = Pane(("plane",), "Points")


class PlaneView(ScatterView):
    """Shows `Plane` snapshots in layers that can be turned off. A click on a point: `picked(index)`, real ones first.

    The arrow keys go from fake to fake, Enter or Space picks the one that is marked; with Shift they move the view.
    """

    picked = Signal(int)
    live_share = 0.05
    slowest_ms = 250

    def __init__(self, pane: Pane = _PANE) -> None:
        super().__init__(pane.title, "plane")
        self._pane = pane
        self.snapshot: Plane | None = None
        self._shown_layers = dict.fromkeys(LAYERS, True)
        self._axes_key: tuple[Any, ...] = ()
        self._axes_picture = QPixmap()
        self._vector = False
        self._pressed: QPointF | None = None
        self._current = -1

    @property
    def current(self) -> int:
        """Number of the fake that is marked, or -1."""
        return self._current

    def choose(self, index: int) -> None:
        """Mark a fake, wherever it goes; -1: none."""
        self._current = index if self.snapshot is not None and 0 <= index < len(self.snapshot.fake) else -1
        self.setAccessibleDescription(f"{self._pane.made} {index + 1}" if self._current >= 0 else "")
        self.update()

    def show_snapshot(self, snapshot: Plane, live: bool = True) -> None:
        """Replace what is shown; the part of the plane that is seen stays while the extent does."""
        before, self.snapshot = self.snapshot, snapshot
        self._points = snapshot.real
        if before is None or before.extent != snapshot.extent:
            self.reset_zoom()
        self.redraw(live=live)

    def clear(self) -> None:
        """Show nothing."""
        self.snapshot = None
        self._points = np.empty((0, 2), np.float32)
        self._current = -1
        self.redraw()

    def has_layer(self, name: str) -> bool:
        """Whether there is anything to draw in this layer; all have before the first snapshot."""
        return self.snapshot is None or getattr(self.snapshot, name) is not None

    def layer(self, name: str) -> bool:
        return self._shown_layers[name]

    def set_layer(self, name: str, shown: bool) -> None:
        """Draw this layer or not. Raises KeyError for a name that is not in LAYERS."""
        if self._shown_layers[name] != shown:
            self._shown_layers[name] = shown
            self.redraw()

    def reset_zoom(self) -> None:
        if self.snapshot is not None:
            x0, x1, y0, y1 = self.snapshot.extent
            self._middle = np.array([(x0 + x1) / 2, (y0 + y1) / 2])
            self._half = max(x1 - x0, y1 - y0) / 2
        self.redraw()

    def table(self) -> Table:
        return ("kind", "x", "y", "score", "push x", "push y"), self._rows()

    def opinion(self, x: float, y: float) -> float | None:
        """The value of the field at a place, between the four nearest of its points; None outside, or without a field."""
        if self.snapshot is None or self.snapshot.field is None:
            return None
        x0, x1, y0, y1 = self.snapshot.extent
        values = self.snapshot.field
        if not (x0 <= x <= x1 and y0 <= y <= y1):
            return None
        rows, columns = values.shape
        column = min(max((x - x0) / (x1 - x0) * columns - 0.5, 0.0), columns - 1.0)
        row = min(max((y - y0) / (y1 - y0) * rows - 0.5, 0.0), rows - 1.0)
        left, low = min(int(column), columns - 2), min(int(row), rows - 2)
        u, v = column - left, row - low
        near = values[low : low + 2, left : left + 2].astype(np.float64)
        return float((near * np.outer([1 - v, v], [1 - u, u])).sum())

    def limits(self) -> tuple[float, float]:
        """The values at the ends of the colours: 0 and 1, or without bounds as far from 0 on both sides."""
        if self.snapshot is None or self.snapshot.bounded or self.snapshot.field is None:
            return 0.0, 1.0
        far = float(np.abs(self.snapshot.field).max()) or 1.0
        return -far, far

    def paint_figure(self, painter: QPainter, area: QRectF) -> None:
        plot, shown = self._plot(area), self.snapshot
        self._vector = isinstance(painter.device(), QSvgGenerator)
        self._paint_axes(painter, area, plot)
        if shown is None:
            painter.setPen(theme.current().color("quiet"))
            painter.drawText(plot, Qt.AlignmentFlag.AlignCenter, NO_DATA)
            return
        painter.save()
        painter.setClipRect(plot)
        if self.layer("field") and shown.field is not None:
            self._paint_field(painter, area, shown, shown.field)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self.layer("mesh") and shown.mesh is not None:
            self._paint_mesh(painter, area, shown.mesh)
        if self.layer("paths") and shown.paths is not None:
            self._paint_paths(painter, area, shown.paths)
        if self.layer("real"):
            self._dots(painter, self.pixels(shown.real, area), REAL, 4.5)
        if self.layer("arrows") and shown.arrows is not None and len(shown.arrows):
            self._paint_arrows(painter, area, shown, shown.arrows)
        if self.layer("fake"):
            self._dots(painter, self.pixels(shown.fake, area), FAKE, 4.5)
        painter.restore()
        self._legend(painter, plot)

    def paint_hover(self, painter: QPainter) -> None:
        area = QRectF(self.rect())
        self._paint_current(painter, area)
        if self._hover is None or self._grabbed or self.snapshot is None or not self._plot(area).contains(self._hover):
            return
        x, y = (float(value) for value in self.place(self._hover))
        opinion = self.opinion(x, y)
        lines: list[tuple[QColor | None, str, str]] = [(None, "x, y", f"{x:.3g}, {y:.3g}")]
        if opinion is not None:
            lines.append((None, f"{self._pane.score} here", value_text(opinion)))
        found = self.nearest(self._hover)
        if found >= 0:
            real = found < len(self.snapshot.real)
            score = "" if self.snapshot.scores is None else value_text(float(self.snapshot.scores[found]))
            color = theme.current().color(theme.visible(REAL if real else FAKE))
            made = self._pane.made.removesuffix(" point")
            lines.append((color, f"{'real' if real else made} point", score))
        lines.append((None, "step", f"{self.snapshot.step:,}"))
        bubble(painter, self._hover, lines, area)

    def nearest(self, at: QPointF, within: float = 8.0) -> int:
        """Index of the point drawn next to a place on the screen, real ones first, or -1."""
        shown = self.snapshot
        if shown is None:
            return -1
        points = np.concatenate([shown.real, shown.fake])
        distance = np.abs(self.pixels(points) - np.array([at.x(), at.y()])).max(1)
        distance[: len(shown.real)] += 1e9 * (not self.layer("real"))
        distance[len(shown.real) :] += 1e9 * (not self.layer("fake"))
        best = int(distance.argmin()) if len(points) else -1
        return best if best >= 0 and distance[best] <= within else -1

    def mousePressEvent(self, event: QMouseEvent) -> None:
        super().mousePressEvent(event)
        self._pressed = event.position()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        if self._pressed is not None and (event.position() - self._pressed).manhattanLength() < 4:
            found = self.nearest(event.position())
            if found >= 0:
                self.picked.emit(found)
        self._pressed = None

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._pressed = None

    def keyPressEvent(self, event: QKeyEvent) -> None:
        ways = {
            Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, 1), Qt.Key.Key_Down: (0, -1),
        }  # fmt: skip
        key, shown = Qt.Key(event.key()), self.snapshot
        if shown is None or event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            super().keyPressEvent(event)
        elif key in ways and len(shown.fake):
            self.choose(onward(shown.fake, self._current, ways[key], self._middle))
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space) and self._current >= 0:
            self.picked.emit(len(shown.real) + self._current)
        elif key == Qt.Key.Key_Escape and self._current >= 0:
            self.choose(-1)
        else:
            super().keyPressEvent(event)

    def _paint_current(self, painter: QPainter, area: QRectF) -> None:
        if self.snapshot is None or not 0 <= self._current < len(self.snapshot.fake):
            return
        at = QPointF(*self.pixels(self.snapshot.fake[self._current][None], area)[0].tolist())
        if self._plot(area).contains(at):
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            for color, wide in (("panel", 5.0), ("accent", 2.5)):
                painter.setPen(QPen(theme.current().color(color), wide))
                painter.drawEllipse(at, 7, 7)

    def _paint_field(self, painter: QPainter, area: QRectF, shown: Plane, field: Array) -> None:
        low, high = self.limits()
        colors = image(theme.mapped(field[::-1], low, high, opinions()))
        x0, x1, y0, y1 = shown.extent
        corners = self.pixels(np.array([[x0, y1], [x1, y0]]), area)
        (left, top), (right, bottom) = corners.tolist()
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(QRectF(QPointF(left, top), QPointF(right, bottom)), colors)

    def _paint_axes(self, painter: QPainter, area: QRectF, plot: QRectF) -> None:
        """The axes change only with the view: they are kept as a picture."""
        key = (area.size().toTuple(), self._half, *self._middle.tolist(), theme.current().name)
        if self._vector:
            self._axes(painter, plot)
            return
        if self._axes_key != key:
            ratio = self.devicePixelRatioF()
            self._axes_picture = QPixmap(area.size().toSize() * ratio)
            self._axes_picture.setDevicePixelRatio(ratio)
            self._axes_picture.fill(Qt.GlobalColor.transparent)
            with QPainter(self._axes_picture) as drawing:
                self._axes(drawing, plot)
            self._axes_key = key
        painter.drawPixmap(area.topLeft(), self._axes_picture)

    def _paint_mesh(self, painter: QPainter, area: QRectF, mesh: Array) -> None:
        """The lines of the grid, over how dense the generator puts its points."""
        at, plot = self.pixels(mesh.reshape(-1, 2), area).reshape(mesh.shape), self._plot(area)
        color = theme.current().color(theme.visible(FAKE))
        wide, high = int(plot.width() / _COARSE), int(plot.height() / _COARSE)
        if wide and high:
            corner = [plot.left(), plot.top()]
            levels = density((at - corner) / [plot.width() / wide, plot.height() / high], wide, high)
            rows = np.ascontiguousarray(washes(color.rgb())[levels])
            ground = QImage(rows.data, wide, high, 4 * wide, QImage.Format.Format_ARGB32_Premultiplied)
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(plot, ground)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        color.setAlphaF(0.6)
        painter.setPen(QPen(color, 1))
        painter.drawPath(strokes(np.concatenate([at, at.transpose(1, 0, 2)])))

    def _paint_paths(self, painter: QPainter, area: QRectF, paths: Array) -> None:
        """Lines through the stages, with a ring where each begins."""
        at = self.pixels(paths.reshape(-1, 2), area).reshape(paths.shape)
        color = theme.current().color(theme.visible(FAKE), 0.55)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(color, 1))
        painter.drawPath(strokes(at))
        for x, y in at[:, 0].tolist():
            painter.drawEllipse(QPointF(x, y), 2.5, 2.5)

    def _paint_arrows(self, painter: QPainter, area: QRectF, shown: Plane, pushes: Array) -> None:
        starts = self.pixels(shown.fake[: len(pushes)], area)
        vectors = pushes.astype(np.float64) * [1, -1]
        lengths = np.hypot(*vectors.T)
        longest = float(lengths.max())
        if longest <= 0 or not np.isfinite(longest):
            return
        span = _LONGEST * (shown.extent[1] - shown.extent[0]) * self._scale(self._plot(area))
        vectors *= span / longest
        seen = np.hypot(*vectors.T) >= 1.0
        starts, vectors = starts[seen], vectors[seen]
        look = theme.current()
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(look.color("text", 0.75), 1))  # measured: a wider pen takes 30 times as long
        painter.drawPath(arrows(starts, vectors))

    def _dots(self, painter: QPainter, at: Array, color: str, size: float) -> None:
        if self._vector:
            painter.setPen(QPen(QColor(theme.visible(color)), size, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
            painter.drawPoints(polyline(at[:, 0], at[:, 1]))
            return
        ratio = self.devicePixelRatioF()
        rim = _LIGHT if color == REAL else theme.current().panel  # blue on the dark blue of what looks real is lost
        stamp = dot(theme.visible(color), rim, size, ratio)
        half = stamp.width() / ratio / 2
        for x, y in np.round(at - half).astype(np.int64).tolist():
            painter.drawPixmap(x, y, stamp)

    def _legend(self, painter: QPainter, plot: QRectF) -> None:
        """The colours of the field with their values, and how long the longest arrow is."""
        shown, look = self.snapshot, theme.current()
        assert shown is not None
        painter.setFont(theme.font(theme.SMALL, tabular=True))
        metrics = painter.fontMetrics()
        base = plot.top() - 8.0 + metrics.ascent() - metrics.height() / 2
        x = plot.left()
        if self.layer("field") and shown.field is not None:
            low, high = self.limits()
            painter.setPen(look.color("quiet"))
            first, last = self._pane.ends if shown.bounded else (value_text(low), value_text(high))
            painter.drawText(QPointF(x, base), first)
            bar = QRectF(x + metrics.horizontalAdvance(first) + 6, plot.top() - 13, 72, 10)
            painter.drawImage(bar, image(opinions()[None]))
            painter.setPen(QPen(look.color("line"), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(bar)
            painter.setPen(look.color("quiet"))
            painter.drawText(QPointF(bar.right() + 6, base), last)
            x = bar.right() + 6 + metrics.horizontalAdvance(last) + 20
        if self.layer("arrows") and shown.arrows is not None and len(shown.arrows):
            longest = float(np.hypot(*shown.arrows.astype(np.float64).T).max())
            text = f"longest {self._pane.push} {value_text(longest)}"
            if x + metrics.horizontalAdvance(text) < plot.right() - 8:
                painter.setPen(look.color("quiet"))
                painter.drawText(QPointF(x, base), text)

    def _rows(self) -> Iterable[Sequence[Any]]:
        shown = self.snapshot
        if shown is None:
            return
        scores = ("" for _ in range(10**9)) if shown.scores is None else iter(shown.scores.tolist())
        for point in shown.real.tolist():
            yield ("real", *point, next(scores), "", "")
        pushes = [] if shown.arrows is None else shown.arrows.tolist()
        for index, point in enumerate(shown.fake.tolist()):
            yield (self._pane.made, *point, next(scores), *(pushes[index] if index < len(pushes) else ("", "")))

    def _plot(self, area: QRectF) -> QRectF:
        return QRectF(area.left() + 44, area.top() + 30, max(area.width() - 58, 1.0), max(area.height() - 54, 1.0))
