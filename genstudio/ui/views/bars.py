"""Named numbers as bars below each other: counts, amounts that raise and lower, probabilities of tokens."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter

from genstudio.ui import theme
from genstudio.ui.views.chart import percent
from genstudio.ui.views.pointed import PointedFigure, moved
from genstudio.ui.views.view import LEFT, RIGHT, Lines, Table, paint_empty, paint_title, write_quietly

_EDGE, _NAMES, _SHARE = 12.0, 120.0, 0.35


@dataclass(frozen=True, slots=True)
class Bar:
    """A row of a bar chart. `parts` are (value, colour, words) of filled bars below each other, whose words stand in place
    of a bar where the value is NaN; `outline` is a value drawn over them; `faint` is the row of something cut."""

    name: str
    parts: tuple[tuple[float, str, str], ...]
    outline: float | None = None
    faint: bool = False


class BarChart(PointedFigure[int]):
    """As many of its `bars` as there is room for."""

    top = 36.0
    rows = 20.0, 20.0
    """Least and most pixels of a row."""
    empty = ""
    share = _SHARE
    """Of the width that names may take."""

    def __init__(self, title: str, name: str = "") -> None:
        super().__init__(title, name)
        self.note = ""
        self.bars: tuple[Bar, ...] = ()

    def notes(self) -> Sequence[str]:
        """Lines between the title and the first row, for which `top` leaves 18 pixels each."""
        return ()

    def row(self, index: int) -> QRectF:
        """Where a bar, its name and its number are drawn."""
        low, high = self.rows
        tall = min(high, max(low, (self.height() - self.top - 8) / max(len(self.bars), 1)))
        return QRectF(_EDGE, self.top + index * tall, self.width() - 2 * _EDGE, tall)

    def fitting(self) -> int:
        """How many bars are shown."""
        return min(len(self.bars), max(0, int((self.height() - self.top - 8) / self.row(0).height())))

    def paint_figure(self, painter: QPainter, area: QRectF) -> None:
        paint_title(painter, self.title, self.note, area)
        shown = self.bars[: self.fitting()]
        if shown:
            write_quietly(painter)
            for line, words in enumerate(self.notes()):
                words = painter.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, int(area.width() - 24))
                painter.drawText(QPointF(_EDGE, 40 + 18 * line), words)
            self._paint_bars(painter, shown)
        elif self.empty:
            paint_empty(painter, area, self.empty)

    def mark_at(self, point: QPointF) -> int | None:
        index = int((point.y() - self.top) // self.row(0).height())
        return index if 0 <= index < self.fitting() else None

    def beside(self, mark: int | None, right: int, down: int) -> int | None:
        count = self.fitting()
        return None if not count else 0 if mark is None else moved(mark, down, count)

    def card(self, mark: int) -> tuple[QPointF, Lines, str]:
        bar = self.bars[mark]
        return self.row(mark).center(), [(None, "", words) for _, _, words in bar.parts], bar.name

    def paint_hover(self, painter: QPainter) -> None:
        if self.hover is not None and self.hover < self.fitting():
            painter.fillRect(self.row(self.hover).adjusted(-6, 0, 6, 0), theme.current().color("accent", 0.14))
            super().paint_hover(painter)

    def _paint_bars(self, painter: QPainter, shown: Sequence[Bar]) -> None:
        letters, digits = theme.mono(), theme.font(theme.SMALL, tabular=True)
        mono, small = QFontMetricsF(letters), QFontMetricsF(digits)
        longest = max(_NAMES, self.share * self.width())
        names = [mono.elidedText(bar.name, Qt.TextElideMode.ElideMiddle, longest) for bar in shown]
        left = _EDGE + 8 + max(mono.horizontalAdvance(name) for name in names)
        said = [words for bar in shown for value, _, words in bar.parts if value == value]
        numbers = max((small.horizontalAdvance(words) for words in said), default=0.0)
        values = [value for bar in shown for value, _, _ in bar.parts if value == value]
        values += [bar.outline for bar in shown if bar.outline is not None]
        low, high = min(0.0, *values), max(0.0, *values)
        scale = max(self.width() - _EDGE - 8 - numbers - left, 8.0) / max(high - low, 1e-12)
        zero = left - low * scale
        for index, (bar, name) in enumerate(zip(shown, names, strict=True)):
            row, ink = self.row(index), theme.current().color("disabled" if bar.faint else "text")
            painter.setFont(letters)
            painter.setPen(ink)
            painter.drawText(QRectF(0, row.top(), left - 8, row.height()), RIGHT, name)
            painter.setFont(digits)
            tall = (row.height() - 4) / len(bar.parts)
            for place, (value, color, words) in enumerate(bar.parts):
                part = QRectF(left, row.top() + 2 + place * tall, row.right() - left, tall)
                painter.setPen(ink)
                painter.drawText(part, LEFT if value != value else RIGHT, words)
                if value == value and value:
                    wide = max(1.0, abs(value) * scale)
                    filled = QRectF(zero if value > 0 else zero - wide, part.top() + 2, wide, tall - 4 / len(bar.parts))
                    painter.fillRect(filled, _color(color))
            if bar.outline is not None:
                ink.setAlphaF(0.75)
                wide = max(1, round(bar.outline * scale))
                _outline(painter, QRect(round(left), round(row.top()) + 3, wide + 1, round(row.height()) - 6), ink)


def _outline(painter: QPainter, box: QRect, ink: QColor) -> None:
    """A frame a pixel wide: filling its sides takes a fifth of the time of a pen."""
    inner = box.adjusted(1, 1, -1, -1)
    for side in (
        QRect(box.left(), box.top(), box.width(), 1), QRect(box.left(), box.bottom(), box.width(), 1),
        QRect(box.left(), inner.top(), 1, inner.height()), QRect(box.right(), inner.top(), 1, inner.height()),
    ):  # fmt: skip
        painter.fillRect(side, ink)


def _color(name: str) -> QColor:
    return QColor(theme.visible(name)) if name.startswith("#") else theme.current().color(name)


class NamedBars(BarChart):
    """`show_bars([(name, value), ...])` in this order; `said` puts a value in words. With `summed`, what does not fit is
    said in a last line. Values below zero go to the left, in the second colour."""

    def __init__(
        self, title: str, name: str, unit: str = "probability", said: Callable[[Any], str] = percent,
        colors: tuple[str, str] = ("accent", "accent"), summed: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(title, name)
        self.values: tuple[tuple[str, float], ...] = ()
        self._unit, self._said, self._colors, self._summed = unit, said, colors, summed
        self.rows = (18.0, 24.0) if summed else self.rows
        self.adds_up = summed

    def show_bars(self, values: Iterable[tuple[str, float]], note: str = "") -> None:
        self.values, self.note, self.hover = tuple(values), note, None
        self.bars = tuple(Bar(name, ((v, self._colors[v < 0], self._said(v)),)) for name, v in self.values)
        self.setAccessibleDescription(", ".join(f"{bar.name}: {bar.parts[0][2]}" for bar in self.bars[:20]))
        self.redraw()

    def table(self) -> Table:
        return ("name", self._unit), self.values

    def fitting(self) -> int:
        count = super().fitting()
        return count if not self._summed or count == len(self.bars) else max(count - 1, 0)

    def paint_figure(self, painter: QPainter, area: QRectF) -> None:
        super().paint_figure(painter, area)
        rest = [value for _, value in self.values[self.fitting() :]]
        if rest and self._summed:
            write_quietly(painter)
            words = f"and {len(rest):,} more" + (f" with {self._said(sum(rest))} together" if self.adds_up else "")
            painter.drawText(QPointF(area.left() + _EDGE, area.bottom() - 8), words)
