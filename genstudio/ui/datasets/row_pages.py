"""Pairs and toy tasks: a table of any length, and how long its columns are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QPlainTextEdit,
    QTableView,
    QWidget,
)

from genstudio.data.preview import Matches, PairLook
from genstudio.data.shelf import DatasetInfo
from genstudio.events import Array
from genstudio.ui import theme
from genstudio.ui.datasets.finder import Finder
from genstudio.ui.layouts import hbox, named, splitter, vbox
from genstudio.ui.views.bars import NamedBars
from genstudio.ui.views.histograms import HistogramView
from genstudio.ui.widgets import plain_label, tooltip

Index = QModelIndex | QPersistentModelIndex
_CELL = 400


class RowsModel(QAbstractTableModel):
    """Two columns of texts, by reference: a million rows cost nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.columns: tuple[Sequence[str], Sequence[str]] = ((), ())
        self.names: tuple[str, str] = ("", "")
        self.order: Array = np.empty(0, np.int64)

    def show_columns(self, left: Sequence[str], right: Sequence[str], names: tuple[str, str]) -> None:
        self.beginResetModel()
        self.columns, self.names, self.order = (left, right), names, np.arange(len(left))
        self.endResetModel()

    def show_order(self, order: Array) -> None:
        self.beginResetModel()
        self.order = order
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        return 0 if parent.isValid() else len(self.order)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        return 0 if parent.isValid() else 2

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        text = self.columns[index.column()][int(self.order[index.row()])]
        if role == Qt.ItemDataRole.DisplayRole:
            return " ".join(text[:_CELL].split("\n")) or "∅"
        if role == Qt.ItemDataRole.ToolTipRole:
            return tooltip(text[:_CELL])
        if role == Qt.ItemDataRole.ForegroundRole and not text:
            return theme.current().color("quiet")
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        if orientation == Qt.Orientation.Horizontal:
            return self.names[section]
        return f"{int(self.order[section]) + 1:,}"


def plain_table(name: str, says: str, model: RowsModel) -> QTableView:
    """A table of two columns of texts that is only read."""
    table = named(QTableView(), name, says)
    table.setModel(model)
    table.setWordWrap(False)
    table.setShowGrid(False)
    table.setAlternatingRowColors(True)
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    table.setTabKeyNavigation(False)
    table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
    table.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    table.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
    table.verticalHeader().setDefaultSectionSize(28)
    table.verticalHeader().setMinimumWidth(56)
    return table


class RowsPage(QWidget):
    """`find_wanted(needle, match_case)`; choosing a row shows both texts whole below the table."""

    find_wanted = Signal(str, bool)

    def __init__(self, name: str, placeholder: str) -> None:
        super().__init__()
        self.setObjectName(f"{name}_page")
        self.finder = Finder(name, placeholder)
        for step in (self.finder.previous, self.finder.next):
            step.hide()
        self.model = RowsModel()
        self.table = plain_table(f"{name}_table", placeholder, self.model)
        self.whole = tuple(QPlainTextEdit() for _ in range(2))
        for side, edit in zip(("left", "right"), self.whole, strict=True):
            edit.setObjectName(f"{name}_{side}")
            edit.setReadOnly(True)
            edit.setPlaceholderText("Choose a row to read it in full.")
        below = QWidget()
        below.setLayout(hbox(*self.whole))
        split = splitter(f"{name}_splitter", (self.table, 1), below, sizes=(500, 110))
        self.counted = plain_label(role="quiet", name=f"{name}_counted")
        vbox(self.finder, (split, 1), into=self, margins=(0, 10, 0, 0))
        self.finder.wanted.connect(self._find)
        self.table.selectionModel().currentRowChanged.connect(lambda now, _before: self._chosen(now.row()))

    def show_look(self, _info: DatasetInfo, look: PairLook) -> None:
        self.finder.clear()
        self.model.show_columns(look.left, look.right, look.names)
        for name, edit in zip(look.names, self.whole, strict=True):
            edit.setAccessibleName(f"{name}, in full")
        self.table.selectRow(0)

    def show_matches(self, matches: Matches) -> None:
        """Only the rows that were found."""
        if matches.needle == self.finder.field.text():
            self.finder.matches = matches
            self.finder.said.setText(f"{matches.count:,} rows" if matches.count else "not found")
            self.model.show_order(matches.positions)
            self.table.selectRow(0)

    def go_to(self, index: int) -> None:
        """Show this pair."""
        self.finder.clear()
        self.model.show_order(np.arange(len(self.model.columns[0])))
        self.table.selectRow(index)
        self.table.scrollTo(self.model.index(index, 0), QAbstractItemView.ScrollHint.PositionAtCenter)

    def _find(self, needle: str, match_case: bool) -> None:
        if needle:
            self.find_wanted.emit(needle, match_case)
        else:
            self.model.show_order(np.arange(len(self.model.columns[0])))

    def _chosen(self, place: int) -> None:
        if 0 <= place < len(self.model.order):
            index = int(self.model.order[place])
            for edit, texts in zip(self.whole, self.model.columns, strict=True):
                edit.setPlainText(texts[index])


class LabelFigures(QWidget):
    """How many texts, or rows, each class has, and how long texts are."""

    def __init__(self, of: str = "text") -> None:
        super().__init__()
        name = "label" if of == "text" else of
        self.of = of
        self.setObjectName(f"{name}_figures")
        self.classes = NamedBars("Classes", f"{name}_classes", f"{of}s", lambda value: f"{value:,.0f}")
        self.lengths = HistogramView("Lengths", f"{name}_lengths", "characters")
        vbox((self.classes, 2), (self.lengths, 1), into=self, margins=(0, 12, 0, 0))
        self.lengths.setVisible(of == "text")

    def show_look(self, info: DatasetInfo, look: PairLook) -> None:
        ordered = sorted(look.per_class, key=lambda each: -each[1])
        self.classes.show_bars(ordered, f"{len(ordered):,}, of {len(look.left):,} {self.of}s")
        self.lengths.show_histograms({"": look.left_lengths}, f"of {len(look.left):,} texts")


class RowFigures(QWidget):
    """How long the two columns are, and one over the other."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setObjectName(f"{name}_figures")
        self.lengths = HistogramView("Lengths", f"{name}_lengths", "characters")
        self.ratios = HistogramView("Length ratio", f"{name}_ratios", "right : left")
        vbox((self.lengths, 1), (self.ratios, 1), into=self, margins=(0, 12, 0, 0))

    def show_look(self, info: DatasetInfo, look: PairLook) -> None:
        left, right = look.names
        self.lengths.show_histograms({left: look.left_lengths, right: look.right_lengths}, f"of {len(look.left):,}")
        self.ratios.show_histograms(
            {"": look.ratios}, f"{look.mean_ratio:.2f} characters of {right} per character of {left}"
        )
