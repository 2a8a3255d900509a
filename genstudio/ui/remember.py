"""What the window remembers from one start to the next, by room."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QByteArray, QSettings
from PySide6.QtWidgets import QSplitter, QWidget

from genstudio import families, paths

_NUMBERED = ("datasets", "transformer", "playground", "gan", "runs")
"""The tabs as versions before counted them, which kept the number of the one in front."""
_FIRST = "transformer"


class Memory:
    """The settings file. What is missing or damaged is as at the first start; what versions before wrote is read."""

    def __init__(self) -> None:
        self._file = QSettings(str(paths.settings_file()), QSettings.Format.IniFormat)

    def text(self, key: str, otherwise: str = "") -> str:
        return str(self._file.value(key, otherwise) or "")

    def room(self) -> str:
        """The tab that was in front."""
        kept = self.text("tab", _FIRST)
        if kept.isascii() and kept.isdigit():
            return _NUMBERED[int(kept)] if int(kept) < len(_NUMBERED) else _FIRST
        return kept

    def run(self, room: str) -> str:
        """The folder of the run that a room showed; versions before kept one for each family."""
        if self._file.contains(f"run/{room}"):
            return self.text(f"run/{room}")
        names = (family.name for family in families.all_families() if family.room == room)
        return next((path for name in names if (path := self.text(f"run/{name}"))), "")

    def state(self, room: str) -> dict[str, Any]:
        """What a room said of itself; versions before kept that of the first one in pieces."""
        whole = self._whole()
        before: dict[str, Any] = {}
        if room == _FIRST and isinstance(whole.get("setup"), dict):
            before = whole["setup"] | {name: whole[name] for name in ("prompt", "probe") if name in whole}
        found = whole.get(room, before)
        return found if isinstance(found, dict) else {}

    def restore_window(self, window: QWidget) -> None:
        """Its place on the screen."""
        geometry = self._file.value("geometry")
        if isinstance(geometry, QByteArray):
            window.restoreGeometry(geometry)

    def restore_splitters(self, splitters: Mapping[str, QSplitter]) -> None:
        for name, splitter in splitters.items():
            kept = self._file.value(f"splitter/{name}")
            if isinstance(kept, QByteArray):
                splitter.restoreState(kept)

    def set(self, key: str, value: str | QByteArray) -> None:
        self._file.setValue(key, value)

    def keep_splitters(self, splitters: Mapping[str, QSplitter]) -> None:
        for name, splitter in splitters.items():
            self._file.setValue(f"splitter/{name}", splitter.saveState())

    def keep_states(self, states: Mapping[str, Mapping[str, Any]]) -> None:
        """What rooms say of themselves; that of others stays. All of it is on the disk afterwards."""
        self._file.setValue("state", json.dumps({**self._whole(), **states}))
        self._file.sync()

    def _whole(self) -> dict[str, Any]:
        try:
            whole = json.loads(self.text("state", "{}"))
        except (ValueError, RecursionError):
            return {}
        return whole if isinstance(whole, dict) else {}
