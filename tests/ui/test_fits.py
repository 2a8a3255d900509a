"""Every room fits the smallest window that is promised, with no word cut and no control outside, in usual and large text."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtWidgets import QAbstractButton, QApplication, QComboBox, QLabel, QScrollArea, QSlider, QTabBar, QWidget

from genstudio.ui import theme
from genstudio.ui.widgets import ElidedLabel
from genstudio.ui.window import MainWindow

SIZES = (960, 560), (1280, 692)
"""The smallest that is promised, and a screen of 1280 x 720 below a title bar."""


def scrolls(window: MainWindow) -> tuple[bool, bool]:
    bars = window.banners.room.horizontalScrollBar(), window.banners.room.verticalScrollBar()
    return bars[0].maximum() > 0, bars[1].maximum() > 0


def cut(window: QWidget) -> list[str]:
    """Labels and buttons whose words do not fit, and controls that reach out of the window. What lies in an area that
    scrolls may be out of sight."""
    found = []
    for part in window.findChildren(QWidget):
        if not part.isVisible() or part.window() is not window:
            continue
        words = part.text().replace("&&", "&") if isinstance(part, QLabel | QAbstractButton) else ""
        wide = part.fontMetrics().horizontalAdvance(words.split("\n")[0])
        if isinstance(part, ElidedLabel) or not words or part.property("section"):
            pass
        elif isinstance(part, QLabel) and part.wordWrap():
            found += [f"label too low: {words[:60]!r}"] * (part.heightForWidth(part.width()) > part.height() + 2)
        elif wide > part.contentsRect().width() + 1:
            found.append(f"{'label' if isinstance(part, QLabel) else 'button'} cut: {words!r}")
        if isinstance(part, QAbstractButton | QComboBox | QSlider | QTabBar) and not scrolled(part):
            place = QRect(part.mapTo(window, QPoint(0, 0)), part.size())
            if not window.rect().contains(place):
                found.append(f"outside: {part.objectName() or type(part).__name__} {place}")
    return found


def scrolled(part: QWidget) -> bool:
    parent = part.parentWidget()
    while parent is not None:
        if isinstance(parent, QScrollArea) and parent.objectName() != "room_scroll":
            return True
        parent = parent.parentWidget()
    return False


def settle(window: MainWindow) -> None:
    """Everything laid out: sizes follow each other up the tree, one level for each turn of the event loop."""
    window.grab()
    for _ in range(5):
        QApplication.processEvents()


def test_every_room_fits(open_window: Callable[[], MainWindow]) -> None:
    window = open_window()
    faults = []
    for room in window.tabs.rooms:
        window.tabs.show_room(room)
        for size in SIZES:
            window.resize(*size)
            settle(window)
            assert (window.width(), window.height()) == size, f"{room} makes the window larger"
            across, down = scrolls(window)
            faults += [f"{room} at {size}: {fault}" for fault in cut(window)]
            faults += [f"{room} at {size}: scrolls across"] * across + [f"{room} at {size}: scrolls down"] * down
    assert not faults, "\n".join(faults)
    the_check_can_fail(window)
    zoomed_and_presented(window)


def the_check_can_fail(window: MainWindow) -> None:
    window.resize(*SIZES[0])
    window.tabs.show_room("runs")
    label, button = window.status.device, window.runs.open
    words, before = label.text(), button.minimumSize()
    label.setFixedWidth(10)
    button.setText("Open this run and everything that belongs to it")
    button.setMaximumWidth(40)
    settle(window)
    assert any("label cut" in fault for fault in cut(window)) and any("button cut" in fault for fault in cut(window))
    label.setMinimumWidth(0)
    label.setMaximumWidth(16_777_215)
    button.setText("Open")
    button.setMaximumWidth(16_777_215)
    assert (label.text(), button.minimumSize()) == (words, before)


def zoomed_and_presented(window: MainWindow) -> None:
    """Text can be larger, and a presentation leaves away what a class does not need."""
    window.resize(1280, 692)
    window.tabs.show_room("transformer")
    title = window.transformer.start
    usual, heights = title.fontMetrics().height(), theme.current().quiet
    window.look.larger(1)
    assert theme.zoom() == 1.1 and title.fontMetrics().height() > usual
    window.look.usual_size()
    assert theme.zoom() == 1.0 and title.fontMetrics().height() == usual
    window.look.present()
    assert theme.zoom() == 1.5 and title.fontMetrics().height() >= 1.4 * usual and window.isFullScreen()
    look = theme.current()
    assert not window.menuBar().isVisible() and not window.statusBar().isVisible()
    assert look.quiet != heights and theme.contrast(look.quiet, look.panel) > 7
    assert window.look.leave() and not window.look.leave()
    assert window.menuBar().isVisible() and window.statusBar().isVisible() and not window.isFullScreen()
    assert theme.zoom() == 1.0 and title.fontMetrics().height() == usual and theme.current().quiet == heights
    assert window.windowState() == Qt.WindowState.WindowNoState
    window.look.present()
    window.close()
    assert theme.zoom() == 1.0 and theme.current().quiet == heights, "a window that is closed presents nothing more"
