"""The buttons that begin, pause and end a training, and what they say in each of its states."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QGridLayout, QMenu, QWidget

from genstudio.ui import theme
from genstudio.ui.widgets import button, primary_button, restyle

_MORE = {
    "+100%": {"share": 1.0},
    "+50%": {"share": 0.5},
    "1,000 steps or 1 minute more": {"steps": 1000, "seconds": 60.0},
    "10,000 steps or 10 minutes more": {"steps": 10_000, "seconds": 600.0},
}


class RunButtons(QWidget):
    """`start`, `pause`, `stop`, `save` and `extend`; `extend_wanted(arguments of TrainingTab.extend_by)` of its menu."""

    extend_wanted = Signal(object)

    def __init__(self, prefix: str) -> None:
        super().__init__()
        self.start = primary_button("Start", f"{prefix}start", "play")
        self.pause = button("Pause", f"{prefix}pause", "pause")
        self.stop = button("Stop", f"{prefix}stop", "stop")
        self.save = button("Save now", f"{prefix}save_now", "save")
        self.extend = button("Extend", f"{prefix}extend", "extend")
        self.extend.setAccessibleName("Train longer than planned")
        menu = QMenu(self)
        for text, much in _MORE.items():
            action = QAction(text, menu)
            action.setObjectName(f"extend_{text.split()[0].lower()}")
            action.triggered.connect(lambda _=False, much=much: self.extend_wanted.emit(much))
            menu.addAction(action)
        self.extend.setMenu(menu)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(8)
        grid.addWidget(self.start, 0, 0, 1, 2)
        for index, pressed in enumerate((self.pause, self.stop, self.save, self.extend)):
            grid.addWidget(pressed, 1 + index // 2, index % 2)

    def show_state(self, state: str, *, ended: bool, finished: bool) -> None:
        """The state of the training, whether a run is shown that `ended`, and whether its plan is `finished`."""
        live, resumable = state in ("running", "paused"), ended and not finished
        self.start.setEnabled(state in ("idle", "stopped"))
        self.start.setText("Start new" if ended else "Start")
        for widget, icon, first in ((self.start, "play", not resumable), (self.pause, "pause", resumable)):
            restyle(widget, "primary", first)
            theme.set_icon(widget, icon, "on_accent" if first else "text")
        self.pause.setEnabled(live or resumable)
        going_on = state == "paused" or ended
        self.pause.setText("Resume" if going_on else "Pause")
        self.pause.setAccessibleName(self.pause.text())
        theme.set_icon(self.pause, "play" if going_on else "pause", "on_accent" if resumable else "text")
        self.pause.setToolTip("The planned training is done. Press Extend to train longer." if finished else "")
        self.stop.setEnabled(live or state == "starting")
        self.save.setEnabled(live)
        self.extend.setEnabled(live or ended)
