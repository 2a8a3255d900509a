"""The one window: its rooms, menus, banners and status bar, and what comes back at the next start."""

from __future__ import annotations

import importlib
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Literal, cast

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QKeyEvent
from PySide6.QtWidgets import QApplication, QMainWindow

from genstudio.errors import Failure
from genstudio.events import Frame
from genstudio.tasks.task import WarmUp
from genstudio.ui import dropping, theme
from genstudio.ui.banners import Banners
from genstudio.ui.engine import Engine
from genstudio.ui.enter_key import EnterPresses
from genstudio.ui.library import Library
from genstudio.ui.links import BUSY, Links
from genstudio.ui.look import Look
from genstudio.ui.menus import Menus
from genstudio.ui.remember import Memory
from genstudio.ui.rooms import FIRST, WELCOME, Rooms
from genstudio.ui.shortcuts import KeysDialog
from genstudio.ui.status import StatusBar
from genstudio.ui.train.tab import TrainingTab
from genstudio.ui.widgets import Banner

if TYPE_CHECKING:
    from genstudio.ui.lessons.panel import LessonPanel
    from genstudio.ui.lessons.player import Player
    from genstudio.ui.tabs.datasets import DatasetsTab
    from genstudio.ui.tabs.lessons import LessonsTab
    from genstudio.ui.tabs.playground import PlaygroundTab
    from genstudio.ui.tabs.runs import RunsTab

_SIZE, _SMALLEST = (1360, 860), (960, 560)
_FRAME = 32
"""Height of a title bar, which a window has only once it is shown."""
_TRAINING = "Train"
_SAME = {"Resume": _TRAINING}
"""Kinds of work that count as another: one succeeds where the other failed."""


