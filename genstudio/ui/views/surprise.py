"""Surprise token by token, as a strip of bars."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Signal
from PySide6.QtGui import QColor, QPainter

from genstudio.events import Array
from genstudio.snapshots.text import ScoredText
from genstudio.ui import theme
from genstudio.ui.views.chart import value_text
from genstudio.ui.views.pointed import PointedFigure, moved
from genstudio.ui.views.view import Lines, SnapshotFigure, Table, paint_empty, paint_title, token_text

_TOP, _EDGE = 34.0, 12.0


class SurpriseStrip(SnapshotFigure[ScoredText], PointedFigure[int]):
    """A bar for each token, as high as its surprise in bits; where there is no room for all, the highest of its
    neighbours. `picked(token)` when one is taken."""

    picked = Signal(int)

    def __init__(self) -> None:
        super().__init__("Surprise", "surprise_strip")
        self.bits: Array = np.empty(0)
        self.chosen: int | None = None

    def prepare(self, snapshot: ScoredText) -> None:
        self.bits = -snapshot.tokens.logprobs / math.log(2)
        self.hover = self.chosen = None

    def choose(self, token: int | None) -> None:
        """Mark a token."""
        self.chosen = token
        self._redraw()

    def table(self) -> Table:
        if self.snapshot is None:
            return (), ()
        tokens = self.snapshot.tokens
        rows = zip(range(len(tokens)), tokens.ids.tolist(), tokens.pieces, self.bits.tolist(), strict=True)
        return ("position", "id", "token", "bits"), rows

    def paint_figure(self, painter: QPainter, area: QRectF) -> None:
        look = theme.current()
        finite = self.bits[np.isfinite(self.bits)]
        highest = float(finite.max()) if len(finite) else 0.0
        mean = float(finite.mean()) if len(finite) else 0.0
        words = f"bits per token, up to {value_text(highest)}; line: the mean, {value_text(mean)}"
        paint_title(painter, self.title, words if highest else "", area)
        if not len(finite):
            paint_empty(painter, area, "Score a text to see its surprise")
            return
        plot = area.adjusted(_EDGE, _TOP, -_EDGE, -10)
        bins = min(len(self.bits), max(1, int(plot.width() / 2)))
        edges = np.linspace(0, len(self.bits), bins + 1).astype(np.int64)
        values = np.nan_to_num(self.bits, nan=0.0, posinf=highest)
        heights = np.maximum.reduceat(values, edges[:-1]) / max(highest, 1e-12)
        width = plot.width() / bins
        gap = 1.0 if width > 4 else 0.0
        for index, height in enumerate(heights.tolist()):
            inside = self.chosen is not None and edges[index] <= self.chosen < edges[index + 1]
            color = look.color("accent") if inside else QColor(theme.visible(theme.ORANGE))
            tall = max(1.0, height * plot.height())
            bar = QRectF(plot.left() + index * width, plot.bottom() - tall, max(1.0, width - gap), tall)
            painter.fillRect(bar, color)
        y = plot.bottom() - plot.height() * mean / highest
        painter.setPen(look.color("quiet"))
        painter.drawLine(QPointF(plot.left(), y), QPointF(plot.right(), y))

    def mark_at(self, point: QPointF) -> int | None:
        return self.token_at(point.x())

    def beside(self, mark: int | None, right: int, down: int) -> int | None:
        start = self.chosen if mark is None else mark
        return None if not len(self.bits) else moved(0 if start is None else start, right, len(self.bits))

    def take(self, mark: int) -> None:
        self.choose(mark)
        self.picked.emit(mark)

    def card(self, mark: int) -> tuple[QPointF, Lines, str]:
        assert self.snapshot is not None
        tokens, i = self.snapshot.tokens, mark
        bits = float(self.bits[i])
        lines = [
            (None, "surprise", f"{value_text(bits)} bits" if math.isfinite(bits) else "nothing before it"),
            (None, "rank", f"{int(tokens.ranks[i]):,}" if tokens.ranks[i] else "-"),
        ]
        x = _EDGE + (i + 0.5) / len(self.bits) * (self.width() - 2 * _EDGE)
        return QPointF(x, self.height() / 2), lines, f"'{token_text(tokens.pieces[i])}'"

    def token_at(self, x: float) -> int | None:
        """The token whose bar is there; of several, the most surprising one."""
        share = (x - _EDGE) / max(1.0, self.width() - 2 * _EDGE)
        if not len(self.bits) or not 0 <= share < 1:
            return None
        bins = min(len(self.bits), max(1, int((self.width() - 2 * _EDGE) / 2)))
        edges = np.linspace(0, len(self.bits), bins + 1).astype(np.int64)
        index = int(share * bins)
        part = np.nan_to_num(self.bits[edges[index] : edges[index + 1]], nan=-1.0)
        return int(edges[index]) + int(part.argmax())
