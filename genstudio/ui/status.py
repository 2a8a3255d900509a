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
    """`say(who, words)` is what a part of the window is doing; `place()` is the room that is in front."""

    def __init__(self, engine: Engine, place: Callable[[], str]) -> None:
        super().__init__()
        self._words: dict[str, str] = {}
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

    def say(self, who: str, words: str) -> None:
        """What somebody does now; where several do something, all of them are named."""
        self._words[who] = words
        busy = [f"{name}: {said}" for name, said in self._words.items() if said != _READY]
        self.doing.setText("   ·   ".join(busy) if len(busy) > 1 else words)

    def _measure(self) -> None:
        # its library is large, and nothing is measured before the first picture
        from genstudio.ui.memory import memory_text

        self.memory.setText(memory_text())
