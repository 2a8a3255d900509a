"""A search line: words, how many places, next and previous. The searching itself is done elsewhere."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QCheckBox, QLineEdit, QWidget

from genstudio.data.preview import Matches
from genstudio.ui import theme
from genstudio.ui.layouts import hbox, named, single_shot
from genstudio.ui.widgets import icon_button, plain_label

_WAIT_MS = 200


class Finder(QWidget):
    """`wanted(needle, match_case)` when there is something new to look for; `moved(position)` for the place to show."""

    wanted = Signal(str, bool)
    moved = Signal(int)

    def __init__(self, name: str, placeholder: str, *, cases: bool = False) -> None:
        super().__init__()
        self.setObjectName(f"{name}_finder")
        self.field = named(QLineEdit(), f"{name}_search", placeholder)
        self.field.setPlaceholderText(placeholder)
        self.field.setClearButtonEnabled(True)
        self.field.setMaxLength(1000)
        self.cases = named(QCheckBox("Match case"), f"{name}_case")
        if not cases:
            self.cases.hide()
        self.said = plain_label(role="quiet", name=f"{name}_matches")
        self.said.setFont(theme.font(theme.SMALL, tabular=True))
        self.previous = icon_button("chevron-up", f"{name}_previous", "Previous match")
        self.next = icon_button("chevron-down", f"{name}_next", "Next match")
        self.matches: Matches | None = None
        self.current = -1
        self._timer = single_shot(self, _WAIT_MS)
        hbox((self.field, 1), self.cases, self.said, self.previous, self.next, into=self, spacing=6)
        self.field.textChanged.connect(lambda _: self._timer.start())
        self.cases.toggled.connect(lambda _: self._timer.start())
        self._timer.timeout.connect(self._ask)
        self.next.clicked.connect(lambda: self.step(1))
        self.previous.clicked.connect(lambda: self.step(-1))
        self._say()

    def show_matches(self, matches: Matches) -> None:
        """The answer; an old one, to another question, is left out."""
        if matches.needle != self.field.text():
            return
        self.matches, self.current = matches, -1
        self._say()
        if matches.count:
            self.step(1)

    def clear(self) -> None:
        with QSignalBlocker(self.field):
            self.field.clear()
        self._timer.stop()
        self.matches, self.current = None, -1
        self._say()

    def put(self, needle: str) -> None:
        """Show these words as what is being looked for, without asking."""
        self.clear()
        with QSignalBlocker(self.field):
            self.field.setText(needle)

    def step(self, by: int) -> None:
        """Go to the next or the previous place, round and round."""
        if self.matches is not None and len(self.matches.positions):
            self.current = (self.current + by) % len(self.matches.positions)
            self._say()
            self.moved.emit(int(self.matches.positions[self.current]))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.field.hasFocus():
            if self._timer.isActive():
                self._timer.stop()
                self._ask()
            else:
                self.step(-1 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1)
        else:
            super().keyPressEvent(event)

    def _ask(self) -> None:
        self.matches, self.current = None, -1
        self._say()
        self.wanted.emit(self.field.text(), self.cases.isChecked())

    def _say(self) -> None:
        found = self.matches
        if found is None or not found.needle:
            words = ""
        elif not found.count:
            words = "not found"
        else:
            first = f"{len(found.positions):,} of the first " if found.count > len(found.positions) else ""
            words = (
                f"{self.current + 1:,} of {first}{found.count:,}"
                if not first
                else f"{self.current + 1:,} of {found.count:,}"
            )
        self.said.setText(words)
        some = found is not None and found.count > 0
        self.previous.setEnabled(some)
        self.next.setEnabled(some)
