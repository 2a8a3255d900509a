"""Statistics of real genomes beside simulated ones: spectrum, linkage, distances, and means with their standard errors."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPen

from genstudio.events import Array
from genstudio.snapshots.population import Measures, Population
from genstudio.ui import theme
from genstudio.ui.views.pointed import PointedFigure, moved
from genstudio.ui.views.view import (
    CENTRE,
    LEFT,
    RIGHT,
    Lines,
    SnapshotFigure,
    Table,
    paint_empty,
    paint_title,
    write_quietly,
)

_EDGE, _GAP, _LOWEST = 14.0, 18.0, 60.0
"""Pixels around the panels and between them, and the height that one needs with its title and its axis."""
_BESIDE = 520
"""Width from which on the legend has room beside the title."""
_LOW = 12.0
"""Height of a line of the means at least; what has no room is left to the table and to a larger figure."""
_FAR = 2.0
"""Standard errors beyond which two means differ."""
_NAME, _APART = 62, 10
"""Width that the name of a mean has at least, and between two columns."""
Mark = tuple[int, int]
"""A panel and a place in it: the spectrum, linkage, distances, means."""
_TITLES = ("Sites by count of the rarer allele", "Linkage: r² by distance", "Distance to the next site", "Means per region")


class PopulationView(SnapshotFigure[Population], PointedFigure[Mark]):
    """Bars of real genomes beside those of simulated ones, each with its standard error; means that differ by more than two
    standard errors are marked. Point at anything, or use the arrow keys, for its numbers."""

    def __init__(self, title: str = "Statistics", name: str = "population", note: str = "") -> None:
        super().__init__(title, name)
        self.note = note

    def prepare(self, snapshot: Population) -> None:
        self.hover = None
        apart = snapshot.apart()
        far = [name for name, value in zip(snapshot.names, apart.tolist(), strict=True) if abs(value) > _FAR]
        if snapshot.simulated is None:
            means = zip(snapshot.names, snapshot.real.means.tolist(), strict=True)
            said = ", ".join(f"{name} {value:.4g}" for name, value in means)
        else:
            said = f"These differ: {', '.join(far)}" if far else "No mean differs by more than two standard errors"
        self.setAccessibleDescription(said)

    def table(self) -> Table:
        if self.snapshot is None:
            return (), ()
        return ("what", "real", "standard error", "simulated", "standard error"), list(self._rows(self.snapshot))

    def _rows(self, shown: Population) -> Iterator[tuple[str, float, float, float, float]]:
        for panel in range(4):
            names, real, real_error, made, made_error = self._numbers(shown, panel)
            for place, name in enumerate(names):
                yield (name, float(real[place]), float(real_error[place]), float(made[place]), float(made_error[place]))

    @staticmethod
    def _numbers(shown: Population, panel: int) -> tuple[tuple[str, ...], Array, Array, Array, Array]:
        """What a panel shows: names, and the real and the simulated values with their errors."""
        kind = ("spectrum", "ld", "gaps", "means")[panel]

        def of(measures: Measures | None) -> tuple[Array, Array]:
            if measures is None:
                nothing = np.full(len(getattr(shown.real, kind)), np.nan)
                return nothing, nothing
            return getattr(measures, kind), getattr(measures, f"{kind}_error")

        count = len(getattr(shown.real, kind))
        if panel == 0:
            names = tuple(f"{i + 1}" if i + 1 < count else f"≥ {i + 1}" for i in range(count))
        elif panel == 1:
            names = tuple(_distance(distance) for distance in shown.distances)
        elif panel == 2:
            edges = np.geomspace(1, 5000, count + 1)
            names = tuple(f"{edges[i]:.0f} to {edges[i + 1]:.0f} bp" for i in range(count))
        else:
            names = shown.names
        return names, *of(shown.real), *of(shown.simulated)

    def panel(self, index: int) -> QRectF:
        """Where a panel is: the spectrum takes the upper left, the means the lower right; all are in a row where two would be
        too low to draw in."""
        top = 34.0 if self.width() >= _BESIDE else 52.0
        columns = 2 if (self.height() - top - 8 - _GAP / 2) / 2 >= _LOWEST else 4
        rows = 4 // columns
        wide = (self.width() - 2 * _EDGE - (columns - 1) * _GAP) / columns
        high = (self.height() - top - 8 - (rows - 1) * _GAP / 2) / rows
        return QRectF(_EDGE + index % columns * (wide + _GAP), top + index // columns * (high + _GAP / 2), wide, high)

    def paint_figure(self, painter: QPainter, area: QRectF) -> None:
        shown = self.snapshot
        dated = "" if shown is None or not shown.step else f"step {shown.step:,}"
        paint_title(painter, self.title, ", ".join(part for part in (dated, self.note) if part), area)
        if shown is None:
            paint_empty(painter, area, "Waiting for the first simulation")
            return
        self._legend(painter, shown)
        for index in range(4):
            box = self.panel(index)
            write_quietly(painter)
            words = painter.fontMetrics().elidedText(_TITLES[index], Qt.TextElideMode.ElideRight, int(box.width()))
            painter.drawText(QRectF(box.left(), box.top(), box.width(), 16), LEFT, words)
            inside = box.adjusted(0, 20, 0, 0)
            if inside.height() < 24:
                continue
            if index == 3:
                self._means(painter, shown, inside)
            else:
                self._bars(painter, shown, index, inside)

    def _legend(self, painter: QPainter, shown: Population) -> None:
        if shown.simulated is None:
            return
        beside = self.width() >= _BESIDE
        look, x, y = theme.current(), self.width() - 210.0 if beside else _EDGE, 17.0 if beside else 37.0
        for word, role in (("real", "real"), ("simulated", "fake")):
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(look.color(theme.visible(theme.ROLES[role])))
            painter.drawEllipse(QPointF(x + 4, y), 4, 4)
            write_quietly(painter)
            painter.drawText(QRectF(x + 14, y - 9, 80, 18), LEFT, word)
            x += 30 + painter.fontMetrics().horizontalAdvance(word)

    def _bars(self, painter: QPainter, shown: Population, index: int, box: QRectF) -> None:
        names, *columns = self._numbers(shown, index)
        values, errors = (columns[0], columns[2]), (columns[1], columns[3])
        tops = np.concatenate([np.nan_to_num(v) + np.nan_to_num(e) for v, e in zip(values, errors, strict=True)])
        plot = box.adjusted(0, 0, 0, -16)
        highest = max(float(tops.max(initial=0.0)), 1e-12)
        look, pitch = theme.current(), plot.width() / max(len(names), 1)
        painter.setPen(look.color("line"))
        painter.drawLine(plot.bottomLeft(), plot.bottomRight())
        series = 2 if shown.simulated is not None else 1
        thick = max(2.0, pitch * 0.8 / series)
        for which, role in enumerate(("real", "fake")[:series]):
            hue = look.color(theme.visible(theme.ROLES[role]))
            for place, (value, error) in enumerate(zip(values[which].tolist(), errors[which].tolist(), strict=True)):
                if not math.isfinite(value):
                    continue
                left = plot.left() + place * pitch + pitch * 0.1 + which * thick
                tall = plot.height() * value / highest
                painter.fillRect(QRectF(left, plot.bottom() - tall, max(thick - 1, 1.0), tall), hue)
                if math.isfinite(error) and error:
                    painter.setPen(QPen(look.color("text"), 1))
                    reach, middle = plot.height() * error / highest, left + (thick - 1) / 2
                    painter.drawLine(QPointF(middle, plot.bottom() - tall - reach), QPointF(middle, plot.bottom() - tall + reach))
        write_quietly(painter)
        metrics = painter.fontMetrics()
        step = 1 if index != 2 else 4
        for place in range(0, len(names) - (4 if index == 2 else 0), step):
            word = names[place] if index != 2 else f"{np.geomspace(1, 5000, len(names) + 1)[place]:.0f}"
            if metrics.horizontalAdvance(word) <= pitch * step + 6:
                spot = QRectF(plot.left() + place * pitch - 8, plot.bottom() + 1, pitch + 16, 15)
                painter.drawText(spot, CENTRE if index != 2 else LEFT, word)
        if index == 2:
            painter.drawText(QRectF(plot.left(), plot.bottom() + 1, plot.width(), 15), RIGHT, "base pairs")

    def _means(self, painter: QPainter, shown: Population, box: QRectF) -> None:
        look, tall = theme.current(), _tall(box.height(), len(shown.names))
        write_quietly(painter)
        metrics = painter.fontMetrics()
        real = [_short(value) for value in shown.real.means]
        if shown.simulated is None:
            columns = [[f"{value} ± {error:.2g}" for value, error in zip(real, shown.real.means_error, strict=True)]]
        else:
            columns = [real, [_short(value) for value in shown.simulated.means], _distances(shown, " s.e.")]
            if _wide(metrics, columns) > box.width() - _NAME:
                columns[2] = _distances(shown, "")
        ends = [box.right() - _wide(metrics, columns[place + 1 :]) for place in range(len(columns))]
        apart = shown.apart()
        for place, name in enumerate(shown.names[: int(box.height() / tall + 0.01)]):
            row = QRectF(box.left(), box.top() + place * tall, box.width(), tall)
            painter.setPen(look.color("quiet"))
            room = int(row.width() - _wide(metrics, columns))
            painter.drawText(row, LEFT, metrics.elidedText(name, Qt.TextElideMode.ElideRight, room))
            for column, (words, end) in enumerate(zip(columns, ends, strict=True)):
                far = column == 2 and abs(apart[place]) > _FAR
                color = "quiet" if column == 2 else "text"
                painter.setPen(look.color(theme.visible(theme.VERMILION) if far else color))
                painter.drawText(QRectF(row.left(), row.top(), end - row.left(), tall), RIGHT, words[place])

    def mark_at(self, point: QPointF) -> Mark | None:
        if self.snapshot is None:
            return None
        for panel in range(4):
            box, count = self.panel(panel), len(self._numbers(self.snapshot, panel)[0])
            if box.contains(point) and count:
                if panel == 3:
                    place = int((point.y() - box.top() - 20) // _tall(box.height() - 20, count))
                else:
                    place = int((point.x() - box.left()) // (box.width() / count))
                return (panel, place) if 0 <= place < count else None
        return None

    def beside(self, mark: Mark | None, right: int, down: int) -> Mark | None:
        if self.snapshot is None:
            return None
        if mark is None:
            return 0, 0
        panel = moved(mark[0], down, 4)
        return panel, moved(mark[1], right, len(self._numbers(self.snapshot, panel)[0]))

    def card(self, mark: Mark) -> tuple[QPointF, Lines, str]:
        assert self.snapshot is not None
        panel, place = mark
        names, real, real_error, made, made_error = self._numbers(self.snapshot, panel)
        look = theme.current()
        hues = [look.color(theme.visible(theme.ROLES[role])) for role in ("real", "fake")]
        lines: Lines = [(hues[0], "real", f"{real[place]:.4g} ± {real_error[place]:.2g}")]
        if self.snapshot.simulated is not None:
            lines = [*lines, (hues[1], "simulated", f"{made[place]:.4g} ± {made_error[place]:.2g}")]
        box = self.panel(panel)
        if panel == 3:
            at = QPointF(box.center().x(), box.top() + 20 + (place + 0.5) * min(26.0, (box.height() - 20) / len(names)))
        else:
            at = QPointF(box.left() + (place + 0.5) * box.width() / len(names), box.center().y())
        return at, lines, f"{_TITLES[panel]}: {names[place]}" if panel < 3 else names[place]


def _short(value: float) -> str:
    """Three digits, and no power of ten where a number of the size can be read."""
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e6 else f"{value:.3g}"


def _tall(height: float, lines: int) -> float:
    """Pixels of a line of the means."""
    return min(26.0, max(_LOW, height / max(lines, 1)))


def _distance(base_pairs: float) -> str:
    return f"{base_pairs / 1000:g} kb" if base_pairs >= 1000 else f"{base_pairs:g} bp"


def _wide(metrics: QFontMetrics, columns: Sequence[Sequence[str]]) -> float:
    """The width of columns of words, with what is between them and what is before the first."""
    return sum(max(map(metrics.horizontalAdvance, words), default=0) + _APART for words in columns)


def _distances(shown: Population, unit: str) -> list[str]:
    """How far the simulated means lie from the real ones, in standard errors; nothing where that is not known."""
    return [(f"{value:+.1f}{unit}" if abs(value) < 99 else f"> 99{unit}") if math.isfinite(value) else ""
            for value in shown.apart().tolist()]  # fmt: skip
