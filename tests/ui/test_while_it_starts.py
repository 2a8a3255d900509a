"""A person who is faster than the start: the room or the lesson that was chosen stays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from genstudio.ui.window import MainWindow
from helpers import LONG


@pytest.fixture
def started(qtbot: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[str, int]]:
    """Opens a window, does this before it begins, and says which room is in front once it is ready, and how many steps its lesson
    has."""
    monkeypatch.setenv("GENSTUDIO_HOME", str(tmp_path))

    def start(before: Callable[[MainWindow], object]) -> tuple[str, int]:
        window = MainWindow()
        try:
            window.show()
            before(window)
            window.begin(("lessons", "datasets"))
            qtbot.waitUntil(lambda: window.ready, timeout=LONG)
            if window.in_lesson:
                qtbot.waitUntil(lambda: window.player.steps[0].room == "playground", timeout=LONG)
            return window.tabs.key(), len(window.player.steps) if window.in_lesson else 0
        finally:
            window.close()
            window.deleteLater()

    return start


def test_what_was_chosen_while_it_starts_stays(real_models: None, started: Callable[..., tuple[str, int]]) -> None:
    assert started(lambda window: window.tabs.show_room("datasets")) == ("datasets", 0), "not the lessons of a first start"
    assert started(lambda _: None) == ("datasets", 0), "where nobody chose, it is the last one"
    assert started(lambda window: window.play_lesson("05-attention")) == ("playground", 9), "an included model needs no training"
