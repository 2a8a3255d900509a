"""The Runs tab: every run there is; open, go on, rename, delete."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QPersistentModelIndex,
    QSortFilterProxyModel,
    Qt,
    QTimer,
    Signal,
)
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFileDialog,
    QHeaderView,
    QLineEdit,
    QMenu,
    QMessageBox,
    QStackedWidget,
    QTableView,
    QWidget,
)

from genstudio import families
from genstudio.errors import ConfigError, Failure
from genstudio.families.dashboard import result
from genstudio.runs import RunInfo
from genstudio.tasks.exchange import ExportModel, ImportedModel, ImportModel
from genstudio.tasks.models import ModelRef
from genstudio.tasks.runs import Listed, RemoveRun, RenameRun
from genstudio.ui.engine import Engine
from genstudio.ui.layouts import hbox, named, vbox
from genstudio.ui.library import Library
from genstudio.ui.widgets import EmptyState, button, primary_button

COLUMNS = ("Name", "State", "Step", "Result", "Dataset", "Changes", "Created")
Index = QModelIndex | QPersistentModelIndex


def changes(info: RunInfo) -> str:
    """The settings that differ from the family's defaults, in a few words; of a run that something is wrong with, what."""
    if info.reason:
        return info.reason
    family = families.find(info.family)
    if family is None:
        return f"Its family, '{info.family}', is unknown to this version."
    try:
        mine = family.config.parse(info.config)
    except ConfigError:
        return ""
    return ", ".join(f"{name} {value}" for name, (value, _) in mine.changes(family.config()).items())


def _result(info: RunInfo) -> tuple[str, float] | None:
    """How good its model is, by what its family measures."""
    family = families.find(info.family)
    return result(family.dashboard.result, info) if family is not None else None


class RunsModel(QAbstractTableModel):
    """Rows are runs, newest first."""

    renamed = Signal(str, str)

    def __init__(self) -> None:
        super().__init__()
        self.runs: list[RunInfo] = []
        self._cells: list[list[Any]] = []

    def show_runs(self, runs: Listed) -> None:
        self.beginResetModel()
        self.runs = list(runs)
        self._cells = [
            [
                r.name,
                r.state,
                r.step,
                _result(r),
                str(r.dataset.get("title", "")),
                changes(r),
                _when(r.created),
            ]
            for r in self.runs
        ]
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        return 0 if parent.isValid() else len(self.runs)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        return 0 if parent.isValid() else len(COLUMNS)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        value = self._cells[index.row()][index.column()]
        if role == Qt.ItemDataRole.EditRole:
            return value
        if role == Qt.ItemDataRole.UserRole:
            value = value[1] if isinstance(value, tuple) else value
            return -1.0 if value is None else value
        if role == Qt.ItemDataRole.DisplayRole:
            if index.column() == 2:
                return f"{value:,}"
            if index.column() == 3:
                return "" if value is None else value[0]
            return value
        if role == Qt.ItemDataRole.TextAlignmentRole and index.column() in (2, 3):
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        if role == Qt.ItemDataRole.ToolTipRole:
            run = self.runs[index.row()]
            return run.reason or str(run.folder)
        return None

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        if index.column() != 0 or not str(value).strip():
            return False
        self.renamed.emit(str(self.runs[index.row()].folder), str(value).strip())
        return True

    def flags(self, index: Index) -> Qt.ItemFlag:
        flags = super().flags(index)
        return flags | Qt.ItemFlag.ItemIsEditable if index.column() == 0 else flags

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return COLUMNS[section]
        return None


def _when(created: str) -> str:
    return created.replace("T", " ")[:16]


