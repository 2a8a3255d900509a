"""Two claims of the lecture, drawn from one's own runs: which models forget long sentences, and which are slow."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtGui import QColor, QPainter, QPixmap
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem

from genstudio import families
from genstudio.families.dashboard import Line
from genstudio.runs import RunInfo
from genstudio.tasks.models import ModelRef
from genstudio.tasks.prompt import Prompt
from genstudio.tasks.translate_lengths import MEASURES, KnownLengths, LengthReport, MeasureLengths, points
from genstudio.ui import theme
from genstudio.ui.engine import Engine
from genstudio.ui.layouts import choice, hbox, named, splitter, vbox
from genstudio.ui.library import Library
from genstudio.ui.playground.page import Page
from genstudio.ui.views.chart import value_text
from genstudio.ui.views.curves import CurvesView
from genstudio.ui.widgets import ElidedLabel, button, plain_label

SPEED = "sentences_per_second"
_QUALITY = tuple(name for name in MEASURES if name != SPEED)
_COLUMNS = ("Run", "Differs in", "Steps", "Steps/s in training", "All lengths", "Sentences/s")
_EMPTY = "Tick runs and press Measure"
_NAME = 220
"""Pixels of a run's name, beside the document too."""
_ROWS = 3
"""Runs that can be seen without scrolling: one of each architecture."""
_JOB = "measure"


