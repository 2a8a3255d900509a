"""The induction probe: a score for every head, and the loss along a text that repeats itself."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from genstudio.snapshots.attention import Induction
from genstudio.ui import theme
from genstudio.ui.views.chart import paint_scale
from genstudio.ui.views.pointed import PointedFigure, moved
from genstudio.ui.views.view import (
    RIGHT,
    Lines,
    SnapshotFigure,
    Table,
    paint_empty,
    paint_title,
    polyline,
    write_quietly,
)

_EDGE, _TOP, _SIDE = 12.0, 52.0, 26.0
_EMPTY = "Press Run the probe"


class ScoresView(SnapshotFigure[Induction], PointedFigure[tuple[int, int]]):
    """Prefix-matching scores: rows are layers, columns heads."""

    def __init__(self) -> None:
        super().__init__("Induction scores", "induction_scores")

    def prepare(self, snapshot: Induction) -> None:
        self.hover = None
        layer, head = np.unravel_index(int(snapshot.scores.argmax()), snapshot.scores.shape)
        self.setAccessibleDescription(
            f"the highest is {snapshot.scores.max():.2f}, layer {layer + 1} head {head + 1}"
        )  # fmt: skip

    def cell(self, layer: int, head: int) -> QRectF:
        """Where a head is, in pixels."""
        if self.snapshot is None:
            return QRectF()
        layers, heads = self.snapshot.scores.shape
        wide = min(144.0, (self.width() - _SIDE - 2 * _EDGE) / heads)
        tall = min(96.0, (self.height() - _TOP - _EDGE) / layers)
        return QRectF(_EDGE + _SIDE + head * wide, _TOP + layer * tall, wide, tall)

    def table(self) -> Table:
        header, found = ("layer", "head", "prefix-matching score"), self.snapshot
        if found is None:
            return header, ()
        return header, ((layer + 1, head + 1, float(v)) for (layer, head), v in np.ndenumerate(found.scores))

    def paint_figure(self, painter: QPainter, area: QRectF) -> None:
        found = self.snapshot
        note = "" if found is None else f"1: attends only there; {found.even:.3f}: attends everywhere equally"
        paint_title(painter, self.title, note, area)
        if found is None:
            paint_empty(painter, area, _EMPTY)
            return
        for (layer, head), score in np.ndenumerate(found.scores):
            cell = self.cell(layer, head)
            ground = theme.mapped(np.array([score]), 0.0, 1.0)[0]
            painter.fillRect(cell.adjusted(0.5, 0.5, -0.5, -0.5), QColor(*(int(part) for part in ground)))
            if cell.height() >= 14 and cell.width() >= 30:
                painter.setFont(theme.font(theme.LARGE if cell.height() >= 48 else theme.SMALL, tabular=True))
                painter.setPen(QColor("#1C2128" if score > 0.62 else "#FFFFFF"))
                painter.drawText(cell, Qt.AlignmentFlag.AlignCenter, f"{score:.2f}")
            write_quietly(painter)
            if layer == 0:
                over = QRectF(cell.left(), cell.top() - 18, cell.width(), 16)
                painter.drawText(over, Qt.AlignmentFlag.AlignCenter, str(head + 1))
            if head == 0:
                painter.drawText(QRectF(0, cell.top(), _EDGE + _SIDE - 6, cell.height()), RIGHT, str(layer + 1))

    def mark_at(self, point: QPointF) -> tuple[int, int] | None:
        places = () if self.snapshot is None else np.ndindex(*self.snapshot.scores.shape)
        return next(((layer, head) for layer, head in places if self.cell(layer, head).contains(point)), None)

    def beside(self, mark: tuple[int, int] | None, right: int, down: int) -> tuple[int, int] | None:
        if self.snapshot is None or mark is None:
            return None if self.snapshot is None else (0, 0)
        layers, heads = self.snapshot.scores.shape
        return moved(mark[0], down, layers), moved(mark[1], right, heads)

    def card(self, mark: tuple[int, int]) -> tuple[QPointF, Lines, str]:
        assert self.snapshot is not None
        lines = [(None, "prefix matching", f"{float(self.snapshot.scores[mark]):.4f}")]
        return self.cell(*mark).center(), lines, f"layer {mark[0] + 1} head {mark[1] + 1}"


class RepeatedLossView(SnapshotFigure[Induction]):
    """Loss by place: the first time in blue, the repetition in orange."""

    def __init__(self) -> None:
        super().__init__("Loss along the text", "induction_loss")

    def table(self) -> Table:
        losses = () if self.snapshot is None else self.snapshot.losses
        return ("place", "loss (nats)"), ((i + 2, float(loss)) for i, loss in enumerate(losses))

    def paint_figure(self, painter: QPainter, area: QRectF) -> None:
        look, found = theme.current(), self.snapshot
        note = "" if found is None else f"mean of {found.texts} texts, nats per token"
        paint_title(painter, self.title, note, area)
        plot = area.adjusted(44, 40, -16, -26)
        if found is None or plot.height() < 16:
            paint_empty(painter, area, "" if found else _EMPTY)
            return
        losses, top = found.losses, max(float(found.losses.max()), 1e-6) * 1.05
        paint_scale(painter, plot, 0.0, top)
        places = np.arange(len(losses))
        x = plot.left() + places / max(len(losses) - 1, 1) * plot.width()
        y = plot.bottom() - losses / top * plot.height()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        half = found.period - 1
        for part, color, name in ((slice(0, half), theme.BLUE, "first time"), (slice(half, None), theme.ORANGE, "again")):
            painter.setPen(QPen(look.color(theme.visible(color)), 2))
            painter.drawPolyline(polyline(x[part], y[part]))
            if len(x[part]):
                painter.drawText(QPointF(float(x[part][0]) + 4, plot.bottom() + 18), name)
        painter.setPen(QPen(look.color("border"), 1, Qt.PenStyle.DashLine))
        if half < len(x):
            painter.drawLine(QPointF(float(x[half]), plot.top()), QPointF(float(x[half]), plot.bottom()))
