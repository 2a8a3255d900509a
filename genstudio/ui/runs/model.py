"""The table of runs: a row for each, with what it shows, sorts and filters by."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, Signal

from genstudio import families
from genstudio.families.dashboard import Standing, result, standing
from genstudio.runs import RunInfo
from genstudio.tasks.evaluate import ReadReferences
from genstudio.tasks.runs import Glance, Listed, ReadGlance
from genstudio.ui.engine import Engine
from genstudio.ui.numbers import duration, size_text
from genstudio.ui.runs.background import Background
from genstudio.ui.runs.wording import changes, display_name, family_short, family_title, in_a_sentence, title_of
from genstudio.ui.widgets import tooltip

Index = QModelIndex | QPersistentModelIndex


class Column(IntEnum):
    """What stands in each column."""

    NAME, STATE, STEP, RESULT, DATASET, CHANGES, CREATED, FAMILY, TRAINED, SIZE, STAR = range(11)


TITLES = {
    Column.NAME: "Run", Column.STATE: "State", Column.STEP: "Step", Column.RESULT: "Result", Column.DATASET: "Dataset",
    Column.CHANGES: "Differs from the preset", Column.CREATED: "Started", Column.FAMILY: "Model", Column.TRAINED: "Trained",
    Column.SIZE: "Size", Column.STAR: "Star",
}  # fmt: skip
COLUMNS = len(Column)
RIGHT = (Column.STEP, Column.TRAINED, Column.SIZE)
"""Columns of numbers, which end at the right."""
INFO_ROLE = Qt.ItemDataRole.UserRole + 1
_FLAGS = Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemNeverHasChildren
_EDITABLE = _FLAGS | Qt.ItemFlag.ItemIsEditable


class RunsModel(QAbstractTableModel):
    """Rows are runs, newest first. `renamed(path, name)`, `starred(path, star)`: a person wants that.

    What is not in the list of runs, such as the curve of a row, is read when a view asks for it.
    """

    renamed = Signal(str, str)
    starred = Signal(str, bool)

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self.runs: list[RunInfo] = []
        self._cells: list[dict[Column, Any]] = []
        self._rows: dict[Any, int] = {}
        self.said: list[str] = []
        self.version = 0
        self.glances = Background(engine, 600, self)
        self.references = Background(engine, 1000, self)
        self.glances.arrived.connect(self._arrived)
        self.references.arrived.connect(self._arrived)

    def show_runs(self, runs: Listed) -> None:
        """Replace all rows; where only what a row says is another, the view keeps its place and selection."""
        if [run.folder for run in runs] == [run.folder for run in self.runs]:
            changed = [row for row, run in enumerate(runs) if run != self.runs[row]]
            self.runs, self.version = list(runs), self.version + bool(changed)
            for row in changed:
                self._cells[row] = self._row(self.runs[row])
                self.said[row] = self._said(row)
                self.dataChanged.emit(self.index(row, 0), self.index(row, COLUMNS - 1))
            return
        self.beginResetModel()
        self.runs = list(runs)
        self._cells = [self._row(run) for run in self.runs]
        self._rows = {str(run.folder): row for row, run in enumerate(self.runs)}
        self.said, self.version = [self._said(row) for row in range(len(runs))], self.version + 1
        self.endResetModel()

    def row_of(self, path: str) -> int | None:
        """The row of the run in this folder."""
        return self._rows.get(path)

    def glance(self, info: RunInfo) -> Glance | None:
        """Curve, pictures and size of a run, once they are read."""
        if not info.usable:
            return None
        found: Glance | None = self.glances.get(_glance_key(info), lambda: ReadGlance(str(info.folder)))
        return found

    def known_references(self, info: RunInfo, *, work_out: bool = False) -> Mapping[str, float]:
        """Values of reference lines of the data of a run, so far as they are in the cache, or to be worked out."""
        family, data = families.find(info.family), str(info.dataset.get("id", ""))
        if family is None or family.dashboard.references is None or not data:
            return {}
        key = ("references", work_out, str(info.folder))
        found = self.references.get(key, lambda: ReadReferences(
            info.family, data, dict(info.config), known=not work_out, sha256=str(info.dataset.get("hash", ""))
        ))
        worked_out = ("references", True, str(info.folder))
        if not work_out and not found and self.references.known(worked_out):
            found = self.references.get(worked_out, lambda: ReadReferences(info.family, data, dict(info.config)))
        return found or {}

    def standing(self, info: RunInfo, *, work_out: bool = False) -> Standing | None:
        """How good a run is, beside what is known to compare it with."""
        family = families.find(info.family)
        if family is None or not info.usable:
            return None
        glance = self.glance(info)
        known = self.known_references(info, work_out=work_out)
        return standing(family.dashboard, info, known, {} if glance is None else glance.floors)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        return 0 if parent.isValid() else len(self.runs)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        return 0 if parent.isValid() else COLUMNS

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        return self.cell(index.row(), Column(index.column()), role)

    def cell(self, row: int, column: Column, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """What a cell says in this role of Qt's."""
        if role == INFO_ROLE:
            return self.runs[row]
        if role == Qt.ItemDataRole.EditRole:
            return self.runs[row].name if column == Column.NAME else None
        if role == Qt.ItemDataRole.UserRole:
            return self._sort_key(row, column)
        if role == Qt.ItemDataRole.DisplayRole:
            return self._words(row, column)
        if role == Qt.ItemDataRole.TextAlignmentRole and column in RIGHT:
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        if role == Qt.ItemDataRole.ToolTipRole:
            return tooltip(self._hint(row, column))
        if role == Qt.ItemDataRole.AccessibleTextRole and column == Column.STAR:
            return "with a star" if self.runs[row].star else "without a star"
        return None

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        run = self.runs[index.row()]
        if index.column() == Column.NAME and str(value).strip() and str(value).strip() != run.name:
            self.renamed.emit(str(run.folder), str(value).strip())
            return True
        return False

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return "" if section == Column.STAR else TITLES[Column(section)]
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.ToolTipRole:
            return TITLES[Column(section)]
        return None

    def _row(self, run: RunInfo) -> dict[Column, Any]:
        """What needs no reading."""
        family = families.find(run.family)
        return {
            Column.NAME: display_name(run),
            Column.STATE: run.state,
            Column.STEP: run.step,
            Column.RESULT: result(family.dashboard.result, run) if family is not None and run.usable else None,
            Column.DATASET: title_of(run),
            Column.CHANGES: changes(run),
            Column.CREATED: run.created.replace("T", " ")[:16],
            Column.FAMILY: family_short(run),
            Column.TRAINED: run.elapsed,
            Column.STAR: run.star,
        }

    def _said(self, row: int) -> str:
        """Everything in a row that a search looks in."""
        run, cells = self.runs[row], self._cells[row]
        some = (Column.NAME, Column.STATE, Column.DATASET, Column.CHANGES, Column.FAMILY)
        family = family_title(run)
        race = (f"race {run.race['id']}",) if run.race else ()
        return " ".join((*(str(cells[column]) for column in some), family, run.name, run.notes, run.id, *race)).casefold()

    def ranks(self, column: Column) -> list[int]:
        """The place of each row in the order of a column: sorting through Qt would ask thousands of times."""
        keys = [self._sort_key(row, column) for row in range(len(self.runs))]
        place = {key: rank for rank, key in enumerate(sorted(set(keys)))}
        return [place[key] for key in keys]

    def _words(self, row: int, column: Column) -> str:
        value = self._cells[row].get(column)
        if column == Column.STEP:
            return f"{value:,}"
        if column == Column.TRAINED:
            return duration(value) if value else ""
        if column == Column.SIZE:
            glance = self.glance(self.runs[row])
            return "" if glance is None else size_text(glance.bytes)
        if column == Column.RESULT:
            return "" if value is None else value[0]
        if column == Column.STAR:
            return "★" if value else ""
        return str(value)

    def _sort_key(self, row: int, column: Column) -> Any:
        value = self._cells[row].get(column)
        if column == Column.RESULT:
            return -1.0 if value is None else value[1]
        if column == Column.SIZE:
            glance = self.glance(self.runs[row])
            return -1 if glance is None else glance.bytes
        return value.casefold() if isinstance(value, str) else value

    def _hint(self, row: int, column: Column) -> str:
        run = self.runs[row]
        if column == Column.RESULT and (found := self.standing(run)) is not None:
            return in_a_sentence(found, run)
        if run.reason:
            return run.reason
        if column == Column.CHANGES:
            return changes(run)
        return "\n".join(part for part in (display_name(run), run.notes, str(run.folder)) if part)

    def _arrived(self, key: Any) -> None:
        row = self._rows.get(key[-1] if key[0] == "references" else key[0])
        if row is not None:
            self.dataChanged.emit(self.index(row, 0), self.index(row, COLUMNS - 1), [Qt.ItemDataRole.DisplayRole])


