"""Live line charts of numbers over steps."""

from __future__ import annotations

import html
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from PySide6.QtCore import QEvent, QObject, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QAction, QActionGroup, QColor, QFocusEvent, QFontMetricsF, QKeyEvent, QTextOption
from PySide6.QtWidgets import QGraphicsItem, QGraphicsSceneWheelEvent, QGraphicsTextItem, QMenu

from genstudio.events import Array
from genstudio.families.dashboard import Line
from genstudio.ui import theme
from genstudio.ui.views import chart
from genstudio.ui.views.curve import Curve, Mark
from genstudio.ui.views.curve_items import (
    MARK_HEIGHT,
    Axis,
    Box,
    Cross,
    Ends,
    Legend,
    Marks,
    Reference,
    References,
    Sample,
    Stroke,
    value_range,
)
from genstudio.ui.views.scene import SceneFigure, words
from genstudio.ui.views.view import NO_DATA, Table, bubble_box

__all__ = ["CurveGroup", "CurvesView", "Line", "Mark"]

_COVERED = 0.4
"""The share of a chart's width from which on a card over it is too large."""
_FEW = 4
"""Lines that are all named; of more, those that have points."""
_SMOOTHING = {"None": 0.0, "Light": 0.9, "Medium": 0.97, "Strong": 0.99}


