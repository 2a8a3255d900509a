"""The best runs on a dataset by a measure that they share, between the lines that they are compared with."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QComboBox, QHeaderView, QTableWidget, QTableWidgetItem, QWidget

from genstudio import families
from genstudio.families.dashboard import Standing, is_estimated
from genstudio.runs import RunInfo
from genstudio.ui import theme
from genstudio.ui.layouts import choice, hbox, named, vbox
from genstudio.ui.numbers import duration
from genstudio.ui.runs.overlay import labels
from genstudio.ui.runs.wording import capitalised, family_short, title_of
from genstudio.ui.views.chart import value_text
from genstudio.ui.widgets import plain_label

MOST = 30
_RUN, _NAMES = 1, 130
"""The column with the names, which takes the room that the others leave, and at least so many pixels."""
BITS = "bits per character"
Measured = tuple[str, str]
"""What runs are compared by: the name of a measure and the unit that it is counted in."""


@dataclass(frozen=True, slots=True)
class Place:
    """A row: its `rank` from 1, or 0 of a reference line, what it is called, its value, and the run where it is one;
    whether the value is `estimated` from a sample of the held-out data."""

    rank: int
    label: str
    value: float
    run: RunInfo | None = None
    estimated: bool = False

    @property
    def words(self) -> str:
        return f"{value_text(self.value)}{', estimated' if self.estimated else ''}"


def results(info: RunInfo, found: Standing | None, known: Mapping[str, float]) -> dict[Measured, float]:
    """The numbers by which a run can be compared with those of other families.

    A loss in nats per token depends on what a token is: it counts in bits per character, where the length of a token is known.
    """
    family = families.find(info.family)
    if family is None or not info.usable:
        return {}
    values: dict[Measured, float] = {}
    for measure in family.dashboard.result:
        value, chart = info.results.get(measure.name), family.dashboard.chart_of(measure.name)
        if value is None or not measure.better or not math.isfinite(value):
            continue
        if chart is None or not chart.nats:
            values[measure.words, measure.unit] = value
        elif found is not None and found.measure == measure and found.unit == "nats per character":
            values[BITS, ""] = value / math.log(2)
        elif ratio := known.get("characters_per_token"):
            values[BITS, ""] = value / math.log(2) / ratio
        elif family.dashboard.unit_of(chart, info) == "nats per character":
            values[BITS, ""] = value / math.log(2)
    return values


def higher_is_better(measured: Measured, infos: Sequence[RunInfo]) -> bool:
    """The direction of a measure, as the families of these runs declare it."""
    boards = [family.dashboard for info in infos if (family := families.find(info.family)) is not None]
    return any((one.words, one.unit) == measured and one.better == "higher" for board in boards for one in board.result)


def ranking(
    values: Sequence[tuple[RunInfo, float]], lines: Mapping[str, float], *, higher: bool
) -> tuple[Place, ...]:
    """Runs and reference lines, the best first; equal runs share a rank, and a line comes after the runs that reach it."""
    sign = -1 if higher else 1
    ordered = sorted(values, key=lambda pair: (sign * pair[1], pair[0].created))[:MOST]
    names = labels([info for info, _ in ordered])
    rows = [Place(0, words, value) for words, value in lines.items() if math.isfinite(value)]
    for (info, value), name in zip(ordered, names, strict=True):
        rows.append(Place(1 + sum(sign * other < sign * value for _, other in ordered), name, value, info, _sampled(info)))
    return tuple(sorted(rows, key=lambda row: (sign * row.value, row.run is None)))


def _sampled(info: RunInfo) -> bool:
    """Whether the numbers of a run rest on a sample of the held-out data: all of them are measured at once."""
    family = families.find(info.family)
    return family is not None and any(is_estimated(family.dashboard, info, one.name) for one in family.dashboard.result)


class Leaderboard(QWidget):
    """Shows one dataset. `chosen(path)`: a run was clicked twice, or Enter was pressed on it."""

    chosen = Signal(str)

    def __init__(self, standing: Callable[[RunInfo], tuple[Standing | None, Mapping[str, float]]]) -> None:
        """`standing(run)` is how a run stands, and the values that are known of its data."""
        super().__init__()
        self.setObjectName("runs_leaderboard")
        self._standing = standing
        self.data = choice("runs_board_dataset", "Dataset of the leaderboard")
        self.measure = choice("runs_board_measure", "Measure of the leaderboard")
        for box in (self.data, self.measure):
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.note = plain_label(role="quiet", wrap=True, name="runs_board_note")
        self.table = named(QTableWidget(0, 5), "runs_board", "The best runs on a dataset")
        self.table.setHorizontalHeaderLabels(["", "Run", "Value", "Model", "Trained"])
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.setShowGrid(False)
        self.table.verticalHeader().hide()
        self.table.horizontalHeader().setSectionResizeMode(_RUN, QHeaderView.ResizeMode.Stretch)
        self.table.horizontalHeader().setMinimumSectionSize(24)
        self.table.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.places: tuple[Place, ...] = ()
        self._runs: tuple[RunInfo, ...] = ()
        self._chosen = ""
        self._shown: tuple[object, ...] = ()
        vbox(hbox(self.data, self.measure, None), self.note, (self.table, 1), into=self, margins=(0, 8, 0, 0))
        self.data.activated.connect(lambda _: self._draw())
        self.measure.activated.connect(lambda _: self._draw(stay=True))
        self.table.itemActivated.connect(self._activated)

    def show_runs(self, runs: Sequence[RunInfo], chosen: RunInfo | None) -> None:
        """Show the runs on the dataset of the `chosen` one, by what says how good that is."""
        before, self._chosen = self._chosen, "" if chosen is None else str(chosen.folder)
        data = "" if chosen is None else str(chosen.dataset.get("id", ""))
        self._runs = tuple(run for run in runs if run.usable and run.dataset.get("id"))
        wanted = {str(run.dataset["id"]): title_of(run) for run in self._runs}
        now = self.data.currentData()
        if list(wanted.items()) != [(self.data.itemData(at), self.data.itemText(at)) for at in range(self.data.count())]:
            self.data.clear()
            for name, title in wanted.items():
                self.data.addItem(title, name)
        self.data.setCurrentIndex(max(self.data.findData(data if data in wanted else now), 0))
        self._draw(stay=before == self._chosen)

    def _draw(self, stay: bool = False) -> None:
        """`stay`: with the measure that a person may have chosen, also where the selected run does not have it."""
        runs = [run for run in self._runs if str(run.dataset["id"]) == self.data.currentData()]
        found: dict[Measured, list[tuple[RunInfo, float]]] = {}
        stands: dict[str, tuple[Standing | None, Mapping[str, float]]] = {}
        for run in runs:
            stands[str(run.folder)] = self._standing(run)
            for measured, value in results(run, *stands[str(run.folder)]).items():
                found.setdefault(measured, []).append((run, value))
        mine = {measured for measured, of in found.items() if self._chosen in (str(run.folder) for run, _ in of)}
        order = sorted(found, key=lambda measured: (measured not in mine, -len(found[measured])))
        now = self.measure.currentData()
        if mine and now not in mine and not stay:
            now = None
        words = {measured: capitalised(" ".join(filter(None, measured))) for measured in order}
        if order != [self.measure.itemData(at) for at in range(self.measure.count())]:
            self.measure.clear()
            for measured in order:
                self.measure.addItem(words[measured], measured)
            self.measure.setCurrentIndex(order.index(now) if now in order else 0)
        self.measure.setEnabled(len(order) > 1)
        chosen = self.measure.currentData()
        measured = tuple(chosen) if chosen else ("", "")
        values = found.get(measured, [])
        higher = higher_is_better(measured, runs)
        lines: dict[str, float] = {}
        for run, _ in values:
            standing, known = stands[str(run.folder)]
            for name, value in _lines(measured, standing, known):
                better = max if higher else min
                lines[name] = better(value, lines.get(name, value))
        self.places = ranking(values, lines, higher=higher)
        self.note.setText("" if values else "No run on this dataset has been measured yet.")
        self.note.setVisible(not values)
        self._fill()

    def _fill(self) -> None:
        shown = theme.current().name, theme.zoom(), self.places
        if shown == self._shown:  # a table of other rows than those that it has takes longer than to find them
            return
        self._shown = shown
        self.table.setRowCount(len(self.places))
        for row, place in enumerate(self.places):
            run = place.run
            model, trained = ("", "") if run is None else (family_short(run), duration(run.elapsed))
            for column, text in enumerate((str(place.rank or ""), place.label, place.words, model, trained)):
                item = QTableWidgetItem(text)
                item.setToolTip(text)
                if run is None:
                    item.setForeground(theme.current().color("quiet"))
                    item.setFlags(Qt.ItemFlag.ItemIsEnabled)
                elif place.rank == 1:
                    item.setFont(theme.font(theme.NORMAL, bold=True))
                item.setData(Qt.ItemDataRole.UserRole, None if run is None else str(run.folder))
                self.table.setItem(row, column, item)
        self.table.resizeColumnsToContents()
        self._fit()

    def _fit(self) -> None:
        """The names of runs take what is left, and scroll the table where that is too little."""
        others = sum(self.table.columnWidth(column) for column in range(self.table.columnCount()) if column != _RUN)
        little = self.table.viewport().width() - others < theme.scaled(_NAMES)
        mode = QHeaderView.ResizeMode.Interactive if little else QHeaderView.ResizeMode.Stretch
        self.table.horizontalHeader().setSectionResizeMode(_RUN, mode)
        if little:
            self.table.setColumnWidth(_RUN, theme.scaled(_NAMES))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _activated(self, item: QTableWidgetItem) -> None:
        if path := item.data(Qt.ItemDataRole.UserRole):
            self.chosen.emit(path)


def _lines(measured: Measured, found: Standing | None, known: Mapping[str, float]) -> list[tuple[str, float]]:
    """The references of a run in the unit of the leaderboard."""
    if found is None:
        return []
    if measured == (found.measure.words, found.measure.unit):
        return list(found.references)
    if measured[0] == BITS and found.unit.startswith("nats"):
        ratio = 1.0 if found.unit == "nats per character" else known.get("characters_per_token", 0.0)
        return [(words, value / math.log(2) / ratio) for words, value in found.references] if ratio else []
    return []
