"""The buttons that begin, pause and end a training, and what they say in each of its states."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QWidget

from genstudio.ui import theme
from genstudio.ui.layouts import hbox
from genstudio.ui.widgets import button, primary_button, restyle

_MORE = {
    "+100%": {"share": 1.0},
    "+50%": {"share": 0.5},
    "1,000 steps or 1 minute more": {"steps": 1000, "seconds": 60.0},
    "10,000 steps or 10 minutes more": {"steps": 10_000, "seconds": 600.0},
}


class RunButtons(QWidget):
    """A row of `pause`, `stop`, `save` and `extend`, of which those are seen that can be used now; `start` stands elsewhere,
    with what is set up. `extend_wanted(arguments of TrainingTab.extend_by)` of the menu of `extend`.
    """

    extend_wanted = Signal(object)

    def __init__(self, prefix: str) -> None:
        super().__init__()
        self._spare = False
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
        hbox(self.pause, self.stop, self.save, self.extend, into=self)

    def show_state(self, state: str, *, ended: bool, finished: bool, endless: bool = False) -> None:
        """The state of the training, whether a run is shown that `ended`, whether its plan is `finished`, and whether it goes
        on until it is stopped."""
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
        self.extend.setEnabled((live or ended) and not endless)
        self._show()

    def spare(self, on: bool) -> None:
        """Show only what is needed in front of a class: Pause and Stop."""
        self._spare = on
        self._show()

    def _show(self) -> None:
        for widget in (self.pause, self.stop, self.save, self.extend):
            widget.setVisible(widget.isEnabled() and not (self._spare and widget in (self.save, self.extend)))
        self.updateGeometry()
