"""The parts of a line chart, as items of pyqtgraph."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPainterPath, QPen, QPolygonF, QTransform
from PySide6.QtWidgets import QGraphicsEllipseItem, QGraphicsScene, QGraphicsSceneWheelEvent, QGraphicsSimpleTextItem

from genstudio.events import Array
from genstudio.ui import theme
from genstudio.ui.views import chart
from genstudio.ui.views.curve import Curve, Mark
from genstudio.ui.views.decimate import columns_of, sampled, sensible_range
from genstudio.ui.views.scene import words
from genstudio.ui.widgets import tooltip

_MARKS = {"milestone": "accent", "saved": "accent", "best": "accent", "done": "accent", "changed": "text", "warning": "warning"}
_SQUARE = ((-4, 0), (-4, -9), (4, -9), (4, 0))
_SHAPES: dict[str, tuple[tuple[float, float], ...]] = {
    "changed": ((0, -9), (4.5, -4.5), (0, 0), (-4.5, -4.5)),
    "warning": ((-5, 0), (0, -10), (5, 0)),
    "milestone": ((-4, 0), (-4, -11), (5, -8), (-2.5, -5), (-2.5, 0)),
    "best": _SQUARE,
    "done": _SQUARE,
}
_ARROW = ((-4, -8), (4, -8), (0, 0))
_MARK_SIZE = 20
_HALF, MARK_HEIGHT = 5, 11
"""Half the width of a mark and its height, in pixels."""
_FLAT = 2e-3
"""The smallest range of an axis, as a share of its values."""
_ROWS = 3
"""Heights at which the words of a mark are tried: on the axis, then above the marks."""
_LOW = 130
"""Pixels of a chart's height up to which there is no room for a label that lies on a curve."""
_NAMED = ("warning", "milestone")
"""Kinds of marks that have their words beside them."""
_SHORT = 36
"""Letters of a first sentence that is shown beside its mark."""


class Box(pg.ViewBox):
    """The window on the data: it is moved and zoomed along the steps only, and scrolls the page when told to."""

    def __init__(self, scrolls_page: Any) -> None:
        super().__init__(enableMenu=False)
        self._scrolls_page = scrolls_page
        self.log, self.scale = False, 1
        self.setMouseEnabled(x=True, y=False)
        self.disableAutoRange()

    def pixels(self, steps: Array, values: Array) -> Array:
        """Points (n, 2) of the scene, of steps (n,) and values (n,) as they are drawn."""
        area, ((left, right), (low, high)) = self.area(), self.viewRange()
        x = area.left() + (steps - left) * (area.width() / (right - left))
        return np.stack([x, area.bottom() - (values - low) * (area.height() / (high - low))], axis=1)

    def area(self) -> QRectF:
        return QRectF(self.geometry())

    def bent(self, value: float) -> float:
        """A value as it is drawn: its logarithm on a logarithmic axis, NaN where there is none."""
        return value if not self.log else math.log10(value) if value > 0 else math.nan

    def wheelEvent(self, event: QGraphicsSceneWheelEvent, axis: int | None = None) -> None:
        if self._scrolls_page(event):
            event.ignore()
        else:
            super().wheelEvent(event, axis=0)

    def mouseDragEvent(self, event: Any, axis: int | None = None) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            super().mouseDragEvent(event, axis=0)
        else:
            event.ignore()


