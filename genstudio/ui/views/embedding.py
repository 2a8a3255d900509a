"""Vectors as points in the plane, with the names of as many as have room."""

from __future__ import annotations

import dataclasses
import unicodedata
from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QKeyEvent, QMouseEvent, QPainter, QPen

from genstudio.events import Array
from genstudio.snapshots.layers import EmbeddingMap
from genstudio.ui import theme
from genstudio.ui.views.scatter import ScatterView
from genstudio.ui.views.view import Table, bubble, paint_empty, token_text, write_quietly

_NEAR = 14.0
_MENU = 40.0
"""Pixels at the upper right that the menu of a figure takes."""
_MOST_NAMES = 400
KINDS = {
    "lower case": theme.BLUE,
    "capitals": theme.ORANGE,
    "digits": theme.GREEN,
    "signs": theme.VERMILION,
    "whitespace": theme.PURPLE,
    "other": "#8A919C",
}


def kind_of(name: str) -> str:
    """What a token is made of: a key of KINDS."""
    letters = name.strip(" ␣⏎⇥␍")
    if not letters:
        return "whitespace"
    if letters[0].isdigit():
        return "digits"
    if letters[0].isalpha():
        return "capitals" if letters[0].isupper() else "lower case"
    return "signs" if unicodedata.category(letters[0])[0] in "PS" else "other"


