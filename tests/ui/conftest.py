"""The real window, with the GAN tab in front or as it opens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from genstudio.ui.window import MainWindow
from real_window import opened


@pytest.fixture
def window(known_encoders: None, qtbot: Any, qapp: Any) -> Iterator[MainWindow]:
    """Shown at its smallest with the GAN tab in front, its datasets listed and torch imported."""
    with opened(qtbot) as window:
        window.tabs.setCurrentWidget(window.gan)
        yield window


@pytest.fixture
def open_window(qtbot: Any, qapp: Any) -> Iterator[Callable[[], MainWindow]]:
    with ExitStack() as windows:
        yield lambda: windows.enter_context(opened(qtbot))
