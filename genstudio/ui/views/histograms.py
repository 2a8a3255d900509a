"""Numbers in bins as columns: one series filled, several over each other as outlines. Hover for the exact count."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QMouseEvent, QPainter

from genstudio.data.preview import Histogram
from genstudio.snapshots.samples import Histograms
from genstudio.ui import theme
from genstudio.ui.views.chart import tick_text, ticks
from genstudio.ui.views.view import CENTRE, Figure, Table, bubble, paint_title


class HistogramView(Figure):
    """`show_histograms({name: Histogram})`, or `show_snapshot(Histograms)` of a training."""

    def __init__(self, title: str, name: str, unit: str, colors: Sequence[str] = theme.CYCLE) -> None:
        super().__init__(title, name)
        self._unit, self._colors = unit, colors
        self.snapshot: Histograms | None = None
        self._shown: dict[str, Histogram] = {}
        self._hover: QPointF | None = None
        self.note = ""
        self.setMouseTracking(True)

    def show_histograms(self, shown: dict[str, Histogram], note: str = "") -> None:
        self._shown = dict(shown)
        self.note = note
        self.setAccessibleDescription(f"{', '.join(self._shown)}. {note}")
        self.redraw()

    def show_snapshot(self, snapshot: Histograms) -> None:
        """Replace what is shown."""
        self.snapshot = snapshot
        self._shown = {name: Histogram(snapshot.edges, counts) for name, counts in snapshot.counts.items()}
        self.note = f"step {snapshot.step:,}"
        self.setAccessibleDescription(f"{', '.join(self._shown)} of step {snapshot.step:,}")
        self.redraw(live=True)

    def clear(self) -> None:
        """Show nothing."""
        self.snapshot = None
        self.show_histograms({})

    def table(self) -> Table:
        rows = (
            (name, float(found.edges[i]), float(found.edges[i + 1]), int(count))
            for name, found in self._shown.items()
            for i, count in enumerate(found.counts)
        )
        return ("series", "from", "to", "count"), rows

    def span(self, found: Histogram, place: int) -> str:
        """A bin in words."""
        low, high = found.edges[place], found.edges[place + 1]
        whole = not float(low).is_integer() and float(low * 2).is_integer()
        first, last = (int(low + 0.5), int(high - 0.5)) if whole else (float(low), float(high))
        return f"{first:,g}" if first == last else f"{first:,.4g} to {last:,.4g}"

    def words_at(self, value: float) -> list[tuple[str, str]]:
        """(series with its range, count) of the bins at a value."""
        places = ((n, found, int(np.searchsorted(found.edges, value, "right")) - 1) for n, found in self._shown.items())
        return [
            (f"{name} {self.span(found, place)}".strip(), f"{int(found.counts[place]):,}")
            for name, found, place in places
            if 0 <= place < len(found.counts)
        ]

    def paint_figure(self, painter: QPainter, area: QRectF) -> None:
        paint_title(painter, self.title, self.note, area)
        plot = self._plot(area)
        if not self._shown or plot.height() < 16:
            return
        look = theme.current()
        left, right = self._range()
        painter.setPen(look.color("line"))
        painter.drawLine(plot.bottomLeft(), plot.bottomRight())
        painter.setPen(look.color("quiet"))
        self.paint_axis(painter, plot, left, right)
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

    def paint_axis(self, painter: QPainter, plot: QRectF, left: float, right: float) -> None:
        """What stands under the columns, from the value at the left to that at the right."""
        painter.setFont(theme.font(theme.SMALL, tabular=True))
        metrics = painter.fontMetrics()
        unit, baseline = metrics.horizontalAdvance(self._unit) + 12, plot.bottom() + 5 + metrics.ascent()
        for value in ticks(left, right, max(3, int(plot.width() / 70))):
            text = tick_text(value)
            wide = metrics.horizontalAdvance(text)
            x = plot.left() + (value - left) / max(right - left, 1e-12) * plot.width()
            if x + wide / 2 < plot.right() - unit:
                painter.drawText(QPointF(max(x - wide / 2, plot.left()), baseline), text)
        painter.drawText(QPointF(plot.right() - unit + 12, baseline), self._unit)

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

    def _range(self) -> tuple[float, float]:
        edges = [found.edges for found in self._shown.values()]
        return float(min(e[0] for e in edges)), float(max(e[-1] for e in edges))

    def _plot(self, area: QRectF) -> QRectF:
        return area.adjusted(14, 52 if len(self._shown) > 1 else 36, -14, -26)

    def _legend(self, painter: QPainter, area: QRectF) -> None:
        if len(self._shown) < 2:
            return
        look = theme.current()
        painter.setFont(theme.font(theme.SMALL))
        metrics, x = painter.fontMetrics(), area.right() - 40
        for index, name in reversed(list(enumerate(self._shown))):
            x -= metrics.horizontalAdvance(name)
            painter.setPen(look.color("quiet"))
            painter.drawText(QPointF(x, area.top() + 32 + metrics.ascent()), name)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(look.color(theme.visible(self._colors[index % len(self._colors)])))
            painter.drawEllipse(QPointF(x - 9, area.top() + 32 + metrics.ascent() / 2 + 1), 4, 4)
            x -= 26


class NamedColumns(HistogramView):
    """Counts of things with short names, such as characters: `show_counts`."""

    def __init__(self, title: str, name: str) -> None:
        super().__init__(title, name, "")
        self._names: tuple[str, ...] = ()
        self._words: tuple[str, ...] = ()

    def show_counts(self, counts: Sequence[tuple[str, int]], words: Sequence[str]) -> None:
        """`words` say the names at length, where the pointer rests."""
        self._names, self._words = tuple(name for name, _ in counts), tuple(words)
        found = Histogram(np.arange(len(counts) + 1), np.array([count for _, count in counts], np.int64))
        self.show_histograms({"": found} if counts else {})
        self.setAccessibleDescription(", ".join(f"{name} {count:,}" for name, count in counts[:10]))

    def table(self) -> Table:
        counts = self._shown[""].counts.tolist() if self._shown else []
        return ("name", "count"), zip(self._words, counts, strict=True)

    def span(self, found: Histogram, place: int) -> str:
        return self._words[place]

    def paint_axis(self, painter: QPainter, plot: QRectF, left: float, right: float) -> None:
        painter.setFont(theme.mono(theme.SMALL))
        pitch = plot.width() / max(len(self._names), 1)
        for index, name in enumerate(self._names):
            painter.drawText(QRectF(plot.left() + index * pitch - 6, plot.bottom() + 3, pitch + 12, 20), CENTRE, name)
