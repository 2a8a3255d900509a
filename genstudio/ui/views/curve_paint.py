"""How the parts of a line chart are painted."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from genstudio.events import Array
from genstudio.ui import theme
from genstudio.ui.views import chart
from genstudio.ui.views.curve import Curve, Mark
from genstudio.ui.views.decimate import columns_of, sampled, sensible_range
from genstudio.ui.views.view import polyline

_MARKS = {
    "saved": "accent",
    "best": "accent",
    "done": "accent",
    "changed": "text",
    "info": "quiet",
    "warning": "warning",
}
_SHAPES: dict[str, tuple[tuple[float, float], ...]] = {
    "changed": ((0, -9), (4.5, -4.5), (0, 0), (-4.5, -4.5)),
    "warning": ((-5, 0), (0, -10), (5, 0)),
    "best": ((-4, 0), (-4, -9), (4, -9), (4, 0)),
    "done": ((-4, 0), (-4, -9), (4, -9), (4, 0)),
}


def paint_heading(painter: QPainter, area: QRectF, title: str, unit: str, curves: Sequence[Curve]) -> float:
    """Title, unit and, for more than one line, the legend; gives the y below them."""
    look = theme.current()
    painter.setFont(theme.font(theme.NORMAL, bold=True))
    metrics = painter.fontMetrics()
    baseline = area.top() + 8 + metrics.ascent()
    painter.setPen(look.color("text"))
    painter.drawText(QPointF(area.left() + 12, baseline), title)
    x = area.left() + 12 + metrics.horizontalAdvance(title) + 8
    painter.setFont(theme.font(theme.SMALL))
    small = painter.fontMetrics()
    if unit:
        painter.setPen(look.color("quiet"))
        painter.drawText(QPointF(x, baseline), unit)
        x += small.horizontalAdvance(unit) + 12
    if len(curves) > 1:
        _paint_legend(painter, curves, x + 8, area.right() - 36, baseline)
    return baseline + 12


def _paint_legend(painter: QPainter, curves: Sequence[Curve], left: float, right: float, baseline: float) -> None:
    metrics = painter.fontMetrics()
    widths = [metrics.horizontalAdvance(curve.line.label) + 28 for curve in curves]
    x = max(left, right - sum(widths))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for curve, width in zip(curves, widths, strict=True):
        if x + width > right + 12:
            break
        painter.setPen(QPen(QColor(curve.color), 2.5, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        y = baseline - metrics.ascent() / 2 + 1
        painter.drawLine(QPointF(x, y), QPointF(x + 10, y))
        painter.setPen(theme.current().color("quiet"))
        painter.drawText(QPointF(x + 16, baseline), curve.line.label)
        x += width


def value_range(
    curves: Sequence[Curve], references: Iterable[float], left: float, right: float, *, log: bool
) -> tuple[float, float]:
    """The values to show of steps `left` to `right`: what matters of the curves, and the reference lines next to them."""
    parts = []
    for curve in curves:
        _, values = columns_of(curve.raw, left, right, 400)
        values = values[values > 0] if log else values
        if len(values):
            values = np.log10(values) if log else values
            parts.append(sensible_range(values, early=max(3, len(values) // 50)))
    bend = (lambda v: math.log10(v) if v > 0 else math.nan) if log else float
    lines = sorted(v for v in (bend(value) for value in references) if math.isfinite(v))
    low = min((part[0] for part in parts), default=lines[0] if lines else 0.0)
    high = max((part[1] for part in parts), default=lines[-1] if lines else 1.0)
    low, high = _with_neighbours(low, high, lines)
    span = high - low or max(abs(high) * 0.1, 1e-9)
    low, high = (0.0 if not log and 0 <= low < 0.08 * span else low - 0.06 * span), high + 0.06 * span
    return (10**low, 10**high) if log else (low, high)


def paint_faint(painter: QPainter, curve: Curve, scale: chart.Scale) -> None:
    """The raw points of a smoothed curve."""
    if curve.shown is not curve.raw:
        points = _pixels(scale, *columns_of(curve.raw, scale.left, scale.right, _width(scale)))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setPen(QPen(_mixed(curve.color, theme.current().panel, 0.32), 0))
        painter.drawPolyline(polyline(points[:, 0], points[:, 1]))


def paint_strong(painter: QPainter, curve: Curve, scale: chart.Scale) -> Array:
    """The strong line of a curve; gives its points (n, 2) in pixels."""
    thin = columns_of if curve.shown is curve.raw else sampled
    points = _pixels(scale, *thin(curve.shown, scale.left, scale.right, _width(scale) // 3))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(QColor(curve.color), 1.75, Qt.PenStyle.SolidLine, Qt.PenCapStyle.FlatCap))
    if len(points) < 64:
        painter.drawPolyline(polyline(points[:, 0], points[:, 1]))
    else:  # joined lines of many points take ten times as long
        painter.drawLines([QLineF(*start, *end) for start, end in pairwise(points.tolist())])
    if len(curve.raw) <= 40:
        painter.setPen(QPen(QColor(curve.color), 4.5, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        painter.drawPoints(polyline(points[:, 0], points[:, 1]))
    return points


def paint_references(
    painter: QPainter, scale: chart.Scale, references: Iterable[tuple[float, str]], curves: Array
) -> None:
    """Dashed lines with their labels where they hide least; `curves` are points (n, 2) in pixels to keep clear of."""
    painter.setFont(theme.font(theme.SMALL, tabular=True))
    metrics = painter.fontMetrics()
    look = theme.current()
    taken: list[QRectF] = []
    for value, label in sorted(references, reverse=True):
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


def paint_marks(painter: QPainter, scale: chart.Scale, marks: Iterable[Mark]) -> None:
    """What happened, on the time axis."""
    look = theme.current()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for mark in marks:
        if not scale.left <= mark.step <= scale.right:
            continue
        x, y = float(scale.x(mark.step)), scale.area.bottom()
        painter.setPen(QPen(look.color("panel"), 1))
        painter.setBrush(look.color(_MARKS.get(mark.kind, "quiet")))
        painter.drawPolygon(_shape(mark.kind, x, y))


def paint_last(painter: QPainter, scale: chart.Scale, curves: Sequence[Curve]) -> None:
    """The last value of every line beside its end."""
    look = theme.current()
    painter.setFont(theme.font(theme.SMALL, bold=True, tabular=True))
    metrics = painter.fontMetrics()
    ends = []
    for curve in curves:
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
        painter.drawText(QPointF(scale.area.right() + 15, middle + metrics.ascent() / 2 - 1), chart.value_text(value))


def _pixels(scale: chart.Scale, steps: Array, values: Array) -> Array:
    if scale.log:
        steps, values = steps[values > 0], values[values > 0]
    return np.stack([scale.x(steps), scale.y(values)], axis=1)


def _shape(kind: str, x: float, y: float) -> QPolygonF:
    points = _SHAPES.get(kind, ((-4, -8), (4, -8), (0, 0)))
    return QPolygonF([QPointF(x + dx, y + dy) for dx, dy in points])


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
