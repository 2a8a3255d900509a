"""Data drawn by hand: points with a brush, and small pictures with a label."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QLineEdit, QSizePolicy, QWidget

from genstudio.events import Array
from genstudio.ui import theme
from genstudio.ui.layouts import Scrolling, choice, hbox, named, paired, vbox
from genstudio.ui.views.picture_grid import PictureGrid, picture
from genstudio.ui.views.view import polyline
from genstudio.ui.widgets import ElidedLabel, LabeledSlider, button, plain_label, primary_button

HALF = 4.0
"""The plane shown is [-HALF, HALF] in both directions."""
SIDE = 28
CLASSES = ("none", "class 1", "class 2", "class 3", "class 4", "class 5")
"""What points can be drawn as; a classifier needs two classes at least."""
_RATE_MS = 20


class PointsCanvas(QWidget):
    """A plane to spray points on: hold the button and move. Keys: arrows move the brush, Space sprays."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("points_canvas")
        self.setAccessibleName("Canvas for drawing points")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setCursor(Qt.CursorShape.CrossCursor)
        self.setMinimumSize(200, 200)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.width_of_brush, self.density, self.label = 0.3, 8, -1
        self._strokes: list[Array] = []
        self._undone: list[Array] = []
        self._now: list[Array] = []
        self._rng = np.random.default_rng(0)
        self._brush = np.zeros(2)
        self._inside = False
        self._timer = QTimer(self)
        self._timer.setInterval(_RATE_MS)
        self._timer.timeout.connect(self.spray)
        theme.changed.connect(self._recolour)

    def points(self) -> Array:
        """All points (n, 2) float32, in the order they were drawn."""
        return self._drawn()[:, :2].astype(np.float32)

    def labels(self) -> Array:
        """The class of each point (n,), -1 where it was drawn without one."""
        return self._drawn()[:, 2].astype(np.int64)

    def _drawn(self) -> Array:
        """Places and classes (n, 3)."""
        return np.concatenate([np.empty((0, 3)), *self._strokes, *self._now])

    def spray(self) -> None:
        """Some points around the brush."""
        places = self._brush + self.width_of_brush * self._rng.standard_normal((self.density, 2))
        self._now.append(np.column_stack([places, np.full(self.density, self.label)]))
        self.update()

    def lift(self) -> None:
        """The stroke is over: from here on it is undone as one."""
        self._timer.stop()
        if self._now:
            self._strokes.append(np.concatenate(self._now))
            self._now, self._undone = [], []
            self.changed.emit()

    def undo(self) -> None:
        if self._strokes:
            self._undone.append(self._strokes.pop())
            self._tell()

    def redo(self) -> None:
        if self._undone:
            self._strokes.append(self._undone.pop())
            self._tell()

    def clear(self) -> None:
        """Take everything away, as one thing that can be undone."""
        if self._strokes:
            self._undone = [np.concatenate(self._strokes)]
            self._strokes = []
            self._tell()

    def _tell(self) -> None:
        self.changed.emit()
        self.update()

    def place(self, at: QPointF) -> Array:
        scale = self._scale()
        return np.array([(at.x() - self.width() / 2) / scale, (self.height() / 2 - at.y()) / scale])

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._brush = self.place(event.position())
            self.spray()
            self._timer.start()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._inside = True
        self._brush = self.place(event.position())
        if self._timer.isActive():
            self.spray()
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.lift()

    def leaveEvent(self, event: QEvent) -> None:
        self._inside = False
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        moves = {
            Qt.Key.Key_Left: (-0.1, 0), Qt.Key.Key_Right: (0.1, 0), Qt.Key.Key_Up: (0, 0.1), Qt.Key.Key_Down: (0, -0.1),
        }  # fmt: skip
        key = Qt.Key(event.key())
        if key in moves:
            self._inside = True
            self._brush = np.clip(self._brush + np.array(moves[key]), -HALF, HALF)
            self.update()
        elif key == Qt.Key.Key_Space:
            self.spray()
            self.lift()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        look, scale = theme.current(), self._scale()
        middle = QPointF(self.width() / 2, self.height() / 2)
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(look.color("line"), 1))
            painter.setBrush(look.color("panel"))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 8, 8)
            far = int(max(self.width(), self.height()) / 2 / scale)
            for value in range(-far, far + 1):
                painter.setPen(QPen(look.color("line" if value == 0 else "grid"), 1))
                x, y = middle.x() + value * scale, middle.y() - value * scale
                painter.drawLine(QPointF(x, 1), QPointF(x, self.height() - 1))
                if 1 < y < self.height() - 1:
                    painter.drawLine(QPointF(1, y), QPointF(self.width() - 1, y))
            drawn = self.points().astype(np.float64)
            labels = self.labels()
            for label in np.unique(labels).tolist():
                color = look.color(theme.visible(theme.CYCLE[max(label, 0)]), 0.7)
                painter.setPen(QPen(color, 3.5, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
                mine = drawn[labels == label]
                painter.drawPoints(polyline(middle.x() + mine[:, 0] * scale, middle.y() - mine[:, 1] * scale))
            if not len(drawn):
                painter.setPen(look.color("quiet"))
                words = "Hold the mouse button and drag. Arrow keys and Space work too."
                painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, words)
            if self._inside or self.hasFocus():
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.setPen(QPen(look.color("accent"), 1.5))
                at = QPointF(middle.x() + self._brush[0] * scale, middle.y() - self._brush[1] * scale)
                painter.drawEllipse(at, 2 * self.width_of_brush * scale, 2 * self.width_of_brush * scale)

    def sizeHint(self) -> QSize:
        return QSize(420, 420)

    def _scale(self) -> float:
        return min(self.width(), self.height()) / (2 * HALF)

    def _recolour(self, _theme: object) -> None:
        self.update()


class DigitCanvas(QWidget):
    """A picture of SIDE x SIDE grey pixels to paint on; the right button erases. Keys: arrows move, Space paints."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("digit_canvas")
        self.setAccessibleName(f"Picture of {SIDE} by {SIDE} pixels to paint on")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(224, 224)
        self.setCursor(Qt.CursorShape.CrossCursor)
        self.pixels = np.zeros((SIDE, SIDE, 1), np.uint8)
        self.width_of_brush = 1.1
        self._before: list[Array] = []
        self._last: QPointF | None = None
        self._cursor = np.array([SIDE / 2, SIDE / 2])
        theme.changed.connect(self._recolour)

    def dab(self, x: float, y: float, *, erase: bool = False) -> None:
        """Paint a soft dot at a place in pixels."""
        rows, columns = np.mgrid[:SIDE, :SIDE] + 0.5
        distance = np.hypot(columns - x, rows - y)
        ink = np.clip(1.6 - distance / self.width_of_brush, 0, 1)[..., None] * 255
        fresh = np.minimum(self.pixels, 255 - ink) if erase else np.maximum(self.pixels, ink)
        self.pixels = fresh.astype(np.uint8)
        self.update()

    def undo(self) -> None:
        if self._before:
            self.pixels = self._before.pop()
            self._tell()

    def clear(self) -> None:
        if self.pixels.any():
            self._before.append(self.pixels)
            self.pixels = np.zeros((SIDE, SIDE, 1), np.uint8)
            self._tell()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._before.append(self.pixels)
        self._last = None
        self._paint_to(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons() & (Qt.MouseButton.LeftButton | Qt.MouseButton.RightButton):
            self._paint_to(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._last = None
        self.changed.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        moves = {Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, -1), Qt.Key.Key_Down: (0, 1)}
        key = Qt.Key(event.key())
        if key in moves:
            self._cursor = np.clip(self._cursor + np.array(moves[key]), 0.5, SIDE - 0.5)
            self.update()
        elif key in (Qt.Key.Key_Space, Qt.Key.Key_Delete):
            self._before.append(self.pixels)
            self.dab(*self._cursor, erase=key == Qt.Key.Key_Delete)
            self.changed.emit()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        area, look = self._area(), theme.current()
        with QPainter(self) as painter:
            painter.drawImage(area, picture(self.pixels))
            painter.setPen(QPen(look.color("accent" if self.hasFocus() else "border"), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(area)
            if not self.pixels.any():
                painter.setPen(QColor(210, 210, 210))
                words = "Draw a digit\nRight button: erase\nArrow keys and Space work too"
                painter.drawText(area, Qt.AlignmentFlag.AlignCenter, words)
                painter.setPen(QPen(look.color("accent"), 1))
            if self.hasFocus():
                cell = area.width() / SIDE
                at = QPointF(area.left() + self._cursor[0] * cell, area.top() + self._cursor[1] * cell)
                painter.drawEllipse(at, cell * self.width_of_brush, cell * self.width_of_brush)

    def sizeHint(self) -> QSize:
        return QSize(10 * SIDE, 10 * SIDE)

    def _tell(self) -> None:
        self.changed.emit()
        self.update()

    def _paint_to(self, event: QMouseEvent) -> None:
        area = self._area()
        erase = bool(event.buttons() & Qt.MouseButton.RightButton)
        to = event.position()
        start = self._last or to
        steps = max(1, int((to - start).manhattanLength() / area.width() * SIDE * 2))
        for step in range(1, steps + 1):
            at = start + (to - start) * (step / steps)
            x, y = (at.x() - area.left()) / area.width() * SIDE, (at.y() - area.top()) / area.height() * SIDE
            self.dab(x, y, erase=erase)
        self._last, self._cursor = to, np.clip([x, y], 0.5, SIDE - 0.5)

    def _area(self) -> QRectF:
        side = min(self.width(), self.height()) - 1.0
        return QRectF((self.width() - side) / 2, (self.height() - side) / 2, side, side)

    def _recolour(self, _theme: object) -> None:
        self.update()


class DrawPoints(QWidget):
    """A distribution by hand. `saved(name, points)`, `cancelled()`; `classes_saved(name, points, labels)` where some were drawn
    with a class, -1 for those that were not."""

    saved = Signal(str, object)
    classes_saved = Signal(str, object, object)
    cancelled = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("draw_points")
        self.canvas = PointsCanvas()
        self.brush = LabeledSlider("Brush", 0.02, 1.5, 0.3, logarithmic=True, name="points_brush")
        self.density = LabeledSlider("Points per stroke", 1, 40, 8, whole=True, name="points_density")
        self.kind = choice("points_class", "Class of the points that are drawn next", *CLASSES)
        self.name = _name_field("points_name", "My points")
        self.counted = plain_label("No points yet", role="quiet", name="points_counted")
        self.undo = button("Undo", "points_undo", "undo", does=self.canvas.undo)
        self.redo = button("Redo", "points_redo", "redo", does=self.canvas.redo)
        self.clear = button("Clear", "points_clear", "trash", does=self.canvas.clear)
        self.save = primary_button("Save as dataset", "points_save", "save")
        self.save.setEnabled(False)
        cancel = button("Cancel", "points_cancel", does=self.cancelled.emit)
        vbox(
            plain_label("Draw your own points", role="title"),
            hbox(self.brush, self.density), hbox(paired(plain_label("Class"), self.kind), self.undo, self.redo, self.clear, None),
            (self.canvas, 1),
            hbox(plain_label("Name"), self.name, self.counted, None, cancel, self.save), into=self,
        )  # fmt: skip
        self.brush.changed.connect(lambda value: setattr(self.canvas, "width_of_brush", value))
        self.density.changed.connect(lambda value: setattr(self.canvas, "density", int(value)))
        self.canvas.changed.connect(self._count)
        self.kind.currentIndexChanged.connect(lambda index: setattr(self.canvas, "label", index - 1))
        self.save.clicked.connect(self._save)

    def _save(self) -> None:
        points, labels = self.canvas.points(), self.canvas.labels()
        if (labels >= 0).any():
            self.classes_saved.emit(self.name.text(), points, labels)
        else:
            self.saved.emit(self.name.text(), points)

    def _count(self) -> None:
        labels = self.canvas.labels()
        classes = len(np.unique(labels[labels >= 0]))
        self.counted.setText(f"{len(labels):,} points" + (f", {classes} class{'es' * (classes > 1)}" if classes else ""))
        self.save.setEnabled(len(labels) >= 2 and classes != 1)


class DrawDigits(QWidget):
    """Pictures by hand, each with a label. `saved(name, pixels (n, 28, 28, 1), labels (n,))`, `cancelled()`."""

    saved = Signal(str, object, object)
    cancelled = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("draw_digits")
        self.canvas = DigitCanvas()
        self.label = choice("digit_label", "Label of the picture", *"0123456789")
        self.grid = named(PictureGrid(), "drawn_pictures", "Pictures drawn so far")
        self.name = _name_field("digits_name", "My digits")
        self.add = button("Add picture", "digit_add", "plus", does=self.add_picture)
        self.undo = button("Undo", "digit_undo", "undo", does=self.canvas.undo)
        self.clear = button("Clear", "digit_clear", "trash", does=self.canvas.clear)
        self.drop = button("Remove last", "digit_remove", "minus", "Remove the last picture", self._remove)
        self.counted = named(ElidedLabel("No pictures yet"), "digits_counted", "Pictures drawn so far, by their labels")
        self.counted.setProperty("quiet", True)
        self.save = primary_button("Save as dataset", "digits_save", "save")
        cancel = button("Cancel", "digits_cancel", does=self.cancelled.emit)
        self._pixels: list[Array] = []
        self._labels: list[int] = []
        self.canvas.setFixedSize(10 * SIDE, 10 * SIDE)
        left = vbox(
            self.canvas, hbox(self.undo, self.clear, self.drop, None),
            hbox(plain_label("Label"), self.label, self.add, None), None,
        )  # fmt: skip
        middle = QWidget()
        self.none = plain_label("The pictures that you add appear here.", role="quiet", name="no_drawings")
        self.none.setAlignment(Qt.AlignmentFlag.AlignCenter)
        hbox(left, (self.grid, 1), (self.none, 1), into=middle, spacing=16)
        vbox(
            plain_label("Draw digits", role="title"), (Scrolling(middle, "draw_digits_scroll"), 1),
            hbox(plain_label("Name"), self.name, (self.counted, 1), cancel, self.save), into=self,
        )  # fmt: skip
        self.save.clicked.connect(self._save)
        self._show()

    def add_picture(self) -> None:
        """Keep what is on the canvas with its label, and make room for the next of the following label."""
        if self.canvas.pixels.any():
            self._pixels.append(self.canvas.pixels)
            self._labels.append(self.label.currentIndex())
            self.canvas.clear()
            self.label.setCurrentIndex((self.label.currentIndex() + 1) % self.label.count())
            self._show()

    def _remove(self) -> None:
        if self._pixels:
            self._pixels.pop()
            self._labels.pop()
            self._show()

    def _show(self) -> None:
        count = len(self._pixels)
        pixels = np.stack(self._pixels) if count else np.empty((0, SIDE, SIDE, 1), np.uint8)
        self.grid.show_pictures(pixels, np.array(self._labels, np.int64), tuple("0123456789"))
        each = np.bincount(np.array(self._labels, np.int64), minlength=10)
        many = "  ·  " + ", ".join(f"{digit}: {number}" for digit, number in enumerate(each) if number) if count else ""
        self.counted.setText(f"{count:,} picture{'s' if count != 1 else ''}{many}" if count else "No pictures yet")
        self.grid.setVisible(count > 0)
        self.none.setVisible(not count)
        self.save.setEnabled(count > 0)
        self.drop.setEnabled(count > 0)

    def _save(self) -> None:
        self.saved.emit(self.name.text(), np.stack(self._pixels), np.array(self._labels, np.int64))


def _name_field(name: str, text: str) -> QLineEdit:
    field = named(QLineEdit(text), name, "Name of the dataset")
    field.setMaxLength(120)
    field.setMinimumWidth(120)
    return field
