"""Live line charts of numbers over steps."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from PySide6.QtCore import QEvent, QObject, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QActionGroup,
    QColor,
    QFocusEvent,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPen,
    QWheelEvent,
)
from PySide6.QtWidgets import QMenu, QToolTip

from genstudio.events import Array
from genstudio.ui import theme
from genstudio.ui.views import chart, curve_paint
from genstudio.ui.views.curve import Curve, Line, Mark
from genstudio.ui.views.view import Figure, bubble
from genstudio.ui.widgets import tooltip

__all__ = ["NOISY", "CurveGroup", "CurvesView", "Line", "Mark"]

NOISY = frozenset({"loss", "train_loss", "gradient_norm", "grad_norm", "tokens_per_second", "steps_per_second"})
_SMOOTHING = {"None": 0.0, "Light": 0.9, "Medium": 0.97, "Strong": 0.99}


class CurvesView(Figure):
    """A chart of some series over steps, with reference lines, marks, a crosshair, zoom and the last values at the end.

    `series` are Lines, or name -> label; then the quantities in NOISY are smoothed.
    Wheel or + and - zoom around the crosshair, dragging moves, a double click or Home shows everything.
    `step_chosen` carries the step that was clicked (or Enter was pressed at).
    """

    step_chosen = Signal(int)
    hovered = Signal(object)
    zoomed = Signal(object)

    def __init__(
        self,
        title: str,
        unit: str = "",
        series: Sequence[Line] | Mapping[str, str] = (),
        *,
        log: bool = False,
        name: str = "",
    ) -> None:
        self._log, self._decay = log, _SMOOTHING["Medium"]
        super().__init__(title)
        self.setObjectName(name or "curves_" + "_".join(title.lower().split()))
        self.unit = unit
        if isinstance(series, Mapping):
            series = [Line(key, label, smooth=key in NOISY) for key, label in series.items()]
        self._curves = {
            line.name: Curve(line, line.color or theme.series_color(line.name, index), self._decay)
            for index, line in enumerate(series)
        }
        self._references: dict[str, tuple[float, str]] = {}
        self._marks: list[Mark] = []
        self._window: tuple[float, float] | None = None
        self._at: float | None = None
        self._scale = chart.Scale(QRectF(0, 0, 1, 1), 0, 1, 0, 1, log)
        self._pressed: tuple[float, tuple[float, float]] | None = None
        self._moved = False
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def add_series(self, line: Line) -> None:
        """One more series; the same name again changes nothing."""
        if line.name not in self._curves:
            color = line.color or theme.series_color(line.name, len(self._curves))
            self._curves[line.name] = Curve(line, color, self._decay)
            self.redraw()

    def append(self, name: str, steps: Array, values: Array) -> None:
        """Add points (n,) at the end of a series. Raises KeyError for a series that the chart does not have."""
        self._curves[name].append(np.asarray(steps), np.asarray(values, np.float64))
        self.redraw()

    def replace(self, name: str, steps: Array, values: Array) -> None:
        """Show these points (n,) instead. Raises KeyError for a series that the chart does not have."""
        curve = self._curves[name]
        curve.raw.clear()
        curve.set_decay(self._decay)
        self.append(name, steps, values)

    def clear(self) -> None:
        """Forget points, marks, reference lines and zoom."""
        for name in self._curves:
            self.replace(name, np.empty(0, np.int64), np.empty(0))
        self._marks.clear()
        self._references.clear()
        self._window = None
        self.redraw()

    def set_reference(self, name: str, value: float | None, label: str = "") -> None:
        """A dashed line at a value with its label on it (without one: its name and value); None takes it away."""
        if value is None or not math.isfinite(value):
            self._references.pop(name, None)
        else:
            self._references[name] = (value, label or f"{name} {chart.value_text(value)}")
        self.redraw()

    def mark(self, step: int, kind: str, text: str) -> None:
        """A small mark on the time axis that says its text when pointed at."""
        self._marks.append(Mark(step, kind, text))
        self.redraw()

    def points(self, name: str) -> tuple[Array, Array]:
        """Steps and raw values of a series, copied."""
        raw = self._curves[name].raw
        return raw.steps.copy(), raw.values.copy()

    def set_smoothing(self, decay: float) -> None:
        """The decay of the smoothing of noisy series; 0 shows them as they are."""
        self._decay = decay
        for curve in self._curves.values():
            curve.set_decay(decay)
        self.redraw()

    def set_log(self, log: bool) -> None:
        """Whether the value axis is logarithmic; values of 0 and below then lie under it."""
        self._log = log
        self._log_action.setChecked(log)
        self.redraw()

    def set_window(self, window: tuple[float, float] | None) -> None:
        """Show these steps only; None shows all."""
        if window != self._window:
            self._window = window
            self.redraw()

    def set_crosshair(self, step: float | None) -> None:
        """Put the crosshair at a step; None takes it away."""
        if step != self._at:
            self._at = step
            self.update()

    def reset_zoom(self) -> None:
        self.set_window(None)
        self.zoomed.emit(None)

    def table(self) -> tuple[Sequence[str], Iterable[Sequence[Any]]]:
        names = list(self._curves)
        merged: dict[int, dict[str, float]] = {}
        for name, curve in self._curves.items():
            for step, value in zip(curve.raw.steps.tolist(), curve.raw.values.tolist(), strict=True):
                merged.setdefault(step, {})[name] = value
        return ("step", *names), (
            [step, *(row.get(name, "") for name in names)] for step, row in sorted(merged.items())
        )

    def paint_figure(self, painter: QPainter, area: QRectF) -> None:
        curves = list(self._curves.values())
        top = curve_paint.paint_heading(painter, area, self.title, self.unit, curves)
        scale = self._measure(painter, QRectF(area.left(), top, area.width(), area.bottom() - top))
        self._scale = scale
        chart.paint_frame(painter, scale)
        painter.save()
        painter.setClipRect(scale.area.adjusted(-1, -1, 3, 1))
        for curve in curves:
            curve_paint.paint_faint(painter, curve, scale)
        drawn = [curve_paint.paint_strong(painter, curve, scale) for curve in curves]
        painter.restore()
        everything = np.concatenate([np.empty((0, 2)), *drawn])
        curve_paint.paint_references(painter, scale, self._references.values(), everything)
        curve_paint.paint_marks(painter, scale, self._marks)
        curve_paint.paint_last(painter, scale, curves)
        if not any(len(curve.raw) for curve in curves):
            painter.setPen(theme.current().color("quiet"))
            painter.setFont(theme.font(theme.SMALL))
            painter.drawText(scale.area, Qt.AlignmentFlag.AlignCenter, "Appears with the first step")

    def paint_hover(self, painter: QPainter) -> None:
        scale, look = self._scale, theme.current()
        if self._at is None or not scale.left <= self._at <= scale.right:
            return
        found = [(curve, curve.at(self._at)) for curve in self._curves.values()]
        nearest = max((point[0] for _, point in found if point is not None), default=None)
        if nearest is None:
            return
        x = float(scale.x(self._at))
        painter.setPen(QPen(look.color("quiet", 0.7), 1))
        painter.drawLine(QPointF(x, scale.area.top()), QPointF(x, scale.area.bottom()))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        lines: list[tuple[QColor | None, str, str]] = []
        for curve, point in found:
            if point is None:
                continue
            lines.append((QColor(curve.color), curve.line.label, chart.value_text(point[1])))
            y = float(scale.y(point[1])) if math.isfinite(point[1]) else math.nan
            if scale.area.top() <= y <= scale.area.bottom():
                painter.setPen(QPen(look.color("panel"), 1.5))
                painter.setBrush(QColor(curve.color))
                painter.drawEllipse(QPointF(float(scale.x(point[0])), y), 4, 4)
        bubble(painter, QPointF(x, scale.area.center().y()), lines, QRectF(self.rect()), f"step {nearest:,}")

    def _measure(self, painter: QPainter, area: QRectF) -> chart.Scale:
        left, right = self._steps()
        references = [value for value, _ in self._references.values()]
        low, high = curve_paint.value_range(list(self._curves.values()), references, left, right, log=self._log)
        painter.setFont(theme.font(theme.SMALL, tabular=True))
        metrics = painter.fontMetrics()
        lasts = [chart.value_text(float(curve.shown.values[-1])) for curve in self._curves.values() if len(curve.raw)]
        gutter = 22 + max((metrics.horizontalAdvance(text) for text in lasts), default=24)
        inner = area.adjusted(0, 4, -gutter, -(metrics.height() + 8))
        draft = chart.Scale(inner, left, right, low, high, self._log)
        inner = inner.adjusted(14 + chart.label_width(draft, painter), 0, 0, 0)
        return chart.Scale(inner, left, right, low, high, self._log)

    def _steps(self) -> tuple[float, float]:
        if self._window is not None:
            return self._window
        ends = [(curve.raw.steps[0], curve.raw.steps[-1]) for curve in self._curves.values() if len(curve.raw)]
        if not ends:
            return 0.0, 100.0
        left, right = float(min(end[0] for end in ends)), float(max(end[1] for end in ends))
        left = 0.0 if left <= 0.1 * right else left
        return left, right if right > left else left + 1

    def _fill_menu(self) -> None:
        super()._fill_menu()
        smoothing = QMenu("Smoothing", self.menu)
        smoothing.setObjectName("figure_smoothing")
        group = QActionGroup(smoothing)
        for label, decay in _SMOOTHING.items():
            action = smoothing.addAction(label)
            action.setObjectName(f"figure_smoothing_{label.lower()}")
            action.setCheckable(True)
            action.setChecked(decay == self._decay)
            group.addAction(action)
            action.triggered.connect(lambda _checked=False, decay=decay: self.set_smoothing(decay))
        self.menu.addMenu(smoothing)
        self._log_action = self.menu.addAction("Logarithmic axis")
        self._log_action.setObjectName("figure_log")
        self._log_action.setCheckable(True)
        self._log_action.setChecked(self._log)
        self._log_action.toggled.connect(self.set_log)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            near = [m for m in self._marks if abs(float(self._scale.x(m.step)) - event.pos().x()) <= 6]
            if near and event.pos().y() >= self._scale.area.bottom() - 14:
                QToolTip.showText(
                    event.globalPos(), tooltip("\n".join(f"step {m.step:,}: {m.text}" for m in near[-6:])), self
                )
                return True
            QToolTip.hideText()
        return super().event(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        x = event.position().x()
        if self._pressed is not None:
            start, (left, right) = self._pressed
            shift = (start - x) / max(self._scale.area.width(), 1) * (right - left)
            if abs(start - x) > 4 or self._moved:
                self._moved = True
                self._zoom(left + shift, right + shift)
            return
        inside = self._scale.area.adjusted(-4, -8, 4, 16).contains(event.position())
        self._hover(round(self._scale.step(x)) if inside else None)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._pressed, self._moved = (event.position().x(), (self._scale.left, self._scale.right)), False

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._pressed is not None and not self._moved and self._scale.area.contains(event.position()):
            self.step_chosen.emit(round(self._scale.step(event.position().x())))
        self._pressed = None

    def mouseDoubleClickEvent(self, _event: QMouseEvent) -> None:
        self.reset_zoom()

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._hover(None)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        ends = ((curve.line.label, curve.at(math.inf)) for curve in self._curves.values())
        words = [f"{label} {chart.value_text(end[1])} at step {end[0]:,}" for label, end in ends if end is not None]
        self.setAccessibleDescription("; ".join(words) or "no points yet")

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._hover(None)

    def wheelEvent(self, event: QWheelEvent) -> None:
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier or self.hasFocus():
            self._zoom_at(self._scale.step(event.position().x()), 0.85 ** (event.angleDelta().y() / 120))
            event.accept()
        else:
            event.ignore()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        at = self._at if self._at is not None else self._scale.right
        stride = max(1.0, (self._scale.right - self._scale.left) / 100)
        key = event.key()
        if key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            moved = at - stride if key == Qt.Key.Key_Left else at + stride
            self._hover(round(min(max(moved, self._scale.left), self._scale.right)))
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal, Qt.Key.Key_Minus):
            self._zoom_at(at, 1.25 if key == Qt.Key.Key_Minus else 0.8)
        elif key == Qt.Key.Key_Home:
            self.reset_zoom()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.step_chosen.emit(round(at))
        else:
            super().keyPressEvent(event)

    def _hover(self, step: float | None) -> None:
        if step != self._at:
            self.set_crosshair(step)
            self.hovered.emit(step)

    def _zoom_at(self, at: float, factor: float) -> None:
        left, right = self._scale.left, self._scale.right
        self._zoom(at - (at - left) * factor, at + (right - at) * factor)

    def _zoom(self, left: float, right: float) -> None:
        window, self._window = self._window, None
        first, last = self._steps()
        self._window = window
        span = max(right - left, 4.0)
        if span >= last - first:
            self.reset_zoom()
            return
        left = min(max(left, first), last - span)
        self.set_window((left, left + span))
        self.zoomed.emit(self._window)


class CurveGroup(QObject):
    """Ties charts together: one crosshair and one zoom for all."""

    def __init__(self, views: Sequence[CurvesView], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._views = tuple(views)
        for view in self._views:
            view.hovered.connect(self._hover)
            view.zoomed.connect(self._zoom)

    def mark(self, step: int, kind: str, text: str) -> None:
        """The same mark on every chart."""
        for view in self._views:
            view.mark(step, kind, text)

    def _hover(self, step: float | None) -> None:
        for view in self._views:
            view.set_crosshair(step)

    def _zoom(self, window: tuple[float, float] | None) -> None:
        for view in self._views:
            view.set_window(window)
