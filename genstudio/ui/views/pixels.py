"""One picture, pixel by pixel: tinted by what a model makes of each, pointed at, drawn on."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QImage, QMouseEvent, QPainter, QPainterPath, QPen

from genstudio.events import Array
from genstudio.ui import theme
from genstudio.ui.views.bars import Bar, BarChart
from genstudio.ui.views.picture_grid import packed, picture
from genstudio.ui.views.pointed import PointedFigure, moved
from genstudio.ui.views.view import Lines, Table, most_probable, paint_empty, paint_title

_HEAD, _EDGE = 32.0, 12.0
_MOST_BARS = 40


class PixelsView(PointedFigure[int]):
    """A picture (h, w, c) uint8. `values` (h, w) tint it, from 0 to `highest`; where they are NaN the picture is dimmed.

    A click, Enter or the space bar: `picked(pixel)`, its number in reading order. While `drawing`, the left button, or Enter,
    paints with the colour `ink` and the right button takes away what was drawn; `stroked()` when a stroke ends. `covered` (h, w)
    is True for the pixels drawn on; all others are hatched. Where there is no drawing, `kept` (h, w) pixels are framed.
    """

    picked = Signal(int)
    stroked = Signal()

    def __init__(self, title: str, name: str, empty: str = "", unit: str = "") -> None:
        super().__init__(title, name)
        self.note, self.empty, self.unit = "", empty, unit
        self.pixels: Array | None = None
        self.values: Array | None = None
        self.highest = 1.0
        self.kept: Array | None = None
        self.marked = -1
        self.drawing = False
        self.ink: Array = np.full(1, 255, np.uint8)
        self.covered: Array = np.zeros((1, 1), bool)

    def show_picture(self, pixels: Array, kept: Array | None = None, note: str = "") -> None:
        """Replace what is shown; the pixel that is marked stays marked."""
        if self.pixels is None or pixels.shape != self.pixels.shape:
            self.marked, self.hover = -1, None
        self.pixels, self.kept, self.note, self.values = pixels.copy(), kept, note, None
        self.setAccessibleDescription(f"{pixels.shape[1]} x {pixels.shape[0]} pixels. {note}")
        self.redraw()

    def tint(self, values: Array | None, highest: float, unit: str = "") -> None:
        """Tint each pixel by a number."""
        self.values, self.highest, self.unit = values, max(highest, 1e-9), unit
        self.redraw()

    def begin_drawing(self, background: Array, mask: Array | None = None) -> None:
        """Draw on this picture (h, w, c), of which nothing, or what is True in `mask`, is drawn yet."""
        self.drawing, self.kept, self.values = True, None, None
        self.pixels = background.copy()
        self._background = background.copy()
        self.covered = np.zeros(background.shape[:2], bool) if mask is None else mask.copy()
        self.redraw()

    def clear(self) -> None:
        self.pixels, self.values, self.kept, self.marked, self.drawing = None, None, None, -1, False
        super().clear()

    def mark(self, pixel: int) -> None:
        """Frame this pixel."""
        self.marked = pixel
        self.redraw()

    def mark_at(self, point: QPointF) -> int | None:
        if self.pixels is None:
            return None
        box, (high, wide) = self._box(QRectF(self.rect())), self.pixels.shape[:2]
        column, row = ((point.x() - box.left()) / box.width() * wide, (point.y() - box.top()) / box.height() * high)
        return int(row) * wide + int(column) if 0 <= column < wide and 0 <= row < high else None

    def beside(self, mark: int | None, right: int, down: int) -> int | None:
        if self.pixels is None:
            return None
        high, wide = self.pixels.shape[:2]
        if mark is None:
            return max(self.marked, 0)
        row, column = divmod(mark, wide)
        return moved(row, down, high) * wide + moved(column, right, wide)

    def card(self, mark: int) -> tuple[QPointF, Lines, str]:
        assert self.pixels is not None
        row, column = divmod(mark, self.pixels.shape[1])
        colour = self.pixels[row, column].tolist()
        lines: list[tuple[QColor | None, str, str]] = [(QColor(*(colour * 3)[:3]), "colour", " ".join(map(str, colour)))]
        if self.values is not None:
            value = float(self.values[row, column])
            lines.append((None, self.unit, "not seen yet" if np.isnan(value) else f"{value:.3g}"))
        cell = self._cell(QRectF(self.rect()), mark)
        return cell.center(), lines, f"pixel {mark + 1:,}: row {row + 1}, column {column + 1}"

    def take(self, mark: int) -> None:
        if self.drawing:
            self._paint(mark, erase=False)
            self.stroked.emit()
        else:
            self.mark(mark)
            self.picked.emit(mark)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        super().mousePressEvent(event)
        self._stroke(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        self._stroke(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self.drawing:
            self.stroked.emit()
        else:
            super().mouseReleaseEvent(event)

    def table(self) -> Table:
        if self.pixels is None:
            return (), ()
        wide, values, pixels = self.pixels.shape[1], self.values, self.pixels.reshape(-1, self.pixels.shape[2])
        flat = None if values is None else values.reshape(-1)
        rows = ((at // wide + 1, at % wide + 1, " ".join(map(str, colour.tolist())), "" if flat is None else float(flat[at]))
                for at, colour in enumerate(pixels))
        return ("row", "column", "colour", self.unit or "value"), rows

    def paint_figure(self, painter: QPainter, area: QRectF) -> None:
        paint_title(painter, self.title, self.note, area)
        if self.pixels is None:
            paint_empty(painter, area, self.empty)
            return
        box, look = self._box(area), theme.current()
        painter.drawImage(box, self._image())
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(look.color("border"), 1))
        painter.drawRect(box)
        if self.drawing:
            painter.fillPath(self._outside(box), look.color("accent", 0.10))
        elif self.kept is not None and self.kept.any() and not self.kept.all():
            rows = int(self.kept.all(1).argmin())
            painter.setPen(QPen(look.color("accent"), 2, Qt.PenStyle.DashLine))
            y = box.top() + box.height() * rows / len(self.kept)
            if self.kept[:rows].all() and not self.kept[rows:].any():
                painter.drawLine(QPointF(box.left(), y), QPointF(box.right(), y))
        if self.marked >= 0:
            painter.setPen(QPen(QColor(theme.visible(theme.ORANGE)), 2.5))
            painter.drawRect(self._cell(area, self.marked))

    def paint_hover(self, painter: QPainter) -> None:
        if self.hover is not None and self.pixels is not None:
            painter.setPen(QPen(theme.current().color("accent"), 1.5))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(self._cell(QRectF(self.rect()), self.hover))
            if not self.drawing:
                super().paint_hover(painter)

    def _image(self) -> QImage:
        """One pixel for each: as it is, or tinted."""
        assert self.pixels is not None
        if self.values is None:
            return picture(self.pixels)
        rgb = theme.mapped(np.nan_to_num(self.values), 0.0, self.highest).astype(np.float32)
        grey = packed(self.pixels[None])[0]
        real = np.stack([grey >> 16 & 255, grey >> 8 & 255, grey & 255], -1).astype(np.float32)
        unseen = np.isnan(self.values)[..., None]
        mixed = np.where(unseen, real * 0.35 + np.array(_panel(), np.float32) * 0.65, rgb[..., :3] * 0.8 + real * 0.2)
        return picture(mixed.round().clip(0, 255).astype(np.uint8))

    def _outside(self, box: QRectF) -> QPainterPath:
        path = QPainterPath()
        high, wide = self.covered.shape
        across, down = box.width() / wide, box.height() / high
        for row, column in np.argwhere(~self.covered).tolist():
            path.addRect(QRectF(box.left() + column * across, box.top() + row * down, across, down))
        return path

    def _box(self, area: QRectF) -> QRectF:
        assert self.pixels is not None
        high, wide = self.pixels.shape[:2]
        room = area.adjusted(_EDGE, _HEAD, -_EDGE, -_EDGE)
        cell = max(min(room.width() / wide, room.height() / high), 1.0)
        cell = float(int(cell)) if cell > 3 else cell
        left, top = (room.width() - cell * wide) / 2, (room.height() - cell * high) / 2
        return QRectF(room.left() + left, room.top() + top, cell * wide, cell * high)

    def _cell(self, area: QRectF, mark: int) -> QRectF:
        assert self.pixels is not None
        box, (high, wide) = self._box(area), self.pixels.shape[:2]
        across, down = box.width() / wide, box.height() / high
        row, column = divmod(mark, wide)
        return QRectF(box.left() + column * across, box.top() + row * down, across, down)

    def _stroke(self, event: QMouseEvent) -> None:
        buttons = event.buttons()
        if self.drawing and buttons & (Qt.MouseButton.LeftButton | Qt.MouseButton.RightButton):
            mark = self.mark_at(event.position())
            if mark is not None:
                self._paint(mark, erase=bool(buttons & Qt.MouseButton.RightButton))

    def _paint(self, mark: int, *, erase: bool) -> None:
        assert self.pixels is not None
        row, column = divmod(mark, self.pixels.shape[1])
        self.pixels[row, column] = self._background[row, column] if erase else self.ink
        self.covered[row, column] = not erase
        self.redraw()


def _panel() -> tuple[int, int, int]:
    found = theme.current().color("panel")
    return found.red(), found.green(), found.blue()


class ColourBars(BarChart):
    """The most probable colours of one pixel, each with a swatch; the one that is there is outlined."""

    empty = "Click a pixel to see how probable each colour was there"
    rows = 18.0, 24.0

    def __init__(self, name: str) -> None:
        super().__init__("Colour of the pixel", name)
        self.colours: Array = np.empty((0, 1), np.uint8)
        self.probabilities: Array = np.empty(0)
        self.order: Array = np.empty(0, np.int64)

    def show_colours(self, palette: Array, probabilities: Array, chosen: int, note: str = "") -> None:
        """Probabilities (k,) of the colours of a palette (k, c), of which one is there."""
        self.colours, self.probabilities, self.note, self.hover = palette, probabilities, note, None
        self.order = most_probable(probabilities, _MOST_BARS)
        self.bars = tuple(
            Bar(f"  {_hex(palette[at])}", ((value, "accent", f"{100 * value:.1f}%"),), value if at == chosen else None)
            for at in self.order.tolist() for value in (float(probabilities[at]),)
        )  # fmt: skip
        self.setAccessibleDescription(", ".join(f"{bar.name} {bar.parts[0][2]}" for bar in self.bars[:5]))
        self.redraw()

    def show_nothing(self) -> None:
        self.bars, self.note, self.hover = (), "", None
        self.redraw()

    def table(self) -> Table:
        return ("colour", "probability"), zip(map(_hex, self.colours), self.probabilities.tolist(), strict=True)

    def paint_figure(self, painter: QPainter, area: QRectF) -> None:
        super().paint_figure(painter, area)
        for index, at in enumerate(self.order[: self.fitting()].tolist()):
            row = self.row(index)
            painter.setPen(QPen(theme.current().color("border"), 1))
            painter.setBrush(QColor(_hex(self.colours[at])))
            painter.drawRect(QRectF(row.left() - 9, row.center().y() - 5, 10, 10))


def _hex(colour: Array) -> str:
    red, green, blue = (colour.tolist() * 3)[:3]
    return f"#{red:02x}{green:02x}{blue:02x}"
