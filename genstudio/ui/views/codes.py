"""Real samples as places in a latent space, coloured by their classes; and named numbers of a training as bars."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen

from genstudio.snapshots.samples import Bars, Codes
from genstudio.ui import theme
from genstudio.ui.views.bars import NamedBars
from genstudio.ui.views.scatter import ScatterView
from genstudio.ui.views.view import bubble, paint_title, polyline

_REACH = 3.5


class CodesView(ScatterView):
    """Shows `Codes`. Circles are one and two deviations of the prior."""

    def __init__(self, title: str, name: str, note: str = "") -> None:
        super().__init__(title, name)
        self.note = note
        self.snapshot: Codes | None = None

    def show_snapshot(self, snapshot: Codes) -> None:
        """Replace what is shown; the part of the space that is seen stays."""
        first = self.snapshot is None or self.snapshot.axes != snapshot.axes
        self.snapshot, self._points = snapshot, snapshot.points
        self.setAccessibleDescription(f"{len(snapshot.points):,} samples in the latent space, {self._axes_words()}")
        if first:
            self.reset_zoom()
        self.redraw(live=True)

    def clear(self) -> None:
        """Show nothing."""
        self.snapshot = None
        self.show_points(np.empty((0, 2), np.float32))

    def reset_zoom(self) -> None:
        self._middle, self._half = np.zeros(2), _REACH
        self.redraw()

    def table(self) -> tuple[Sequence[str], Iterable[Sequence[Any]]]:
        labels = [self._class(index) for index in range(len(self._points))]
        return ("x", "y", "class"), [(*point, label) for point, label in zip(self._points.tolist(), labels, strict=True)]

    def paint_figure(self, painter: QPainter, area: QRectF) -> None:
        found, plot = self.snapshot, self._plot(area)
        paint_title(painter, self.title, self._axes_words() or self.note, area)
        if found is None:
            return
        self._axes(painter, plot)
        painter.save()
        painter.setClipRect(plot)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ((x, y),) = self.pixels(np.zeros((1, 2)), area)
        painter.setPen(QPen(theme.current().color("quiet"), 1, Qt.PenStyle.DashLine))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for deviations in (1, 2):
            radius = deviations * self._scale(plot)
            painter.drawEllipse(QPointF(x, y), radius, radius)
        at = self.pixels(found.points, area)
        groups = range(len(found.classes)) if found.labels is not None else (-1,)
        for group in groups:
            mine = at if found.labels is None else at[found.labels == group]
            color = theme.current().color(theme.visible(theme.CYCLE[max(group, 0) % len(theme.CYCLE)]), 0.8)
            painter.setPen(QPen(color, 5, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
            painter.drawPoints(polyline(mine[:, 0], mine[:, 1]))
            if found.labels is not None and len(mine):
                painter.setPen(theme.current().color("text"))
                painter.setFont(theme.font(theme.SMALL, bold=True))
                painter.drawText(QPointF(*np.median(mine, axis=0)), found.classes[group])
        painter.restore()

    def paint_hover(self, painter: QPainter) -> None:
        if self._hover is None or self._grabbed or not len(self._points):
            return
        gaps = np.linalg.norm(self.pixels(self._points) - [self._hover.x(), self._hover.y()], axis=1)
        index = int(gaps.argmin())
        if gaps[index] < 12:
            words = [(None, name, f"{value:.3g}") for name, value in zip("xy", self._points[index], strict=True)]
            named = [(None, "class", self._class(index))] if self._class(index) else []
            bubble(painter, self._hover, words + named, QRectF(self.rect()))

    def _class(self, index: int) -> str:
        found = self.snapshot
        if found is None or found.labels is None or not 0 <= found.labels[index] < len(found.classes):
            return ""
        return found.classes[found.labels[index]]

    def _plot(self, area: QRectF) -> QRectF:
        return area.adjusted(44, 34, -14, -24)

    def _axes_words(self) -> str:
        if self.snapshot is None:
            return ""
        size, (across, up) = self.snapshot.size, (axis + 1 for axis in self.snapshot.axes)
        which = f"number {across} across and {up} up of {size}; " if size > 2 else ""
        return f"{which}dashed: one and two standard deviations of the noise"


class BarsView(NamedBars):
    """Shows `Bars` of a training."""

    def __init__(self, title: str, name: str) -> None:
        super().__init__(title, name, "value", lambda value: f"{value:.3g}", summed=True)
        self.rows = (14.0, 24.0)  # the ten levels of a noise are seen beside a stage

    def show_snapshot(self, snapshot: Bars) -> None:
        """Replace what is shown. Only nats add up to something: of others, what has no room is counted."""
        self.adds_up = snapshot.unit == "nats"
        notes = snapshot.notes or ("",) * len(snapshot.names)
        named = (f"{name} {note}".strip() for name, note in zip(snapshot.names, notes, strict=True))
        note = f"step {snapshot.step:,}" + (f", {snapshot.unit}" if snapshot.unit else "")
        self.show_bars(zip(named, snapshot.values.tolist(), strict=True), note)

    def clear(self) -> None:
        """Show nothing."""
        self.show_bars(())
