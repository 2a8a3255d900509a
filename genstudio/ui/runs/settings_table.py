"""The settings of several runs beside each other, in the words of the form: those that differ, or all."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractItemView, QCheckBox, QTableWidget, QTableWidgetItem, QWidget

from genstudio.runs import RunInfo
from genstudio.ui import theme
from genstudio.ui.layouts import hbox, named, vbox
from genstudio.ui.runs.overlay import labels
from genstudio.ui.runs.wording import compare, differences
from genstudio.ui.widgets import plain_label, tooltip


class SettingsTable(QWidget):
    """A column for each run. Of one run alone it shows what differs from the nearest preset."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("runs_settings")
        self.every = named(QCheckBox("All settings"), "runs_all_settings", "Also show the settings that do not differ")
        self.note = plain_label(role="quiet", name="runs_settings_note")
        self.table = named(QTableWidget(0, 0), "runs_settings_table", "Settings of the selected runs")
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.ContiguousSelection)
        self.table.setShowGrid(False)
        self.table.setAlternatingRowColors(True)
        self.table.verticalHeader().hide()
        self.table.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        vbox(hbox(self.note, None, self.every), (self.table, 1), into=self, margins=(0, 8, 0, 0))
        self._infos: tuple[RunInfo, ...] = ()
        self.every.toggled.connect(lambda _: self._fill())

    def show_runs(self, infos: Sequence[RunInfo]) -> None:
        """Show these runs; those that cannot be read are left out."""
        usable = tuple(info for info in infos if info.usable)
        if [(info.folder, info.name, info.config, info.plan) for info in usable] != [
            (info.folder, info.name, info.config, info.plan) for info in self._infos
        ]:
            self._infos = usable
            self._fill()

    def _fill(self) -> None:
        infos = self._infos
        rows = compare(infos) if infos else ()
        if not self.every.isChecked():
            changed = {one.label for info in infos[:1] for one, _ in differences(info)}
            rows = tuple(row for row in rows if (row.differs if len(infos) > 1 else row.label in changed))
        if not infos:
            words = "Select two or more runs to see how they differ."
        elif len(infos) == 1:
            words = "What differs from the nearest preset." if rows else "All settings match a preset."
        else:
            words = f"{len(rows)} of the settings differ." if rows else "All settings are the same."
        self.note.setText("" if self.every.isChecked() and infos else words)
        self.table.setColumnCount(len(infos) + 1)
        self.table.setHorizontalHeaderLabels(["Setting", *labels(infos)])
        self.table.setRowCount(len(rows))
        for place, row in enumerate(rows):
            for column, words in enumerate((row.label, *row.values)):
                item = QTableWidgetItem(words)
                item.setToolTip(tooltip(row.help if not column else words))
                if column and row.differs and self.every.isChecked():
                    item.setFont(theme.font(theme.NORMAL, bold=True))
                self.table.setItem(place, column, item)
        self.table.resizeColumnsToContents()
        for column in range(self.table.columnCount()):
            self.table.setColumnWidth(column, min(self.table.columnWidth(column), 220))