class RunsTab(QWidget):
    """`open_wanted(path)`, `resume_wanted(path)`, `failed(Failure)`, `done(text)`."""

    open_wanted = Signal(str)
    resume_wanted = Signal(str)
    failed = Signal(object)
    done = Signal(str)

    def __init__(self, engine: Engine, library: Library) -> None:
        super().__init__()
        self.setObjectName("runs_tab")
        self._engine, self._library = engine, library
        self._wanted = ""
        self.model = RunsModel()
        self._sorted = QSortFilterProxyModel(self)
        self._sorted.setSourceModel(self.model)
        self._sorted.setSortRole(Qt.ItemDataRole.UserRole)
        self._sorted.setFilterKeyColumn(-1)
        self._sorted.setFilterCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.search = named(QLineEdit(), "runs_search", "Find a run")
        self.search.setPlaceholderText("Find a run")
        self.search.setClearButtonEnabled(True)
        self.table = QTableView()
        self.empty = EmptyState(
            "runs", "Your trainings appear here. Start one in a tab to the left.", "", "no_runs"
        )
        self.open = primary_button("Open", "open_run", "open")
        self.resume = button("Resume", "resume_run", "play")
        self.rename = button("Rename", "rename_run", "pencil")
        self.export = button("Export", "export_run", "download")
        self.adopt = button("Open a model…", "import_model", "open")
        self.delete = button("Delete", "delete_run", "trash")
        self._lay_out()
        self._connect()
        self._show(library.runs)

    @property
    def selected(self) -> RunInfo | None:
        rows = self.table.selectionModel().selectedRows()
        return self.model.runs[self._sorted.mapToSource(rows[0]).row()] if rows else None

    def select(self, path: str) -> None:
        """Choose a run by its folder, as soon as it is listed."""
        self.search.clear()
        self._wanted = path
        self._show(tuple(self.model.runs))

    def _show(self, runs: Listed) -> None:
        chosen = self._wanted or str(self.selected.folder if self.selected is not None else "")
        self.model.show_runs(runs)
        self.stack.setCurrentIndex(1 if runs else 0)
        for row, run in enumerate(runs):
            if str(run.folder) == chosen:
                self._wanted = ""
                self.table.selectRow(self._sorted.mapFromSource(self.model.index(row, 0)).row())
        self._enable()

    def _adopted(self, found: ImportedModel) -> None:
        self.done.emit(" ".join(("The model has been added to the list; the Playground can use it.", *found.notes)))

    def _exported(self, place: str) -> None:
        self.done.emit(f"Exported to {place}.")

    def _on_end(self, failure: Failure | None) -> None:
        if failure is not None:
            self.failed.emit(failure)
        self._library.refresh_runs()

    def _enable(self) -> None:
        run = self.selected
        sound = run if run is not None and run.usable else None
        self.open.setEnabled(sound is not None)
        self.resume.setEnabled(sound is not None and sound.state != "finished")
        self.rename.setEnabled(sound is not None)
        self.export.setEnabled(sound is not None and bool(sound.checkpoints))
        self.delete.setEnabled(run is not None)

    def _edit_name(self) -> None:
        editing = self.table.state() == QTableView.State.EditingState
        if (run := self.selected) is not None and run.usable and not editing:
            self.table.edit(self.table.currentIndex().siblingAtColumn(0))

    def _delete(self) -> None:
        run = self.selected
        if run is None:
            return
        question = QMessageBox(QMessageBox.Icon.Warning, "Delete run", f"Delete the run '{run.name}'?", parent=self)
        question.setTextFormat(Qt.TextFormat.PlainText)
        wrong = f"{run.reason} " if run.reason else ""
        question.setInformativeText(f"{wrong}Its curves, samples and checkpoints are removed from the disk.")
        question.setStandardButtons(QMessageBox.StandardButton.Cancel)
        yes = question.addButton("Delete", QMessageBox.ButtonRole.DestructiveRole)
        question.exec()
        if question.clickedButton() is yes:
            self._engine.start(RemoveRun(str(run.folder)), None, self._on_end)

    def adopt_model(self, folder: str) -> None:
        """Make a run of another program's GPT-2 style folder."""
        self._engine.start(ImportModel(folder), None, self._on_end, on_result=self._adopted)

    def export_run(self, form: str) -> None:
        """Ask where to, and write the selected run's newest model there for other programs."""
        run = self.selected
        if run is None:
            return
        place, _ = QFileDialog.getSaveFileName(self, "Name of the new folder", f"{run.name} for {form}")
        if place:
            task = ExportModel(ModelRef(str(run.folder)), place, form)
            self._engine.start(task, None, self._on_end, on_result=self._exported)

    def _ask_for_model(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Folder with config.json and model.safetensors")
        if folder:
            self.adopt_model(folder)

    def _emit(self, signal: Any) -> None:
        if (run := self.selected) is not None and run.usable:
            signal.emit(str(run.folder))

    def _connect(self) -> None:
        self.open.clicked.connect(lambda: self._emit(self.open_wanted))
        self.resume.clicked.connect(lambda: self._emit(self.resume_wanted))
        self.rename.clicked.connect(self._edit_name)
        for keys, does in (
            ("Return", lambda: self._emit(self.open_wanted)),
            ("Enter", lambda: self._emit(self.open_wanted)),
            ("F2", self._edit_name),
        ):
            shortcut = QShortcut(QKeySequence(keys), self.table, context=Qt.ShortcutContext.WidgetShortcut)
            shortcut.activated.connect(does)
        self.delete.clicked.connect(self._delete)
        self.adopt.clicked.connect(self._ask_for_model)
        menu = QMenu(self)
        for form, text in (
            ("hf", "GPT-2 style folder (transformers)"),
            ("safetensors", "Weights and settings (safetensors)"),
        ):
            menu.addAction(text).triggered.connect(lambda _=False, form=form: self.export_run(form))
        self.export.setMenu(menu)
        self.table.doubleClicked.connect(lambda _: self._emit(self.open_wanted))
        self.table.selectionModel().selectionChanged.connect(lambda *_: self._enable())
        self.model.renamed.connect(lambda path, name: self._engine.start(RenameRun(path, name), None, self._on_end))
        self._library.runs_changed.connect(self._show)
        self.search.textChanged.connect(self._sorted.setFilterFixedString)

    def _lay_out(self) -> None:
        self.table.setObjectName("runs_table")
        self.table.setAccessibleName("Runs")
        self.table.setModel(self._sorted)
        self.table.setSortingEnabled(True)
        self.table.sortByColumn(6, Qt.SortOrder.DescendingOrder)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setShowGrid(False)
        self.table.setAlternatingRowColors(True)
        self.table.verticalHeader().hide()
        header = self.table.horizontalHeader()
        for column, width in enumerate((200, 84, 84, 240, 150, 300, 140)):
            self.table.setColumnWidth(column, width)
        header.setSectionResizeMode(5, QHeaderView.ResizeMode.Stretch)
        self.stack = QStackedWidget()
        self.stack.addWidget(self.empty)
        self.stack.addWidget(self.table)
        buttons = hbox((self.search, 1), *(self.open, self.resume, self.rename, self.export, self.delete, self.adopt))
        vbox(buttons, (self.stack, 1), into=self, margins=(12, 12, 12, 12))

    def showEvent(self, event: Any) -> None:
        super().showEvent(event)
        QTimer.singleShot(0, self._library.refresh_runs)