def names_with_room(at: Array, sizes: Array, order: Sequence[int], area: QRectF) -> dict[int, QRectF]:
    """Where the names of points can be written so that none hides another: index -> its box, the first in `order` first.

    `at` (n, 2) are pixels, `sizes` (n, 2) the names' widths and heights.
    """
    placed: dict[int, QRectF] = {}
    grid: dict[tuple[int, int], list[QRectF]] = {}
    for index in order:
        x, y = float(at[index, 0]), float(at[index, 1])
        wide, high = float(sizes[index, 0]), float(sizes[index, 1])
        if not area.contains(x, y):
            continue
        beside, middle = y - high / 2, x - wide / 2
        for left, top in ((x + 5, beside), (x - 5 - wide, beside), (middle, y - 4 - high), (middle, y + 4)):
            box = QRectF(left, top, wide, high)
            cells = [
                (column, row)
                for column in range(int(box.left() // 64), int(box.right() // 64) + 1)
                for row in range(int(box.top() // 32), int(box.bottom() // 32) + 1)
            ]
            if area.contains(box) and not any(box.intersects(other) for cell in cells for other in grid.get(cell, ())):
                placed[index] = box
                for cell in cells:
                    grid.setdefault(cell, []).append(box)
                break
        if len(placed) >= _MOST_NAMES:
            break
    return placed


def turned_like(shown: EmbeddingMap, before: EmbeddingMap) -> EmbeddingMap:
    """The same points with their axes flipped or exchanged so that they lie as they did before: principal directions have no
    sign, and two that vary alike change places while a model learns."""
    now, then = (each.points - each.points.mean(0) for each in (shown, before))
    alike = (now.T @ then) / np.maximum(np.outer(np.linalg.norm(now, axis=0), np.linalg.norm(then, axis=0)), 1e-12)
    size = np.abs(alike)
    order = [1, 0] if size[0, 1] + size[1, 0] > size[0, 0] + size[1, 1] else [0, 1]
    signs = np.where(alike[order, [0, 1]] < 0, -1, 1).astype(np.float32)
    if order == [0, 1] and (signs > 0).all():
        return shown
    points = np.ascontiguousarray(shown.points[:, order] * signs)
    points.flags.writeable = False
    return dataclasses.replace(shown, points=points, explained=tuple(shown.explained[axis] for axis in order))


_WAYS = {Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, 1), Qt.Key.Key_Down: (0, -1)}


class EmbeddingView(ScatterView):
    """Hover for a token, click one for its neighbours, `search` marks all that hold a text. `chosen_changed(id)`."""

    chosen_changed = Signal(int)

    def __init__(self, kinds: bool = True) -> None:
        """`kinds`: points have the colour of what their token is made of; else, where names are no tokens, all the same one."""
        super().__init__("Embedding map", "embedding_map")
        self._kinds = kinds
        self.snapshot: EmbeddingMap | None = None
        self.chosen = -1
        self.near: tuple[int, ...] = ()
        self.found: tuple[int, ...] = ()
        self.arrows: tuple[tuple[int, int], ...] = ()
        self._sought = ""
        self._whole: tuple[float, ...] = (*self._middle, self._half)
        self._pressed: QPointF | None = None
        self._colors: list[str] = []

    def show_snapshot(self, snapshot: EmbeddingMap) -> None:
        """Replace what is shown; a zoom that a person chose stays while the same points move."""
        before = self.snapshot
        same = before is not None and (before.names, before.space) == (snapshot.names, snapshot.space)
        if same and before is not None and before.explained and snapshot.explained and before.layer == snapshot.layer:
            snapshot = turned_like(snapshot, before)
        self.snapshot = snapshot
        middle, half, mine = self._middle, self._half, self._whole != (*self._middle, self._half)
        self.show_points(snapshot.points)
        if same and mine and before is not None and before.layer == snapshot.layer and before.explained and snapshot.explained:
            self._middle, self._half = middle, half
        if not same:
            self.chosen, self.near, self.arrows = -1, (), ()
            self._colors = [KINDS[kind_of(name)] if self._kinds else theme.BLUE for name in snapshot.names]
            self.search(self._sought)
        self.setAccessibleDescription(f"{len(snapshot.names):,} of {snapshot.total:,} vectors. {snapshot.note}")

    def reset_zoom(self) -> None:
        super().reset_zoom()
        self._whole = (*self._middle, self._half)

    def clear(self) -> None:
        """Forget what was shown."""
        self.snapshot = None
        self.show_points(np.empty((0, 2), np.float32))

    def search(self, text: str) -> int:
        """Mark the tokens that hold this text; how many there are."""
        self._sought = text
        names = self.snapshot.names if self.snapshot is not None and text else ()
        sought = text.casefold().replace(" ", "␣")
        self.found = tuple(i for i, name in enumerate(names) if sought in token_text(name).casefold())
        self.redraw()
        return len(self.found)

    def choose(self, index: int, near: Sequence[int] = ()) -> None:
        """Mark a point of the map (-1: none) and those near it, by their index."""
        self.chosen, self.near = index, tuple(near)
        if self.snapshot is not None and index >= 0:
            name, ident = token_text(self.snapshot.names[index]), int(self.snapshot.ids[index])
            self.setAccessibleDescription(f"'{name}' {ident:,}, near it: {len(self.near)} of the map")
        self.redraw()

    def show_arrows(self, arrows: Sequence[tuple[int, int]]) -> None:
        """Arrows from a point of the map to another, by their index; of none, none."""
        self.arrows = tuple(arrows)
        self.redraw()

    def zoom_to(self, indices: Sequence[int]) -> None:
        """Show these points, by their index, and what is around them; a double click shows all again."""
        if self.snapshot is not None and len(indices):
            some = self.snapshot.points[list(indices)].astype(np.float64)
            low, high = some.min(0), some.max(0)
            self._middle, self._half = (low + high) / 2, max(float((high - low).max()), 1e-9)
            self.redraw()

    def index_of(self, ident: int) -> int:
        """Which point has this id; -1 for none."""
        if self.snapshot is None:
            return -1
        where = np.flatnonzero(self.snapshot.ids == ident)
        return int(where[0]) if len(where) else -1

    def point_at(self, at: QPointF) -> int:
        """The point under a place of this widget, or -1."""
        if self.snapshot is None or not len(self.snapshot.points) or not self._plot(QRectF(self.rect())).contains(at):
            return -1
        distances = np.hypot(*(self.pixels(self.snapshot.points) - (at.x(), at.y())).T)
        best = int(distances.argmin())
        return best if distances[best] <= _NEAR else -1

    def table(self) -> Table:
        if self.snapshot is None:
            return (), ()
        shown = self.snapshot
        rows = zip(shown.ids.tolist(), shown.names, *shown.points.T.tolist(), strict=True)
        return ("id", "token", "x", "y"), rows

    def paint_figure(self, painter: QPainter, area: QRectF) -> None:
        plot, shown = self._plot(area), self.snapshot
        painter.setFont(theme.font(theme.SMALL))
        if shown is None or not len(shown.points):
            paint_empty(painter, area, "Choose a model")
            return
        if shown.explained:
            self._axes(painter, plot)
        self._name_axes(painter, plot, shown)
        at = self.pixels(shown.points, area)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.save()
        painter.setClipRect(plot)
        painter.setPen(Qt.PenStyle.NoPen)
        marked = {self.chosen, *self.near, *self.found} - {-1}
        for index, (x, y) in enumerate(at):
            color = QColor(theme.visible(self._colors[index]))
            color.setAlphaF(1.0 if not marked or index in marked else 0.3)
            painter.setBrush(color)
            radius = 4.5 if index == self.chosen else 3.5 if index in marked else 2.5
            painter.drawEllipse(QPointF(x, y), radius, radius)
        painter.restore()
        self._paint_arrows(painter, plot, at)
        self._paint_names(painter, plot, at, marked)
        self._paint_legend(painter, plot)

    def _paint_arrows(self, painter: QPainter, plot: QRectF, at: Array) -> None:
        """From each first point to each second one, with a head."""
        color = theme.current().color("accent")
        painter.save()
        painter.setClipRect(plot)
        painter.setPen(QPen(color, 2))
        painter.setBrush(color)
        for start, end in self.arrows:
            first, last = at[start], at[end]
            way = last - first
            length = float(np.hypot(*way))
            if length < 12:
                continue
            along = way / length
            across, tip = np.array([-along[1], along[0]]), last - 5 * along
            painter.drawLine(QPointF(*(first + 5 * along)), QPointF(*(tip - 6 * along)))
            painter.drawPolygon([QPointF(*p) for p in (tip, tip - 9 * along + 4 * across, tip - 9 * along - 4 * across)])
        painter.restore()

    def _paint_names(self, painter: QPainter, plot: QRectF, at: Array, marked: set[int]) -> None:
        assert self.snapshot is not None
        look, names = theme.current(), self.snapshot.names
        metrics = QFontMetricsF(theme.mono(theme.SMALL))
        texts = [metrics.elidedText(token_text(name), Qt.TextElideMode.ElideRight, 120) for name in names]
        sizes = np.array([(metrics.horizontalAdvance(text) + 2, metrics.height()) for text in texts])
        order = sorted(range(len(names)), key=lambda i: (i != self.chosen, i not in self.near, i not in marked))
        boxes = names_with_room(at, sizes, order, plot)
        for index, box in boxes.items():
            bold = index in marked
            painter.setFont(theme.mono(theme.SMALL))
            if bold:
                painter.fillRect(box, look.color("accent_soft"))
            painter.setPen(look.color("text", 1.0 if bold or not marked else 0.45))
            painter.drawText(box, int(Qt.AlignmentFlag.AlignCenter), texts[index])

    def _name_axes(self, painter: QPainter, plot: QRectF, shown: EmbeddingMap) -> None:
        write_quietly(painter)
        if shown.explained:
            first = int(np.argmax(shown.explained))
            numbers = (1, 2) if first == 0 else (2, 1)
            below, beside = (
                f"component {n}: {share:.1%} of the variance" for n, share in zip(numbers, shown.explained, strict=True)
            )
        else:
            loss = f", divergence {shown.loss:.2f} nats" if shown.loss is not None else ""
            below, beside = f"t-SNE: large distances mean little{loss}", ""
        room = QRectF(0, plot.bottom() + 20, plot.right() + 32, 18)
        below = painter.fontMetrics().elidedText(below, Qt.TextElideMode.ElideRight, int(room.width()))
        painter.drawText(room, int(Qt.AlignmentFlag.AlignCenter), below)
        painter.save()
        painter.translate(14, plot.center().y())
        painter.rotate(-90)
        high = plot.height() + 60
        beside = painter.fontMetrics().elidedText(beside, Qt.TextElideMode.ElideRight, int(high))
        painter.drawText(QRectF(-high / 2, -8, high, 16), int(Qt.AlignmentFlag.AlignCenter), beside)
        painter.restore()

    def _paint_legend(self, painter: QPainter, plot: QRectF) -> None:
        look = theme.current()
        painter.setFont(theme.font(theme.SMALL))
        metrics = painter.fontMetrics()
        if len(set(self._colors)) == 1:
            return  # one colour needs no key
        shown = {kind: color for kind, color in KINDS.items() if color in self._colors}
        long = sum(26 + metrics.horizontalAdvance(kind) for kind in shown)
        x = max(8.0, min(plot.left(), self.width() - _MENU - long))
        for kind, color in shown.items():
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(theme.visible(color)))
            painter.drawEllipse(QPointF(x + 4, plot.top() - 13), 3.5, 3.5)
            painter.setPen(look.color("quiet"))
            painter.drawText(QPointF(x + 12, plot.top() - 9), kind)
            x += 26 + metrics.horizontalAdvance(kind)

    def paint_hover(self, painter: QPainter) -> None:
        if self._hover is None or self._grabbed is not None or self.snapshot is None:
            return
        index = self.point_at(self._hover)
        if index < 0:
            return
        shown = self.snapshot
        word = "position" if shown.space == "hidden" else "id"
        number = int(shown.ids[index]) + (shown.space == "hidden")
        lines = [(None, word, f"{number:,}"), (None, "x, y", f"{shown.points[index, 0]:.3g}, {shown.points[index, 1]:.3g}")]
        bubble(painter, self._hover, lines, QRectF(self.rect()), f"'{token_text(shown.names[index])}'")

    def mousePressEvent(self, event: QMouseEvent) -> None:
        super().mousePressEvent(event)
        self._pressed = event.position()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        moved = self._pressed is not None and (event.position() - self._pressed).manhattanLength() > 4
        index = self.point_at(event.position())
        if event.button() == Qt.MouseButton.LeftButton and not moved and index >= 0 and self.snapshot is not None:
            self.chosen_changed.emit(int(self.snapshot.ids[index]))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """The arrow keys go to the nearest point on their side, with Shift they move the map; N and P walk through what was
        found, or through all points."""
        way = _WAYS.get(Qt.Key(event.key()))
        if way is not None and not event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self._walk(np.array(way))
            return
        keys = {Qt.Key.Key_N: 1, Qt.Key.Key_P: -1}
        if Qt.Key(event.key()) not in keys or self.snapshot is None or not len(self.snapshot.ids):
            super().keyPressEvent(event)
            return
        among = list(self.found) or list(range(len(self.snapshot.ids)))
        place = among.index(self.chosen) + keys[Qt.Key(event.key())] if self.chosen in among else 0
        self.chosen_changed.emit(int(self.snapshot.ids[among[place % len(among)]]))

    def _walk(self, way: Array) -> None:
        """Choose the nearest point on this side of the chosen one, far ones off the way last; and keep it in sight."""
        if self.snapshot is None or not len(self.snapshot.points):
            return
        points = self.snapshot.points
        at = points[self.chosen] if self.chosen >= 0 else self._middle
        along, across = (points - at) @ way, np.abs((points - at) @ way[::-1])
        cost = np.where(along > 0, along + 2 * across, np.inf) if self.chosen >= 0 else np.abs(points - at).sum(1)
        best = int(cost.argmin())
        if np.isfinite(cost[best]):
            away = points[best] - self._middle
            self._middle = self._middle + np.sign(away) * np.maximum(np.abs(away) - 0.8 * self._half, 0)
            self.choose(best)
            self.chosen_changed.emit(int(self.snapshot.ids[best]))

    def _plot(self, area: QRectF) -> QRectF:
        return area.adjusted(64, 34, -36, -44)
