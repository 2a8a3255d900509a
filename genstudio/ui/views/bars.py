"""Counts as bars: named ones below each other, numbers in bins beside each other. Hover for the exact count."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt
from PySide6.QtGui import QMouseEvent, QPainter

from genstudio.data.preview import Histogram
from genstudio.ui import theme
from genstudio.ui.views.chart import tick_text, ticks
from genstudio.ui.views.view import Figure, bubble

_ROW = 24.0
_TITLE = 32.0


def paint_title(painter: QPainter, title: str, note: str, area: QRectF) -> None:
    """The figure's name at its top left, a quiet note after it."""
    look = theme.current()
    painter.setFont(theme.font(theme.NORMAL, bold=True))
    painter.setPen(look.color("text"))
    at = QPointF(area.left() + 12, area.top() + 21)
    painter.drawText(at, title)
    if note:
        width = painter.fontMetrics().horizontalAdvance(title)
        painter.setFont(theme.font(theme.SMALL, tabular=True))
        painter.setPen(look.color("quiet"))
        room = area.width() - width - 66
        words = painter.fontMetrics().elidedText(note, Qt.TextElideMode.ElideRight, int(max(room, 0)))
        painter.drawText(at + QPointF(width + 10, 0), words)


class BarsView(Figure):
    """Named counts, one below the other; `show_bars((name, count), ...)`. What does not fit is summed in a last line."""

    def __init__(self, title: str, name: str, color: str = theme.BLUE) -> None:
        super().__init__(title)
        self.setObjectName(name)
        self._color = color
        self._bars: tuple[tuple[str, int], ...] = ()
        self._hover = -1
        self.note = ""
        self.setMouseTracking(True)

    def show_bars(self, bars: Iterable[tuple[str, int]], note: str = "") -> None:
        self._bars = tuple(bars)
        self.note = note
        self.setAccessibleDescription(", ".join(f"{name}: {count:,}" for name, count in self._bars[:20]))
        self.redraw()

    def table(self) -> tuple[Sequence[str], Iterable[Sequence[Any]]]:
        return ("name", "count"), self._bars

    def row_at(self, y: float) -> int:
        row = int((y - _TITLE) // self._pitch(self.height()))
        return row if 0 <= row < self._fitting(self.height()) else -1

    def paint_figure(self, painter: QPainter, area: QRectF) -> None:
        paint_title(painter, self.title, self.note, area)
        if not self._bars:
            return
        look, pitch = theme.current(), self._pitch(area.height())
        shown = self._bars[: self._fitting(area.height())]
        painter.setFont(theme.font(theme.SMALL, tabular=True))
        metrics = painter.fontMetrics()
        names = min(max(metrics.horizontalAdvance(name) for name, _ in shown) + 10, area.width() * 0.45)
        room = area.width() - names - 24 - metrics.horizontalAdvance("0,000,000") - 8
        highest = max(max(count for _, count in self._bars), 1)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for row, (name, count) in enumerate(shown):
            top = area.top() + _TITLE + row * pitch
            middle = top + pitch / 2 + metrics.ascent() / 2 - 1
            painter.setPen(look.color("text"))
            words = metrics.elidedText(name, Qt.TextElideMode.ElideRight, int(names - 6))
            painter.drawText(QPointF(area.left() + 12, middle), words)
            wide = max(room * count / highest, 1.0 if count else 0.0)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(look.color(theme.visible(self._color)))
            tall = min(16.0, pitch - 4)
            left = area.left() + 12 + names
            painter.drawRoundedRect(QRectF(left, top + (pitch - tall) / 2, wide, tall), 2, 2)
            painter.setPen(look.color("quiet"))
            painter.drawText(QPointF(left + wide + 6, middle), f"{count:,}")
        rest = self._bars[len(shown) :]
        if rest:
            painter.setPen(look.color("quiet"))
            total = sum(count for _, count in rest)
            painter.drawText(
                QPointF(area.left() + 12, area.bottom() - 8), f"and {len(rest):,} more with {total:,} together"
            )

    def _pitch(self, height: float) -> float:
        room = height - _TITLE - 8
        return min(_ROW, max(18.0, room / max(len(self._bars), 1)))

    def _fitting(self, height: float) -> int:
        fit = int((height - _TITLE - 8) / self._pitch(height))
        return len(self._bars) if fit >= len(self._bars) else max(fit - 1, 0)


class HistogramView(Figure):
    """Numbers in bins, one or several series over each other as outlines; `show_histograms({name: Histogram})`."""

    def __init__(self, title: str, name: str, unit: str, colors: Sequence[str] = theme.CYCLE) -> None:
        super().__init__(title)
        self.setObjectName(name)
        self._unit, self._colors = unit, colors
        self._shown: dict[str, Histogram] = {}
        self._hover: QPointF | None = None
        self.note = ""
        self.setMouseTracking(True)

    def show_histograms(self, shown: dict[str, Histogram], note: str = "") -> None:
        self._shown = dict(shown)
        self.note = note
        self.setAccessibleDescription(f"{', '.join(self._shown)}. {note}")
        self.redraw()

    def table(self) -> tuple[Sequence[str], Iterable[Sequence[Any]]]:
        rows = (
            (name, float(found.edges[i]), float(found.edges[i + 1]), int(count))
            for name, found in self._shown.items()
            for i, count in enumerate(found.counts)
        )
        return ("series", "from", "to", "count"), rows

    def words_at(self, value: float) -> list[tuple[str, str]]:
        """(series with its range, count) of the bins at a value."""
        out = []
        for name, found in self._shown.items():
            bin_ = int(np.searchsorted(found.edges, value, side="right")) - 1
            if 0 <= bin_ < len(found.counts):
                low, high = found.edges[bin_], found.edges[bin_ + 1]
                whole = not float(low).is_integer() and float(low * 2).is_integer()
                first, last = (int(low + 0.5), int(high - 0.5)) if whole else (float(low), float(high))
                span = f"{first:,g}" if first == last else f"{first:,.4g} to {last:,.4g}"
                out.append((f"{name} {span}".strip(), f"{int(found.counts[bin_]):,}"))
        return out

    def paint_figure(self, painter: QPainter, area: QRectF) -> None:
        paint_title(painter, self.title, self.note, area)
        plot = self._plot(area)
        if not self._shown or plot.height() < 16:
            return
        look = theme.current()
        left, right = self._range()
        self._axis(painter, plot, left, right)
        highest = max(int(found.counts.max()) for found in self._shown.values()) or 1
        scale = plot.width() / max(right - left, 1e-12)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        alone = len(self._shown) == 1
        for index, found in enumerate(self._shown.values()):
            color = theme.visible(self._colors[index % len(self._colors)])
            painter.setPen(look.color(color) if not alone else Qt.PenStyle.NoPen)
            painter.setBrush(look.color(color, 0.9 if alone else 0.35))
            for i, count in enumerate(found.counts.tolist()):
                if count:
                    x = plot.left() + (float(found.edges[i]) - left) * scale
                    wide = max((float(found.edges[i + 1]) - float(found.edges[i])) * scale - (1 if alone else 0), 1.0)
                    tall = max(plot.height() * count / highest, 1.0)
                    painter.drawRect(QRectF(x, plot.bottom() - tall, wide, tall))
        self._legend(painter, area)

    def paint_hover(self, painter: QPainter) -> None:
        if self._hover is None or not self._shown:
            return
        plot = self._plot(QRectF(self.rect()))
        left, right = self._range()
        value = left + (self._hover.x() - plot.left()) / max(plot.width(), 1) * (right - left)
        words = self.words_at(value)
        if plot.contains(self._hover) and words:
            bubble(painter, self._hover, [(None, name, count) for name, count in words], QRectF(self.rect()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._hover = event.position()
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        self._hover = None
        self.update()

    def _range(self) -> tuple[float, float]:
        edges = [found.edges for found in self._shown.values()]
        return float(min(e[0] for e in edges)), float(max(e[-1] for e in edges))

    def _plot(self, area: QRectF) -> QRectF:
        return area.adjusted(14, _TITLE + 4, -14, -26)

    def _axis(self, painter: QPainter, plot: QRectF, left: float, right: float) -> None:
        look = theme.current()
        painter.setFont(theme.font(theme.SMALL, tabular=True))
        metrics = painter.fontMetrics()
        painter.setPen(look.color("line"))
        painter.drawLine(plot.bottomLeft(), plot.bottomRight())
        painter.setPen(look.color("quiet"))
        unit = metrics.horizontalAdvance(self._unit) + 12
        for value in ticks(left, right, max(2, int(plot.width() / 90))):
            text = tick_text(value)
            wide = metrics.horizontalAdvance(text)
            x = plot.left() + (value - left) / max(right - left, 1e-12) * plot.width()
            if x + wide / 2 < plot.right() - unit:
                at = max(x - wide / 2, plot.left())
                painter.drawText(QPointF(at, plot.bottom() + 5 + metrics.ascent()), text)
        painter.drawText(QPointF(plot.right() - unit + 12, plot.bottom() + 5 + metrics.ascent()), self._unit)

    def _legend(self, painter: QPainter, area: QRectF) -> None:
        if len(self._shown) < 2:
            return
        look = theme.current()
        painter.setFont(theme.font(theme.SMALL))
        metrics, x = painter.fontMetrics(), area.right() - 40
        for index, name in reversed(list(enumerate(self._shown))):
            x -= metrics.horizontalAdvance(name)
            painter.setPen(look.color("quiet"))
            painter.drawText(QPointF(x, area.top() + _TITLE + metrics.ascent()), name)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(look.color(theme.visible(self._colors[index % len(self._colors)])))
            painter.drawEllipse(QPointF(x - 9, area.top() + _TITLE + metrics.ascent() / 2 + 1), 4, 4)
            x -= 26
