"""Compute, parameters and tokens: what is best by three published fits, where one's own model and text stand, and what it takes
to train a smaller model for longer."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QResizeEvent
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from genstudio.errors import Failure
from genstudio.evaluation.scaling import DISPUTE, LAWS, PER_PARAMETER_AND_TOKEN, ScalingLaw
from genstudio.events import Array
from genstudio.tasks.scaling import ModelAndText, SizeUp
from genstudio.ui import theme
from genstudio.ui.engine import Engine
from genstudio.ui.explorers import ExplorerPage, SetUp
from genstudio.ui.layouts import Flow, Scrolling, choice, splitter, vbox
from genstudio.ui.views.chart import paint_scale
from genstudio.ui.views.view import CENTRE, Figure, Table, paint_title, polyline, write_quietly
from genstudio.ui.widgets import LabeledSlider, plain_label

_COLORS = (theme.BLUE, theme.GREEN, theme.VERMILION)
_POINTS, _WIDE = 201, 1.6
_SHARES = (1, 2, 4, 8)
_EMPTY = "Set up a language model and a text to see where they stand."
_REPEATED = 4
_FLAT, _LEGEND = 240, 268
"""Below this height the legend stands beside the curves, in this width."""
_TABLES, _FIGURE = 536, 300
"""The width of the tables, and that from which on the figure has room beside them."""


def power(value: float) -> str:
    """A large number in a few characters.

    >>> [power(v) for v in (803_000, 8.06e7, 1.33e12, 25.7, 5.76e23, float("inf"))]
    ['803,000', '80.6 million', '1.33 trillion', '25.7', '5.76e+23', 'never']
    """
    if math.isinf(value):
        return "never"
    for size, word in ((1e12, "trillion"), (1e9, "billion"), (1e6, "million")):
        if size <= value < 1000 * size:
            return f"{value / size:.3g} {word}"
    if value >= 1e15:
        return f"{value:.3g}"
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


class ScalingFigure(Figure):
    """The loss over the number of parameters, all with the same compute: a curve for each fit, its lowest point marked, and a
    line at one's own model."""

    def __init__(self) -> None:
        super().__init__("Loss by model size", "scaling_figure")
        self.compute, self.own = 1e18, 0.0

    def show_compute(self, compute: float, own: float) -> None:
        """Draw for so many floating-point operations; `own` are the parameters of one's model, 0 for none."""
        self.compute, self.own = compute, own
        best = ", ".join(f"{law.title}: {power(law.optimum(compute).parameters)}" for law in LAWS)
        self.setAccessibleDescription(f"Lowest loss with {compute:.3g} operations, by parameters: {best}")
        self.redraw()

    def sizes(self) -> Array:
        """Parameters (n,) of the models that are drawn."""
        best = [math.log10(law.optimum(self.compute).parameters) for law in LAWS]
        low, high = min(best) - _WIDE, max(best) + _WIDE
        if self.own:
            low, high = min(low, math.log10(self.own) - 0.2), max(high, math.log10(self.own) + 0.2)
        return np.logspace(low, high, _POINTS)

    def table(self) -> Table:
        tokens = [self.compute / PER_PARAMETER_AND_TOKEN / size for size in self.sizes().tolist()]
        rows = ((size, count, *(law.loss(size, count) for law in LAWS))
                for size, count in zip(self.sizes().tolist(), tokens, strict=True))  # fmt: skip
        return ("parameters", "tokens", *(law.title for law in LAWS)), rows

    def paint_figure(self, painter: QPainter, area: QRectF) -> None:
        paint_title(painter, self.title, "nats per token", area)
        flat = area.height() < _FLAT
        plot = area.adjusted(54, 34, -_LEGEND, -40) if flat else area.adjusted(54, 92, -18, -40)
        look, sizes = theme.current(), self.sizes()
        curves = [np.array([law.loss(n, self.compute / PER_PARAMETER_AND_TOKEN / n) for n in sizes.tolist()]) for law in LAWS]
        lows = [law.optimum(self.compute).loss for law in LAWS]
        low = min(lows) - 0.04 * min(lows)
        high = max(lows) + max(0.35 * (max(lows) - low), 0.35 * max(lows) * 0.5)
        paint_scale(painter, plot, low, high)
        left, right = math.log10(sizes[0]), math.log10(sizes[-1])

        def at(size: float, loss: float) -> QPointF:
            return QPointF(
                plot.left() + (math.log10(size) - left) / (right - left) * plot.width(),
                plot.bottom() - (loss - low) / (high - low) * plot.height(),
            )

        for exponent in range(math.ceil(left), math.floor(right) + 1):
            x = at(10.0**exponent, low).x()
            painter.setPen(look.color("grid"))
            painter.drawLine(QPointF(x, plot.top()), QPointF(x, plot.bottom()))
            painter.setPen(look.color("quiet"))
            painter.drawText(QRectF(x - 40, plot.bottom() + 2, 80, 16), CENTRE, f"1e{exponent}")
        below = QRectF(plot.left(), plot.bottom() + 18, plot.width(), 16)
        painter.drawText(below, CENTRE, f"parameters, with {self.compute:.2g} FLOP in all")
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setClipRect(plot)
        if self.own:
            painter.setPen(QPen(look.color("quiet"), 1.5, Qt.PenStyle.DashLine))
            painter.drawLine(at(self.own, low), at(self.own, high))
        for color, losses, law in zip(_COLORS, curves, LAWS, strict=True):
            ink = QColor(theme.visible(color))
            painter.setPen(QPen(ink, 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            across = plot.left() + (np.log10(sizes) - left) / (right - left) * plot.width()
            painter.drawPolyline(polyline(across, plot.bottom() - (losses - low) / (high - low) * plot.height()))
            best = law.optimum(self.compute)
            painter.setBrush(ink)
            painter.setPen(QPen(look.color("panel"), 1))
            painter.drawEllipse(at(best.parameters, best.loss), 5, 5)
        painter.restore()
        self._legend(painter, QPointF(plot.right() + 12, plot.top() + 14) if flat else QPointF(plot.left(), plot.top() - 46))
        if self.own:
            write_quietly(painter)
            x = at(self.own, low).x()
            painter.drawText(QRectF(x + 4 if x < plot.right() - 90 else x - 94, plot.top(), 90, 16), 0, "your model")

    def _legend(self, painter: QPainter, place: QPointF) -> None:
        write_quietly(painter)
        left, y = place.x(), place.y()
        for color, law in zip(_COLORS, LAWS, strict=True):
            painter.setPen(QPen(QColor(theme.visible(color)), 2.5))
            painter.drawLine(QPointF(left, y - 4), QPointF(left + 14, y - 4))
            painter.setPen(theme.current().color("text"))
            painter.drawText(QPointF(left + 20, y), f"{law.title}: lowest {law.optimum(self.compute).loss:.3f}")
            y += 16


class _Rows(QWidget):
    """A small table of words: `show_rows` fills what `header` names."""

    def __init__(self, name: str, header: tuple[str, ...], rows: int) -> None:
        super().__init__()
        self.setObjectName(name)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(14)
        grid.setVerticalSpacing(4)
        for column, words in enumerate(header):
            grid.addWidget(plain_label(words, role="quiet"), 0, column)
        self.cells = [[plain_label("", name=f"{name}_{row}_{column}") for column in range(len(header))] for row in range(rows)]
        for row, cells in enumerate(self.cells):
            for column, cell in enumerate(cells):
                grid.addWidget(cell, row + 1, column)
        grid.setColumnStretch(len(header), 1)

    def show_rows(self, rows: Sequence[tuple[str, ...]]) -> None:
        for cells, words in zip(self.cells, rows, strict=True):
            for cell, word in zip(cells, words, strict=True):
                cell.setText(word)


class ScalingPage(ExplorerPage):
    """A slider for the compute; by each fit the best model and text; a smaller model that reaches the same loss; one's own."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine, "scaling_page", "Compute, parameters and tokens")
        self.own: ModelAndText | None = None
        self._asked: tuple[str, str, str] | None = None
        self._job = ""
        self.compute = LabeledSlider(
            "Compute (floating-point operations)", 1e8, 1e26, 1e18, logarithmic=True, name="scaling_compute"
        )
        self.compute.editor.setFixedWidth(120)
        self.law = choice("scaling_law", "Whose constants", *(law.title for law in LAWS))
        self.law.setCurrentIndex(len(LAWS) - 1)
        self.figure = ScalingFigure()
        self.best = _Rows("scaling_best", ("", "parameters", "tokens", "per parameter", "loss"), len(LAWS))
        self.longer = _Rows(
            "scaling_longer", ("model", "parameters", "tokens", "training costs", "using it costs"), len(_SHARES)
        )
        self.mine = plain_label(_EMPTY, wrap=True, name="scaling_mine")
        self.source = plain_label("", role="quiet", wrap=True, name="scaling_source")
        words = QWidget()
        vbox(
            _heading("Best with this compute, by each set of constants"), self.best,
            Flow(_heading("Train a smaller model for longer, to the same loss"), self.law), self.longer,
            _heading("Your model and your text"), self.mine, _heading("Which constants are right?"),
            plain_label(DISPUTE, wrap=True, name="scaling_dispute"), self.source, None,
            into=words, margins=(0, 0, 8, 0),
        )  # fmt: skip
        scroll = Scrolling(words, "scaling_words")
        self._parts = splitter("scaling_parts", (self.figure, 1), (scroll, 1), sizes=(200, 300))
        vbox(self.compute, (self._parts, 1), into=self, margins=(0, 8, 0, 0))
        self.compute.changed.connect(lambda _: self.show_all())
        self.law.currentIndexChanged.connect(lambda _: self.show_all())
        self.figure.failed.connect(self.failed)
        self.show_all()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        size = event.size()
        beside = size.width() >= _TABLES + _FIGURE
        turn = Qt.Orientation.Horizontal if beside else Qt.Orientation.Vertical
        if turn != self._parts.orientation():
            self._parts.setOrientation(turn)
            self._parts.setStretchFactor(1, 0 if beside else 1)
            room = size.width() if beside else size.height()
            tables = _TABLES if beside else 3 * room // 5
            self._parts.setSizes([room - tables, tables])

    @property
    def chosen(self) -> ScalingLaw:
        """The fit that the lower half speaks of."""
        return LAWS[self.law.currentIndex()]

    def show_set_up(self, now: SetUp) -> None:
        """Count what is set up now."""
        asked = (now.family, now.data, repr(sorted(now.values.items())))
        if asked == self._asked or not now.data or self._job:
            return
        self._asked = asked
        self._job = self._engine.start(
            SizeUp(now.family, now.data, dict(now.values)), on_result=self._take, on_end=self._ended
        )

    def show_all(self) -> None:
        """Everything by the compute and the constants that are chosen."""
        compute, law = self.compute.value(), self.chosen
        rows = []
        for one in LAWS:
            found = one.optimum(compute)
            rows.append((one.title, power(found.parameters), power(found.tokens), f"{found.ratio:.1f}", f"{found.loss:.3f}"))
        self.best.show_rows(rows)
        best = law.optimum(compute)
        smaller = []
        for share in _SHARES:
            size = best.parameters / share
            tokens = best.tokens if share == 1 else law.tokens_to_reach(best.loss, size)
            cost = PER_PARAMETER_AND_TOKEN * size * tokens / compute
            name = "the best one" if share == 1 else f"1/{share} of it"
            often = "never gets there" if math.isinf(cost) else f"{cost:.2f} times"
            smaller.append((name, power(size), power(tokens), often, f"{1 / share:.3f} times"))
        self.longer.show_rows(smaller)
        self.figure.show_compute(compute, float(self.own.parameters) if self.own is not None else 0.0)
        self.source.setText(
            f"L = {law.floor} + {law.a} / N^{law.alpha} + {law.b} / D^{law.beta}, compute = 6 N D. {law.title}: {law.source}."
        )
        self.mine.setText(_EMPTY if self.own is None else said(self.own, law))

    def _take(self, own: ModelAndText) -> None:
        first, self.own = self.own is None, own
        if first:
            self.compute.set_value(float(f"{PER_PARAMETER_AND_TOKEN * own.parameters * own.tokens:.3g}"))
        self.show_all()

    def _ended(self, failure: Failure | None) -> None:
        self._job = ""
        if failure is not None:
            self.own = None
            self.show_all()


def said(own: ModelAndText, law: ScalingLaw) -> str:
    """Where a model and a text stand by one fit, in sentences."""
    wanted = law.tokens_for(own.parameters)
    passes = wanted / max(own.tokens, 1)
    one = PER_PARAMETER_AND_TOKEN * own.parameters * own.tokens
    fits = law.optimum(one)
    words = (
        f"The model has {own.parameters:,} parameters, the training part of {own.title} {own.tokens:,} tokens: {own.ratio:.2g} "
        f"tokens per parameter in one pass, {power(own.tokens / max(own.per_step, 1))} steps. By these constants a model of "
        f"this size is best with {power(wanted)} tokens, {wanted / own.parameters:.3g} per parameter: "
        f"{passes:.3g} passes over this text. "
    )
    if passes > _REPEATED:
        words += (
            f"Up to about {_REPEATED} passes a repeated text is worth as much as a new one, and less and less after that "
            "(Muennighoff et al. 2023): it is the text that is too short for this model, so watch for overfitting. "
        )
    words += f"With the compute of one pass, {power(fits.parameters)} parameters and {power(fits.tokens)} tokens would be best."
    return words


def _heading(words: str) -> QLabel:
    found = plain_label(words)
    found.setFont(theme.font(theme.NORMAL, bold=True))
    return found
