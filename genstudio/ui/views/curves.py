"""Live line charts of numbers over steps."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from PySide6.QtCore import QEvent, QLineF, QObject, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QActionGroup,
    QColor,
    QFocusEvent,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPen,
    QPolygonF,
    QWheelEvent,
)
from PySide6.QtWidgets import QMenu, QToolTip

from genstudio.events import Array
from genstudio.ui import theme
from genstudio.ui.views import chart
from genstudio.ui.views.decimate import Growing, Smoother, columns_of, sampled, sensible_range
from genstudio.ui.views.view import Figure, bubble, polyline
from genstudio.ui.widgets import tooltip

NOISY = frozenset({"loss", "train_loss", "gradient_norm", "grad_norm", "tokens_per_second", "steps_per_second"})
_SMOOTHING = {"None": 0.0, "Light": 0.9, "Medium": 0.97, "Strong": 0.99}
_MARKS = {
    "saved": "accent",
    "best": "accent",
    "done": "accent",
    "changed": "text",
    "info": "quiet",
    "warning": "warning",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One series of a chart; `smooth` for noisy ones: raw faint, smoothed strong. No colour: the quantity's own."""

    name: str
    label: str
    color: str = ""
    smooth: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened at a step: kind as in events.Notice."""

    step: int
    kind: str
    text: str


class _Curve:
    """The points of one line, and the same smoothed, both only ever extended."""

    def __init__(self, line: Line, color: str, decay: float) -> None:
        self.line, self._color = line, color
        self.raw, self.smooth = Growing(), Growing()
        self.set_decay(decay)

    def append(self, steps: Array, values: Array) -> None:
        backwards = len(self.raw) and len(steps) and steps[0] <= self.raw.steps[-1]
        self.raw.append(steps, values)
        if backwards:
            self.set_decay(self._decay)
        elif self._smoother is not None:
            self.smooth.append(steps, self._smoother.extend(values))

    def set_decay(self, decay: float) -> None:
        self._decay = decay
        self._smoother = Smoother(decay) if self.line.smooth and decay else None
        self.smooth.clear()
        if self._smoother is not None:
            self.smooth.append(self.raw.steps, self._smoother.extend(self.raw.values))

    @property
    def color(self) -> str:
        """The line's colour, light enough for the theme."""
        return theme.visible(self._color)

    @property
    def shown(self) -> Growing:
        """The strong line."""
        return self.raw if self._smoother is None else self.smooth

    def at(self, step: float) -> tuple[int, float] | None:
        """The last point at or before a step, as shown."""
        index = int(np.searchsorted(self.raw.steps, step, side="right")) - 1
        return (int(self.raw.steps[index]), float(self.shown.values[index])) if index >= 0 else None


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
            line.name: _Curve(line, line.color or theme.series_color(line.name, index), self._decay)
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
            self._curves[line.name] = _Curve(line, color, self._decay)
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
        top = self._paint_heading(painter, area)
        scale = self._measure(painter, QRectF(area.left(), top, area.width(), area.bottom() - top))
        self._scale = scale
        chart.paint_frame(painter, scale)
        painter.save()
        painter.setClipRect(scale.area.adjusted(-1, -1, 3, 1))
        for curve in self._curves.values():
            self._paint_faint(painter, curve, scale)
        drawn = [self._paint_strong(painter, curve, scale) for curve in self._curves.values()]
        painter.restore()
        everything = np.concatenate([np.empty((0, 2)), *drawn])
        self._paint_references(painter, scale, everything)
        self._paint_marks(painter, scale)
        self._paint_last(painter, scale)
        if not any(len(curve.raw) for curve in self._curves.values()):
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

    def _paint_heading(self, painter: QPainter, area: QRectF) -> float:
        look = theme.current()
        painter.setFont(theme.font(theme.NORMAL, bold=True))
        metrics = painter.fontMetrics()
        baseline = area.top() + 8 + metrics.ascent()
        painter.setPen(look.color("text"))
        painter.drawText(QPointF(area.left() + 12, baseline), self.title)
        x = area.left() + 12 + metrics.horizontalAdvance(self.title) + 8
        painter.setFont(theme.font(theme.SMALL))
        small = painter.fontMetrics()
        if self.unit:
            painter.setPen(look.color("quiet"))
            painter.drawText(QPointF(x, baseline), self.unit)
            x += small.horizontalAdvance(self.unit) + 12
        if len(self._curves) > 1:
            self._paint_legend(painter, x + 8, area.right() - 36, baseline)
        return baseline + 12

    def _paint_legend(self, painter: QPainter, left: float, right: float, baseline: float) -> None:
        metrics = painter.fontMetrics()
        widths = [metrics.horizontalAdvance(curve.line.label) + 28 for curve in self._curves.values()]
        x = max(left, right - sum(widths))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for curve, width in zip(self._curves.values(), widths, strict=True):
            if x + width > right + 12:
                break
            painter.setPen(QPen(QColor(curve.color), 2.5, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
            y = baseline - metrics.ascent() / 2 + 1
            painter.drawLine(QPointF(x, y), QPointF(x + 10, y))
            painter.setPen(theme.current().color("quiet"))
            painter.drawText(QPointF(x + 16, baseline), curve.line.label)
            x += width

    def _measure(self, painter: QPainter, area: QRectF) -> chart.Scale:
        left, right = self._steps()
        low, high = self._values(left, right)
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

    def _values(self, left: float, right: float) -> tuple[float, float]:
        parts = []
        for curve in self._curves.values():
            _, values = columns_of(curve.raw, left, right, 400)
            values = values[values > 0] if self._log else values
            if len(values):
                values = np.log10(values) if self._log else values
                parts.append(sensible_range(values, early=max(3, len(values) // 50)))
        bend = (lambda v: math.log10(v) if v > 0 else math.nan) if self._log else float
        lines = sorted(v for v in (bend(value) for value, _ in self._references.values()) if math.isfinite(v))
        low = min((part[0] for part in parts), default=lines[0] if lines else 0.0)
        high = max((part[1] for part in parts), default=lines[-1] if lines else 1.0)
        low, high = _with_neighbours(low, high, lines)
        span = high - low or max(abs(high) * 0.1, 1e-9)
        low, high = (0.0 if not self._log and 0 <= low < 0.08 * span else low - 0.06 * span), high + 0.06 * span
        return (10**low, 10**high) if self._log else (low, high)

    def _paint_faint(self, painter: QPainter, curve: _Curve, scale: chart.Scale) -> None:
        if curve.shown is not curve.raw:
            points = self._pixels(scale, *columns_of(curve.raw, scale.left, scale.right, _width(scale)))
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
            painter.setPen(QPen(_mixed(curve.color, theme.current().panel, 0.32), 0))
            painter.drawPolyline(polyline(points[:, 0], points[:, 1]))

    def _paint_strong(self, painter: QPainter, curve: _Curve, scale: chart.Scale) -> Array:
        thin = columns_of if curve.shown is curve.raw else sampled
        points = self._pixels(scale, *thin(curve.shown, scale.left, scale.right, _width(scale) // 3))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(curve.color), 1.75, Qt.PenStyle.SolidLine, Qt.PenCapStyle.FlatCap))
        if len(points) < 160:
            painter.drawPolyline(polyline(points[:, 0], points[:, 1]))
        else:  # joined lines of many points take ten times as long
            painter.drawLines([QLineF(*start, *end) for start, end in pairwise(points.tolist())])
        if len(curve.raw) <= 40:
            painter.setPen(QPen(QColor(curve.color), 4.5, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
            painter.drawPoints(polyline(points[:, 0], points[:, 1]))
        return points

    def _pixels(self, scale: chart.Scale, steps: Array, values: Array) -> Array:
        if scale.log:
            steps, values = steps[values > 0], values[values > 0]
        return np.stack([scale.x(steps), scale.y(values)], axis=1)

    def _paint_references(self, painter: QPainter, scale: chart.Scale, curves: Array) -> None:
        painter.setFont(theme.font(theme.SMALL, tabular=True))
        metrics = painter.fontMetrics()
        look = theme.current()
        taken: list[QRectF] = []
        for value, label in sorted(self._references.values(), reverse=True):
            outside = value > scale.high or value < scale.low
            y = scale.area.top() if value > scale.high else scale.area.bottom() if outside else float(scale.y(value))
            arrow = "" if not outside else " ↑" if value > scale.high else " ↓"
            text = f"{label}{arrow}"
            if not outside:
                painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
                painter.setPen(chart.dashed("disabled"))
                painter.drawLine(QPointF(scale.area.left(), round(y)), QPointF(scale.area.right(), round(y)))
            box = QRectF(0, 0, metrics.horizontalAdvance(text) + 8, metrics.height())
            tops = (y - box.height() - 1, y + 2)
            lefts = (
                scale.area.right() - box.width() - 2,
                scale.area.left() + 2,
                scale.area.center().x() - box.width() / 2,
            )
            options = [box.translated(x, top) for x in lefts for top in tops]
            inside = scale.area.adjusted(-1, -2, 1, 2)
            chosen = chart.place([option for option in options if inside.contains(option)] or options, taken, curves)
            taken.append(chosen)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(look.color("panel", 0.82))
            painter.drawRoundedRect(chosen, 3, 3)
            painter.setPen(look.color("quiet"))
            painter.drawText(chosen, Qt.AlignmentFlag.AlignCenter, text)

    def _paint_marks(self, painter: QPainter, scale: chart.Scale) -> None:
        look = theme.current()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for mark in self._marks:
            if not scale.left <= mark.step <= scale.right:
                continue
            x, y = float(scale.x(mark.step)), scale.area.bottom()
            painter.setPen(QPen(look.color("panel"), 1))
            painter.setBrush(look.color(_MARKS.get(mark.kind, "quiet")))
            painter.drawPolygon(_shape(mark.kind, x, y))

    def _paint_last(self, painter: QPainter, scale: chart.Scale) -> None:
        look = theme.current()
        painter.setFont(theme.font(theme.SMALL, bold=True, tabular=True))
        metrics = painter.fontMetrics()
        ends = []
        for curve in self._curves.values():
            if (point := curve.at(scale.right)) is not None and math.isfinite(point[1]):
                ends.append((curve, point[1]))
        wanted = [min(max(float(scale.y(v)), scale.area.top()), scale.area.bottom()) for _, v in ends]
        middles = chart.spread(wanted, metrics.height(), scale.area.top(), scale.area.bottom())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for (curve, value), middle in zip(ends, middles, strict=True):
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(curve.color))
            painter.drawEllipse(QPointF(scale.area.right() + 8, middle), 3, 3)
            painter.setPen(look.color("text"))
            painter.drawText(
                QPointF(scale.area.right() + 15, middle + metrics.ascent() / 2 - 1), chart.value_text(value)
            )

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


def _width(scale: chart.Scale) -> int:
    return max(16, int(scale.area.width()))


def _mixed(color: str, ground: str, share: float) -> QColor:
    """The colour as it would look on the ground with this opacity; opaque lines are painted many times faster."""
    top, bottom = QColor(color), QColor(ground)
    parts = zip(top.getRgb()[:3], bottom.getRgb()[:3], strict=True)  # type: ignore[index]
    return QColor(*(round(share * a + (1 - share) * b) for a, b in parts))


def _with_neighbours(low: float, high: float, lines: Sequence[float]) -> tuple[float, float]:
    """The range widened to the reference lines that matter: the nearest on either side, if within 1.5 spans."""
    reach = 1.5 * max(high - low, 0.05 * abs(high), 1e-9)
    below = [line for line in lines if line < low]
    above = [line for line in lines if line > high]
    if below:
        low = below[-1]
    if above and above[0] - high <= reach:
        high = above[0]
    return low, high


_SHAPES: dict[str, tuple[tuple[float, float], ...]] = {
    "changed": ((0, -9), (4.5, -4.5), (0, 0), (-4.5, -4.5)),
    "warning": ((-5, 0), (0, -10), (5, 0)),
    "best": ((-4, 0), (-4, -9), (4, -9), (4, 0)),
    "done": ((-4, 0), (-4, -9), (4, -9), (4, 0)),
}


def _shape(kind: str, x: float, y: float) -> QPolygonF:
    points = _SHAPES.get(kind, ((-4, -8), (4, -8), (0, 0)))
    return QPolygonF([QPointF(x + dx, y + dy) for dx, dy in points])
