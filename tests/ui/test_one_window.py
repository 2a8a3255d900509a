"""While the window is built, no part of it is a window of its own for a moment: that would flash, and take the focus."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QApplication, QLabel, QWidget

from real_window import opened


class Shown(QObject):
    """Names of the windows that are shown."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def eventFilter(self, shown: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Show and isinstance(shown, QWidget) and shown.isWindow():
            self.names.append(f"{type(shown).__name__} {shown.objectName()}".strip())
        return False


def test_nothing_flashes_while_the_window_is_built(qtbot: Any, qapp: QApplication) -> None:
    watch = Shown()
    qapp.installEventFilter(watch)
    try:
        with opened(qtbot) as window:
            for index in range(window.tabs.count()):
                window.tabs.setCurrentIndex(index)
                qapp.processEvents()
            for title in window.playground.inspectors.titles():
                window.playground.inspectors.open(title)
            assert window.isActiveWindow()
        assert watch.names == ["MainWindow main_window"]
        QLabel("the broken twin").setVisible(True)
        assert watch.names[1:] == ["QLabel"]
    finally:
        qapp.removeEventFilter(watch)
