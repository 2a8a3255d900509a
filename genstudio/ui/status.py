"""The status bar: what the engine is doing, the tasks that a person started, memory and device."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QLabel, QStatusBar

from genstudio.ui.engine import Engine
from genstudio.ui.task_chips import TaskChips
from genstudio.ui.widgets import ElidedLabel

_SAID_MS = 10_000
_MEMORY_MS = 2000
_READY = "Ready"


class StatusBar(QStatusBar):
    """`say(room, who, words, busy=…)` is what a room is doing; `place()` is the room that is in front."""

    def __init__(self, engine: Engine, place: Callable[[], str]) -> None:
        super().__init__()
        self._place = place
        self._said: dict[str, tuple[str, str, bool]] = {}
        self.doing, self.memory, self.device = ElidedLabel(), QLabel(), QLabel()
        self.chips = TaskChips(engine, place)
        for label, name, says in (
            (self.doing, "status_doing", "What the engine is doing"),
            (self.memory, "status_memory", "Memory used by genstudio"),
            (self.device, "status_device", "Device"),
        ):
            label.setObjectName(name)
            label.setAccessibleName(says)
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setContentsMargins(8, 0, 8, 0)
        self.setSizeGripEnabled(False)
        self.addWidget(self.doing, 1)
        for widget in (self.chips, self.memory, self.device):
            self.addPermanentWidget(widget)
        self.chips.said.connect(lambda text: self.showMessage(text, _SAID_MS))
        self._clock = QTimer(self)
        self._clock.setInterval(_MEMORY_MS)
        self._clock.timeout.connect(self._measure)

    def begin(self) -> None:
        """Measure the memory from now on."""
        self._measure()
        self._clock.start()

    def say(self, room: str, who: str, words: str, *, busy: bool) -> None:
        """What a room does now, under the name of its model; `busy`: it trains, so that it is named in the other rooms too."""
        self._said[room] = who, words, busy
        self.show_place()

    def show_place(self) -> None:
        """Say what the room in front is doing, then what trains in the others."""
        here = self._place()
        others = [f"{who}: {words}" for room, (who, words, busy) in self._said.items() if busy and room != here]
        who, words, _ = self._said.get(here, ("", "" if others else _READY, False))
        self.doing.setText("   ·   ".join(filter(None, [f"{who}: {words}" if others and who else words, *others])))

    def _measure(self) -> None:
        # its library is large, and nothing is measured before the first picture
        from genstudio.ui.memory import memory_text

        self.memory.setText(memory_text())