class MainWindow(QMainWindow):
    """Holds the engine, the library and the rooms. `links` carries what one room says to the others.

    The room of the key `first` is painted first; where none is said, the usual one, or the lessons at the very first start.
    """

    def __init__(self, first: str = "") -> None:
        if isinstance(app := QApplication.instance(), QApplication):
            theme.prepare(app)
        super().__init__()
        self.setObjectName("main_window")
        self.setWindowTitle("genstudio")
        self.setAcceptDrops(True)
        self.engine = Engine(self)
        self.library = Library(self.engine, self)
        self.memory = Memory()
        self._begun = False
        self.tabs = Rooms(self.engine, self.library)
        self.links = Links(self)
        self._first = first or (WELCOME if self.memory.first_start else FIRST)
        self.tabs.show_room(self._first)
        self.banners = Banners(self.tabs)
        self.setCentralWidget(self.banners)
        self.status = StatusBar(self.engine, self.tabs.key)
        self.setStatusBar(self.status)
        self.doing, self.chips = self.status.doing, self.status.chips
        self.look = Look(self)
        self._lessons: tuple[Player, LessonPanel] | None = None
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
        return self.links.trainer("transformer")

    @property
    def playground(self) -> PlaygroundTab:
        return self.links.playground

    @property
    def gan(self) -> TrainingTab:
        return self.links.trainer("gan")

    @property
    def runs(self) -> RunsTab:
        return cast("RunsTab", self.tabs.page("runs"))

    @property
    def lessons(self) -> LessonsTab:
        return cast("LessonsTab", self.tabs.page("lessons"))

    @property
    def player(self) -> Player:
        """What plays lessons; built when first asked for."""
        return self._lesson_parts()[0]

    @property
    def lesson_panel(self) -> LessonPanel:
        """Where a lesson is shown; built when first asked for."""
        return self._lesson_parts()[1]

    @property
    def in_lesson(self) -> bool:
        """Whether a lesson is being played."""
        return self._lessons is not None and self._lessons[0].lesson is not None

    @property
    def ready(self) -> bool:
        """Whether everything that `begin` starts is there, and torch is imported."""
        return self._begun and "warm-up" not in self.engine.running

    def begin(self, ahead: Collection[str] | None = None) -> None:
        """What waits until the window has been painted, in steps between which the window answers.

        All rooms are built, or these; the others are built when first asked for.
        """
        steps = self._rest(self.tabs.rooms.keys() if ahead is None else ahead)
        timer = QTimer(self)

        def step() -> None:
            if next(steps, steps) is steps:
                timer.stop()
                self._begun = True

        timer.timeout.connect(step)
        timer.start(0)

    def _rest(self, ahead: Collection[str]) -> Iterator[None]:
        """The other rooms and the large libraries, the runs that were open, then the lists."""
        for key, room in self.tabs.rooms.items():
            if key not in ahead:
                continue
            for module in room.ahead:
                importlib.import_module(module)
                yield
            page = self.tabs.page(key)
            yield
            if isinstance(page, TrainingTab):
                _ = page.panel
                self.memory.restore_splitters(page)
                yield
                self.links.reopen(key, page)
                yield
        self.status.begin()
        self.library.refresh_runs()
        self.library.refresh_datasets()
        elsewhere = self.tabs.key() != self._first or self.in_lesson  # a person was faster
        if not self.memory.first_start and self.memory.room() in self.tabs.rooms and not elsewhere:
            self.tabs.show_room(self.memory.room())
        yield
        self.engine.start(
            WarmUp(),
            self._on_warm,
            self._warmed,
            on_result=self.status.device.setText,
            name="warm-up",
        )

    def show_failure(self, failure: Failure) -> None:
        """A banner with what happened and what to do."""
        about = self.engine.ending or (BUSY if failure.kind == "RunBusyError" else "")
        self.banners.add(Banner.of(failure), failure.message, _SAME.get(about, about), frozenset(self.engine.running))

    def show_banner(self, what: str, kind: str = "info", next_step: str = "", about: str = "") -> None:
        """A message. `about`: what it speaks of, see `Banners.settle`."""
        self.banners.add(Banner(what, kind=kind, next_step=next_step), what, about)

    def open_run(self, path: str) -> None:
        """Show a run of the disk in the room of its family."""
        self.links.open_run(path)

    def train_on(self, name: str, family: str = "") -> None:
        """Set up a training on a dataset, of this family or of the usual one of those that take it."""
        self.links.train_on(name, family)

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

    def import_model(self, folder: str) -> None:
        """Make a run of a model of another program."""
        self.tabs.show_room("runs")
        self.runs.adopt_model(folder)

    def play_lesson(self, key: str) -> None:
        """Begin a lesson. Raises KeyError for one that is not there."""
        self.player.begin(self.lessons.lessons[key])
        self.lesson_panel.open()
        self.menus.enable()

    def show_lessons(self) -> None:
        """The cards of all lessons."""
        self.tabs.show_room("lessons")

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
            theme.apply(app, cast(Literal["system", "light", "dark"], mode))
        self.memory.set("theme", mode)
        self.menus.check(mode)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc closes the message that is seen, or leaves full screen, unless what has the focus uses it."""
        if event.key() != Qt.Key.Key_Escape or not (self.banners.dismiss_newest() or self.look.leave()):
            super().keyPressEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().urls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        event.acceptProposedAction()
        dropping.deliver(event.mimeData().urls(), self)

    def closeEvent(self, event: QCloseEvent) -> None:
        try:
            if self.look.presenting:  # it does not come back at the next start: nor does the size it has
                self.look.present()
            self._remember()
        finally:  # whatever cannot be remembered, what trains is saved
            self.hide()
            self.engine.close()
        super().closeEvent(event)

    def _lesson_parts(self) -> tuple[Player, LessonPanel]:
        if self._lessons is None:
            from genstudio.ui.lessons.panel import LessonPanel
            from genstudio.ui.lessons.player import Player

            player = Player(self)
            self._lessons = player, LessonPanel(self, player, self.look)
            player.ended.connect(self._lesson_ended)
        return self._lessons

    def _lesson_ended(self, key: str, finished: bool) -> None:
        self.menus.enable()
        if finished:
            self.show_lessons()
            self.lessons.mark_done(key)

    def _on_warm(self, frame: Frame) -> None:
        if frame.progress is not None:
            self.doing.setText(frame.progress.text)

    def _warmed(self, _failure: Failure | None) -> None:
        self.engine.settle()
        self.status.show_place()

    def _connect(self) -> None:
        self.engine.halted.connect(
            lambda name, reason: self.show_banner(reason, "warning", "Press Resume to try again.", name)
        )
        self.engine.framed.connect(self._went_well)
        self.engine.ended.connect(self._ended)
        self.library.failed.connect(self.show_failure)
        self.chips.opened.connect(self.links.show_task)
        self.chips.cancelled.connect(self.links.cancel_task)
        self.tabs.currentChanged.connect(lambda _: self.menus.enable())
        self.tabs.currentChanged.connect(lambda _: self.status.show_place())
        self.tabs.built.connect(lambda *_: self.menus.enable())
        self.menus.enable()

    def _went_well(self, name: str, frame: Frame) -> None:
        """A message leaves when what it speaks of is over: a training began, or one that waited continues."""
        if self.banners.shown and self.engine.running.get(name) == "running":
            self.banners.settle(name)
            if frame.run:
                self.banners.settle(_TRAINING, name)

    def _ended(self, name: str, failure: Failure | None) -> None:
        """The same, once work of that kind has succeeded."""
        kind = _SAME.get(self.engine.ending, self.engine.ending)
        self.banners.settle(name)
        if kind == _TRAINING:
            self.banners.settle(BUSY)
        if failure is None:
            self.banners.settle(kind, name)

    def _remember(self) -> None:
        self.memory.set("geometry", self.saveGeometry())
        if self._begun:
            self.memory.set("tab", self.tabs.key())
        for key, tab in self.links.trainers().items():
            self.memory.set(f"run/{key}", tab.run_path)
        self.memory.keep(self.tabs.pages)

    def _restore(self) -> None:
        room, frame = self.screen().availableGeometry().size(), _FRAME
        self.setMinimumSize(min(_SMALLEST[0], room.width()), min(_SMALLEST[1], room.height() - frame))
        self.resize(min(_SIZE[0], room.width()), min(_SIZE[1], room.height() - frame))
        self.memory.restore_window(self)
        self.set_theme(self.memory.text("theme", "system"))
