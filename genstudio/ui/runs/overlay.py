"""One measure of several runs on one chart: by step, by training time, or by the tokens or samples that were read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QWidget

from genstudio import families
from genstudio.events import Array
from genstudio.families.dashboard import Chart, Dashboard, Line, Standing
from genstudio.runs import RunInfo
from genstudio.tasks.runs import RunNumbers
from genstudio.ui import theme
from genstudio.ui.layouts import choice, hbox, single_shot, vbox
from genstudio.ui.runs.wording import capitalised, display_name
from genstudio.ui.views.curves import CurvesView
from genstudio.ui.widgets import plain_label, tooltip

MICRO = 1_000_000
STEP, TIME, ITEMS = AXES = ("step", "time", "items")
_AXIS_WORDS = {STEP: "by step", TIME: "by training time", ITEMS: "by tokens or samples read"}
OWN = "own"
"""What is drawn where runs of several families have no measure of quality in common: of each, the one of its family."""
_ROOMY = 300
"""Pixels of height that leave room for more than the chart."""
MOST = 12
"""Runs on one chart; more could not be told apart."""
_AT_ONCE = 2
"""Curves that are added between two looks at what else the window has to do."""


def labels(infos: Sequence[RunInfo]) -> tuple[str, ...]:
    """A name for each run that no other one of them has."""
    names = [display_name(info) for info in infos]
    seeds = [f"{name}, seed {info.seed}" for name, info in zip(names, infos, strict=True)]
    twice, again = Counter(names), Counter(seeds)
    whole = [seed if twice[name] > 1 else name for name, seed in zip(names, seeds, strict=True)]
    seen: Counter[str] = Counter()
    found = []
    for name, seed in zip(whole, seeds, strict=True):
        seen[name] += 1
        found.append(f"{name} ({seen[name]})" if again[seed] > 1 and name == seed else name)
    return tuple(found)


def shared(infos: Sequence[RunInfo], numbers: Sequence[RunNumbers]) -> dict[str, str]:
    """The measures that all these runs have and that their charts draw, the main one of the first run first: name -> words.

    Families call different losses by one name: what charts of another title or unit draw is another measure. Where all that
    they have in common says nothing of how good they are, `OWN` comes first.
    """
    measures: dict[str, str] = {}
    boards = [family.dashboard for info in infos if (family := families.find(info.family)) is not None]
    if len(boards) < len(infos) or not numbers:
        return {}
    for name in boards[0].main_lines():
        charts = {(found.title, found.unit) if (found := board.chart_of(name)) else None for board in boards}
        if len(charts) == 1 and all(name in one.series and len(one.series[name]) for one in numbers):
            chart = boards[0].chart_of(name)
            assert chart is not None
            line = next(line for line in chart.lines if line.name == name)
            measures[name] = chart.title if len(chart.lines) == 1 else f"{chart.title}: {line.label}"
    good = {measure.name for board in boards for measure in board.result}
    if len(set(map(id, boards))) > 1 and not good & measures.keys() and all(map(_own, boards, numbers)):
        return {OWN: "The measure of each family", **measures}
    return measures


def _own(board: Dashboard, numbers: RunNumbers) -> str:
    """The first of its measures of quality that a run has a curve of; empty where there is none."""
    drawn = (one.name for one in board.result if board.chart_of(one.name) is not None)
    return next((name for name in drawn if name in numbers.series and len(numbers.series[name])), "")


def own_words(infos: Sequence[RunInfo], names: Sequence[str]) -> str:
    """Which runs are drawn by which measure, the first run's first."""
    runs: dict[str, list[str]] = {}
    for info, label, name in zip(infos, labels(infos), names, strict=True):
        measure = next(one for one in families.get(info.family).dashboard.result if one.name == name)
        runs.setdefault(capitalised(measure.words), []).append(label)
    return "  ·  ".join(f"{words}: {', '.join(of)}" for words, of in runs.items())


def drawn_of(info: RunInfo, numbers: RunNumbers, name: str) -> tuple[Chart, str]:
    """The chart that draws this measure of a run, or its own one for `OWN`, and the name of its line."""
    board = families.get(info.family).dashboard
    line = _own(board, numbers) if name == OWN else name
    chart = board.chart_of(line)
    assert chart is not None
    return chart, line


def axes(numbers: Sequence[RunNumbers]) -> tuple[str, ...]:
    """What the runs can be drawn over: tokens or samples only where all read the same kind of thing."""
    items = {one.item for one in numbers if one.items}
    known = all(one.items for one in numbers) and len(items) == 1
    timed = all(len(one.timed) for one in numbers)
    return (STEP, *((TIME,) if timed else ()), *((ITEMS,) if known and numbers else ()))


def points(numbers: RunNumbers, name: str, axis: str) -> tuple[Array, Array]:
    """A curve of a run: where its points lie on the axis, int64 (n,) and each later than the one before, in steps, microseconds
    or items, and their values (n,)."""
    series = numbers.series[name]
    if axis == ITEMS:
        return series.steps * numbers.items, series.values
    if axis == TIME:
        times = (numbers.time_of(series.steps) * MICRO).astype(np.int64)
        order = np.arange(len(times))
        return np.maximum.accumulate(times - order) + order, series.values
    return series.steps, series.values