def _glance_key(info: RunInfo) -> tuple[str, int, str]:
    return str(info.folder), info.step, info.state


class Sifted(QAbstractTableModel):
    """The runs that a person wants to see: all words of the search are in a row, its family and dataset are the chosen ones.

    Sorting reads only what the list of runs says, so that nothing jumps while rows are read; only sizes need more.
    It is no QSortFilterProxyModel: that compares rows one pair at a time in Python, thousands of calls per letter typed.
    """

    def __init__(self, model: RunsModel) -> None:
        super().__init__()
        self.all_runs = model
        self._rows: list[int] = []
        self._places: dict[int, int] = {}
        self._terms: tuple[str, ...] = ()
        self._family = self._data = ""
        self._stars = False
        self._asked: tuple[object, ...] = ()
        self._column, self._descending = Column.CREATED, True
        self._ranked: tuple[Column, int] | None = None
        self._ranks: list[int] = []
        model.modelAboutToBeReset.connect(self.beginResetModel)
        model.modelReset.connect(self._reset)
        model.dataChanged.connect(self._changed)

    def sift(self, text: str, family: str, data: str, stars: bool = False) -> None:
        """Show what fits these; an empty one takes all."""
        asked = (text, family, data, stars, self.all_runs.version)
        if asked != self._asked:
            self._asked = asked
            self._terms, self._family, self._data, self._stars = tuple(text.casefold().split()), family, data, stars
            self._arrange()

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        self._column, self._descending = Column(column), order == Qt.SortOrder.DescendingOrder
        self._arrange()

    def sort_again(self) -> None:
        """Values that are sorted by have been read."""
        self._ranked = None
        self._arrange()

    def source_row(self, row: int) -> int:
        """Which of all runs stands in this row."""
        return self._rows[row]

    def mapToSource(self, index: Index) -> QModelIndex:
        """The cell of all runs that stands here."""
        return self.all_runs.index(self._rows[index.row()], index.column()) if index.isValid() else QModelIndex()

    def mapFromSource(self, index: Index) -> QModelIndex:
        """Where a cell of all runs stands; not valid where its run is not shown."""
        place = self._places.get(index.row())
        return QModelIndex() if place is None else self.index(place, index.column())

    def index(self, row: int, column: int, parent: Index = QModelIndex()) -> QModelIndex:  # noqa: B008 - Qt's own signature
        return self.createIndex(row, column) if 0 <= row < len(self._rows) and 0 <= column < COLUMNS else QModelIndex()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        return 0 if parent.isValid() else COLUMNS

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        return self.all_runs.cell(self._rows[index.row()], Column(index.column()), role)

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        return self.all_runs.setData(self.mapToSource(index), value, role)

    def flags(self, index: Index) -> Qt.ItemFlag:
        return _EDITABLE if index.column() == Column.NAME else _FLAGS

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        return self.all_runs.headerData(section, orientation, role)

    def _order(self) -> list[int]:
        """The rows that fit, sorted; equal ones stay as they are."""
        if self._ranked != (self._column, self.all_runs.version):
            self._ranked, self._ranks = (self._column, self.all_runs.version), self.all_runs.ranks(self._column)
        rows = [row for row in range(len(self.all_runs.runs)) if self._fits(row)]
        return sorted(rows, key=self._ranks.__getitem__, reverse=self._descending)

    def _fits(self, row: int) -> bool:
        run = self.all_runs.runs[row]
        if (self._family and run.family != self._family) or (self._data and run.dataset.get("id") != self._data):
            return False
        if self._stars and not run.star:
            return False
        said = self.all_runs.said[row]
        return all(term in said for term in self._terms)

    def _arrange(self) -> None:
        """Show the rows that fit in their order; what was selected stays selected where it is still shown."""
        rows = self._order()
        if rows == self._rows:
            return
        self.layoutAboutToBeChanged.emit()
        kept = self.persistentIndexList()
        sources = [self._rows[index.row()] for index in kept]
        self._take(rows)
        places = [self._places.get(source) for source in sources]
        self.changePersistentIndexList(kept, [
            QModelIndex() if place is None else self.index(place, index.column())
            for place, index in zip(places, kept, strict=True)
        ])  # fmt: skip
        self.layoutChanged.emit()

    def _take(self, rows: list[int]) -> None:
        self._rows, self._places = rows, {row: place for place, row in enumerate(rows)}

    def _reset(self) -> None:
        self._take(self._order())
        self.endResetModel()

    def _changed(self, first: QModelIndex, last: QModelIndex, roles: list[int]) -> None:
        """Rows of all runs say something else: those of them that are shown."""
        for row in range(first.row(), last.row() + 1):
            if (place := self._places.get(row)) is not None:
                self.dataChanged.emit(self.index(place, first.column()), self.index(place, last.column()), roles)
