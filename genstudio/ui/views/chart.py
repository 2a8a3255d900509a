"""Tidy ticks, their words, a scale of them, and labels that never hide each other."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, QSizeF
from PySide6.QtGui import QPainter

from genstudio.events import Array
from genstudio.ui import theme
from genstudio.ui.views.view import RIGHT


def ticks(low: float, high: float, about: int) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten inside [low, high], some `about` of them.

    >>> ticks(0, 10, 5)
    [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]
    """
    if not (math.isfinite(low) and math.isfinite(high)) or high <= low:
        return [low]
    rough = (high - low) / max(about, 1)
    power = 10.0 ** math.floor(math.log10(rough))
    size = next((digit * power for digit in (1, 2, 5) if digit * power >= rough * 0.999), 10 * power)
    first, last = math.ceil(low / size - 1e-9), math.floor(high / size + 1e-9)
    return [float(f"{index * size:.12g}") for index in range(first, last + 1)]


def log_ticks(low: float, high: float, about: int) -> list[float]:
    """Powers of ten inside [low, high], with 2 and 5 between where there is room; linear ticks where the span is small."""
    if low <= 0 or high <= low:
        return [high]
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    every = max(1, round((last - first) / max(about, 1)))
    digits = (1, 2, 5) if (last - first) * 3 <= 2 * about else (1,)
    marks = [float(f"{d}e{p}") for p in range(first, last + 1, every) for d in digits]
    inside = [mark for mark in marks if low <= mark <= high]
    return inside if len(inside) >= 2 else ticks(low, high, about)


def paint_scale(painter: QPainter, plot: QRectF, low: float, high: float) -> None:
    """Lines across a plot whose height goes from `low` to `high`, with their values at its left; leaves a quiet pen."""
    look = theme.current()
    painter.setFont(theme.font(theme.SMALL, tabular=True))
    for value in ticks(low, high, max(2, int(plot.height() / 40))):
        y = plot.bottom() - (value - low) / (high - low) * plot.height()
        painter.setPen(look.color("grid" if value else "line"))
        painter.drawLine(QPointF(plot.left(), y), QPointF(plot.right(), y))
        painter.setPen(look.color("quiet"))
        painter.drawText(QRectF(plot.left() - 44, y - 8, 38, 16), RIGHT, tick_text(value))


def tick_text(value: float) -> str:
    """A tick's words: 2,000 and 0.25, 1.2M where long.

    >>> [tick_text(v) for v in (0.0, 0.25, 2000, 1500000, 1e-05)]
    ['0', '0.25', '2,000', '1.5M', '1e-5']
    """
    size = abs(value)
    if size >= 1e6:
        for unit, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M")):
            if size >= unit:
                return f"{value / unit:.4g}{letter}"
    if 0 < size < 1e-3:
        digits, _, power = f"{value:.3g}".partition("e")
        return f"{digits}e{int(power)}" if power else digits
    return f"{value:,.6g}" if size < 1000 else f"{value:,.0f}"


def value_text(value: float) -> str:
    """A measured value with four figures, so that the last digits do not dance.

    >>> [value_text(v) for v in (1.60449, 0.004, 12345.6, 3.2e-7, float("nan"))]
    ['1.604', '0.004', '12,346', '3.2e-7', 'not a number']
    """
    if not math.isfinite(value):
        return "not a number" if math.isnan(value) else "infinite"
    size = abs(value)
    if size >= 1e6 or 0 < size < 1e-3:
        return tick_text(float(f"{value:.3g}"))
    if size >= 1000:
        return f"{value:,.0f}"
    if size >= 1:
        return f"{value:.4g}" if value == int(value) else f"{value:.{max(0, 3 - int(math.log10(size)))}f}"
    return f"{value:.3g}"


def percent(share: float) -> str:
    """A probability with two figures at least, and no more than can be told apart from 0 and 1.

    >>> [percent(share) for share in (1.0, 0.99996, 0.1234, 0.0012, 3e-6, 0.0)]
    ['100.0%', '99.996%', '12.3%', '0.12%', '0.0003%', '0%']
    """
    value = 100 * share
    if 99.95 <= value < 100:
        return f"{value:.{min(-math.floor(math.log10(100 - value)), 7)}f}%"
    if value >= 1 or not math.isfinite(value):
        return f"{value:.1f}%"
    return f"{tick_text(float(f'{value:.2g}'))}%"


def spread(wanted: Sequence[float], height: float, low: float, high: float) -> list[float]:
    """Middles of labels of this `height`, as near to the `wanted` as can be without overlap, inside [low, high]."""
    order = sorted(range(len(wanted)), key=lambda index: wanted[index])
    placed = [0.0] * len(wanted)
    edge = low - height / 2
    for index in order:
        placed[index] = max(wanted[index], edge + height, low)
        edge = placed[index]
    edge = high + height / 2
    for index in reversed(order):
        placed[index] = min(placed[index], edge - height, high)
        edge = placed[index]
    return placed


def place(candidates: Sequence[QRectF], taken: Sequence[QRectF], curves: Array, room: QRectF) -> QRectF | None:
    """The rectangle for a label: free of the `taken` ones, and among those the one that fewest points (n, 2) cross.

    Where none is free, the first is moved down, or up, until it is; None where it would leave the room.
    """
    free = [box for box in candidates if not any(box.intersects(other) for other in taken)]
    clear = next((box for box in free if not crossings(box, curves)), None)
    if clear is not None:
        return clear
    if free:
        return min(free, key=lambda box: crossings(box, curves))
    tried = (candidates[0].translated(0, way * distance) for distance in range(2, int(room.height()), 2) for way in (1, -1))
    return next((box for box in tried if room.contains(box) and not any(box.intersects(other) for other in taken)), None)


def crossings(box: QRectF, points: Array) -> int:
    """How many of the points (n, 2) lie in a rectangle."""
    x, y = points[:, 0], points[:, 1]
    return int(((x > box.left()) & (x < box.right()) & (y > box.top() - 2) & (y < box.bottom() + 2)).sum())


def beside(area: QRectF, y: float, size: QSizeF) -> list[QRectF]:
    """Places for a label of a line at `y`: above or under it, right, left or in the middle of the area."""
    free = area.width() - size.width() - 4
    lefts = [area.left() + 2 + free * share for share in (1, 0, 0.5, 0.75, 0.25)]
    options = [QRectF(QPointF(x, top), size) for x in lefts for top in (y - size.height() - 1, y + 2)]
    inside = area.adjusted(-1, -2, 1, 2)
    return [option for option in options if inside.contains(option)] or options


def value_ticks(low: float, high: float, height: float, *, log: bool = False) -> list[float]:
    """Ticks of a value axis of some pixels, at least two where the numbers allow it."""
    kind, about = (log_ticks if log else ticks), max(2, int(height / 40))
    found = kind(low, high, about)
    while len(found) < 2 and about < 8:
        about += 1
        found = kind(low, high, about)
    return found
