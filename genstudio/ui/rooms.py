"""The tabs of the window in their order, each built when it is first asked for."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QWidget

from genstudio import families
from genstudio.ui.engine import Engine
from genstudio.ui.layouts import Tabs
from genstudio.ui.library import Library
from genstudio.ui.widgets import named_tabs


@dataclass(frozen=True, slots=True)
class Room:
    """A tab: its `key` in the settings, its `title`, the class that is built, and modules to import ahead of that.

    One that `trains` is for the families of the room of this key, and is there once there is one.
    """

    key: str
    title: str
    module: str
    name: str
    ahead: tuple[str, ...] = ()
    trains: bool = False

    def build(self, engine: Engine, library: Library) -> QWidget:
        made = getattr(importlib.import_module(f"genstudio.ui.{self.module}"), self.name)
        page: QWidget = made(engine, self.key) if self.trains else made(engine, library)
        return page


ROOMS = (
    Room("lessons", "Lessons", "tabs.lessons", "LessonsTab"),
    Room("datasets", "Datasets", "tabs.datasets", "DatasetsTab", (
        "genstudio.data.generators", "genstudio.data.importing.captions", "genstudio.data.importing.sources",
        "genstudio.tasks.datasets", "genstudio.tasks.runs", "genstudio.tasks.check", "pyqtgraph", "genstudio.ui.datasets.preview",
        "genstudio.ui.tabs.tokenizer_bench",
    )),
    Room("transformer", "Transformer", "train.tab", "TrainingTab", (
        "genstudio.tasks.estimate", "genstudio.tasks.evaluate", "pyqtgraph", "genstudio.ui.train.panel",
    ), trains=True),
    Room("playground", "Playground", "tabs.playground", "PlaygroundTab"),
    Room("gan", "GAN", "train.tab", "TrainingTab", trains=True),
    Room("latent", "VAE & diffusion", "train.tab", "TrainingTab", trains=True),
    Room("basics", "Basics", "train.tab", "TrainingTab", trains=True),
    Room("runs", "Runs", "tabs.runs", "RunsTab"),
)  # fmt: skip


FIRST = "transformer"
"""The room that is painted first; the others are built once it is seen."""
WELCOME = "lessons"
"""The room that is painted first when nothing was done before."""


class Rooms(Tabs):
    """A tab for each room. `built(key, page)` once for each, when its page is shown or asked for first."""

    built = Signal(str, object)

    def __init__(self, engine: Engine, library: Library, rooms: Sequence[Room] = ROOMS) -> None:
        super().__init__()
        self.setObjectName("tabs")
        named_tabs(self, "Rooms")
        self.setDocumentMode(True)
        self._engine, self._library = engine, library
        trained = set(families.NAMES.values())
        self.rooms = {room.key: room for room in rooms if not room.trains or room.key in trained}
        self.pages: dict[str, QWidget] = {}
        for room in self.rooms.values():
            self.addTab(QWidget(), room.title.replace("&", "&&"))
        self.currentChanged.connect(lambda index: self.page(self.key(index)))

    def key(self, index: int | None = None) -> str:
        """The room of a tab, by its number; of the one in front where none is said."""
        return tuple(self.rooms)[self.currentIndex() if index is None else index]

    def page(self, key: str) -> QWidget:
        """What a room shows, built if need be. Raises KeyError."""
        if key not in self.pages:
            page = self.pages[key] = self.rooms[key].build(self._engine, self._library)
            self._put(tuple(self.rooms).index(key), page)
            self.built.emit(key, page)
        return self.pages[key]

    def show_room(self, key: str) -> None:
        self.setCurrentWidget(self.page(key))

    def _put(self, index: int, page: QWidget) -> None:
        """The page in the place that was kept for it."""
        current, empty, title = self.currentIndex(), self.widget(index), self.tabText(index)
        with QSignalBlocker(self):
            self.insertTab(index, page, title)
            self.removeTab(index + 1)
            self.setCurrentIndex(current)
        if empty is not None:
            empty.deleteLater()
