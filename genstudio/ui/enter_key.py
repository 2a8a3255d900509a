"""Enter presses the button that has the focus, as Space does. By itself, Qt does that in dialogs only."""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QApplication, QPushButton, QToolButton, QWidget


class EnterPresses(QObject):
    """Both Enter keys are shortcuts of the window while a button of it has the focus, so that no view around the button
    takes them; otherwise they are none, and every other widget keeps its own Enter."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self._shortcuts = [QShortcut(QKeySequence(keys), window) for keys in ("Return", "Enter")]
        for shortcut in self._shortcuts:
            shortcut.setAutoRepeat(False)
            shortcut.activated.connect(self._press)
        self._follow(None, None)
        app = QApplication.instance()
        if isinstance(app, QApplication):
            app.focusChanged.connect(self._follow)

    def _follow(self, _before: QWidget | None, now: QWidget | None) -> None:
        pressable = isinstance(now, QPushButton | QToolButton) and now.window() is self._window
        for shortcut in self._shortcuts:
            shortcut.setEnabled(pressable)

    def _press(self) -> None:
        button = QApplication.focusWidget()
        if isinstance(button, QPushButton | QToolButton):
            button.click()
