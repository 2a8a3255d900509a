"""The charts of a run: what its dashboard declares, by page, with references and floors."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from functools import partial

import numpy as np
from PySide6.QtCore import QObject, QPointF, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QSplitter, QWidget

from genstudio.config import Values, applies
from genstudio.events import Frame, Notice, Series
from genstudio.families.dashboard import Chart, Dashboard, fitting
from genstudio.ui import theme
from genstudio.ui.layouts import Tabs, named, single_shot
from genstudio.ui.parts import scrolled_across
from genstudio.ui.train.milestones import Milestones
from genstudio.ui.train.units import Unit, units
from genstudio.ui.views.curves import CurveGroup, CurvesView
from genstudio.ui.widgets import named_tabs

_FLUSH_MS, _FLUSH_SHARE = 200, 0.01
"""How long numbers wait for their charts at least, and the share of a core that handing them over may take."""
_WIDE = 3
"""Figures side by side that the smallest window has room for."""
_OTHERS, _SHARES = "Other charts", [600, 400]
"""What the small charts are called where they have a tab of their own, and shares of the height where they have not."""
_SLOWEST_MS = 2000
"""Milliseconds between two drawings of a chart at most: half a dozen are in sight, and the training pays for each."""


def floor_words(value: float, words: str, least: float | None = None) -> tuple[str, str]:
    """The label of a floor, and the short one with its first word. A value below `least`, see `Chart`, means that."""
    low = least is not None and value < least
    number, note = (f"{least:g}", f" (estimated {value:.3g})") if low else (f"{value:.3g}", "")
    return f"{number} {words}{note}", f"{number} {words.split()[0]}"


class ColourKey(QWidget):
    """What colours mean on every chart, in a line: (word, role)."""

    def __init__(self, words: Iterable[tuple[str, str]]) -> None:
        super().__init__()
        self.setObjectName("colour_key")
        self._words = {word: theme.role_color(role) for word, role in words}
        self.setAccessibleName(f"Colours: {', '.join(self._words)}")
        self.setFont(theme.font(theme.SMALL))
        metrics = self.fontMetrics()
        self.setFixedSize(sum(metrics.horizontalAdvance(word) + 24 for word in self._words), metrics.height() + 14)
        theme.changed.connect(self._recolour)

    def _recolour(self, _theme: object) -> None:
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        metrics, x, middle = self.fontMetrics(), 8.0, self.height() / 2
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            for word, color in self._words.items():
                painter.setPen(QColor(0, 0, 0, 0))
                painter.setBrush(QColor(theme.visible(color)))
                painter.drawEllipse(QPointF(x, middle), 4, 4)
                painter.setPen(theme.current().color("quiet"))
                painter.drawText(QPointF(x + 8, middle + metrics.ascent() / 2 - 1), word)
                x += metrics.horizontalAdvance(word) + 24


class RunCharts(Tabs):
    """Pages of charts that share one crosshair. `step_chosen(step)` where one was clicked; `filled()` when there are more
    numbers; `failed(Failure)` if a figure cannot be written.

    `beside` are further figures by the page that they stand on.
    """

    failed = Signal(object)
    step_chosen = Signal(int)
    filled = Signal()

    def __init__(self, board: Dashboard, name: str = "charts", beside: Mapping[str, list[QWidget]] | None = None) -> None:
        super().__init__()
        self.setObjectName(name)
        named_tabs(self, "Charts")
        self.setTabBarAutoHide(True)
        self.board, self.kind = board, ""
        self.specs = {chart.name: chart for chart in board.charts}
        self.views = {
            chart.name: CurvesView(chart.title, chart.unit, chart.lines, log=chart.log, name=f"chart_{chart.name}")
            for chart in board.charts
        }
        self._chart_of = {line.name: chart for chart in board.charts for line in chart.lines}
        self._of = {line.name: self.views[chart.name] for chart in board.charts for line in chart.lines}
        self._passing = {
            line.name for chart in board.charts for line in chart.lines if line.role in ("rate", "speed")
        }
        self._floors = {key: (chart.name, words) for chart in board.charts for key, words in chart.floors.items()}
        self.floors: dict[str, float] = {}
        """The last values of numbers that are floors of a chart."""
        self._known: Mapping[str, float] = {}
        self._settings: Values = {}
        self._group = CurveGroup(list(self.views.values()), QObject(self))
        self.milestones = Milestones(board)
        self._counted = dict.fromkeys((chart.name for chart in board.charts if chart.nats), "nats")
        self._raw: dict[str, list[Series]] = {line.name: [] for chart in board.charts if chart.nats for line in chart.lines}
        self._cursor: int | None = None
        self._waiting: dict[str, list[Series]] = {}
        self._timer = single_shot(self, _FLUSH_MS)
        self._timer.timeout.connect(self.flush)
        self.key = ColourKey(board.key)
        self.key.setParent(self)
        self._low = False
        self._split: dict[QSplitter, QWidget] = {}
        self._pages = {page: self._page(page, (beside or {}).get(page, [])) for page in board.pages()}
        for page, widget in self._pages.items():
            self.addTab(widget, page)
        for view in self.views.values():
            view.slowest_ms = _SLOWEST_MS
            view.setMinimumWidth(136)
            view.failed.connect(self.failed)
            view.step_chosen.connect(self.step_chosen)
            view.hovered.connect(self._rest)
        for name in self._counted:
            self.views[name].unit_chosen.connect(partial(self.count_in, name))
        self.set_kind("")

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place_key()

    def _place_key(self) -> None:
        """Beside the tabs; without them it would lie on a chart, whose own key says what its lines are."""
        self.key.move(self.width() - self.key.width(), 4)
        beside = self.tabBar().sizeHint().width() + self.key.width() < self.width()
        self.key.setVisible(beside and not self.tabBar().isHidden())

    def set_low(self, low: bool) -> None:
        """Where there is little height, the small charts below large ones have a tab of their own."""
        if low == self._low:
            return
        self._low = low
        for split, below in self._split.items():
            if low:
                self.insertTab(self.indexOf(split) + 1, below, _OTHERS)
            else:
                self.removeTab(self.indexOf(below))
                split.addWidget(below)
                below.show()
                split.setSizes(_SHARES)
        self.set_kind(self.kind)

    def set_kind(self, kind: str) -> None:
        """Show the charts of one kind of data, of those for which the settings leave something to draw."""
        self.kind = kind
        shown = [chart for chart in fitting(self.board.charts, kind) if applies(chart.when, self._settings)]
        for page, widget in self._pages.items():
            apart = self._split.get(widget) if self._low and isinstance(widget, QSplitter) else None
            here = [chart for chart in shown if chart.page == page]
            self.setTabVisible(self.indexOf(widget), any(chart.large or apart is None for chart in here))
            if apart is not None:
                self.setTabVisible(self.indexOf(apart), not all(chart.large for chart in here))
        self.tabBar().setVisible(sum(map(self.isTabVisible, range(self.count()))) > 1)
        self._place_key()
        for name, chart in self.specs.items():
            self.views[name].setVisible(chart in shown)
        self._refer()

    def show_references(self, values: Mapping[str, float]) -> None:
        """Values that follow from the data, by their names."""
        self._known = values
        self._refer()
        self._tell(self.milestones.show_references(values))

    def show_exact(self, step: int, values: Mapping[str, float]) -> None:
        """What was measured on all held-out data at a step, the last one, by the names of numbers."""
        self._tell(self.milestones.show_exact(step, values))

    def show_words(self, words: frozenset[str]) -> None:
        """Words that the text of the run often has: the first that is written is a milestone."""
        self._tell(self.milestones.show_words(words))

    def count_in(self, chart: str, unit: str) -> None:
        """Count the values of a chart in another unit, by its name in `units`."""
        self.flush()
        self._counted[chart] = unit
        self._refer()

    def show_settings(self, values: Values) -> None:
        """The settings of the run as they stand: some references hold only for some."""
        self._settings = values
        self.set_kind(self.kind)

    def show_frame(self, frame: Frame) -> None:
        """Numbers a few times a second, marks at once."""
        for name, series in frame.series.items():
            if name in self._of:
                self._waiting.setdefault(name, []).append(series)
            elif name in self._floors:
                chart, words = self._floors[name]
                value = self.floors[name] = float(series.values[-1])
                self.views[chart].set_reference(name, value, *floor_words(value, words, self.specs[chart].least))
        if self._waiting and not self._timer.isActive():
            self._timer.start()
        for notice in frame.notices:
            self._mark(notice)
        self._tell(self.milestones.show_frame(frame))

    def set_cursor(self, step: int | None) -> None:
        """Where the crosshair rests while nothing is pointed at; None: nowhere."""
        self._cursor = step
        self._rest()

    def values_at(self, step: int) -> dict[str, float]:
        """The newest values up to a step of everything but rates and speeds, by name."""
        found = {}
        for name, view in self._of.items():
            steps, values = view.points(name)
            place = int(np.searchsorted(steps, step, side="right"))
            if place and name not in self._passing:
                found[name] = float(values[place - 1])
        return found

    def flush(self) -> None:
        """Hand the numbers that wait to their charts."""
        began = time.thread_time()
        self._timer.stop()
        for name, parts in self._waiting.items():
            steps, values = (np.concatenate([getattr(part, which) for part in parts]) for which in ("steps", "values"))
            if name in self._raw:
                self._raw[name].append(Series(steps, values))
                values = self._unit(self._chart_of[name]).of(values)
            self._of[name].append(name, steps, values)
        if self._waiting:
            self._waiting.clear()
            self.filled.emit()
            taken = 1000 * (time.thread_time() - began)
            self._timer.setInterval(round(min(max(taken / _FLUSH_SHARE, _FLUSH_MS), _SLOWEST_MS / 2)))

    def settle(self) -> None:
        """Draw what has arrived: nothing more comes."""
        self.flush()
        for view in self.views.values():
            view.redraw()

    def clear(self) -> None:
        """Forget the run that was shown."""
        self._timer.stop()
        self._waiting.clear()
        self.floors.clear()
        self._known = {}
        self.milestones.clear()
        for parts in self._raw.values():
            parts.clear()
        for view in self.views.values():
            view.clear()
        self.set_cursor(None)
        self._refer()

    def forget_after(self, step: int) -> None:
        """Take away what came after a step: the training went back to it."""
        self.flush()
        for name, parts in self._raw.items():
            self._raw[name] = [Series(p.steps[p.steps <= step], p.values[p.steps <= step]) for p in parts]
        for view in self.views.values():
            view.forget_after(step)

    def _refer(self) -> None:
        for chart in self.board.charts:
            if chart.nats:
                self._count(chart)
            else:
                self.views[chart.name].set_unit(self._words(chart))
            for line in chart.references:
                value = self._known.get(line.name) if line.value is None else line.value
                if value is None or not applies(line.when, self._settings):
                    self.views[chart.name].set_reference(line.name, None)
                else:
                    if chart.nats:
                        value = float(self._unit(chart).of(np.array([value]))[0])
                    self.views[chart.name].set_reference(line.name, value, line.words.format(value), line.short.format(value))

    def _words(self, chart: Chart) -> str:
        """The unit of a chart, with the settings as they stand."""
        return next((unit for when, unit in chart.units.items() if applies(when, self._settings)), chart.unit)

    def _unit(self, chart: Chart) -> Unit:
        return units(self._words(chart), self._known)[self._counted[chart.name]]

    def _count(self, chart: Chart) -> None:
        """All values of a chart in the unit that is chosen."""
        view, offered, chosen = self.views[chart.name], units(self._words(chart), self._known), self._counted[chart.name]
        title = offered[chosen].title
        view.offer_units({name: unit.title for name, unit in offered.items()}, chosen)
        if view.unit == title:
            return
        view.set_unit(title)
        for line in chart.lines:
            if parts := self._raw[line.name]:
                steps, values = (np.concatenate([getattr(part, which) for part in parts]) for which in ("steps", "values"))
                self._raw[line.name] = [Series(steps, values)]
                view.replace(line.name, steps, offered[chosen].of(values))

    def _tell(self, reached: Iterable[Notice]) -> None:
        for notice in self.milestones.withdrawn():
            self._group.unmark(notice.step, notice.kind, notice.text)
        for notice in reached:
            self._mark(notice)

    def _rest(self, hovered: object = None) -> None:
        if hovered is None:
            for view in self.views.values():
                view.set_crosshair(self._cursor, said=False)

    def _mark(self, notice: Notice) -> None:
        if notice.kind in ("milestone", "saved", "best", "changed", "warning", "done"):
            self._group.mark(notice.step, notice.kind, notice.text)

    def _page(self, page: str, beside: list[QWidget]) -> QWidget:
        """The large charts of a page over a row of the others."""
        charts = [chart for chart in self.board.charts if chart.page == page]
        large = [chart for chart in charts if chart.large]
        below = self._row([chart for chart in charts if not chart.large], beside, top=not large)
        if not large:
            return below
        split = named(QSplitter(Qt.Orientation.Vertical), "charts_splitter")
        split.addWidget(self._row(large, []))
        split.addWidget(below)
        split.setStretchFactor(0, 3)
        split.setStretchFactor(1, 2)
        split.setSizes(_SHARES)
        self._split[split] = below
        return split

    def _row(self, charts: Iterable[Chart], beside: list[QWidget], *, top: bool = True) -> QWidget:
        holder = QWidget()
        layout = QHBoxLayout(holder)
        layout.setContentsMargins(0, 8 if top and len(self.board.pages()) > 1 else 0, 0, 0)
        layout.setSpacing(8)
        figures = [*(self.views[chart.name] for chart in charts), *beside]
        for figure in figures:
            layout.addWidget(figure, 1)
        return holder if len(figures) <= _WIDE else scrolled_across(holder, "charts_scroll")
