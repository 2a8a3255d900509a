"""The real window, as the tests of the GAN tab meet it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from genstudio.ui import theme
from genstudio.ui.window import MainWindow

LONG = 60_000


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
