"""Tokens per character against vocabulary size: what a larger vocabulary buys."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter, QPen

from genstudio.tasks.tokenize import SizeRow
from genstudio.ui import theme
from genstudio.ui.views.chart import paint_scale, spread
from genstudio.ui.views.pointed import PointedFigure, moved
from genstudio.ui.views.view import CENTRE, Lines, Table, paint_empty, paint_title, polyline

NAMES = {"char": "characters", "byte": "bytes", "word": "words", "bpe": "byte pairs"}
COLORS = {"char": theme.BLUE, "byte": theme.ORANGE, "word": theme.GREEN, "bpe": theme.VERMILION}


class SizesView(PointedFigure[int]):
    """`show_rows(rows)`: a line for each kind of tokenizer, a point where there is one size of it."""

    def __init__(self) -> None:
        super().__init__("Tokens per character, by vocabulary size", "sizes_chart")
        self._rows: tuple[SizeRow, ...] = ()

    def show_rows(self, rows: Sequence[SizeRow]) -> None:
        self._rows = tuple(rows)
        self.hover = None
        self.setAccessibleDescription(
            ", ".join(f"{NAMES[r.kind]} {r.size:,}: {r.tokens_per_character:.3f}" for r in self._rows)
        )
        self.redraw()

    def table(self) -> Table:
        header = ("tokens", "vocabulary", "tokens per character", "share of <unk>", "parameters")
        return header, ((NAMES[r.kind], r.size, r.tokens_per_character, r.unknown, r.parameters) for r in self._rows)

    def paint_figure(self, painter: QPainter, area: QRectF) -> None:
        look = theme.current()
        paint_title(painter, self.title, "", area)
        if not self._rows:
            paint_empty(painter, area, "Press Compare sizes")
            return
        plot = self._plot(area)
        self._paint_axes(painter, plot)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        lines = {kind: [row for row in self._rows if row.kind == kind] for kind in NAMES}
        ends = {kind: self._place(rows[-1], plot) for kind, rows in lines.items() if len(rows) > 1}
        middles = dict(
            zip(ends, spread([end.y() for end in ends.values()], 15, plot.top(), plot.bottom()), strict=True)
        )
        for kind, rows in lines.items():
            if not rows:
                continue
            color = look.color(theme.visible(COLORS[kind]))
            points = [self._place(row, plot) for row in rows]
            painter.setPen(QPen(color, 2))
            line = polyline(np.array([p.x() for p in points]), np.array([p.y() for p in points]))
            painter.drawPolyline(line)
            painter.setBrush(color)
            for point in points:
                painter.drawEllipse(point, 3, 3)
            painter.setPen(look.color("text"))
            painter.drawText(QPointF(points[-1].x() + 8, middles.get(kind, points[-1].y()) + 4), NAMES[kind])

    def mark_at(self, point: QPointF) -> int | None:
        plot, found = self._plot(QRectF(self.rect())), None
        for index, row in enumerate(self._rows):
            away = self._place(row, plot) - point
            if math.hypot(away.x(), away.y()) < 12:
                found = index
        return found

    def beside(self, mark: int | None, right: int, down: int) -> int | None:
        return None if not self._rows else 0 if mark is None else moved(mark, right + down, len(self._rows))

    def card(self, mark: int) -> tuple[QPointF, Lines, str]:
        row = self._rows[mark]
        lines = [
            (None, "tokens per character", f"{row.tokens_per_character:.3f}"),
            (None, "parameters of the model", f"{row.parameters:,}"),
            *([(None, "tokens that are <unk>", f"{row.unknown:.1%}")] if row.unknown else []),
        ]
        return self._place(row, self._plot(QRectF(self.rect()))), lines, f"{NAMES[row.kind]}, {row.size:,} different"

    def _plot(self, area: QRectF) -> QRectF:
        return area.adjusted(48, 36, -88, -30)

    def _place(self, row: SizeRow, plot: QRectF) -> QPointF:
        low, high = self._span()
        x = math.log(row.size / low) / math.log(high / low)
        return QPointF(
            plot.left() + x * plot.width(), plot.bottom() - row.tokens_per_character / self._top() * plot.height()
        )

    def _span(self) -> tuple[float, float]:
        sizes = [row.size for row in self._rows]
        low, high = min(sizes), max(sizes)
        return (low, high) if high > low else (low / 2, low * 2)

    def _top(self) -> float:
        return 1.08 * max(max(row.tokens_per_character for row in self._rows), 0.1)

    def _paint_axes(self, painter: QPainter, plot: QRectF) -> None:
        paint_scale(painter, plot, 0, self._top())
        low, high = self._span()
        power = math.ceil(math.log2(low))
        while 2.0**power <= high:
            x = plot.left() + (power * math.log(2) - math.log(low)) / math.log(high / low) * plot.width()
            painter.drawText(QRectF(x - 30, plot.bottom() + 4, 60, 16), CENTRE, f"{2**power:,}")
            power += 1 if plot.width() > 360 else 2
