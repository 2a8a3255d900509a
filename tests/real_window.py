"""The real window, as tests and benches open it."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QAbstractButton, QApplication, QWidget

from genstudio.ui import theme
from genstudio.ui.rooms import FIRST
from genstudio.ui.window import MainWindow
from helpers import LONG


def shown(first: str = FIRST) -> MainWindow:
    """A light window at its smallest size with this room in front. There has to be an application; `begin()` builds the rest."""
    theme.apply(QApplication.instance(), "light")
    window = MainWindow(first)
    window.resize(1280, 720)
    window.show()
    return window


def until_closed(app: QApplication) -> None:
    """Run a bench's application until its window closes. An exception in a slot ends the process: nobody would close it."""

    def failed(*told: Any) -> None:
        sys.__excepthook__(*told)
        sys.stderr.flush()
        os._exit(1)

    sys.excepthook = failed
    app.exec()


def press(qtbot: Any, page: QWidget, name: str) -> None:
    """Click the button of this name, as soon as it can be used."""
    found = page.findChild(QAbstractButton, name)
    assert found is not None, f"there is no {name}"
    qtbot.waitUntil(found.isEnabled, timeout=LONG)
    qtbot.mouseClick(found, Qt.MouseButton.LeftButton)


def hover(qtbot: Any, widget: QWidget, place: QPoint, seen: Callable[[], bool]) -> None:
    """Rest the pointer on a place until that is `seen`; it comes from elsewhere, so that it moves, and again."""

    def rested() -> bool:
        qtbot.mouseMove(widget, QPoint(0, 0))
        qtbot.mouseMove(widget, place)
        end = time.monotonic() + 2
        while time.monotonic() < end and not seen():
            QApplication.processEvents()
            time.sleep(0.01)
        return seen()

    qtbot.waitUntil(rested, timeout=LONG)


def fits(window: MainWindow) -> bool:
    """Whether the window can be as small as a screen of 1280 x 720 leaves room for below a title bar."""
    window.resize(1280, 692)
    return (window.width(), window.height()) == (1280, 692)


def is_ready(window: MainWindow) -> bool:
    """Whether everything that `begin()` starts is done: tabs built, datasets listed, torch imported."""
    return window.ready and all(tab.setup.data.count() >= 2 for tab in window.links.trainers().values())


@contextmanager
def opened(qtbot: Any, ahead: Collection[str] | None = None) -> Iterator[MainWindow]:
    """A window that is ready, all of it or these rooms and what a test asks for; it is closed at the end."""
    window = shown(next(iter(ahead)) if ahead else FIRST)
    try:
        window.begin(ahead)
        qtbot.waitUntil(lambda: is_ready(window))
        yield window
    finally:
        window.close()
        window.deleteLater()
