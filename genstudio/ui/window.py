"""The one window: its rooms, and what one of them says to the others."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QKeyEvent
from PySide6.QtWidgets import QApplication, QMainWindow, QSplitter, QWidget

from genstudio import families
from genstudio.data.info import DatasetInfo
from genstudio.errors import Failure
from genstudio.events import Frame
from genstudio.runs import RunInfo
from genstudio.tasks.runs import DescribeRun
from genstudio.tasks.task import WarmUp
from genstudio.ui import dropping, theme
from genstudio.ui.asking import Asking
from genstudio.ui.banners import Banners
from genstudio.ui.engine import Engine
from genstudio.ui.enter_key import EnterPresses
from genstudio.ui.library import Library
from genstudio.ui.menus import Menus
from genstudio.ui.remember import Memory
from genstudio.ui.rooms import Rooms
from genstudio.ui.shortcuts import KeysDialog
from genstudio.ui.status import StatusBar
from genstudio.ui.train.tab import TrainingTab
from genstudio.ui.widgets import Banner

if TYPE_CHECKING:
    from genstudio.ui.tabs.datasets import DatasetsTab
    from genstudio.ui.tabs.playground import PlaygroundTab
    from genstudio.ui.tabs.runs import RunsTab

_FIRST = "transformer"
"""The room that is painted first; the others are built once it is seen."""
_SIZE = 1360, 860


class MainWindow(QMainWindow):
    """Holds the engine, the library and the rooms, and carries what one room says to the others."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("main_window")
        self.setWindowTitle("genstudio")
        self.setAcceptDrops(True)
        self.engine = Engine(self)
        self.library = Library(self.engine, self)
        self.memory = Memory()
        self._asking = Asking(self.engine)
        self._summaries: dict[str, str] = {}
        self._drawing: tuple[str, frozenset[str]] | None = None
        self._begun = False
        self.tabs = Rooms(self.engine, self.library)
        self.tabs.built.connect(self._built)
        self.tabs.show_room(_FIRST)
        self.banners = Banners(self.tabs)
        self.setCentralWidget(self.banners)
        self.status = StatusBar(self.engine, self.tabs.key)
        self.setStatusBar(self.status)
        self.doing, self.chips = self.status.doing, self.status.chips
        self.menus = Menus(self)
        EnterPresses(self)
        self._connect()
        self._restore()
        theme.dress(self)

    @property
    def datasets(self) -> DatasetsTab:
        """The Datasets tab. This and those below are built when first asked for."""
        return cast("DatasetsTab", self.tabs.page("datasets"))

    @property
    def transformer(self) -> TrainingTab:
        return self.trainer("transformer")

    @property
    def playground(self) -> PlaygroundTab:
        return cast("PlaygroundTab", self.tabs.page("playground"))

    @property
    def gan(self) -> TrainingTab:
        return self.trainer("gan")

    @property
    def runs(self) -> RunsTab:
        return cast("RunsTab", self.tabs.page("runs"))

    def trainer(self, room: str) -> TrainingTab:
        """The tab that trains the families of a room."""
        return cast(TrainingTab, self.tabs.page(room))

    def trainers(self) -> dict[str, TrainingTab]:
        """The training tabs that are built, by their rooms."""
        return {key: page for key, page in self.tabs.pages.items() if isinstance(page, TrainingTab)}

    @property
    def ready(self) -> bool:
        """Whether everything that `begin` starts is there, and torch is imported."""
        return self._begun and "warm-up" not in self.engine.running

    def begin(self) -> None:
        """What waits until the window has been painted, in steps between which the window answers."""
        steps = self._rest()
        timer = QTimer(self)

        def step() -> None:
            if next(steps, steps) is steps:
                timer.stop()
                self._begun = True

        timer.timeout.connect(step)
        timer.start(0)

    def _rest(self) -> Iterator[None]:
        """The other rooms and the large libraries, the runs that were open, then the lists."""
        for key, room in self.tabs.rooms.items():
            for module in room.ahead:
                importlib.import_module(module)
                yield
            page = self.tabs.page(key)
            yield
            if isinstance(page, TrainingTab):
                self._restore_panel(key, page)
                yield
                self._reopen(key, page)
                yield
        self.library.refresh_runs()
        self.library.refresh_datasets()
        if self.memory.room() in self.tabs.rooms:
            self.tabs.show_room(self.memory.room())
        yield
        self.engine.start(
            WarmUp(),
            self._on_warm,
            lambda _failure: self.engine.settle(),
            on_result=self.status.device.setText,
            name="warm-up",
        )

    def show_failure(self, failure: Failure) -> None:
        """A banner with what happened and what to do."""
        self.banners.add(Banner.of(failure), failure.message)

    def show_banner(self, what: str, kind: str = "info", next_step: str = "") -> None:
        self.banners.add(Banner(what, kind=kind, next_step=next_step), what)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc closes the newest banner, unless what has the focus uses it."""
        if event.key() != Qt.Key.Key_Escape or not self.banners.dismiss_newest():
            super().keyPressEvent(event)

    def import_files(self, paths: list[str]) -> None:
        """Show what these files are, and offer to make a dataset of them."""
        self.tabs.show_room("datasets")
        self.datasets.import_files(paths)

    def ask_for_file(self) -> None:
        self.tabs.show_room("datasets")
        self.datasets.ask_for_files()

    def show_import(self) -> None:
        self.tabs.show_room("datasets")
        self.datasets.show_import()

    def generate(self) -> None:
        """Write in the Playground."""
        self.tabs.show_room("playground")
        self.playground.start_writing()

    def show_keys(self) -> None:
        dialog = KeysDialog(self, self.menuBar().actions())
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.show()

    def set_theme(self, mode: str) -> None:
        """Colours: system, light or dark."""
        app = QApplication.instance()
        if isinstance(app, QApplication):
            theme.apply(app, mode)  # type: ignore[arg-type]
        self.memory.set("theme", mode)
        self.menus.check(mode)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().urls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        found = dropping.sorted_out(event.mimeData().urls())
        event.acceptProposedAction()
        if found.links:
            self.show_banner(
                "Only files on this computer can be dropped here, not links.",
                next_step="Download it first, then drop the file.",
            )
        for run in found.runs:
            self.open_run(run)
        for model in found.models:
            self.tabs.show_room("runs")
            self.runs.adopt_model(model)
        if found.data:
            self.import_files(found.data)

    def closeEvent(self, event: QCloseEvent) -> None:
        try:
            self._remember()
        finally:  # whatever cannot be remembered, what trains is saved
            self.hide()
            self.engine.close()
        super().closeEvent(event)

    def open_run(self, path: str) -> None:
        """Show a run of the disk in the room of its family."""
        self._with_trainer(path, lambda tab: tab.open_run(path))

    def resume_run(self, path: str) -> None:
        """Continue a run in the room of its family."""
        self._with_trainer(path, lambda tab: tab.resume_run(path))

    def train_on(self, name: str, family: str = "") -> None:
        """Set up a training on a dataset, of this family or of the usual one of those that take it."""
        info = self.library.dataset(name)
        taking = families.learning_from(info.kind) if info is not None else ()
        chosen = next((found for found in taking if found.name == family), next(iter(taking), None))
        if chosen is not None:
            self.trainer(chosen.room).train_on(name)
            self.tabs.show_room(chosen.room)

    def _with_trainer(self, path: str, does: Callable[[TrainingTab], object]) -> None:
        """Show the room of this run's family, and do something there unless it is busy."""

        def found(info: RunInfo) -> None:
            family = families.find(info.family)
            if family is None:
                words = f"The run '{info.name}' is of the family '{info.family}', which this version does not know."
                self.show_banner(words, "warning", "Update the program to open it.")
            elif self.trainer(family.room).busy:
                self.show_banner("A training is running.", "warning", "Stop it before opening another run.")
            else:
                self.tabs.show_room(family.room)
                does(self.trainer(family.room))

        self._asking.drop("family")
        known = self.library.run(path)
        if known is not None:
            found(known)
        else:
            self._asking.ask(
                "family",
                DescribeRun(path),
                on_end=lambda failure: self.show_failure(failure) if failure is not None else None,
                on_result=found,
            )

    def _draw_points(self, room: str) -> None:
        """Draw a distribution; once it is saved, it becomes what this room trains on."""
        self._drawing = room, frozenset(info.id for info in self.library.datasets)
        self.tabs.show_room("datasets")
        self.datasets.importing.drawing_wanted.emit("points")

    def _listed(self, infos: tuple[DatasetInfo, ...]) -> None:
        for tab in self.trainers().values():
            tab.set_datasets(infos)
        room, known = self._drawing or ("", frozenset())
        drawn = [info.id for info in infos if info.kind == "points" and info.id not in known] if room else []
        if drawn:
            self._drawing = None
            self.trainer(room).train_on(drawn[0])
            self.tabs.show_room(room)

    def _write_with(self, path: str) -> None:
        """Show the Playground with the model of a run."""
        self.tabs.show_room("playground")
        self.playground.choose(path)

    def _checked(self, name: str, words: str) -> None:
        self._summaries[name] = words
        for tab in self.trainers().values():
            self._show_summary(tab)

    def _show_summary(self, tab: TrainingTab) -> None:
        tab.show_checks(self._summaries.get(tab.setup.data.currentData() or "", ""))

    def _set_up(self, family: str) -> tuple[dict[str, Any], int]:
        """Values and seed of a training of this family as it is set up now; none where no room shows it. Raises ConfigError."""
        tabs = (tab for tab in self.trainers().values() if tab.setup.family.name == family)
        return next((tab.setup.parsed() for tab in tabs), ({}, 0))

    def _use(self, family: str, values: dict[str, Any]) -> None:
        """Settings that were chosen elsewhere, in the form of this family."""
        for tab in self.trainers().values():
            if tab.setup.family.name == family:
                tab.setup.form.set_values(values)

    def _run_changed(self, room: str, tab: TrainingTab) -> None:
        self.memory.set(f"run/{room}", tab.run_path)
        self._follow_live()
        self.library.refresh_runs()

    def _working(self, tab: TrainingTab, text: str) -> None:
        self.menus.enable()
        self.status.say(tab.setup.family.name.upper(), text)
        self._follow_live()

    def _follow_live(self) -> None:
        self.library.set_live(tab.live_path for tab in self.trainers().values())

    def _show_task(self, name: str, room: str) -> None:
        """The place where a running task is seen."""
        room = next((key for key, tab in self.trainers().items() if tab.runs(name)), room)
        if room in self.tabs.rooms:
            self.tabs.show_room(room)
            if room in ("datasets", "playground"):
                self.tabs.page(room).show_task(name)  # type: ignore[attr-defined]

    def _cancel_task(self, name: str) -> None:
        """As its own Stop or Cancel does it, where it has one."""
        owners: list[Any] = [*self.trainers().values(), *filter(None, (self.tabs.pages.get("datasets"),))]
        if not any(tab.cancel_task(name) for tab in owners):
            self.engine.stop(name)

    def _on_warm(self, frame: Frame) -> None:
        if frame.progress is not None:
            self.status.doing.setText(frame.progress.text)

    def _connect(self) -> None:
        self.engine.halted.connect(lambda _, reason: self.show_banner(reason, "warning", "Press Resume to try again."))
        self.library.failed.connect(self.show_failure)
        self.library.datasets_changed.connect(self._listed)
        self.status.chips.opened.connect(self._show_task)
        self.status.chips.cancelled.connect(self._cancel_task)
        self.tabs.currentChanged.connect(lambda _: self.menus.enable())
        self.menus.enable()

    def _built(self, key: str, page: QWidget) -> None:
        for name, slot in (
            ("failed", self.show_failure),
            ("done", self.show_banner),
            ("open_wanted", self.open_run),
            ("resume_wanted", self.resume_run),
            ("write_wanted", self._write_with),
            ("train_wanted", self.train_on),
            ("settings_wanted", self._use),
            ("checked", self._checked),
            ("checks_wanted", lambda: self.tabs.show_room("datasets")),
            ("file_wanted", self.ask_for_file),
            ("draw_wanted", lambda: self._draw_points(key)),
        ):
            if hasattr(page, name):
                getattr(page, name).connect(slot)
        self.memory.restore_splitters(self._splitters(key, page))
        if isinstance(page, TrainingTab):
            self._connect_training(key, page)
        elif key == "datasets":
            self.datasets.set_settings(self._set_up)
        elif key == "playground":
            self.playground.restore(self.memory.state(key))

    def _connect_training(self, key: str, tab: TrainingTab) -> None:
        def follow() -> None:
            self._show_summary(tab)
            if "datasets" in self.tabs.pages and (key == _FIRST or tab is self.tabs.currentWidget()):
                self.datasets.choose(tab.setup.data.currentData() or "")

        def changed() -> None:
            if "datasets" in self.tabs.pages:
                self.datasets.settings_changed()

        if state := self.memory.state(key):
            tab.restore(state)
        tab.set_datasets(self.library.datasets)
        tab.setup.changed.connect(changed)
        tab.setup.data.currentIndexChanged.connect(lambda _: follow())
        tab.run_changed.connect(lambda _: self._run_changed(key, tab))
        tab.working.connect(lambda text: self._working(tab, text))

    def _restore_panel(self, key: str, tab: TrainingTab) -> None:
        """What the person watched at the last time."""
        _ = tab.panel
        self.memory.restore_splitters(self._splitters(key, tab))

    def _reopen(self, key: str, tab: TrainingTab) -> None:
        """The run that the room showed when the program was closed; the form stays as it was left."""
        path = self.memory.run(key)
        if path and (Path(path) / "run.json").is_file() and not tab.busy and not tab.run_path:
            tab.open_run(path, fill_form=False)

    def _splitters(self, key: str, page: QWidget) -> dict[str, QSplitter]:
        if isinstance(page, TrainingTab):
            return page.splitters()
        splitter = getattr(page, "splitter", None)
        return {key: splitter} if splitter is not None else {}

    def _remember(self) -> None:
        self.memory.set("geometry", self.saveGeometry())
        if self._begun:
            self.memory.set("tab", self.tabs.key())
        states: dict[str, Any] = {}
        for key, page in self.tabs.pages.items():
            self.memory.keep_splitters(self._splitters(key, page))
            if isinstance(page, TrainingTab):
                self.memory.set(f"run/{key}", page.run_path)
                states[key] = page.remembered()
            elif key == "playground":
                states[key] = self.playground.state()
        self.memory.keep_states(states)

    def _restore(self) -> None:
        room = self.screen().availableGeometry().size()
        self.resize(min(_SIZE[0], room.width()), min(_SIZE[1], room.height()))
        self.memory.restore_window(self)
        self.set_theme(self.memory.text("theme", "system"))
