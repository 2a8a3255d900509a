"""A dense network drawn as neurons and edges with their numbers: sums, answers, slopes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QPainter, QPen

from genstudio.events import Array
from genstudio.ui import theme
from genstudio.ui.basics.state import Worked
from genstudio.ui.views.pointed import PointedFigure, moved
from genstudio.ui.views.view import CENTRE, LEFT, NO_DATA, RIGHT, Lines, Table, paint_empty, paint_title

Mark = tuple[int, int, int]
"""A place: (layer, neuron, from), layer from 0 for the inputs; from -1 is the neuron itself, -2 its bias."""
MOST = 10
_LABELLED = 16
"""Edges between two layers up to which each has its number, where it finds room."""
_PLACES = (0.5, 0.36, 0.64, 0.25, 0.75)
"""Where on an edge its number may stand, in the order in which that is tried."""
_TOP, _FOOT, _SIDE, _PICTURE = 40.0, 26.0, 64.0, 92.0
_INSIDE = 15.0
"""Radius of a neuron from which its number stands inside."""
_POSITIVE, _NEGATIVE, _BACK = theme.BLUE, theme.ORANGE, theme.VERMILION


def short(value: float) -> str:
    """A number in a neuron: three decimals, or three figures where it is large or tiny.

    >>> [short(v) for v in (0.51239, -12.3456, 1234.5, 0.00001234, 0.0)]
    ['0.512', '-12.35', '1234', '1.2e-05', '0']
    """
    size = abs(value)
    if not np.isfinite(value):
        return str(value)
    if size == 0:
        return "0"
    if size < 0.0005 or size >= 1e5:
        return f"{value:.1e}"
    return f"{value:.3f}" if size < 10 else f"{value:.2f}" if size < 100 else f"{value:.0f}"


class NetworkFigure(PointedFigure[Mark]):
    """Draws what `show_worked` gives it; a click on a weight or a neuron: `chosen(Mark)`."""

    chosen = Signal(object)
    live_share, slowest_ms = 0.05, 250

    def __init__(self, title: str = "Network", name: str = "network_figure") -> None:
        super().__init__(title, name)
        self.worked: Worked | None = None
        self.names: Sequence[str] = ()
        self.classes: Sequence[str] = ()
        self.selected: Mark | None = None
        self.ahead: int | None = None
        self.behind: int | None = 0
        self.empty, self.note = NO_DATA, ""
        self._picture: QImage | None = None
        self._weights: Sequence[Array] = ()
        self._taken: list[QRectF] = []
        self._spots: dict[Mark, QPointF] = {}

    def show_worked(
        self, worked: Worked, names: Sequence[str], classes: Sequence[str], note: str = "", *, ahead: int | None = None,
        behind: int | None = 0, picture: Array | None = None, slopes: Sequence[Array] | None = None, live: bool = False,
    ) -> None:  # fmt: skip
        """Show an example: the answers of layers up to `ahead` (None: all), the slopes of layers down to `behind` (None: none
        yet). `picture` (h, w, c) uint8 stands for inputs that are pixels. `slopes` are dC/dW of each layer where they are not
        those of this example."""
        self.worked, self.names, self.classes, self.note = worked, names, classes, note
        self.ahead, self.behind = ahead, behind
        self._weights = worked.back.weights if slopes is None else slopes
        self._picture = None if picture is None else _image(picture)
        self._say()
        self.redraw(live=live)

    def clear(self) -> None:
        self.worked, self.selected = None, None
        super().clear()

    def select(self, mark: Mark | None) -> None:
        """Mark a weight or a neuron."""
        self.selected = mark
        self.redraw()

    def table(self) -> Table:
        """Every number: z, a and delta of each neuron, then each weight and bias with its slope."""
        if self.worked is None:
            return (), ()
        return ("kind", "layer", "neuron", "from", "z or weight", "a", "slope"), list(self._rows(self.worked))

    def _rows(self, work: Worked) -> Iterator[tuple[Any, ...]]:
        for layer, (z, a, delta) in enumerate(zip(work.passed.z, work.passed.a[1:], work.back.deltas, strict=True), 1):
            for neuron in range(z.shape[1]):
                yield "neuron", layer, neuron + 1, "", float(z[0, neuron]), float(a[0, neuron]), float(delta[0, neuron])
        for layer, weights in enumerate(work.network.weights, 1):
            for neuron, row in enumerate(weights.tolist()):
                for column, weight in enumerate(row):
                    yield "weight", layer, neuron + 1, column + 1, weight, "", float(self._weights[layer - 1][neuron, column])
                bias = float(work.network.biases[layer - 1][neuron])
                yield "bias", layer, neuron + 1, "", bias, "", float(work.back.biases[layer - 1][neuron])

    def paint_figure(self, painter: QPainter, area: QRectF) -> None:
        paint_title(painter, self.title, self.note, area)
        if self.worked is None:
            paint_empty(painter, area, self.empty)
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._taken = []
        for layer in range(1, len(self.worked.network.sizes)):
            self._paint_edges(painter, layer)
        for layer in range(len(self.worked.network.sizes)):
            self._paint_layer(painter, layer)
        for layer in range(1, len(self.worked.network.sizes)):
            self._paint_weights(painter, layer)
        self._paint_foot(painter, area)

    def place(self, layer: int, neuron: int) -> QPointF:
        """The middle of a neuron."""
        sizes = self._sizes()
        side = _SIDE if self._picture is None else _PICTURE
        spare = 20 if self.radius() >= _INSIDE else 64  # answers stand beside small neurons
        left, right = side, max(self.width() - _SIDE - spare, side + 1)
        x = left + (right - left) * layer / max(len(sizes) - 1, 1)
        if not layer and self._picture is not None:
            return QPointF(x, (self.height() - _FOOT + _TOP) / 2)
        shown = min(sizes[layer], MOST)
        rows = shown + (sizes[layer] > MOST)
        return QPointF(x, _TOP + (self.height() - _TOP - _FOOT) * (neuron + 0.5) / rows)

    def radius(self) -> float:
        """Of a neuron."""
        rows = max(min(size, MOST) + (size > MOST) for size in self._sizes()[(1 if self._picture is not None else 0):])
        return float(min(25.0, (self.height() - _TOP - _FOOT) / rows * 0.33, self.width() / len(self._sizes()) * 0.2))

    def _roomy(self, layer: int) -> bool:
        """Whether there is room for a line above and below each neuron of a layer."""
        size = self._sizes()[layer]
        rows = min(size, MOST) + (size > MOST)
        line = QFontMetricsF(theme.font(theme.SMALL)).height()
        return (self.height() - _TOP - _FOOT) / rows >= 2 * self.radius() + 2 * line

    def _sizes(self) -> tuple[int, ...]:
        return (1, 1) if self.worked is None else self.worked.network.sizes

    def _known(self, layer: int) -> bool:
        return self.ahead is None or layer <= self.ahead

    def _sloped(self, layer: int) -> bool:
        """Whether the slopes of a layer are shown."""
        return self.behind is not None and layer > self.behind

    def _paint_edges(self, painter: QPainter, layer: int) -> None:
        assert self.worked is not None
        weights, look = self.worked.network.weights[layer - 1], theme.current()
        rows, columns = min(weights.shape[0], MOST), min(weights.shape[1], MOST)
        if layer == 1 and self._picture is not None:
            painter.setPen(QPen(look.color("border"), 1))
            for row in range(rows):
                painter.drawLine(self.place(0, 0), self.place(1, row))
            return
        largest = max(float(np.abs(weights[:rows, :columns]).max()), 1e-9)
        for row in range(rows):
            for column in range(columns):
                self._paint_edge(painter, (layer, row, column), float(weights[row, column]), largest)

    def _paint_weights(self, painter: QPainter, layer: int) -> None:
        """The numbers of the edges before a layer: all where there are few, and that of the chosen one."""
        assert self.worked is not None
        if layer == 1 and self._picture is not None:
            return
        weights = self.worked.network.weights[layer - 1]
        rows, columns = min(weights.shape[0], MOST), min(weights.shape[1], MOST)
        marks = [(layer, row, column) for row in range(rows) for column in range(columns)]
        marks.sort(key=lambda mark: mark != self.selected)
        for mark in marks:
            if rows * columns <= _LABELLED or mark == self.selected:
                self._paint_weight(painter, mark, float(weights[mark[1], mark[2]]))

    def _paint_edge(self, painter: QPainter, mark: Mark, weight: float, largest: float) -> None:
        layer, row, column = mark
        color = QColor(theme.visible(_POSITIVE if weight >= 0 else _NEGATIVE))
        share = min(abs(weight) / largest, 1.0) if np.isfinite(weight) else 1.0
        color.setAlphaF(0.25 + 0.65 * share)
        if self.selected == mark:
            painter.setPen(QPen(theme.current().color("accent", 0.35), 9))
            painter.drawLine(self.place(layer - 1, column), self.place(layer, row))
        painter.setPen(QPen(color, 0.8 + 3.4 * share))
        painter.drawLine(self.place(layer - 1, column), self.place(layer, row))

    def _middle(self, mark: Mark, share: float = 0.5) -> QPointF:
        """A place on an edge."""
        layer, row, column = mark
        start, end = self.place(layer - 1, column), self.place(layer, row)
        return start + (end - start) * share

    def _paint_weight(self, painter: QPainter, mark: Mark, weight: float) -> None:
        look, (layer, row, column) = theme.current(), mark
        painter.setFont(theme.font(theme.SMALL, tabular=True))
        metrics, lines = QFontMetricsF(painter.font()), [(short(weight), look.color("text"))]
        if self._sloped(layer):
            lines.append((short(float(self._weights[layer - 1][row, column])), QColor(theme.visible(_BACK))))
        wide = max(metrics.horizontalAdvance(words) for words, _ in lines) + 6
        box = QRectF(0, 0, wide, metrics.height() * len(lines))
        for share in _PLACES:
            box.moveCenter(self._middle(mark, share))
            if not any(box.intersects(other) for other in self._taken):
                break
        else:
            if mark != self.selected:
                return
        self._taken.append(QRectF(box))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(look.color("panel", 0.88))
        painter.drawRoundedRect(box, 3, 3)
        for number, (words, color) in enumerate(lines):
            painter.setPen(color)
            line = QRectF(box.left(), box.top() + number * metrics.height(), wide, metrics.height())
            painter.drawText(line, CENTRE, words)

    def _paint_layer(self, painter: QPainter, layer: int) -> None:
        work, look = self.worked, theme.current()
        assert work is not None
        if not layer and self._picture is not None:
            side = min(2 * _SIDE - 24, self.height() - _TOP - _FOOT - 8)
            box = QRectF(0, 0, side, side * self._picture.height() / max(self._picture.width(), 1))
            box.moveCenter(self.place(0, 0))
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
            painter.drawImage(box, self._picture)
            painter.setPen(QPen(look.color("border"), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(box)
            return
        size, radius = work.network.sizes[layer], self.radius()
        values = work.passed.a[layer][0]
        for neuron in range(min(size, MOST)):
            at = self.place(layer, neuron)
            known = self._known(layer)
            painter.setPen(QPen(look.color("accent" if self.selected == (layer, neuron, -1) else "border"), 2 if known else 1))
            painter.setBrush(look.color("panel"))
            painter.drawEllipse(at, radius, radius)
            if known:
                tint = QColor(theme.visible(_POSITIVE if values[neuron] >= 0 else _NEGATIVE))
                tint.setAlphaF(0.30 * min(abs(float(values[neuron])), 1.0) if np.isfinite(values[neuron]) else 0.3)
                painter.setBrush(tint)
                painter.drawEllipse(at, radius, radius)
                self._paint_answer(painter, at, radius, short(float(values[neuron])))
            tall = radius + (16 if self._roomy(layer) else 0)
            self._taken.append(QRectF(at.x() - radius, at.y() - tall, 2 * radius, 2 * tall))
            self._paint_beside(painter, layer, neuron, at, radius)
        if size > MOST:
            at = self.place(layer, MOST)
            self._write(painter, QRectF(at.x() - 60, at.y() - 10, 120, 20), f"and {size - MOST:,} more", "quiet")

    def _paint_answer(self, painter: QPainter, at: QPointF, radius: float, words: str) -> None:
        """What a neuron answers: in it where there is room, else beside it."""
        painter.setFont(theme.font(theme.SMALL, bold=True, tabular=True))
        metrics = QFontMetricsF(painter.font())
        box = QRectF(0, 0, metrics.horizontalAdvance(words) + 4, metrics.height())
        box.moveCenter(at)
        if radius < _INSIDE:
            box.moveLeft(at.x() + radius + 1)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.current().color("panel", 0.85))
            painter.drawRoundedRect(box, 3, 3)
            self._taken.append(box)
        painter.setPen(theme.current().color("text"))
        painter.drawText(box, CENTRE, words)

    def _paint_beside(self, painter: QPainter, layer: int, neuron: int, at: QPointF, radius: float) -> None:
        """What stands around a neuron: its sum below, its slope above, the name of an input, the class of an output."""
        work = self.worked
        assert work is not None
        line, last = QFontMetricsF(theme.font(theme.SMALL)).height(), len(work.network.sizes) - 1
        if not layer:
            name = self.names[neuron] if neuron < len(self.names) else ""
            room = QRectF(4, at.y() - line / 2, at.x() - radius - 8, line)
            self._write(painter, room, name, "quiet", RIGHT)
            return
        roomy = self._roomy(layer)
        if self._known(layer) and roomy:
            words = f"z {short(float(work.passed.z[layer - 1][0, neuron]))}"
            self._write(painter, QRectF(at.x() - 50, at.y() + radius, 100, line), words, "quiet")
        if self._sloped(layer) and roomy:
            words = f"δ {short(float(work.back.deltas[layer - 1][0, neuron]))}"
            self._write(painter, QRectF(at.x() - 50, at.y() - radius - line, 100, line), words, theme.visible(_BACK))
        if layer == last:
            name = self.classes[1] if work.network.sizes[last] == 1 and len(self.classes) == 2 else self.classes[neuron]
            metrics = QFontMetricsF(theme.font(theme.SMALL, bold=True))
            answer = metrics.horizontalAdvance(short(float(work.passed.a[layer][0, neuron])))
            left = at.x() + radius + 6 + (0 if radius >= _INSIDE else answer + 4)
            target = float(work.targets[0, neuron])
            if roomy:
                self._write(painter, QRectF(left, at.y() - line, self.width() - left - 4, line), name, "text", LEFT)
                room = QRectF(left, at.y(), self.width() - left - 4, line)
                self._write(painter, room, f"target {target:g}", "quiet", LEFT)
            else:
                room = QRectF(left, at.y() - line / 2, self.width() - left - 4, line)
                self._write(painter, room, name, "accent" if target > 0.5 else "quiet", LEFT, bold=target > 0.5)

    def _paint_foot(self, painter: QPainter, area: QRectF) -> None:
        assert self.worked is not None
        words = "blue: positive weight, orange: negative; inside: a"
        if self.behind is not None:
            words += "; red: slope of the loss"
        room = QRectF(area.left() + 12, area.bottom() - 22, area.width() - 24, 18)
        self._write(painter, room.adjusted(0, 0, -100, 0), words, "quiet", LEFT)
        if self._known(len(self._sizes()) - 1):
            self._write(painter, room, f"C = {self.worked.loss:.6f}", "text", RIGHT, bold=True)

    @staticmethod
    def _write(
        painter: QPainter, room: QRectF, words: str, color: str, align: Qt.AlignmentFlag = CENTRE, *, bold: bool = False
    ) -> None:
        painter.setFont(theme.font(theme.SMALL, bold=bold, tabular=True))
        painter.setPen(theme.current().color(color))
        words = QFontMetricsF(painter.font()).elidedText(words, Qt.TextElideMode.ElideRight, room.width())
        painter.drawText(room, align, words)

    def mark_at(self, point: QPointF) -> Mark | None:
        if self.worked is None:
            return None
        radius = self.radius() + 2
        for layer, size in enumerate(self._sizes()):
            for neuron in range(min(size, MOST) if layer or self._picture is None else 0):
                gap = self.place(layer, neuron) - point
                if gap.x() ** 2 + gap.y() ** 2 <= radius**2:
                    return layer, neuron, -1
        best: tuple[float, Mark] | None = None
        for layer in range(1 if self._picture is None else 2, len(self._sizes())):
            start, end = self.place(layer - 1, 0).x(), self.place(layer, 0).x()
            if not start <= point.x() <= end:
                continue
            share = (point.x() - start) / max(end - start, 1)
            for row in range(min(self._sizes()[layer], MOST)):
                for column in range(min(self._sizes()[layer - 1], MOST)):
                    a, b = self.place(layer - 1, column).y(), self.place(layer, row).y()
                    away = abs(a + (b - a) * share - point.y())
                    if away < 6 and (best is None or away < best[0]):
                        best = away, (layer, row, column)
        return None if best is None else best[1]

    def beside(self, mark: Mark | None, right: int, down: int) -> Mark | None:
        """From a weight: up and down to the next weight between the same layers, right and left to other layers."""
        if self.worked is None:
            return None
        sizes, first = self._sizes(), 1 if self._picture is None else 2
        if first >= len(sizes):
            return len(sizes) - 1, 0, -1
        if mark is None or mark[2] < 0:
            return max(mark[0] if mark else first, first), mark[1] if mark else 0, 0
        layer = min(max(mark[0] + right, first), len(sizes) - 1)
        if layer != mark[0]:
            return layer, 0, 0
        columns, rows = min(sizes[layer - 1], MOST), min(sizes[layer], MOST)
        at = moved(mark[1] * columns + mark[2], down, rows * columns)
        return layer, at // columns, at % columns

    def card(self, mark: Mark) -> tuple[QPointF, Lines, str]:
        work, (layer, neuron, source) = self.worked, mark
        assert work is not None
        if source >= 0:
            slope = float(self._weights[layer - 1][neuron, source])
            lines: list[tuple[QColor | None, str, str]] = [(None, "w", f"{work.network.weights[layer - 1][neuron, source]:.6f}")]
            lines += [(None, "dC/dw", f"{slope:.6f}")] * self._sloped(layer)
            return self._middle(mark), lines, f"layer {layer}, to neuron {neuron + 1} from {source + 1}"
        if not layer:
            name = self.names[neuron] if neuron < len(self.names) else "input"
            return self.place(0, neuron), [(None, name, f"{work.inputs[0, neuron]:.6f}")], "input"
        lines = [(None, "b", f"{work.network.biases[layer - 1][neuron]:.6f}")]
        if self._known(layer):
            lines.append((None, "z", f"{work.passed.z[layer - 1][0, neuron]:.6f}"))
            lines.append((None, "a", f"{work.passed.a[layer][0, neuron]:.6f}"))
        if self._sloped(layer):
            lines += [(None, "δ = dC/dz", f"{work.back.deltas[layer - 1][0, neuron]:.6f}"),
                      (None, "dC/db", f"{work.back.biases[layer - 1][neuron]:.6f}")]  # fmt: skip
        return self.place(layer, neuron), lines, f"layer {layer}, neuron {neuron + 1}"

    def take(self, mark: Mark) -> None:
        self.select(mark)
        self.chosen.emit(mark)

    def _say(self) -> None:
        """The network in words, for those who do not see it."""
        if self.worked is not None:
            sizes = " - ".join(map(str, self.worked.network.sizes))
            answers = ", ".join(short(float(a)) for a in self.worked.passed.outputs[0][:MOST])
            self.setAccessibleDescription(f"{sizes} neurons; outputs {answers}; loss {self.worked.loss:.4f}")


def _image(pixels: Array) -> QImage:
    """A picture (h, w, c) uint8."""
    rgb = np.ascontiguousarray(np.repeat(pixels, 3, -1) if pixels.shape[-1] == 1 else pixels[..., :3])
    return QImage(rgb.data, rgb.shape[1], rgb.shape[0], rgb.strides[0], QImage.Format.Format_RGB888).copy()