class LengthPage(Page):
    """All runs of models that translate, on the dataset of the chosen one: those that are ticked are drawn, and measured first
    where that has not been done for their newest weights."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine, "page_length", "By length")
        self.reports: dict[str, LengthReport] = {}
        self._library: Library | None = None
        self._runs: tuple[RunInfo, ...] = ()
        self._unticked: set[str] = set()
        self._waiting_runs: list[str] = []
        self.table = named(QTableWidget(0, len(_COLUMNS)), "length_runs", "Runs on the same dataset")
        self.measure = choice("length_measure", "Measure of quality", *(MEASURES[name] for name in _QUALITY))
        self.run_all = button(
            "Measure", "length_start", "chart", "Measure the ticked runs that have not been measured", self.measure_all
        )
        self.stop = button("Stop", "length_stop", "stop", "Stop measuring", self.stop_all)
        self.note = named(ElidedLabel(), "length_note", "What is shown")
        self.quality = CurvesView("Quality", name="length_quality")
        self.speed = CurvesView("Speed", "sentences per second", name="length_speed")
        self._lay_out()
        self.table.itemChanged.connect(self._ticked)
        self.measure.activated.connect(lambda _: self._draw())
        theme.changed.connect(self._recolour)
        self.busy_changed()

    def show_library(self, library: Library) -> None:
        """The runs to choose from."""
        self._library = library
        library.runs_changed.connect(lambda _: self._look())

    def look(self, model: ModelRef, prompt: Prompt) -> None:
        if self._library is None:
            return
        chosen = self._library.run(model.run)
        data = None if chosen is None else chosen.dataset.get("id")
        runs = tuple(
            run for run in self._library.runs
            if run.usable and run.checkpoints and run.dataset.get("id") == data and _translates(run.family)
        )  # fmt: skip
        if runs != self._runs:
            if not {run.folder for run in self._runs} & {run.folder for run in runs}:
                self._unticked |= self._older(runs)
            self._runs = runs
            self._fill()
            self.ask("known", KnownLengths(tuple(str(run.folder) for run in runs)), on_result=self._known)

    def ticked(self) -> list[RunInfo]:
        """The runs that are drawn, in the order of the table."""
        return [run for run in self._runs if str(run.folder) not in self._unticked]

    def _older(self, runs: Sequence[RunInfo]) -> set[str]:
        """All but the newest run of each group: their lines would have the same colour."""
        newest: dict[str, RunInfo] = {}
        return {str(run.folder) for run in runs if newest.setdefault(self.group(run), run) is not run}

    def measure_all(self) -> None:
        """Measure one ticked run after the other."""
        self._waiting_runs = [str(run.folder) for run in self.ticked() if str(run.folder) not in self.reports]
        self._next()

    def stop_all(self) -> None:
        self._waiting_runs = []
        self.cancel(_JOB)

    def busy_changed(self) -> None:
        busy = self.busy(_JOB)
        if not busy and self._waiting_runs:
            self._next()
            return
        self.run_all.setEnabled(not busy and any(str(run.folder) not in self.reports for run in self.ticked()))
        self.stop.setEnabled(busy)

    def group(self, run: RunInfo) -> str:
        """What a run is coloured by: its value of the setting that runs of its family usually differ in."""
        family = families.find(run.family)
        name = "" if family is None else family.dashboard.race
        return str(run.config.get(name, run.family))

    def color(self, run: RunInfo) -> str:
        """The colour of its group, the same whichever runs are ticked: in a race of these values it has that colour too."""
        family = families.find(run.family)
        choices: tuple[str, ...] = ()
        if family is not None:
            choices = next((one.choices for one in family.config.settings() if one.name == family.dashboard.race), ())
        groups = [*choices, *sorted({self.group(each) for each in self._runs} - set(choices))]
        return theme.CYCLE[groups.index(self.group(run)) % len(theme.CYCLE)]

    def _recolour(self, _theme: object) -> None:
        self._fill()

    def _next(self) -> None:
        if self._waiting_runs and not self.busy(_JOB):
            path = self._waiting_runs.pop(0)
            self.note.setText(f"Measuring {self._name(path)}…")
            self.ask(_JOB, MeasureLengths(path), on_result=lambda report: self._known((report,)))

    def _name(self, path: str) -> str:
        return next((run.name for run in self._runs if str(run.folder) == path), path)

    def _known(self, reports: tuple[LengthReport, ...]) -> None:
        self.reports |= {report.run: report for report in reports}
        for run in self._runs:  # trained further since
            report = self.reports.get(str(run.folder))
            if report is not None and report.step != max(run.checkpoints):
                del self.reports[str(run.folder)]
        self._fill()
        self._draw()
        self.busy_changed()

    def _ticked(self, item: QTableWidgetItem) -> None:
        if item.column() == 0:
            path = str(item.data(Qt.ItemDataRole.UserRole))
            ticked = item.checkState() == Qt.CheckState.Checked
            (self._unticked.discard if ticked else self._unticked.add)(path)
            self._draw()
            self.busy_changed()

    def _fill(self) -> None:
        with QSignalBlocker(self.table):
            self.table.setRowCount(len(self._runs))
            for row, run in enumerate(self._runs):
                report = self.reports.get(str(run.folder))
                whole = "" if report is None else value_text(report.whole.get(self._measure(), float("nan")))
                speed = "" if report is None else value_text(_mean_speed(report))
                trained = value_text(run.step / run.elapsed) if run.elapsed else ""
                cells = (run.name, self.group(run), f"{max(run.checkpoints):,}", trained, whole or "not measured", speed)
                for column, words in enumerate(cells):
                    item = QTableWidgetItem(words)
                    if column == 0:
                        item.setData(Qt.ItemDataRole.UserRole, str(run.folder))
                        item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
                        drawn = str(run.folder) not in self._unticked
                        item.setCheckState(Qt.CheckState.Checked if drawn else Qt.CheckState.Unchecked)
                    elif column == 1:
                        item.setData(Qt.ItemDataRole.DecorationRole, _dot(self.color(run)))
                    self.table.setItem(row, column, item)

    def _measure(self) -> str:
        return _QUALITY[max(self.measure.currentIndex(), 0)]

    def _draw(self) -> None:
        """Draw both charts again: their lines are the measured runs that are ticked."""
        shown = [run for run in self.ticked() if str(run.folder) in self.reports]
        measure = self._measure()
        words = MEASURES[measure]
        self._fill()
        self.quality = self._chart(self.quality, f"{words[:1].upper()}{words[1:]} by source length", "", measure, shown)
        self.speed = self._chart(self.speed, "Speed by source length", MEASURES[SPEED], SPEED, shown)
        self._say(shown)

    def _chart(self, old: CurvesView, title: str, unit: str, measure: str, shown: list[RunInfo]) -> CurvesView:
        """A chart in place of another."""
        groups = [self.group(run) for run in shown]
        lines = [
            Line(str(run.folder), group if groups.count(group) == 1 else f"{group}: {run.name}", self.color(run))
            for run, group in zip(shown, groups, strict=True)
        ]
        view = CurvesView(title, unit, lines, name=old.objectName())
        view.set_axis(word="source length", empty=_EMPTY)
        view.failed.connect(self.failed)
        for run in shown:
            lengths, values = points(self.reports[str(run.folder)].rows, measure)
            view.append(str(run.folder), np.array(lengths, np.int64), np.array(values))
        self.charts.replaceWidget(self.charts.indexOf(old), view)
        old.deleteLater()
        return view

    def _say(self, shown: list[RunInfo]) -> None:
        counts = [row["count"] for run in shown for row in self.reports[str(run.folder)].rows]
        if counts:
            many = f"{min(counts):,} to {max(counts):,}" if min(counts) < max(counts) else f"{counts[0]:,}"
            self.note.setText(f"{many} held-out pairs per length  ·  greedy decoding, source lengths in tokens")
        elif not self.busy(_JOB):
            self.note.setText("Nothing has been measured yet: tick runs and press Measure." if self._runs else "")

    def _lay_out(self) -> None:
        self.table.setHorizontalHeaderLabels(_COLUMNS)
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Interactive)
        header.resizeSection(0, _NAME)
        header.setStretchLastSection(True)
        rows = self.table.verticalHeader()
        rows.hide()
        self.table.setMinimumHeight(header.sizeHint().height() + _ROWS * rows.defaultSectionSize() + 2 * self.table.frameWidth())
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setTabKeyNavigation(False)
        self.charts = splitter("length_charts", (self.quality, 1), (self.speed, 1), sizes=(300, 300), down=False)
        for view in (self.quality, self.speed):
            view.set_axis(word="source length", empty=_EMPTY)
            view.failed.connect(self.failed)
        label = plain_label("Quality", role="quiet")
        label.setBuddy(self.measure)
        split = splitter("length_splitter", (self.table, 1), (self.charts, 3), sizes=(160, 420))
        vbox(hbox(label, self.measure, None, self.run_all, self.stop), (split, 1), self.note, into=self, spacing=4)


def _dot(color: str) -> QPixmap:
    """A dot in the colour of a line."""
    dot = QPixmap(12, 12)
    dot.fill(Qt.GlobalColor.transparent)
    with QPainter(dot) as painter:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.visible(color)))
        painter.drawEllipse(2, 2, 8, 8)
    return dot


def _translates(family: str) -> bool:
    found = families.find(family)
    return found is not None and "Translates" in found.abilities


def _mean_speed(report: LengthReport) -> float:
    """Pairs over the time that all of them took."""
    seconds = sum(row["count"] / row["sentences_per_second"] for row in report.rows)
    return sum(row["count"] for row in report.rows) / seconds if seconds else float("nan")
