"""What the window remembers from one start to the next, by room."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

from PySide6.QtCore import QByteArray, QSettings
from PySide6.QtWidgets import QSplitter, QWidget

from genstudio import families, paths
from genstudio.ui.rooms import FIRST

State = dict[str, Any]
"""What a page wants to find again at the next start: anything that JSON can hold."""
_NUMBERED = ("datasets", "transformer", "playground", "gan", "runs")
"""The tabs as versions before counted them, which kept the number of the one in front."""


@runtime_checkable
class Divided(Protocol):
    """A page with parts that can be made larger: `splitters()` by the names under which their places are kept."""

    def splitters(self) -> Mapping[str, QSplitter]: ...


@runtime_checkable
class Remembering(Protocol):
    """A page that comes back as it was: `restore` takes what `remembered` gave, or nothing at the first start."""

    def remembered(self) -> State: ...

    def restore(self, state: State) -> None: ...


class Memory:
    """The settings file. What is missing or damaged is as at the first start; what versions before wrote is read."""

    def __init__(self) -> None:
        self._file = QSettings(str(paths.settings_file()), QSettings.Format.IniFormat)

    def text(self, key: str, otherwise: str = "") -> str:
        return str(self._file.value(key, otherwise) or "")

    def set(self, key: str, value: str | QByteArray) -> None:
        self._file.setValue(key, value)

    @property
    def first_start(self) -> bool:
        """Whether nothing is known of a start before."""
        return not self._file.contains("tab")

    def room(self) -> str:
        """The tab that was in front."""
        kept = self.text("tab", FIRST)
        if kept.isascii() and kept.isdigit():
            return _NUMBERED[int(kept)] if int(kept) < len(_NUMBERED) else FIRST
        return kept

    def run(self, room: str) -> str:
        """The folder of the run that a room showed; versions before kept one for each family."""
        if self._file.contains(f"run/{room}"):
            return self.text(f"run/{room}")
        names = (name for name, place in families.NAMES.items() if place == room)
        return next((path for name in names if (path := self.text(f"run/{name}"))), "")

    def restore_window(self, window: QWidget) -> None:
        """Its place on the screen."""
        geometry = self._file.value("geometry")
        if isinstance(geometry, QByteArray):
            window.restoreGeometry(geometry)

    def restore(self, room: str, page: QWidget) -> None:
        """A page as it was left."""
        self.restore_splitters(page)
        if isinstance(page, Remembering):
            page.restore(self._state(room))

    def restore_splitters(self, page: QWidget) -> None:
        """Those of its splitters that are there by now."""
        for name, splitter in page.splitters().items() if isinstance(page, Divided) else ():
            kept = self._file.value(f"splitter/{name}")
            if isinstance(kept, QByteArray):
                splitter.restoreState(kept)

    def keep(self, pages: Mapping[str, QWidget]) -> None:
        """What these pages are like now; that of others stays. All of it is on the disk afterwards."""
        states = {key: page.remembered() for key, page in pages.items() if isinstance(page, Remembering)}
        self.set("state", json.dumps({**self._states(), **states}))
        for page in pages.values():
            for name, splitter in page.splitters().items() if isinstance(page, Divided) else ():
                self.set(f"splitter/{name}", splitter.saveState())
        self._file.sync()

    def _state(self, room: str) -> State:
        """What a room said of itself; versions before kept that of the first one in pieces."""
        states = self._states()
        before: State = {}
        if room == FIRST and isinstance(states.get("setup"), dict):
            before = states["setup"] | {name: states[name] for name in ("prompt", "probe") if name in states}
        found = states.get(room, before)
        return found if isinstance(found, dict) else {}

    def _states(self) -> State:
        try:
            states = json.loads(self.text("state", "{}"))
        except (ValueError, RecursionError):
            return {}
        return states if isinstance(states, dict) else {}