class Overlay(QWidget):
    """Shows the curves of runs. `failed(Failure)` if a figure cannot be written."""

    failed = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("runs_overlay")
        self.measure = choice("runs_measure", "What is drawn")
        self.axis = choice("runs_axis", "Horizontal axis")
        for box in (self.measure, self.axis):
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.note = plain_label(role="quiet", wrap=True, name="runs_overlay_note")
        self.chart: CurvesView | None = None
        self._infos: tuple[RunInfo, ...] = ()
        self._numbers: tuple[RunNumbers, ...] = ()
        self._standing: Standing | None = None
        self._built: tuple[object, ...] = ()
        self._kind: tuple[object, ...] = ()
        self._left: list[tuple[Line, Array, Array]] = []
        self._next = single_shot(self, 0)
        self._next.timeout.connect(self._add)
        self._holder = vbox(spacing=0)
        vbox(hbox(self.measure, self.axis, None), self.note, (self._holder, 1), into=self, margins=(0, 8, 0, 0))
        self.measure.activated.connect(lambda _: self._draw())
        self.axis.activated.connect(lambda _: self._draw())

    def show_runs(
        self, infos: Sequence[RunInfo], numbers: Mapping[str, RunNumbers | None], standing: Standing | None
    ) -> None:
        """Show these runs, whose numbers by folder are there or still being read; `standing` of the first, where all are of its
        family and dataset."""
        known = [(info, found) for info in infos[:MOST] if (found := numbers.get(str(info.folder))) is not None]
        self._infos, self._numbers = tuple(info for info, _ in known), tuple(found for _, found in known)
        self._standing = standing
        usable = [info for info in infos[:MOST] if info.usable]
        missing = len([info for info in usable if str(info.folder) not in numbers])
        measures = {} if missing else shared(self._infos, self._numbers)
        if not missing:
            self._fill(measures)
        if not infos:
            words = "Select a run, or several with Ctrl or Shift to draw their curves together."
        elif missing:
            words = f"Reading {missing} of {len(usable)} runs…"
        elif not measures:
            words = "These runs have no measure in common." if len(known) > 1 else "This run has no curve yet."
        else:
            words = f"The first {MOST} of {len(infos)} runs are drawn." if len(infos) > MOST else ""
        self.note.setText(words)
        self.note.setVisible(bool(words))
        if not missing:  # a chart for every run that arrives would hold up the window
            self._draw()

    def _fill(self, measures: Mapping[str, str]) -> None:
        """The menus, with what was chosen where that is still there."""
        axis_choices = {axis: _AXIS_WORDS[axis] for axis in axes(self._numbers)}
        if ITEMS in axis_choices:
            axis_choices[ITEMS] = f"by {self._numbers[0].item}s read"
        for box, wanted in ((self.measure, measures), (self.axis, axis_choices)):
            now = box.currentData()
            if list(wanted.items()) != [(box.itemData(at), box.itemText(at)) for at in range(box.count())]:
                box.clear()
                for name, words in wanted.items():
                    box.addItem(words, name)
                box.setCurrentIndex(max(box.findData(now), 0))
            box.setEnabled(box.count() > 1)

    def _draw(self) -> None:
        name, axis = self.measure.currentData(), self.axis.currentData()
        built = (name, axis, tuple((info.folder, info.step) for info in self._infos), labels(self._infos))
        if not name or not self._infos:  # a box keeps its choices for a moment after the last run has gone
            if self.chart is not None:
                self.chart.hide()
            return
        if built != self._built or self.chart is None:
            self._built = built
            self._build(str(name), str(axis))
        assert self.chart is not None
        self.chart.show()
        standing = self._standing if self._standing is not None and self._standing.measure.name == name else None
        for words, value in standing.references if standing is not None else ():
            self.chart.set_reference(words, value)

    def _build(self, name: str, axis: str) -> None:
        drawn = [drawn_of(info, numbers, name) for info, numbers in zip(self._infos, self._numbers, strict=True)]
        spec = drawn[0][0]
        unit, log = ("", any(chart.log for chart, _ in drawn)) if name == OWN else (spec.unit, spec.log)
        lines = [
            Line(
                str(place), label, theme.CYCLE[place % len(theme.CYCLE)],
                next(one.smooth for one in chart.lines if one.name == line),
            )
            for place, (label, (chart, line)) in enumerate(zip(labels(self._infos), drawn, strict=True))
        ]  # fmt: skip
        if name == OWN:
            words = own_words(self._infos, [measured for _, measured in drawn])
            self.measure.setToolTip(tooltip(words))
            self.note.setText(words)
            self.note.setVisible(self.height() > theme.scaled(_ROOMY))
        kind = self.measure.currentText(), unit, log, axis, self._numbers[0].item if axis == ITEMS else ""
        if self.chart is None or kind != self._kind:
            self._kind = kind
            self._replace(CurvesView(self.measure.currentText(), unit, log=log, name="runs_chart"), axis)
            assert self.chart is not None
        self.chart.clear()
        self.chart.set_series(())
        self._left = [
            (line, *points(numbers, measured, axis))
            for line, numbers, (_, measured) in zip(lines, self._numbers, drawn, strict=True)
        ]
        self._add()

    def _add(self) -> None:
        """The next curves: all of them at once would hold up the window."""
        now, self._left = self._left[:_AT_ONCE], self._left[_AT_ONCE:]
        assert self.chart is not None
        for line, where, values in now:
            self.chart.add_series(line)
            self.chart.append(line.name, where, values)
        if self._left:
            self._next.start()

    def _replace(self, chart: CurvesView, axis: str) -> None:
        if axis == TIME:
            chart.set_axis(word="time", scale=MICRO)
        elif axis == ITEMS:
            chart.set_axis(word=self._numbers[0].item)
        chart.failed.connect(self.failed)
        if self.chart is not None:
            self._holder.removeWidget(self.chart)
            self.chart.hide()
            self.chart.deleteLater()
        self.chart = chart
        self._holder.addWidget(chart, 1)