class CurvesView(SceneFigure):
    """A chart of some series over steps, with reference lines, marks, a crosshair, zoom and the last values at the end.

    Wheel or + and - zoom around the crosshair, dragging moves, a double click or Home shows everything.
    `step_chosen` carries the step that was clicked (or Enter was pressed at).
    """

    step_chosen = Signal(int)
    hovered = Signal(object)
    unit_chosen = Signal(str)
    zoomed = Signal(object)

    def __init__(
        self,
        title: str,
        unit: str = "",
        series: Sequence[Line] = (),
        *,
        log: bool = False,
        name: str = "",
    ) -> None:
        self._log, self._decay = log, _SMOOTHING["Medium"]
        self.unit = unit
        super().__init__(title, name or "curves_" + "_".join(title.lower().split()))
        self._curves: dict[str, Curve] = {}
        self._references: dict[str, Reference] = {}
        self._marks: list[Mark] = []
        self._window: tuple[float, float] | None = None
        self._at: float | None = None
        self._said, self._beside = True, False
        self._word, self._scale, self._nothing = "step", 1, NO_DATA
        self._built = False
        self._drawn: Array = np.empty((0, 2))
        self._below = 0.0
        self.set_series(series)

    def add_series(self, line: Line) -> None:
        """One more series; the same name again changes nothing."""
        if line.name not in self._curves:
            roles = [curve.line.role for curve in self._curves.values()]
            self._curves[line.name] = Curve(line, theme.line_colors([*roles, line.role])[-1], self._decay)
            self._match_strokes()

    def set_series(self, series: Sequence[Line]) -> None:
        """Draw these series instead of those before, without points yet: much cheaper than another chart."""
        colors = theme.line_colors([line.role for line in series])
        self._curves = {line.name: Curve(line, color, self._decay) for line, color in zip(series, colors, strict=True)}
        self._match_strokes()

    def _match_strokes(self) -> None:
        """A stroke for each curve, and its name in the legend; what is left over is hidden, for the next ones."""
        if self._built:
            curves = list(self._curves.values())
            while len(self._strokes) > len(curves):
                self._spare.append(self._strokes.pop())
                self._spare[-1].hide()
            for stroke, curve in zip(self._strokes, curves, strict=False):
                if stroke.curve is not curve:
                    stroke.take(curve)
            for curve in curves[len(self._strokes) :]:
                self._strokes.append(self._spare.pop() if self._spare else Stroke(self.scene, self.box, curve))
                self._strokes[-1].take(curve)
            self._name(list(self._strokes))
        self.redraw()

    def _name(self, strokes: list[Stroke]) -> None:
        """The lines that stand in the legend."""
        self._named = strokes
        self.legend.show_lines([(stroke.strong, html.escape(stroke.curve.line.label)) for stroke in strokes])

    def append(self, name: str, steps: Array, values: Array) -> None:
        """Add points (n,) at the end of a series. Raises KeyError for a series that the chart does not have."""
        curve = self._curves[name]
        begun = len(curve.raw) > 0  # an empty chart does not wait for its turn
        curve.append(np.asarray(steps), np.asarray(values, np.float64))
        self.redraw(live=begun)

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

    def set_reference(self, name: str, value: float | None, label: str = "", short: str = "") -> None:
        """A dashed line at a value with its label on it (without one: its name and value), `short` where there is little
        room; None takes it away."""
        before = self._references.pop(name, None)
        if value is not None and math.isfinite(value):
            self._references[name] = Reference(value, label or f"{name} {chart.value_text(value)}", short)
        if self._references.get(name) != before:
            self.redraw()

    def mark(self, step: int, kind: str, text: str) -> None:
        """A small mark on the time axis that says its text when pointed at."""
        self._marks.append(Mark(step, kind, text))
        self.redraw()

    def unmark(self, step: int, kind: str, text: str) -> None:
        """Take a mark away."""
        self._marks = [mark for mark in self._marks if mark != Mark(step, kind, text)]
        self.redraw()

    def forget_after(self, step: int) -> None:
        """Take away the points and the marks of later steps."""
        self._marks = [mark for mark in self._marks if mark.step <= step]
        for name in self._curves:
            steps, values = self.points(name)
            self.replace(name, steps[steps <= step], values[steps <= step])

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

    def set_unit(self, unit: str) -> None:
        """What the values are counted in."""
        if unit != self.unit:
            self.unit = unit
            if self._built:
                self._unit.setText(unit)
            self.redraw()

    def set_axis(self, *, word: str = "step", scale: int = 1, empty: str = "") -> None:
        """What lies along the axis instead of steps: a number with this word before it, or seconds of which a step of the
        points is this part (1,000,000 for microseconds). `empty` is said while there are no points."""
        self._word, self._scale, self._nothing = word, scale, empty or self._nothing
        if self._built:
            self._name_axis()
        self.redraw()

    def _name_axis(self) -> None:
        self.box.scale = self._scale
        self._empty.setPlainText(self._nothing)

    def _at_words(self, step: int) -> str:
        return f"{self._word} {step:,}" if self._scale == 1 else f"{step / self._scale:,.1f} seconds"

    def offer_units(self, titles: Mapping[str, str], chosen: str) -> None:
        """What the values can be counted in, by their names: `unit_chosen(name)` when another one is wanted."""
        self._units.clear()
        group = QActionGroup(self._units)
        for name, title in titles.items():
            action = self._units.addAction(title)
            action.setObjectName(f"figure_unit_{name}")
            action.setCheckable(True)
            action.setChecked(name == chosen)
            group.addAction(action)
            action.triggered.connect(lambda _checked=False, name=name: self.unit_chosen.emit(name))
        self._units.menuAction().setVisible(len(titles) > 1)

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

    def set_crosshair(self, step: float | None, said: bool = True) -> None:
        """Put the crosshair at a step, and beside it the values there if they are to be `said`; None takes it away."""
        if (step, said) != (self._at, self._said):
            self._at, self._said = step, said
            if self.isVisible():
                self._draw_cross()

    def reset_zoom(self) -> None:
        self.set_window(None)
        self.zoomed.emit(None)

    def table(self) -> Table:
        series = [self.points(name) for name in self._curves]
        return (self._word if self._scale == 1 else "microseconds", *self._curves), _joined(series)

    def draw(self) -> None:
        if not self._built:
            self._build()
        curves = list(self._curves.values())
        self._lay_out(curves)
        drawn = [stroke.draw(inside=self.unclipped) for stroke in self._strokes]
        references = {} if self._empty.isVisible() else self._references
        self._drawn = np.concatenate([np.empty((0, 2)), *drawn])
        taken = self._lines.draw(references, self._drawn, self._below)
        self._notes.draw(self._marks, taken, self._drawn)
        self._ends.draw(curves)
        self._draw_cross()

    def recolour(self) -> None:
        if not self._built:
            return
        look = theme.current()
        for item, role in ((self._title, "text"), (self._unit, "quiet")):
            item.setBrush(look.color(role))
        self._empty.setDefaultTextColor(look.color("quiet"))
        self.legend.setLabelTextColor(look.quiet)
        self.legend.setLabelTextSize(f"{theme.scaled(theme.SMALL)}px")
        for _, label in self.legend.items:
            label.setText(label.text)
        parts: list[Axis | Stroke | References] = [*self._axes, *self._strokes, self._lines]
        for part in parts:
            part.recolour()

    def hovering(self) -> Sequence[QGraphicsItem]:
        return [self.bubble, self._cross.line, self._cross.dots]

    def _build(self) -> None:
        """The items of the scene, once the chart is drawn first: a panel has a dozen charts, and most are never looked at."""
        self._built = True
        self.box = Box(self._scrolls_page)
        self._axes = Axis("left", self.box), Axis("bottom", self.box)
        for item in (self.box, *self._axes):
            self.scene.addItem(item)
        self._strokes: list[Stroke] = []
        self._spare: list[Stroke] = []
        self._lines, self._ends = References(self.box), Ends(self.scene, self.box)
        self._notes, self._cross = Marks(self.scene, self.box), Cross(self.scene, self.box)
        self._title = words(self.scene, theme.font(theme.NORMAL, bold=True), self.title)
        self._unit = words(self.scene, theme.font(theme.SMALL), self.unit)
        self.legend = Legend(
            colCount=9, frame=False, labelTextSize=f"{theme.SMALL}px", horSpacing=4, sampleType=Sample
        )
        self.legend.layout.setContentsMargins(0, 0, 0, 0)
        self.scene.addItem(self.legend)
        self._empty = QGraphicsTextItem()
        self._empty.setFont(theme.font(theme.SMALL))
        self._empty.document().setDefaultTextOption(QTextOption(Qt.AlignmentFlag.AlignCenter))
        self.scene.addItem(self._empty)
        self._name_axis()
        self._match_strokes()
        self.recolour()
        self.scene.sigMouseMoved.connect(self._pointed)
        self.scene.sigMouseClicked.connect(self._clicked)
        self.box.sigRangeChangedManually.connect(lambda _mask: self._zoom(*self.box.viewRange()[0]))

    def _lay_out(self, curves: Sequence[Curve]) -> None:
        left, right = self._steps()
        references = [reference.value for reference in self._references.values()]
        low, high = value_range(curves, references, left, right, log=self._log)
        self.box.log = self._log
        room, (side, under) = self.room(), self._axes
        top = self._head(room)
        height = under.metrics.height() + 8
        area = room.adjusted(0, top + 4, -self._ends.width(curves), -height)
        self._below = MARK_HEIGHT * any(left <= mark.step <= right for mark in self._marks)
        if self._below:  # they stand on the axis, below the curves
            low -= (high - low) * MARK_HEIGHT / max(area.height() - MARK_HEIGHT, MARK_HEIGHT)
        area.setLeft(round(11 + side.words_width(low, high, area.height())))
        if area != self.box.area():
            self.box.setGeometry(area)
            side.setWidth(area.left())
            under.setHeight(height)
            side.setGeometry(QRectF(0, area.top(), area.left(), area.height()))
            under.setGeometry(QRectF(area.left(), area.bottom(), area.width(), height))
        if [[left, right], [low, high]] != self.box.viewRange():
            self.box.setRange(xRange=(left, right), yRange=(low, high), padding=0)
        self._empty.setVisible(not any(len(curve.raw) for curve in curves))
        if self._empty.isVisible():
            self._empty.setTextWidth(area.width())
            self._empty.setPos(area.left(), area.center().y() - self._empty.boundingRect().height() / 2)

    def _head(self, room: QRectF) -> float:
        """Put title, unit and, for more than one line, the legend in their places; gives the y below them."""
        self._title.setPos(9, 5)
        title = QFontMetricsF(self._title.font()).elidedText(self.title, Qt.TextElideMode.ElideRight, room.right() - 42)
        if title != self._title.text():
            self._title.setText(title)
        ends = self._title.boundingRect()
        base = 5 + QFontMetricsF(self._title.font()).ascent()
        self._unit.setPos(9 + ends.width() + 8, base - QFontMetricsF(self._unit.font()).ascent())
        used = 9 + ends.width() + (8 + self._unit.boundingRect().width()) * bool(self._unit.text()) + 16
        self._unit.setVisible(used <= room.right() - 17)
        many = len(self._curves) > 1
        named = list(self._strokes)
        if len(named) > _FEW:  # lines of which only some belong to what is shown
            named = [stroke for stroke in named if len(stroke.curve.raw)]
            many = bool(named)
        if named != self._named:
            self._name(named)
        if many:
            self.legend.fit(room.width() - 18)
        width = self.legend.width()
        beside = used + width < room.right() - 33
        self.legend.setVisible(many)
        if beside or not many:
            self.legend.setPos(room.right() - 33 - width, 5 + ends.height() / 2 - self.legend.height() / 2)
            return base + 12
        self.legend.setPos(9, base + 2)  # in a row of its own: without it nobody knows which line is which
        return base + 8 + self.legend.height()

    def _draw_cross(self) -> None:
        left, right = self.box.viewRange()[0]
        at = self._at
        points = [(curve, curve.at(at)) for curve in self._curves.values()] if at is not None else []
        found = [(curve, point) for curve, point in points if point is not None]
        if at is None or not found or not left <= at <= right:
            self._cross.hide()
            self.bubble.hide()
            self._say_beside(None)
            return
        self._cross.show(at, found)
        if not self._said:
            self.bubble.hide()
            self._say_beside(None)
            return
        nearest = max(step for _, (step, _) in found)
        lines: list[tuple[QColor | None, str, str]] = [
            (
                QColor(curve.color),
                curve.line.label,
                chart.value_text(value) + ("" if step == nearest or self._scale > 1 else f" ({self._at_words(step)})"),
            )
            for curve, (step, value) in found
        ]
        x = float(self.box.pixels(np.array([at]), np.zeros(1))[0, 0])
        title, area = self._at_words(nearest), self.box.area()
        high = bubble_box(QPointF(x, area.center().y()), lines, self.room(), title).height() / 2
        places = [QPointF(x, y) for y in (area.center().y(), area.top() + high, area.bottom() - high)]
        cards = [bubble_box(place, lines, self.room(), title) for place in places]
        place, card = min(zip(places, cards, strict=True), key=lambda it: chart.crossings(it[1], self._drawn))
        if card.width() > _COVERED * area.width() or card.height() > 2 * _COVERED * area.height():
            self.bubble.hide()  # it would cover the curves
            self._say_beside(at, title)
        else:
            self._say_beside(None)
            self.bubble.say(place, lines, title)

    def _say_beside(self, at: float | None, title: str = "") -> None:
        """The values of a step in the margin, instead of the last ones; None: the last ones."""
        if at is not None or self._beside:
            self._ends.draw(list(self._curves.values()), at)
            self._unit.setText(title or self.unit)
        self._beside = at is not None

    def _steps(self) -> tuple[float, float]:
        if self._window is not None:
            return self._window
        ends = [(curve.raw.steps[0], curve.raw.steps[-1]) for curve in self._curves.values() if len(curve.raw)]
        if not ends:
            return 0.0, 100.0 if self._scale == 1 else 10.0 * self._scale
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
        self._units = QMenu("Unit", self.menu)
        self._units.setObjectName("figure_unit")
        self._units.menuAction().setVisible(False)
        self.menu.addMenu(self._units)
        self._log_action = QAction("Logarithmic axis", self)  # of a menu's own action, Python may lose hold
        self._log_action.setObjectName("figure_log")
        self._log_action.setCheckable(True)
        self._log_action.setChecked(self._log)
        self._log_action.toggled.connect(self.set_log)
        self.menu.addAction(self._log_action)

    def _pointed(self, at: QPointF) -> None:
        inside = self.box.area().adjusted(-4, -8, 4, 16).contains(at) and not self.scene.dragButtons
        self._rest_at(round(self.box.mapSceneToView(at).x()) if inside else None)

    def _clicked(self, event: Any) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            return
        if event.double():
            self.reset_zoom()
        elif self.box.area().contains(event.scenePos()):
            self.step_chosen.emit(round(self.box.mapSceneToView(event.scenePos()).x()))

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._rest_at(None)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        ends = ((curve.line.label, curve.at(math.inf)) for curve in self._curves.values())
        words = [f"{label} {chart.value_text(end[1])} at {self._at_words(end[0])}" for label, end in ends if end is not None]
        self.setAccessibleDescription("; ".join(words) or "no points yet")

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._rest_at(None)

    def _scrolls_page(self, event: QGraphicsSceneWheelEvent) -> bool:
        return not (event.modifiers() & Qt.KeyboardModifier.ControlModifier or self.hasFocus())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        left, right = self.box.viewRange()[0]
        at = self._at if self._at is not None else right
        stride = max(1.0, (right - left) / 100)
        key = event.key()
        if key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            moved = at - stride if key == Qt.Key.Key_Left else at + stride
            self._rest_at(round(min(max(moved, left), right)))
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal, Qt.Key.Key_Minus):
            factor = 1.25 if key == Qt.Key.Key_Minus else 0.8
            self._zoom(at - (at - left) * factor, at + (right - at) * factor)
        elif key == Qt.Key.Key_Home:
            self.reset_zoom()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.step_chosen.emit(round(at))
        else:
            super().keyPressEvent(event)

    def _rest_at(self, step: float | None) -> None:
        if step != self._at:
            self.set_crosshair(step)
            self.hovered.emit(step)

    def _zoom(self, left: float, right: float) -> None:
        window, self._window = self._window, None
        first, last = self._steps()
        self._window = window
        span = max(right - left, 4.0)
        if span >= last - first:
            self.reset_zoom()
            self.redraw()
            return
        left = min(max(left, first), last - span)
        self.set_window((left, left + span))
        self.redraw()
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

    def unmark(self, step: int, kind: str, text: str) -> None:
        """Take a mark away from every chart."""
        for view in self._views:
            view.unmark(step, kind, text)

    def _hover(self, step: float | None) -> None:
        for view in self._views:
            view.set_crosshair(step)

    def _zoom(self, window: tuple[float, float] | None) -> None:
        for view in self._views:
            view.set_window(window)


def _joined(series: Sequence[tuple[Array, Array]]) -> Iterator[Sequence[Any]]:
    """One row for every step of any of the series of (steps, values): the step, and each value or an empty text."""
    if not series:
        return
    longest = max((steps for steps, _ in series), key=len)
    edges = [*longest[::4096][1:].tolist(), None]
    firsts = [0] * len(series)
    for edge in edges:
        lasts = [len(steps) if edge is None else int(np.searchsorted(steps, edge)) for steps, _ in series]
        cut = [slice(*ends) for ends in zip(firsts, lasts, strict=True)]
        firsts = lasts
        part = np.unique(np.concatenate([steps[piece] for (steps, _), piece in zip(series, cut, strict=True)]))
        parts: list[list[Any]] = [part.tolist()]
        for (steps, values), piece in zip(series, cut, strict=True):
            column: list[Any] = [""] * len(part)
            for at, value in zip(np.searchsorted(part, steps[piece]).tolist(), values[piece].tolist(), strict=True):
                column[at] = value
            parts.append(column)
        yield from zip(*parts, strict=True)
