"""The real window, with the GAN tab in front or as it opens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from genstudio.ui import theme
from genstudio.ui.window import MainWindow
from helpers import LONG


@pytest.fixture
def window(known_encoders: None, qtbot: Any, qapp: Any) -> Iterator[MainWindow]:
    """Shown at its smallest with the GAN tab in front, its datasets listed and torch imported."""
    theme.apply(qapp, "light")
    window = MainWindow()
    window.resize(1280, 720)
    window.show()
    window.begin()
    qtbot.waitUntil(lambda: not window._rest_timer.isActive(), timeout=LONG)
    qtbot.waitUntil(lambda: window.gan.setup.data.count() >= 2, timeout=LONG)
    qtbot.waitUntil(lambda: "warm-up" not in window.engine.running, timeout=LONG)
    window.tabs.setCurrentWidget(window.gan)
    yield window
    window.close()
    window.deleteLater()


@pytest.fixture
def open_window(qtbot: Any, qapp: Any) -> Iterator[Callable[[], MainWindow]]:
    opened: list[MainWindow] = []

    def make() -> MainWindow:
        theme.apply(qapp, "light")
        window = MainWindow()
        opened.append(window)
        window.resize(1280, 720)
        window.show()
        window.begin()
        qtbot.waitUntil(lambda: window.transformer.setup.data.count() >= 2, timeout=LONG)
        qtbot.waitUntil(lambda: not window._rest_timer.isActive(), timeout=LONG)
        qtbot.waitUntil(lambda: "warm-up" not in window.engine.running, timeout=LONG)
        return window

    yield make
    for window in opened:
        window.close()
        window.deleteLater()
