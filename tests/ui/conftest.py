"""The real window, with the GAN tab in front or as it opens; whatever is dear and the same for all tests is worked out once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from genstudio.data import shelf
from genstudio.tasks.check import CheckDataset
from genstudio.tasks.models import Models
from genstudio.tasks.task import Frames
from genstudio.ui.window import MainWindow
from real_window import opened

_checked: dict[CheckDataset, Any] = {}
"""What was found in the datasets that ship, which are the same in every test."""


@pytest.fixture(autouse=True)
def _check_what_ships_once(monkeypatch: pytest.MonkeyPatch) -> None:
    check = CheckDataset.run

    def run(self: CheckDataset, models: Models) -> Frames[Any]:
        if shelf.find_dataset(self.data).mine:
            return (yield from check(self, models))
        if self not in _checked:
            _checked[self] = yield from check(self, models)
        return _checked[self]

    monkeypatch.setattr(CheckDataset, "run", run)


@pytest.fixture
def window(qtbot: Any, qapp: Any) -> Iterator[MainWindow]:
    """Shown at its smallest with the GAN tab in front, its datasets listed and torch imported; other rooms when asked for."""
    with opened(qtbot, ("gan",)) as window:
        window.tabs.setCurrentWidget(window.gan)
        yield window


@pytest.fixture
def open_window(qtbot: Any, qapp: Any) -> Iterator[Callable[..., MainWindow]]:
    """`open_window()` has every room; `open_window("runs")` that one, and others when they are asked for."""
    with ExitStack() as windows:
        yield lambda *ahead: windows.enter_context(opened(qtbot, ahead or None))
