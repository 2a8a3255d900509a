"""Signals and slopes from layer to layer, as a picture: do they keep their size, vanish or explode?"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QPainter, QPen

from genstudio.events import Array
from genstudio.snapshots.network import Depth
from genstudio.ui import theme
from genstudio.ui.views.chart import log_ticks, percent, tick_text, value_text
from genstudio.ui.views.pointed import PointedFigure, moved
from genstudio.ui.views.view import CENTRE, NO_DATA, RIGHT, Lines, Table, paint_empty, paint_title, write_quietly

_LINES = (("signals", "signal: deviation of a between examples", theme.BLUE), ("slopes", "slope: size of dC/dz", theme.VERMILION))
_LEAST = 1e-30


class DepthView(PointedFigure[int]):
    """Shows `Depth` snapshots: two lines over the layers on a logarithmic axis, and the saturated share below."""

    live_share, slowest_ms = 0.05, 250

    def __init__(self, title: str = "Layer by layer", name: str = "depth_view") -> None:
        super().__init__(title, name)
        self.snapshot: Depth | None = None
        self.empty = NO_DATA

    def show_snapshot(self, snapshot: Depth) -> None:
        """Replace what is shown."""
        self.snapshot = snapshot
        if self.hover is not None and self.hover >= len(snapshot.slopes):
            self.hover = None
        self.setAccessibleDescription(self.verdict())
        self.redraw(live=True)

    def clear(self) -> None:
        self.snapshot = None
        super().clear()

    def verdict(self) -> str:
        """What the slopes do, in words."""
        if self.snapshot is None or len(self.snapshot.slopes) < 2:
            return ""
        first, last = float(self.snapshot.slopes[0]), float(self.snapshot.slopes[-1])
        if not (math.isfinite(first) and math.isfinite(last)):
            return "the slopes overflow"
        if first <= _LEAST:
            return "no slope reaches the first layer"
        ratio = first / max(last, _LEAST)
        if ratio < 0.01:
            return f"slopes vanish: {ratio:.1g} times as large in the first layer as in the last"
        if ratio > 100:
            return f"slopes explode: {ratio:.1g} times as large in the first layer as in the last"
        return f"slopes keep their size: {ratio:.2g} times as large in the first layer as in the last"

    def table(self) -> Table:
        found = self.snapshot
        if found is None:
            return (), ()
        rows = zip(found.signals.tolist(), found.slopes.tolist(), found.saturated.tolist(), strict=True)
        return ("layer", "signal", "slope", "saturated"), [(number, *row) for number, row in enumerate(rows, 1)]

    def paint_figure(self, painter: QPainter, area: QRectF) -> None:
        found = self.snapshot
        note = "" if found is None else self.verdict()
        paint_title(painter, self.title, note, area)
        if found is None:
            paint_empty(painter, area, self.empty)
            return
        plot, look = self._plot(), theme.current()
        low, high = self._range()
        write_quietly(painter)
        for value in log_ticks(low, high, max(2, int(plot.height() / 40))):
            y = self._y(value)
            painter.setPen(look.color("grid"))
            painter.drawLine(QPointF(plot.left(), y), QPointF(plot.right(), y))
            painter.setPen(look.color("quiet"))
            painter.drawText(QRectF(plot.left() - 58, y - 8, 52, 16), RIGHT, tick_text(value))
        count = len(found.slopes)
        every = max(1, math.ceil(count * 24 / max(plot.width(), 1)))
        for layer in range(count):
            if layer % every == 0 or layer == count - 1:
                painter.drawText(QRectF(self._x(layer) - 30, plot.bottom() + 34, 60, 16), CENTRE, str(layer + 1))
        painter.drawText(QRectF(plot.left(), plot.bottom() + 49, plot.width(), 16), CENTRE, "layer, the first hidden one is 1")
        self._paint_saturated(painter, plot, found.saturated)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        x = plot.left() + 8
        for name, words, color in _LINES:
            shade = QColor(theme.visible(color))
            self._paint_line(painter, getattr(found, name), shade)
            painter.setPen(shade)
            painter.drawText(QPointF(x, plot.top() - 6), words)
            x += painter.fontMetrics().horizontalAdvance(words) + 24

    def _paint_line(self, painter: QPainter, values: Array, color: QColor) -> None:
        painter.setPen(QPen(color, 2))
        known = [(index, float(value)) for index, value in enumerate(values) if math.isfinite(value)]
        places = [QPointF(self._x(index), self._y(value)) for index, value in known]
        for before, after in itertools.pairwise(places):
            painter.drawLine(before, after)
        painter.setBrush(color)
        for place in places:
            painter.drawEllipse(place, 3, 3)

    def _paint_saturated(self, painter: QPainter, plot: QRectF, shares: Array) -> None:
        look = theme.current()
        painter.setPen(look.color("quiet"))
        painter.drawText(QRectF(plot.left() - 70, plot.bottom() + 12, 64, 16), RIGHT, "saturated")
        for layer, share in enumerate(shares.tolist()):
            box = QRectF(self._x(layer) - 9, plot.bottom() + 12, 18, 16)
            painter.setPen(QPen(look.color("border"), 1))
            painter.setBrush(look.color("raised"))
            painter.drawRect(box)
            if share > 0:
                fill = QRectF(box.left(), box.bottom() - box.height() * share, box.width(), box.height() * share)
                painter.fillRect(fill, QColor(theme.visible(theme.PURPLE)))
        painter.setPen(look.color("quiet"))

    def mark_at(self, point: QPointF) -> int | None:
        if self.snapshot is None:
            return None
        places = np.array([self._x(layer) for layer in range(len(self.snapshot.slopes))])
        best = int(np.abs(places - point.x()).argmin())
        return best if abs(places[best] - point.x()) < 20 else None

    def beside(self, mark: int | None, right: int, down: int) -> int | None:
        if self.snapshot is None:
            return None
        return 0 if mark is None else moved(mark, right + down, len(self.snapshot.slopes))

    def card(self, mark: int) -> tuple[QPointF, Lines, str]:
        found = self.snapshot
        assert found is not None
        lines: list[tuple[QColor | None, str, str]] = [
            (QColor(theme.visible(color)), words.partition(":")[0], value_text(float(getattr(found, name)[mark])))
            for name, words, color in _LINES
        ]
        lines.append((QColor(theme.visible(theme.PURPLE)), "saturated", percent(float(found.saturated[mark]))))
        return QPointF(self._x(mark), self._y(float(found.slopes[mark]))), lines, f"layer {mark + 1}"

    def _values(self) -> Sequence[float]:
        assert self.snapshot is not None
        both = np.concatenate([self.snapshot.signals, self.snapshot.slopes])
        return [float(value) for value in both if math.isfinite(value) and value > _LEAST]

    def _range(self) -> tuple[float, float]:
        values = self._values() or [1.0]
        return min(*values, 0.1) / 2, max(*values, 1.0) * 2

    def _x(self, layer: int) -> float:
        plot, count = self._plot(), 1 if self.snapshot is None else len(self.snapshot.slopes)
        return plot.left() + plot.width() * (layer + 0.5) / count

    def _y(self, value: float) -> float:
        plot, (low, high) = self._plot(), self._range()
        if not math.isfinite(value):
            return plot.top()
        share = (math.log10(max(value, low)) - math.log10(low)) / (math.log10(high) - math.log10(low))
        return plot.bottom() - min(share, 1.0) * plot.height()

    def _plot(self) -> QRectF:
        return QRectF(self.rect()).adjusted(78, 52, -16, -72)
