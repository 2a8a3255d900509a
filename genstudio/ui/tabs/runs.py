"""The Runs tab: every run there is at the left, and at the right what the selected ones are, did and have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from PySide6.QtCore import QItemSelectionModel, QPoint, Qt, QTimer, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QKeySequence, QShortcut, QShowEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QFileDialog,
    QLineEdit,
    QMenu,
    QMessageBox,
    QPushButton,
    QSizePolicy,
    QTableView,
    QToolButton,
    QWidget,
)

from genstudio import families
from genstudio.errors import Failure
from genstudio.families.dashboard import Standing
from genstudio.runs import RunInfo
from genstudio.tasks.exchange import ExportModel, ImportedModel, ImportModel
from genstudio.tasks.models import ModelRef
from genstudio.tasks.runs import (
    EmptyTrash,
    Listed,
    ListTrash,
    MarkRun,
    ReadLast,
    ReadNumbers,
    RenameRun,
    RestoreRuns,
    TrashRuns,
)
from genstudio.tasks.task import Task
from genstudio.ui.engine import Engine
from genstudio.ui.layouts import Flow, Stack, Tabs, choice, hbox, named, single_shot, splitter, vbox
from genstudio.ui.library import Library
from genstudio.ui.runs.actions import ACTIONS, FORMS, form_problem
from genstudio.ui.runs.background import Background
from genstudio.ui.runs.details import Details
from genstudio.ui.runs.leaderboard import Leaderboard
from genstudio.ui.runs.model import INFO_ROLE, TITLES, Column, RunsModel, Sifted
from genstudio.ui.runs.overlay import MOST as MOST_CURVES
from genstudio.ui.runs.overlay import Overlay
from genstudio.ui.runs.painting import HEIGHT, RunPainter
from genstudio.ui.runs.settings_table import SettingsTable
from genstudio.ui.runs.side_by_side import MOST as MOST_SAMPLES
from genstudio.ui.runs.side_by_side import SideBySide
from genstudio.ui.runs.wording import family_title, title_of
from genstudio.ui.widgets import EmptyState, button, icon_button, named_tabs, plain_label, primary_button, tooltip

_ORDER = (
    Column.STAR, Column.NAME, Column.RESULT, Column.DATASET, Column.FAMILY, Column.TRAINED, Column.SIZE, Column.STATE,
    Column.STEP, Column.CREATED, Column.CHANGES,
)  # fmt: skip
_WIDTHS = {
    Column.STAR: 26, Column.NAME: 300, Column.RESULT: 224, Column.DATASET: 130, Column.FAMILY: 110, Column.TRAINED: 70,
    Column.SIZE: 70, Column.STATE: 80, Column.STEP: 76, Column.CREATED: 126, Column.CHANGES: 300,
}  # fmt: skip
_ICONS = ("star_run", "rename_run", "show_run_folder")
_REST_MS = 60


class RunsTab(QWidget):
    """`open_wanted(path)`, `resume_wanted(path)`, `duplicate_wanted(path)`, `play_wanted(paths)`, `race_wanted(infos)`,
    `failed(Failure)`, `done(text)`."""

    open_wanted = Signal(str)
    resume_wanted = Signal(str)
    duplicate_wanted = Signal(str)
    play_wanted = Signal(object)
    race_wanted = Signal(object)
    failed = Signal(object)
    done = Signal(str)

    def __init__(self, engine: Engine, library: Library) -> None:
        super().__init__()
        self.setObjectName("runs_tab")
        self._engine, self._library = engine, library
        self._wanted: set[str] = set()
        self._deleted: list[tuple[str, ...]] = []
        self._several = False
        self.model = RunsModel(engine)
        self._sorted = Sifted(self.model)
        self.search = named(QLineEdit(), "runs_search", "Find a run")
        self.search.setPlaceholderText("Find a run")
        self.search.setClearButtonEnabled(True)
        self.family = choice("runs_family", "Show runs of this model only")
        self.data = choice("runs_dataset", "Show runs on this dataset only")
        self.stars = icon_button("star", "runs_stars", "Show runs with a star only")
        self.stars.setCheckable(True)
        self.count = plain_label(role="quiet", name="runs_count")
        self.table = QTableView()
        self.empty = EmptyState(
            "runs", "Your trainings appear here. Start one in a tab to the left.", "", "no_runs"
        )
        self.none = plain_label("No run fits the search.", role="quiet", name="runs_none")
        self.none.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.buttons: dict[str, QPushButton | QToolButton] = {}
        for action in ACTIONS:
            if action.name in _ICONS:
                self.buttons[action.name] = icon_button(action.icon, action.name, action.words)
            else:
                kind = primary_button if action.name == "open_run" else button
                self.buttons[action.name] = kind(action.words, action.name, action.icon)
        self.open, self.resume, self.delete = (self.buttons[name] for name in ("open_run", "resume_run", "delete_run"))
        self.rename, self.export = self.buttons["rename_run"], self.buttons["export_run"]
        self.adopt = button("Open a model…", "import_model", "open", "Open a model of another program")
        self.trash = button("Trash", "runs_trash", "trash", "Restore deleted runs, or remove them for good")
        self.trash_menu, self._exports = QMenu(self), QMenu(self)
        self._exports.setToolTipsVisible(True)
        self.details = Details()
        self.curves, self.settings, self.samples = Overlay(), SettingsTable(), SideBySide()
        self.board = Leaderboard(lambda run: (self.model.standing(run), self.model.known_references(run)))
        self._numbers = Background(engine, 24, self)
        self._looks = Background(engine, 24, self)
        self._begun = self._waits = False
        self.pages = Tabs()
        self._rest, self._enabling = single_shot(self, _REST_MS), single_shot(self)
        self._lay_out()
        self._connect()
        self._show(library.runs)

    @property
    def selection(self) -> list[RunInfo]:
        """The selected runs, from the top of the list."""
        parts = self.table.selectionModel().selection()  # whole rows; selectedRows() asks for the flags of every cell
        spans = [(parts.at(place).top(), parts.at(place).bottom()) for place in range(parts.count())]
        rows = {row for top, bottom in spans for row in range(top, bottom + 1)}
        return [self.model.runs[self._sorted.source_row(row)] for row in sorted(rows)]

    @property
    def selected(self) -> RunInfo | None:
        """The only run that is selected, or the first of several."""
        return next(iter(self.selection), None)

    def select(self, *paths: str) -> None:
        """Choose runs by their folders, as soon as they are listed."""
        for box in (self.family, self.data):
            box.setCurrentIndex(0)
        self.stars.setChecked(False)
        self.search.clear()
        self._wanted = set(paths)
        self._show(tuple(self.model.runs))

    def _show(self, runs: Listed) -> None:
        self._waits = self._editing
        if self._waits:  # a reset of the rows would close the field and drop the name that is being typed
            return
        chosen = self._wanted or {str(info.folder) for info in self.selection}
        current = self.table.currentIndex().data(INFO_ROLE)
        self.model.show_runs(runs)
        self._fill(self.family, {info.family: family_title(info) for info in runs if info.family}, "All models")
        self._fill(self.data, {str(info.dataset["id"]): title_of(info) for info in runs if info.dataset.get("id")},
                   "All datasets")  # fmt: skip
        self._sift()
        self._choose(chosen, "" if current is None else str(current.folder))
        if runs and not self._begun:
            self._begun = True
            if not self.selection:
                self.table.selectRow(0)
        self._wanted -= {str(run.folder) for run in runs}
        self._enable()
        self._rest.start()

    def _choose(self, paths: set[str], current: str) -> None:
        """Select these rows, and put the keys on the one that they were on."""
        if not paths:
            return
        marks = self.table.selectionModel()
        rows = [row for path in paths if (row := self.model.row_of(path)) is not None]
        places = [at for row in rows if (at := self._sorted.mapFromSource(self.model.index(row, Column.NAME))).isValid()]
        here = next((at for at in places if str(at.data(INFO_ROLE).folder) == current), next(iter(places), None))
        flag = QItemSelectionModel.SelectionFlag
        if {str(info.folder) for info in self.selection} != paths:
            marks.clearSelection()
            for at in places:
                marks.select(at, flag.Select | flag.Rows)
        if here is not None:
            marks.setCurrentIndex(here, flag.NoUpdate)
            if self._wanted:
                self.table.scrollTo(here)

    def _fill(self, box: QComboBox, choices: dict[str, str], every: str) -> None:
        now = box.currentData() or ""
        wanted = [("", every), *sorted(choices.items(), key=lambda pair: pair[1].casefold())]
        if wanted != [(box.itemData(at), box.itemText(at)) for at in range(box.count())]:
            box.blockSignals(True)
            box.clear()
            for value, words in wanted:
                box.addItem(words, value)
            box.setCurrentIndex(max(box.findData(now), 0))
            box.blockSignals(False)

    def _sift(self) -> None:
        chosen = {str(info.folder) for info in self.selection}
        self._sorted.sift(
            self.search.text(), self.family.currentData() or "", self.data.currentData() or "", self.stars.isChecked()
        )
        self._choose(chosen, "")
        shown, every = self._sorted.rowCount(), len(self.model.runs)
        self.stack.setCurrentWidget(self.empty if not every else self.list if shown else self.none)
        words = f"{every:,} run{'' if every == 1 else 's'}"
        self.count.setText(words if shown == every else f"{shown:,} of {words}")

    def _adopted(self, found: ImportedModel) -> None:
        self.done.emit(" ".join(("The model has been added to the list; the Playground can use it.", *found.notes)))

    def _exported(self, place: str) -> None:
        self.done.emit(f"Exported to {place}.")

    def _on_end(self, failure: Failure | None) -> None:
        if failure is not None:
            self.failed.emit(failure)
        self._library.refresh_runs()

    def _enable(self) -> None:
        runs = self.selection
        for action in ACTIONS:
            problem, made = action.problem(runs), self.buttons[action.name]
            keys = f" ({QKeySequence(action.keys).toString(QKeySequence.SequenceFormat.NativeText)})" if action.keys else ""
            made.setEnabled(not problem)
            made.setToolTip(tooltip(problem or action.says + keys))
            made.setAccessibleDescription(problem or action.says)
            if action.name == "show_race":  # few runs have one, and the others in this row need the room
                made.setHidden(not any(run.race for run in runs))

    def _look(self) -> None:
        """Show what the selected runs are."""
        runs, page = self.selection, self.pages.currentWidget()
        several = len(runs) > 1
        if several and not self._several and page is self.details:
            self.pages.setCurrentWidget(self.curves)  # which comes back here
        self._several = several
        page = self.pages.currentWidget()
        if page is self.details and runs:
            first = runs[0]
            self.details.show_run(first, self.model.glance(first), self.model.standing(first, work_out=True))
        elif page is self.board:
            self.board.show_runs(self.model.runs, next(iter(runs), None))
        elif page is self.settings:
            self.settings.show_runs(runs)
        elif page is self.curves:
            self.curves.show_runs(runs, self._read(self._numbers, runs[:MOST_CURVES], _numbers), self._standing(runs))
        elif page is self.samples:
            self.samples.show_runs(runs, self._read(self._looks, runs[:MOST_SAMPLES], _last))

    def _standing(self, runs: Sequence[RunInfo]) -> Standing | None:
        """What the result of runs of one family on one dataset is compared with."""
        if len({(run.family, str(run.dataset.get("id", ""))) for run in runs}) != 1:
            return None
        return self.model.standing(runs[0], work_out=True)

    def _read(self, source: Background, runs: Sequence[RunInfo], task: Callable[[RunInfo], Task[Any]]) -> dict[str, Any]:
        """What is known of these runs, by folder; the rest is read, and nothing else that waited to be."""
        keys = {(str(run.folder), run.step, run.state): run for run in runs if run.usable}
        source.wait_for(set(keys))
        found = {key: source.get(key, partial(task, run)) for key, run in reversed(keys.items())}
        return {key[0]: value for key, value in found.items() if source.known(key)}

    def raced_with(self, run: RunInfo) -> tuple[RunInfo, ...]:
        """The runs of its race that are there and can be read, in the order in which they were set up."""
        same = [one for one in self.model.runs if one.usable and one.race.get("id") == run.race["id"]]
        return tuple(sorted(same, key=lambda one: int(one.race["place"])))

    def trigger(self, name: str) -> None:
        """Do what an action of ACTIONS is about with the selected runs, if that can be done."""
        action = next(one for one in ACTIONS if one.name == name)
        runs = self.selection
        if not action.problem(runs):
            does: dict[str, Callable[[Sequence[RunInfo]], object]] = {
                "open_run": lambda runs: self.open_wanted.emit(str(runs[0].folder)),
                "resume_run": lambda runs: self.resume_wanted.emit(str(runs[0].folder)),
                "duplicate_run": lambda runs: self.duplicate_wanted.emit(str(runs[0].folder)),
                "play_run": lambda runs: self.play_wanted.emit(tuple(str(run.folder) for run in runs)),
                "show_race": lambda runs: self.race_wanted.emit(self.raced_with(runs[0])),
                "star_run": self._star,
                "rename_run": lambda _: self._edit_name(),
                "show_run_folder": lambda runs: QDesktopServices.openUrl(QUrl.fromLocalFile(str(runs[0].folder))),
                "export_run": lambda _: None,
                "delete_run": self._delete,
            }
            does[name](runs)

    def undo_delete(self) -> None:
        """Bring back what was deleted last."""
        if self._deleted:
            self.restore(self._deleted.pop())

    def restore(self, places: tuple[str, ...]) -> None:
        """Bring runs of the trash back among the others, and select them."""

        def back(folders: tuple[str, ...]) -> None:
            self._wanted = set(folders)
            self.done.emit(f"{_count(len(folders))} restored.")

        self._engine.start(RestoreRuns(places), None, self._on_end, on_result=back)

    def empty_trash(self, count: int) -> None:
        """Ask, and remove everything in the trash from the disk."""
        question = QMessageBox(QMessageBox.Icon.Warning, "Empty the trash", f"Remove {_count(count)} for good?", parent=self)
        question.setInformativeText("Their curves, samples and checkpoints are removed from the disk.")
        question.setStandardButtons(QMessageBox.StandardButton.Cancel)
        yes = question.addButton("Empty the trash", QMessageBox.ButtonRole.DestructiveRole)
        question.exec()
        if question.clickedButton() is yes:
            self._deleted.clear()
            self._engine.start(EmptyTrash(), None, self._on_end, on_result=lambda n: self.done.emit(f"{_count(n)} removed."))

    def _star(self, runs: Sequence[RunInfo]) -> None:
        star = not all(run.star for run in runs)
        for run in runs:
            self._engine.start(MarkRun(str(run.folder), star=star), None, self._on_end)

    @property
    def _editing(self) -> bool:
        return self.table.state() == QTableView.State.EditingState

    def _edited(self) -> None:
        if self._waits:
            self._show(self._library.runs)

    def _edit_name(self) -> None:
        if not self._editing and (run := self.selected) is not None:
            row = self.model.row_of(str(run.folder))
            assert row is not None
            self.table.edit(self._sorted.mapFromSource(self.model.index(row, Column.NAME)))

    def _delete(self, runs: Sequence[RunInfo]) -> None:
        row = self.table.selectionModel().selectedRows()[0].row()

        def moved(places: tuple[str, ...]) -> None:
            self._deleted.append(places)
            keys = QKeySequence("Ctrl+Alt+Z").toString(QKeySequence.SequenceFormat.NativeText)
            self.done.emit(f"{_count(len(places))} moved to the trash. {keys} in the list of runs brings back what was deleted.")

        def ended(failure: Failure | None) -> None:
            self._on_end(failure)
            if failure is None and self._sorted.rowCount() > 1:
                near = self._sorted.index(row - 1 if row else len(runs), 0).data(INFO_ROLE)
                self._wanted = set() if near is None else {str(near.folder)}

        self._engine.start(TrashRuns(tuple(str(run.folder) for run in runs)), None, ended, on_result=moved)

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

    def context_menu(self) -> QMenu:
        """Everything that can be done with the selected runs; what cannot says why."""
        menu, runs = QMenu(self), self.selection
        menu.setObjectName("runs_context")
        menu.setToolTipsVisible(True)
        for action in ACTIONS:
            problem = action.problem(runs)
            if action.name == "export_run":
                some = menu.addMenu(self._export_menu(menu))
                some.setText(action.words)
            else:
                some = menu.addAction(action.words)
                some.triggered.connect(lambda _=False, name=action.name: self.trigger(name))
                some.setShortcut(QKeySequence(action.keys))
                some.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
            some.setEnabled(not problem)
            some.setToolTip(problem or action.says)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        return menu

    def _export_menu(self, parent: QWidget) -> QMenu:
        menu, runs = QMenu(parent), self.selection
        menu.setToolTipsVisible(True)
        for form, text in FORMS.items():
            entry = menu.addAction(text)
            entry.setObjectName(f"export_run_{form}")
            entry.triggered.connect(lambda _=False, form=form: self.export_run(form))
            entry.setEnabled(not (problem := form_problem(runs, form)))
            entry.setToolTip(problem or text)
        return menu

    def _fill_exports(self) -> None:
        self._exports.clear()
        self._exports.addActions(self._export_menu(self._exports).actions())

    def _fill_trash(self, deleted: Listed) -> None:
        self.trash_menu.clear()
        if not deleted:
            self.trash_menu.addAction("The trash is empty").setEnabled(False)
            return
        undo = self.trash_menu.addAction("Undo the last deletion", self.undo_delete)
        undo.setEnabled(bool(self._deleted))
        self.trash_menu.addSeparator()
        for info in deleted[:20]:
            words = ", ".join(filter(None, (info.name, title_of(info), info.created.replace("T", " ")[:16])))
            self.trash_menu.addAction(f"Restore {words}").triggered.connect(
                lambda _=False, place=str(info.folder): self.restore((place,))
            )
        self.trash_menu.addSeparator()
        if len(deleted) > 1:
            every = tuple(str(info.folder) for info in deleted)
            self.trash_menu.addAction(f"Restore all {len(deleted)} runs", lambda: self.restore(every))
        self.trash_menu.addAction("Empty the trash…", lambda: self.empty_trash(len(deleted)))

    def _open_trash(self) -> None:
        def show(deleted: Listed) -> None:
            self._fill_trash(deleted)
            self.trash_menu.popup(self.trash.mapToGlobal(QPoint(0, self.trash.height())))

        def ended(failure: Failure | None) -> None:
            if failure is not None:
                self.failed.emit(failure)

        self._engine.start(ListTrash(), None, ended, on_result=show)

    def _note(self, path: str, notes: str) -> None:
        self._engine.start(MarkRun(path, notes=notes), None, self._on_end)

    def _arrived(self, key: Any) -> None:
        """Something of a run was read: the pages may show it; sizes may have to be sorted again."""
        shown = {str(info.folder) for info in self.selection}
        if shown & {key[0], key[-1]} or self.pages.currentWidget() is self.board:
            self._rest.start()
        if not self.model.glances.busy and self.table.horizontalHeader().sortIndicatorSection() == Column.SIZE:
            self._sorted.sort_again()

    def _connect(self) -> None:
        for name, made in self.buttons.items():
            made.clicked.connect(lambda _=False, name=name: self.trigger(name))
        self.export.setMenu(self._exports)
        self._exports.aboutToShow.connect(self._fill_exports)
        for keys in ("Return", "Enter"):
            shortcut = QShortcut(QKeySequence(keys), self.table, context=Qt.ShortcutContext.WidgetShortcut)
            shortcut.activated.connect(lambda: self.trigger("open_run"))
        self.adopt.clicked.connect(self._ask_for_model)
        self.trash.clicked.connect(self._open_trash)
        self.table.doubleClicked.connect(lambda _: self.trigger("open_run"))
        self.table.clicked.connect(lambda at: self.trigger("star_run") if at.column() == Column.STAR else None)
        self.table.customContextMenuRequested.connect(
            lambda at: self.context_menu().popup(self.table.viewport().mapToGlobal(at))
        )
        marks = self.table.selectionModel()
        marks.selectionChanged.connect(lambda *_: self._enabling.start())
        self._enabling.timeout.connect(self._enable)
        marks.selectionChanged.connect(lambda *_: self._rest.start())
        self._rest.timeout.connect(self._look)
        self.model.renamed.connect(lambda path, name: self._engine.start(RenameRun(path, name), None, self._on_end))
        self.model.glances.arrived.connect(self._arrived)
        self.model.references.arrived.connect(self._arrived)
        for source in (self._numbers, self._looks):
            source.arrived.connect(lambda _: self._rest.start())
        self.pages.currentChanged.connect(lambda _: self._look())
        self.board.chosen.connect(self.open_wanted)
        self.curves.failed.connect(self.failed)
        self.samples.failed.connect(self.failed)
        self.details.noted.connect(self._note)
        self._library.runs_changed.connect(self._show)
        self.search.textChanged.connect(lambda _: self._sift())
        for box in (self.family, self.data):
            box.currentIndexChanged.connect(lambda _: self._sift())
        self.stars.toggled.connect(lambda _: self._sift())

    def _lay_out(self) -> None:
        self.table.setObjectName("runs_table")
        self.table.setAccessibleName("Runs")
        self.table.setModel(self._sorted)
        self.table.setItemDelegate(RunPainter(self._sorted, self.table))
        self.table.itemDelegate().closeEditor.connect(lambda *_: QTimer.singleShot(0, self, self._edited))
        self.table.setSortingEnabled(True)
        self.table.sortByColumn(Column.CREATED, Qt.SortOrder.DescendingOrder)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.table.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.table.setWordWrap(False)
        self.table.setShowGrid(False)
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setDefaultSectionSize(HEIGHT)
        self.table.verticalHeader().setMinimumSectionSize(HEIGHT)
        header = self.table.horizontalHeader()
        header.setMinimumSectionSize(20)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setHighlightSections(False)
        for place, column in enumerate(_ORDER):
            header.moveSection(header.visualIndex(column), place)
            self.table.setColumnWidth(column, _WIDTHS[column])
        header.setAccessibleName(f"Sort by {', '.join(TITLES.values())}")
        self.list = self.table
        self.stack = Stack()
        for page in (self.list, self.empty, self.none):
            self.stack.addWidget(page)
        for box in (self.family, self.data):
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            box.setMinimumContentsLength(11)
        self.pages.setObjectName("runs_pages")
        named_tabs(self.pages, "About the selected runs")
        for title, about in zip(
            ("Details", "Curves", "Settings", "Samples", "Leaderboard"),
            (self.details, self.curves, self.settings, self.samples, self.board), strict=True,
        ):  # fmt: skip
            self.pages.addTab(about, title)
        actions = Flow(*self.buttons.values(), spacing=6)
        grows = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        grows.setHeightForWidth(True)
        actions.setSizePolicy(grows)
        right = QWidget()
        vbox(actions, (self.pages, 1), into=right, margins=(8, 0, 0, 0))
        self.splitter = splitter("runs_splitter", (self.stack, 3), (right, 2), sizes=(700, 540), down=False)
        top = hbox((self.search, 1), self.family, self.data, self.stars, self.count, None, self.trash, self.adopt)
        vbox(top, (self.splitter, 1), into=self, margins=(12, 12, 12, 12))

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        QTimer.singleShot(0, self._library.refresh_runs)


def _numbers(run: RunInfo) -> Task[Any]:
    return ReadNumbers(str(run.folder))


def _last(run: RunInfo) -> Task[Any]:
    family = families.find(run.family)
    return ReadLast(str(run.folder), family.dashboard.looks() if family is not None else ())


def _count(count: int) -> str:
    return f"{count:,} run{'' if count == 1 else 's'}"
