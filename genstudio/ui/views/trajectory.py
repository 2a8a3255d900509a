"""How the probability of a token moved over the training."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt, Signal
from PySide6.QtGui import QAction, QColor, QFontMetricsF, QPainter, QPen

from genstudio.events import Array
from genstudio.ui import theme
from genstudio.ui.views.chart import spread, tick_text
from genstudio.ui.views.pointed import PointedFigure, moved
from genstudio.ui.views.view import RIGHT, Lines, Table, paint_empty, paint_title, polyline, token_text

_FLOOR = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Path:
    """The probabilities (S,) of one token at each of the steps; NaN where they are not known."""

    piece: str
    probabilities: Array
    own: bool = False


class TrajectoryView(PointedFigure[int]):
    """Probability over steps, the token of the text strong, the others thin. Steps are spread by their logarithm.

    `step_chosen(step)` when one is clicked. The menu makes the probabilities logarithmic.
    """

    step_chosen = Signal(int)

    def __init__(self) -> None:
        self._log = False
        super().__init__("Probability during training", "trajectory")
        self.steps: tuple[int, ...] = ()
        self.paths: tuple[Path, ...] = ()
        self.note = ""
        self.at: int | None = None

    def show_paths(self, steps: Sequence[int], paths: Sequence[Path], note: str = "") -> None:
        """Replace what is shown."""
        self.steps, self.paths, self.note = tuple(steps), tuple(paths), note
        self.hover = None
        ends = [f"{token_text(path.piece)} {path.probabilities[-1]:.3f}" for path in self.paths if len(self.steps)]
        self.setAccessibleDescription(f"{note}: {', '.join(ends)} at the last step" if ends else note)
        self.redraw()

    def set_step(self, step: int | None) -> None:
        """Where the time is."""
        if step != self.at:
            self.at = step
            self.redraw()

    def set_log(self, log: bool) -> None:
        """Whether the probabilities are shown by their logarithm."""
        self._log = log
        self._log_action.setChecked(log)
        self.redraw()

    def table(self) -> Table:
        columns = [path.probabilities.tolist() for path in self.paths]
        return ("step", *(path.piece for path in self.paths)), zip(self.steps, *columns, strict=True)

    def color(self, index: int) -> QColor:
        """That of a path, by its place."""
        return QColor(theme.visible(theme.CYCLE[index % len(theme.CYCLE)]))

    def point(self, step: int, probability: float) -> QPointF:
        """Where a probability at a step is drawn."""
        plot, last = self._plot(), max(self.steps, default=1)
        x = plot.left() + math.log1p(step) / max(math.log1p(last), 1e-9) * plot.width()
        if self._log:
            share = 1 - math.log(max(probability, _FLOOR)) / math.log(_FLOOR)
        else:
            share = probability
        return QPointF(x, plot.bottom() - share * plot.height())

    def paint_figure(self, painter: QPainter, area: QRectF) -> None:
        paint_title(painter, self.title, self.note, area)
        look = theme.current()
        if not self.paths or not self.steps:
            paint_empty(painter, area, "Choose a token of the text")
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_axes(painter)
        if self.at is not None:
            painter.setPen(QPen(look.color("text", 0.5), 1, Qt.PenStyle.DashLine))
            x = self.point(self.at, 1.0).x()
            painter.drawLine(QPointF(x, self._plot().top()), QPointF(x, self._plot().bottom()))
        for index in reversed(range(len(self.paths))):
            self._paint_path(painter, index)
        self._paint_ends(painter)

    def paint_hover(self, painter: QPainter) -> None:
        if self.hover is not None:
            painter.setPen(Qt.PenStyle.NoPen)
            for index, value in self._known(self.hover):
                painter.setBrush(self.color(index))
                painter.drawEllipse(self.point(self.steps[self.hover], value), 4, 4)
        super().paint_hover(painter)

    def mark_at(self, point: QPointF) -> int | None:
        inside = self.steps and self.paths and self._plot().adjusted(-8, -8, 8, 8).contains(point)
        return int(np.argmin([abs(self.point(step, 0).x() - point.x()) for step in self.steps])) if inside else None

    def beside(self, mark: int | None, right: int, down: int) -> int | None:
        count = len(self.steps) if self.paths else 0
        return None if not count else count - 1 if mark is None else moved(mark, right, count)

    def card(self, mark: int) -> tuple[QPointF, Lines, str]:
        known = self._known(mark)
        lines = [(self.color(i), f"'{token_text(self.paths[i].piece)}'", f"{value:.4f}") for i, value in known]
        step = self.steps[mark]
        return QPointF(self.point(step, 1.0).x(), self._plot().center().y()), lines, f"step {step:,}"

    def take(self, mark: int) -> None:
        self.step_chosen.emit(self.steps[mark])

    def _known(self, place: int) -> list[tuple[int, float]]:
        """The paths that have a probability at a step, by their places."""
        values = ((index, float(path.probabilities[place])) for index, path in enumerate(self.paths))
        return [(index, value) for index, value in values if not math.isnan(value)]

    def _plot(self) -> QRectF:
        return QRectF(self.rect()).adjusted(48, 38, -84, -28)

    def _paint_axes(self, painter: QPainter) -> None:
        look, plot = theme.current(), self._plot()
        painter.setFont(theme.font(theme.SMALL, tabular=True))
        metrics = QFontMetricsF(painter.font())
        for value in (1.0, 0.1, 0.01, 1e-3, 1e-4, 1e-5, 1e-6) if self._log else (0.0, 0.25, 0.5, 0.75, 1.0):
            y = self.point(0, value).y()
            painter.setPen(look.color("grid"))
            painter.drawLine(QPointF(plot.left(), y), QPointF(plot.right(), y))
            painter.setPen(look.color("quiet"))
            box = QRectF(0, y - 8, plot.left() - 6, 16)
            painter.drawText(box, RIGHT, tick_text(value))
        edge = plot.left() - 20
        last = max(self.steps)
        for step in (0, *(digit * 10**power for power in range(9) for digit in (1, 2, 5))):
            x, text = self.point(step, 0).x(), tick_text(step)
            wide = metrics.horizontalAdvance(text)
            if step <= last and x - wide / 2 > edge + 10:
                painter.drawText(QPointF(x - wide / 2, plot.bottom() + 4 + metrics.ascent()), text)
                edge = x + wide / 2
        painter.drawText(QPointF(plot.right() + 12, plot.bottom() + 4 + metrics.ascent()), "step")

    def _paint_path(self, painter: QPainter, index: int) -> None:
        path, color = self.paths[index], self.color(index)
        known = np.flatnonzero(np.isfinite(path.probabilities))
        points = [self.point(self.steps[place], float(path.probabilities[place])) for place in known]
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(color, 2.5 if path.own else 1.2))
        painter.drawPolyline(polyline(np.array([p.x() for p in points]), np.array([p.y() for p in points])))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(color)
        for point in points:
            painter.drawEllipse(point, *((2.5, 2.5) if path.own else (1.5, 1.5)))

    def _paint_ends(self, painter: QPainter) -> None:
        """The name of each line at its end."""
        plot = self._plot()
        painter.setFont(theme.mono(theme.SMALL))
        metrics = QFontMetricsF(painter.font())
        ends = [path.probabilities[np.isfinite(path.probabilities)] for path in self.paths]
        shown = [index for index, end in enumerate(ends) if len(end)]
        wanted = [self.point(0, float(ends[index][-1])).y() for index in shown]
        for index, y in zip(shown, spread(wanted, metrics.height(), plot.top(), plot.bottom()), strict=True):
            painter.setPen(self.color(index))
            word = metrics.elidedText(token_text(self.paths[index].piece), Qt.TextElideMode.ElideRight, 68)
            box = QRectF(QPointF(plot.right() + 10, y - metrics.height() / 2), QSizeF(72, metrics.height()))
            painter.drawText(box, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, word)

    def _fill_menu(self) -> None:
        super()._fill_menu()
        self._log_action = QAction("Logarithmic probability", self)  # of a menu's own action, Python may lose hold
        self._log_action.setObjectName("figure_log")
        self._log_action.setCheckable(True)
        self._log_action.toggled.connect(self.set_log)
        self.menu.addAction(self._log_action)