class Axis(pg.AxisItem):
    """An axis with the program's words for numbers, in its small font; the left one carries the grid."""

    def __init__(self, side: str, box: Box) -> None:
        super().__init__(side, maxTickLength=3 if side == "bottom" else 0)
        self._box = box
        self.metrics = QFontMetricsF(theme.font(theme.SMALL, tabular=True))
        self.setStyle(autoExpandTextSpace=False, tickAlpha=255)
        self.enableAutoSIPrefix(False)
        self.linkToView(box)
        self.setZValue(box.zValue() - 1)
        if side == "left":
            self.setGrid(255)

    def boundingRect(self) -> QRectF:
        """With room for the words at either end."""
        return QRectF(super().boundingRect().adjusted(-30, -10, 30, 10))

    def recolour(self) -> None:
        look, font = theme.current(), theme.font(theme.SMALL, tabular=True)
        self.metrics = QFontMetricsF(font)
        self.setStyle(tickFont=font)
        left = self.orientation == "left"
        self.setPen(QPen(Qt.PenStyle.NoPen) if left else QPen(look.color("line"), 1))
        self.setTickPen(QPen(look.color("grid" if left else "line"), 1))
        self.setTextPen(look.color("quiet"))

    def values(self, low: float, high: float, size: float) -> list[float]:
        """The ticks of a range, in numbers as they are said."""
        if self.orientation == "left":
            if self._box.log:
                low, high = 10**low, 10**high
            return chart.value_ticks(low, high, size, log=self._box.log)
        low, high = low / self._box.scale, high / self._box.scale
        about = max(2, int(size / 90))
        while True:
            found = [at for at in chart.ticks(low, high, about) if self._box.scale > 1 or at == int(at)]
            widths = [self.metrics.horizontalAdvance(chart.tick_text(step)) + 8 for step in found]
            if about == 1 or max(widths, default=0) * (len(found) - 0.5) <= size:
                return found
            about -= 1

    def words_width(self, low: float, high: float, size: float) -> float:
        """Pixels that the words of these values need."""
        found = self.values(low, high, size)
        return max((self.metrics.horizontalAdvance(chart.tick_text(value)) for value in found), default=0)

    def tickValues(self, low: float, high: float, size: float) -> list[tuple[float, list[float]]]:
        found = self.values(low, high, size)
        left = self.orientation == "left"
        return [(1.0, [self._box.bent(value) if left else value * self._box.scale for value in found])]

    def tickStrings(self, values: list[float], _scale: float, _spacing: float) -> list[str]:
        if self.orientation == "bottom" and self._box.scale > 1:
            return [f"{chart.tick_text(float(f'{value / self._box.scale:.12g}'))} s" for value in values]
        bent = self._box.log and self.orientation == "left"
        return [chart.tick_text(float(f"{10**value if bent else value:.12g}")) for value in values]


class Trace(pg.PlotCurveItem):
    """A line in pixels of the box: what the box's transform has to stretch takes twice as long to draw."""

    def __init__(self, box: Box, z: float, *, antialias: bool = False) -> None:
        super().__init__(skipFiniteCheck=True, connect="all", antialias=antialias)
        self._box = box
        self.setZValue(z)
        self.setAcceptedMouseButtons(Qt.MouseButton.NoButton)
        self.setParentItem(box)

    def boundingRect(self) -> QRectF:
        return QRectF(0, 0, self._box.width(), self._box.height())


class Dots(pg.ScatterPlotItem):
    """Points that the edge of the box does not cut."""

    def __init__(self, scene: QGraphicsScene, box: Box, z: float, **options: Any) -> None:
        super().__init__(antialias=True, **options)
        self._box = box
        self.setZValue(z)
        self.setAcceptedMouseButtons(Qt.MouseButton.NoButton)
        scene.addItem(self)

    def boundingRect(self) -> QRectF:
        """All of the box: where the points lie is worked out anew at each of six questions of a picture."""
        edge = self.opts["size"]
        return self.mapRectFromScene(self._box.area().adjusted(-edge, -edge, edge, edge))

    def follow(self, *, steps_only: bool = False) -> None:
        """Lie where the box lies now; `steps_only` counts pixels from its lower edge instead of values."""
        area, inside = self._box.area(), self._box.childTransform()
        if steps_only:
            inside = QTransform(inside.m11(), 0, 0, 1, inside.dx(), area.height())
        there = inside * QTransform.fromTranslate(area.left(), area.top())
        if there != self.transform():
            self.setTransform(there)
            self.viewTransformChanged()


