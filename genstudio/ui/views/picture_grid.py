"""Any number of pictures in a grid that scrolls at the speed of the hand: only rows in sight are drawn."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import numpy as np
from PySide6.QtCore import QEvent, QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QGuiApplication,
    QHelpEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QAbstractScrollArea, QFrame, QToolTip

from genstudio.events import Array
from genstudio.ui import theme

GAP = 6
_STRIPS = 96
_SMALLEST, _LARGEST = 20, 256


class PictureGrid(QAbstractScrollArea):
    """Shows `pixels` (n, h, w, c) uint8, c 1 or 3, or the ones of them in `order`.

    Click, Enter or Space: `opened(index)`. Arrows, Page, Home and End move; Ctrl with the wheel changes the size.
    """

    opened = Signal(int)
    resized = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("picture_grid")
        self.setAccessibleName("Pictures")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.verticalScrollBar().setObjectName("picture_grid_scroll")
        self.verticalScrollBar().setAccessibleName("Scroll the pictures")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.viewport().setAutoFillBackground(False)
        self._pixels: Array = np.empty((0, 1, 1, 1), np.uint8)
        self._order: Array = np.empty(0, np.int64)
        self._words: dict[str, Any] = {}
        self._strips: OrderedDict[int, QImage] = OrderedDict()
        self._cell = 56
        self._current = -1
        theme.changed.connect(self._recolour)

    def show_pictures(
        self, pixels: Array, labels: Array | None = None, classes: tuple[str, ...] = (), names: Any = None,
        captions: Any = None,
    ) -> None:
        """Replace what is shown."""
        self._pixels = pixels
        self._words = {"labels": labels, "classes": classes, "names": names, "captions": captions}
        self.show_order(np.arange(len(pixels)))

    def show_order(self, order: Array) -> None:
        """Show only these pictures, in this order."""
        self._order = order
        self._current = -1
        self._strips.clear()
        self._measure()
        self.verticalScrollBar().setValue(0)
        self.setAccessibleDescription(f"{len(order):,} pictures")
        self.viewport().update()

    def count(self) -> int:
        """How many are in the grid."""
        return len(self._order)

    def cell(self) -> int:
        return self._cell

    def set_cell(self, size: int) -> None:
        """Draw each picture in a square of this many pixels."""
        size = min(max(size, _SMALLEST), _LARGEST)
        if size != self._cell:
            top = self.index_at(QPoint(GAP, GAP))
            self._cell = size
            self._strips.clear()
            self._measure()
            self._bring(max(top, 0), top=True)
            self.viewport().update()
            self.resized.emit(size)

    def current(self) -> int:
        """Index into the pictures of the one that is marked, or -1."""
        return int(self._order[self._current]) if 0 <= self._current < len(self._order) else -1

    def choose(self, place: int) -> None:
        """Mark the picture at this place of the grid and bring it into sight."""
        if 0 <= place < len(self._order):
            self._current = place
            self._bring(place)
            self.setAccessibleDescription(f"{self.describe(self.current())}; {place + 1:,} of {len(self._order):,}")
            self.viewport().update()

    def choose_index(self, index: int) -> None:
        """Mark the picture with this index and bring it into sight, where it is in the grid."""
        place = np.flatnonzero(self._order == index)
        if len(place):
            self.choose(int(place[0]))

    def open(self, place: int) -> None:
        self.choose(place)
        if self.current() >= 0:
            self.opened.emit(self.current())

    def describe(self, index: int) -> str:
        """Number, class and name of a picture."""
        labels, classes, names = self._words.get("labels"), self._words.get("classes", ()), self._words.get("names")
        parts = [f"picture {index + 1:,}"]
        if labels is not None and labels[index] >= 0:
            label = int(labels[index])
            parts.append(classes[label] if label < len(classes) else str(label))
        for words in (names, self._words.get("captions")):
            if words is not None and words[index]:
                parts.append(str(words[index]))
        return ", ".join(parts)

    def index_at(self, at: QPoint) -> int:
        """Place in the grid of what is under this point of the viewport, or -1."""
        left = self._left()
        column, within = divmod(at.x() - left, self._pitch())
        row, below = divmod(at.y() + self.verticalScrollBar().value() - GAP, self._pitch())
        place = row * self._columns() + column
        inside = 0 <= column < self._columns() and within < self._cell and below < self._cell and row >= 0
        return place if inside and place < len(self._order) else -1

    def cell_rect(self, place: int) -> QRect:
        """Where the picture at this place is now, in the viewport."""
        row, column = divmod(place, self._columns())
        y = GAP + row * self._pitch() - self.verticalScrollBar().value()
        return QRect(self._left() + column * self._pitch(), y, self._cell, self._cell)

    def paintEvent(self, event: QPaintEvent) -> None:
        look, pitch = theme.current(), self._pitch()
        scroll = self.verticalScrollBar().value()
        with QPainter(self.viewport()) as painter:
            painter.fillRect(event.rect(), look.color("panel"))
            first = max(0, (event.rect().top() + scroll - GAP) // pitch)
            last = min(self._rows() - 1, (event.rect().bottom() + scroll - GAP) // pitch)
            for row in range(first, last + 1):
                painter.drawImage(self._left(), GAP + row * pitch - scroll, self._strip(row))
            if self._current >= 0:
                self._mark(painter)

    def _mark(self, painter: QPainter) -> None:
        box = QRectF(self.cell_rect(self._current)).adjusted(-2, -2, 2, 2)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme.current().color("accent"), 3))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(box, 4, 4)

    def _strip(self, row: int) -> QImage:
        """One row of the grid, drawn once."""
        found = self._strips.get(row)
        if found is None:
            ratio = self.viewport().devicePixelRatioF()
            cell, pitch = round(self._cell * ratio), round(self._pitch() * ratio)
            chosen = self._order[row * self._columns() : (row + 1) * self._columns()]
            found = strip(self._pixels[chosen], cell, pitch, self._columns(), theme.current().color("panel").rgb())
            found.setDevicePixelRatio(ratio)
            self._strips[row] = found
            while len(self._strips) > _STRIPS:
                self._strips.popitem(last=False)
        self._strips.move_to_end(row)
        return found

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        top = self.index_at(QPoint(self._left(), GAP))
        self._strips.clear()
        self._measure()
        if top > 0:
            self._bring(top, top=True)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        columns, page = self._columns(), max(1, self.viewport().height() // self._pitch()) * self._columns()
        steps = {
            Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Up: -columns, Qt.Key.Key_Down: columns,
            Qt.Key.Key_PageUp: -page, Qt.Key.Key_PageDown: page,
            Qt.Key.Key_Home: -len(self._order), Qt.Key.Key_End: len(self._order),
        }  # fmt: skip
        key = Qt.Key(event.key())
        if key in steps and len(self._order):
            place = max(0, self._current) + (steps[key] if self._current >= 0 else 0)
            self.choose(min(max(place, 0), len(self._order) - 1))
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space) and self._current >= 0:
            self.open(self._current)
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Minus):
            self.set_cell(round(self._cell * (1.25 if key == Qt.Key.Key_Plus else 0.8)))
        else:
            super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        place = self.index_at(event.position().toPoint())
        if event.button() == Qt.MouseButton.LeftButton and place >= 0:
            self.open(place)

    def wheelEvent(self, event: QWheelEvent) -> None:
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier and event.angleDelta().y():
            self.set_cell(round(self._cell * 1.2 ** (event.angleDelta().y() / 120)))
            event.accept()
        else:
            super().wheelEvent(event)

    def viewportEvent(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            place = self.index_at(event.pos())
            QToolTip.showText(event.globalPos(), self.describe(int(self._order[place])) if place >= 0 else "", self)
            return True
        return super().viewportEvent(event)

    def sizeHint(self) -> QSize:
        return QSize(640, 420)

    def copy(self, index: int) -> None:
        """Put one picture on the clipboard as it is stored."""
        QGuiApplication.clipboard().setImage(picture(self._pixels[index]))

    def _recolour(self, _theme: object) -> None:
        self._strips.clear()
        self.viewport().update()

    def _pitch(self) -> int:
        return self._cell + GAP

    def _columns(self) -> int:
        return max(1, (self.viewport().width() - GAP) // self._pitch())

    def _rows(self) -> int:
        return -(-len(self._order) // self._columns())

    def _left(self) -> int:
        return max(GAP, (self.viewport().width() - self._columns() * self._pitch() + GAP) // 2)

    def _measure(self) -> None:
        bar = self.verticalScrollBar()
        bar.setRange(0, max(0, self._rows() * self._pitch() + GAP - self.viewport().height()))
        bar.setSingleStep(max(1, self._pitch() // 2))
        bar.setPageStep(max(1, self.viewport().height() - self._pitch()))

    def _bring(self, place: int, top: bool = False) -> None:
        bar, y = self.verticalScrollBar(), place // self._columns() * self._pitch()
        if top or y < bar.value():
            bar.setValue(y)
        elif y + self._pitch() + GAP > bar.value() + self.viewport().height():
            bar.setValue(y + self._pitch() + GAP - self.viewport().height())


def strip(pixels: Array, cell: int, pitch: int, columns: int, background: int) -> QImage:
    """Pictures (k, h, w, c) side by side, each as large as fits in a square of `cell`, one every `pitch` pixels."""
    canvas = strip_pixels(pixels, cell, pitch, columns, background)
    return QImage(canvas.data, canvas.shape[1], cell, canvas.strides[0], QImage.Format.Format_RGB32).copy()


def strip_pixels(pixels: Array, cell: int, pitch: int, columns: int, background: int) -> Array:
    """The same as (cell, columns * pitch) 0xFFRRGGBB: each row of the pictures is made wide once, then repeated."""
    if not len(pixels):
        return np.full((cell, columns * pitch), background, np.uint32)
    k, high, wide = pixels.shape[:3]
    rows, across = nearest(high, cell, max(high, wide)), nearest(wide, cell, max(high, wide))
    top, left = (cell - len(rows)) // 2, (cell - len(across)) // 2
    lines = np.full((high + 1, columns * pitch), background, np.uint32)
    tiles = lines[:high, : k * pitch].reshape(high, k, pitch)
    tiles[:, :, left : left + len(across)] = np.take(packed(pixels).transpose(1, 0, 2), across, axis=2, mode="clip")
    order = np.full(cell, high)
    order[top : top + len(rows)] = rows
    return np.take(lines, order, axis=0, mode="clip")


def nearest(size: int, cell: int, longer: int) -> Array:
    """Which of `size` pixels is nearest to each one of an enlarged side, where the `longer` side becomes `cell`."""
    scale = cell / longer
    return np.minimum((np.arange(max(1, round(size * scale))) / scale).astype(np.int64), size - 1)


def packed(pixels: Array) -> Array:
    """(k, h, w, c) uint8 as (k, h, w) 0xFFRRGGBB."""
    count, high, wide, channels = pixels.shape
    if not pixels.size:
        return np.empty((count, high, wide), np.uint32)
    given = np.ascontiguousarray(pixels)
    form = QImage.Format.Format_Grayscale8 if channels == 1 else QImage.Format.Format_RGB888
    image = QImage(given.data, wide, count * high, wide * channels, form).convertToFormat(QImage.Format.Format_RGB32)
    return np.frombuffer(image.constBits(), np.uint32).reshape(count, high, wide).copy()


def enlarged(pictures: Array, cell: int) -> Array:
    """(k, h, w) with the longer side `cell`, each pixel the nearest one: what is small stays sharp."""
    high, wide = pictures.shape[1:]
    rows, columns = nearest(high, cell, max(high, wide)), nearest(wide, cell, max(high, wide))
    flat = (rows[:, None] * wide + columns).ravel()
    taken = np.take(pictures.reshape(len(pictures), -1), flat, axis=1, mode="clip")
    return taken.reshape(len(pictures), len(rows), len(columns))


def picture(pixels: Array) -> QImage:
    """One picture (h, w, c) uint8 as it is stored."""
    whole = np.ascontiguousarray(packed(pixels[None])[0])
    return QImage(whole.data, whole.shape[1], whole.shape[0], whole.strides[0], QImage.Format.Format_RGB32).copy()