_SAMPLE = 26.0
"""Width that the line beside a name in the legend takes, with the gaps."""


_ROW, _READ = 9, 60.0
"""Names in a row of the legend at most, and the width below which they say too little."""


def _share(wide: Sequence[float], free: float) -> float:
    """The width that names of these widths, from the smallest, may have at most to be free of each other; infinite where all
    have room."""
    for place, width in enumerate(wide):
        share = (free - sum(wide[:place])) / (len(wide) - place)
        if share < width:
            return share
    return math.inf


def shortened(names: Sequence[str], metrics: QFontMetricsF, most: float) -> list[str]:
    """Names in at most this width each: of what all of them begin with only the end is left, so that they differ."""
    first, last = min(names), max(names)  # what these two begin with, all between them do
    common = first[: next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))]
    common = common if len(names) > 1 else ""

    def fitting(name: str) -> str:
        if len(common) > 1 and metrics.horizontalAdvance(name) > most:
            own = name[len(common) :]
            room = max(most - metrics.horizontalAdvance(own), 0.0)
            name = (metrics.elidedText(common, Qt.TextElideMode.ElideLeft, room) or "…") + own
        return metrics.elidedText(name, Qt.TextElideMode.ElideRight, most)

    return [fitting(name) for name in names]


class Legend(pg.LegendItem):
    """A legend that stays in its place: pyqtgraph's own can be dragged, which fails where it lies on a scene of its own."""

    def __init__(self, **options: Any) -> None:
        self._held = False
        self._spare: list[tuple[Any, Any]] = []
        self._names: tuple[str, ...] = ()
        self._cut = False
        super().__init__(**options)

    def show_lines(self, lines: Sequence[tuple[Trace, str]]) -> None:
        """Name these lines, each in HTML, the first of which may be named already. All of it is measured once: pyqtgraph's own
        does that for every line added. What is left over stays in the scene, hidden: Qt may still hold items that are freed."""
        self._held, self._cut = True, False
        self._names = tuple(text for _, text in lines)
        while len(self.items) > len(lines):
            self._spare.append(self.items.pop())
            for part in self._spare[-1]:
                self.layout.removeItem(part)
                part.hide()
        for (_, label), (_, text) in zip(self.items, lines, strict=False):
            label.setText(text)
        for line, text in lines[len(self.items) :]:
            if self._spare:
                sample, label = self._spare.pop()
                sample.item = line
                label.setText(text)
                sample.show()
                label.show()
                self.items.append((sample, label))
                self._addItemToLayout(sample, label)
            else:
                self.addItem(line, text)
        self._held = False
        self.updateSize()

    def fit(self, room: float) -> None:
        """Shorten the longest names until all have room in this width; whole names come back once they have."""
        names, metrics = [html.unescape(name) for name in self._names], QFontMetricsF(theme.font(theme.SMALL))
        free = room - _SAMPLE * len(names)
        wide = sorted(metrics.horizontalAdvance(name) for name in names)
        if not self._cut and sum(wide) <= free:
            return
        most = _share(wide, free)
        columns = len(names)
        if most < _READ:  # two rows
            columns = -(-len(names) // 2)
            most = max((room - _SAMPLE * columns) / columns, 12.0)
            most = math.inf if most >= wide[-1] else most
        self._held, self._cut = True, most < math.inf or columns < len(names)
        self.setColumnCount(_ROW if columns == len(names) else columns)
        shown = names if most == math.inf else shortened(names, metrics, most)
        for (_, label), name in zip(self.items, shown, strict=True):
            label.setText(html.escape(name))
        self._held = False
        self.updateSize()

    def updateSize(self) -> None:
        """As wide as its names are now: pyqtgraph's own adds up the widths that they had before."""
        if not self._held:
            self.resize(self.layout.effectiveSizeHint(Qt.SizeHint.MinimumSize))

    def mouseDragEvent(self, event: Any) -> None:
        event.ignore()


class Sample(pg.ItemSample):
    """The line of a curve in the legend: short and strong."""

    def __init__(self, item: Any) -> None:
        super().__init__(item)
        self.setFixedWidth(14)

    def paint(self, painter: QPainter, *_: Any) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        color = self.item.opts["pen"].color()
        painter.setPen(QPen(color, 2.5, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        painter.drawLine(QPointF(2, 11), QPointF(12, 11))

    def mouseClickEvent(self, event: Any) -> None:
        event.ignore()


class Stroke:
    """The lines of one curve: faint ones of its raw points under a strong one, with dots while there are few."""

    def __init__(self, scene: QGraphicsScene, box: Box, curve: Curve) -> None:
        self._box, self.curve, self._inside = box, curve, False
        self.faint, self.strong = Trace(box, 0), Trace(box, 1, antialias=True)
        self.dots = Dots(scene, box, 3, size=4.5, pen=None)
        self.recolour()

    def take(self, curve: Curve) -> None:
        """Draw this curve instead."""
        self.curve = curve
        self.strong.show()
        self.recolour()

    def hide(self) -> None:
        """Show nothing until there is another curve."""
        for item in (self.faint, self.strong, self.dots):
            item.hide()

    def recolour(self) -> None:
        color, cap = QColor(self.curve.color), Qt.PenCapStyle.FlatCap
        self.faint.setPen(pg.mkPen(_mixed(color, QColor(theme.current().panel), 0.32), width=0))
        strong = pg.mkPen(color, width=1.75)
        strong.setCapStyle(cap)
        self.strong.setPen(strong)
        self.dots.setBrush(color)

    def draw(self, *, inside: bool = False) -> Array:
        """Show what lies in the box, and `inside` nothing beyond it; gives the points (n, 2) of the strong line in
        pixels of the scene."""
        self._inside = inside
        left, right = self._box.viewRange()[0]
        width, smoothed = max(16, int(self._box.width())), self.curve.smoothed
        if smoothed:
            self.faint.setData(*self._pixels(*columns_of(self.curve.raw, left, right, width)))
        self.faint.setVisible(smoothed)
        thin = sampled if smoothed else columns_of
        x, y = self._pixels(*thin(self.curve.shown, left, right, width // 3))
        # joined lines of many points take ten times as long
        self.strong.setSegmentedLineMode("on" if len(x) >= 64 else "off")
        self.strong.setData(x, y)
        few = len(self.curve.raw) <= 40
        if few or self.dots.isVisible():
            seen = (x >= 0) & (x <= self._box.width()) & (y >= 0) & (y <= self._box.height()) & few
            self.dots.setData(x[seen], y[seen])
            self.dots.setPos(self._box.pos())
        self.dots.setVisible(few)
        return np.stack([x, y], axis=1) + (self._box.x(), self._box.y())

    def _pixels(self, steps: Array, values: Array) -> tuple[Array, Array]:
        if self._box.log:
            steps, values = steps[values > 0], np.log10(values[values > 0])
        (left, right), (low, high) = self._box.viewRange()
        if self._inside and len(steps):
            ends = np.clip([left, right], steps[0], steps[-1])
            at = np.interp(ends, steps, values)
            within = (steps > left) & (steps < right)
            steps, values = (np.r_[e[0], part[within], e[1]] for e, part in ((ends, steps), (at, values)))
        reach = 0 if self._inside else 50 * (high - low)
        points = self._box.pixels(steps, np.clip(values, low - reach, high + reach))
        return points[:, 0] - self._box.x(), points[:, 1] - self._box.y()


class Reference(NamedTuple):
    """A value to compare with, and its label; `short` where that does not fit."""

    value: float
    label: str
    short: str = ""

    def fitting(self, metrics: QFontMetricsF, width: float) -> str:
        """The label in a width in pixels: whole, else the short one, cut only where that does not fit either."""
        text = self.short if self.short and metrics.horizontalAdvance(self.label) > width else self.label
        return metrics.elidedText(text, Qt.TextElideMode.ElideRight, width)


class References:
    """Dashed lines with their labels where they hide least."""

    def __init__(self, box: Box) -> None:
        self._box = box
        self._items: dict[str, tuple[Any, Any]] = {}

    def recolour(self) -> None:
        look = theme.current()
        for line, label in self._items.values():
            pen = pg.mkPen(look.color("disabled"), width=1)
            pen.setDashPattern([5, 4])
            line.setPen(pen)
            label.setColor(look.color("quiet"))
            label.fill = pg.mkBrush(look.color("panel", 0.82))

    def draw(self, references: Mapping[str, Reference], curves: Array, below: float = 0.0) -> list[QRectF]:
        """Show these values and labels, of near lines in the order of their values; `curves` are points (n, 2) in pixels of the
        scene to keep clear of, and `below` so many at the lower edge. Gives the places of the labels."""
        self._match(references)
        area, (low, high) = self._box.area(), self._box.viewRange()[1]
        free = area.adjusted(0, 0, 0, -below)
        taken: list[QRectF] = []
        seen: list[QRectF] = []
        for name, reference in sorted(references.items(), key=lambda item: item[1], reverse=True):
            line, label = self._items[name]
            at = self._box.bent(reference.value)
            inside = low <= at <= high
            line.setVisible(inside)
            if inside:
                line.setValue(at)
            arrow = "" if inside else " ↑" if at > high else " ↓"
            metrics = QFontMetricsF(label.textItem.font())
            wide = area.width() - metrics.horizontalAdvance(arrow) - 6
            text = reference.fitting(metrics, wide) + arrow
            if text != label.toPlainText():  # it lays itself out anew
                label.setText(text)
            y = float(self._box.pixels(np.zeros(1), np.array([at]))[0, 1]) if math.isfinite(at) else area.bottom()
            size = label.textItem.boundingRect().size()
            places = chart.beside(free, min(max(y, free.top()), free.bottom()), size)
            ordered = [box for box in places if all(box.center().y() > other.center().y() for other in taken)]
            chosen = chart.place(ordered or places, taken, curves, free.adjusted(-1, -2, 1, 2))
            # in a small chart, no words lie on the curves
            label.setVisible(chosen is not None and (area.height() > _LOW or not chart.crossings(chosen, curves)))
            if chosen is not None:
                taken.append(chosen)
                seen += [chosen] * label.isVisible()
                label.setPos(chosen.topLeft() - area.topLeft())
        return seen

    def _match(self, references: Mapping[str, Reference]) -> None:
        for name in [name for name in self._items if name not in references]:
            for item in self._items.pop(name):
                item.scene().removeItem(item)
        fresh = [name for name in references if name not in self._items]
        for name in fresh:
            line, label = pg.InfiniteLine(angle=0), pg.TextItem("")
            label.textItem.setFont(theme.font(theme.SMALL, tabular=True))
            label.textItem.document().setDocumentMargin(1)
            label.setParentItem(self._box)
            label.setZValue(5)
            self._box.addItem(line, ignoreBounds=True)
            self._items[name] = line, label
        if fresh:
            self.recolour()


class Ends:
    """The last value of every line beside its end."""

    def __init__(self, scene: QGraphicsScene, box: Box) -> None:
        self._scene, self._box = scene, box
        self._items: list[tuple[QGraphicsEllipseItem, Any]] = []
        self._font = theme.font(theme.SMALL, bold=True, tabular=True)
        self.metrics = QFontMetricsF(self._font)

    def width(self, curves: Iterable[Curve]) -> float:
        """Pixels beside the box that the last values need."""
        lasts = [chart.value_text(float(curve.shown.values[-1])) for curve in curves if len(curve.raw)]
        return 22 + max((self.metrics.horizontalAdvance(text) for text in lasts), default=24)

    def draw(self, curves: Sequence[Curve], at: float | None = None) -> None:
        """The values at a step, else those at the right edge."""
        self._font = theme.font(theme.SMALL, bold=True, tabular=True)
        self.metrics = QFontMetricsF(self._font)
        area, ((_, right), _) = self._box.area(), self._box.viewRange()
        at = right if at is None else at
        found = [(curve, point[1]) for curve in curves if (point := curve.at(at)) and math.isfinite(point[1])]
        values = np.array([self._box.bent(value) for _, value in found])
        wanted = np.nan_to_num(self._box.pixels(np.zeros(len(found)), values)[:, 1], nan=area.bottom())
        height = self.metrics.height()
        middles = chart.spread(np.clip(wanted, area.top(), area.bottom()).tolist(), height, area.top(), area.bottom())
        while len(self._items) < len(found):
            dot = QGraphicsEllipseItem(-3, -3, 6, 6)
            dot.setPen(QPen(Qt.PenStyle.NoPen))
            self._scene.addItem(dot)
            self._items.append((dot, words(self._scene, self._font)))
        for index, (dot, text) in enumerate(self._items):
            for item in (dot, text):
                item.setVisible(index < len(found))
            if index < len(found):
                dot.setBrush(QColor(found[index][0].color))
                dot.setPos(area.right() + 8, middles[index])
                text.setText(chart.value_text(found[index][1]))
                text.setBrush(theme.current().color("text"))
                text.setPos(area.right() + 15, middles[index] - height / 2)


class Marks:
    """What happened, on the time axis; pointed at, a mark says its text. A warning or a milestone has its first sentence beside
    it where that is short and there is room."""

    def __init__(self, scene: QGraphicsScene, box: Box) -> None:
        self.dots = Dots(scene, box, 6, size=_MARK_SIZE, hoverable=True, tip=lambda data, **_: tooltip(data))
        self.labels: list[QGraphicsSimpleTextItem] = []
        self._scene, self._box = scene, box
        self._known: tuple[Any, ...] = ()

    def draw(self, marks: Sequence[Mark], taken: Sequence[QRectF], curves: Array) -> None:
        """The marks in view; their words keep off the places `taken` by other labels and off `curves`, points (n, 2) in pixels of
        the scene."""
        look, (left, right) = theme.current(), self._box.viewRange()[0]
        marks = [mark for mark in marks if left <= mark.step <= right]
        known = (look.name, *marks)
        if known != self._known:
            self._known = known
            self.dots.setData(
                [float(mark.step) for mark in marks],
                np.zeros(len(marks)),
                symbol=[_symbol(mark.kind) for mark in marks],
                brush=[look.color(_MARKS.get(mark.kind, "quiet")) for mark in marks],
                pen=pg.mkPen(look.color("panel")),
                data=[f"step {mark.step:,}: {mark.text}" for mark in marks],
            )
        self.dots.setVisible(bool(marks))
        if marks:
            self.dots.follow(steps_only=True)
        self._name(marks, taken, curves)

    def _name(self, marks: Sequence[Mark], others: Sequence[QRectF], curves: Array) -> None:
        """Short words beside their marks, else above them: never over each other, another mark, the `others` or the curves."""
        area = self._box.area()
        spots = {mark.step: self._box.pixels(np.array([float(mark.step)]), np.zeros(1))[0, 0] for mark in marks}
        taken = [*others, *(QRectF(x - _HALF, area.bottom() - MARK_HEIGHT, 2 * _HALF, MARK_HEIGHT) for x in spots.values())]
        marks = [mark for mark in marks if mark.kind in _NAMED]
        said: dict[int, list[str]] = {}
        kinds = {mark.step: mark.kind for mark in marks}
        for mark in marks:
            if len(first := mark.text.split(".")[0]) <= _SHORT:
                said.setdefault(mark.step, []).append(first)
        short = {step: texts[0] + (f" +{len(texts) - 1}" if texts[1:] else "") for step, texts in said.items()}
        while len(self.labels) < len(short):
            label = words(self._scene, theme.font(theme.SMALL))
            label.setZValue(7)
            self.labels.append(label)
        for label in self.labels[len(short) :]:
            label.hide()
        for label, (step, text) in zip(self.labels, sorted(short.items()), strict=False):
            label.setText(text)
            label.setBrush(theme.current().color("warning" if kinds[step] == "warning" else "accent"))
            size = label.boundingRect()
            x, aside = float(spots[step]), _MARK_SIZE / 2
            lefts = (x + aside, x - aside - size.width())
            rows = range(_ROWS if area.height() > _LOW else 1)  # in a low chart they would lie on its curves
            tops = [area.bottom() - size.height() * (row + 1) - MARK_HEIGHT * (row > 0) for row in rows]
            options = [QRectF(left, top, size.width(), size.height()) for top in tops for left in lefts]
            free = (box for box in options if area.contains(box) and not any(box.intersects(other) for other in taken))
            chosen = next((box for box in free if not chart.crossings(box, curves)), None)
            label.setVisible(chosen is not None)
            if chosen is not None:
                label.setPos(chosen.topLeft())
                taken.append(chosen.adjusted(-4, 0, 4, 0))


class Cross:
    """The line under the pointer and a dot on every curve there."""

    def __init__(self, scene: QGraphicsScene, box: Box) -> None:
        self._box = box
        self.line, self.dots = pg.InfiniteLine(angle=90), Dots(scene, box, 8, size=9)
        self.line.setZValue(7)
        box.addItem(self.line, ignoreBounds=True)
        self.hide()

    def hide(self) -> None:
        self.line.hide()
        self.dots.hide()

    def show(self, at: float, found: Sequence[tuple[Curve, tuple[int, float]]]) -> None:
        """Stand at a step, with a dot at each curve's point."""
        low, high = self._box.viewRange()[1]
        seen = [(c, step, self._box.bent(value)) for c, (step, value) in found]
        seen = [
            (c, step, value) for c, step, value in seen if low <= value <= high and step >= self._box.viewRange()[0][0]
        ]
        self.line.setPen(pg.mkPen(theme.current().color("quiet", 0.7), width=1))
        self.line.setValue(at)
        self.dots.setData(
            [float(step) for _, step, _ in seen],
            [value for *_, value in seen],
            brush=[QColor(curve.color) for curve, *_ in seen],
            pen=pg.mkPen(theme.current().color("panel"), width=1.5),
        )
        self.dots.follow()
        self.line.show()
        self.dots.show()


def value_range(
    curves: Sequence[Curve], references: Iterable[float], left: float, right: float, *, log: bool
) -> tuple[float, float]:
    """The values to show of steps `left` to `right`, as they are drawn: what matters of the curves, and the reference
    lines next to them."""
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
    least = 0.0 if log else _FLAT * max(abs(low), abs(high))
    if high - low < least:  # ticks nearer to each other would read the same
        low, high = (low + high - least) / 2, (low + high + least) / 2
    span = high - low or abs(high) * 0.1 or 1.0  # nothing but zeros has no scale of its own
    return (0.0 if not log and 0 <= low < 0.08 * span else low - 0.06 * span), high + 0.06 * span


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


def _symbol(kind: str) -> QPainterPath:
    path = QPainterPath()
    path.addPolygon(QPolygonF([QPointF(x, y) / _MARK_SIZE for x, y in _SHAPES.get(kind, _ARROW)]))
    path.closeSubpath()
    return path


def _mixed(top: QColor, bottom: QColor, share: float) -> QColor:
    """The colour as it would look on the ground with this opacity; opaque lines are painted many times faster."""
    parts = zip(top.getRgb()[:3], bottom.getRgb()[:3], strict=True)  # type: ignore[index]
    return QColor(*(round(share * a + (1 - share) * b) for a, b in parts))
