"""The Playground of a new home: a model that ships, a beginning, and what it predicts; a copy of it is a run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import Qt

from genstudio.ui.tabs.playground import BEGINNING
from genstudio.ui.window import MainWindow


def test_a_new_home_has_something_to_play_with(
    real_models: None, open_window: Callable[..., MainWindow], qtbot: Any
) -> None:
    window = open_window("playground")
    window.tabs.show_room("playground")
    tab: Any = window.tabs.page("playground")
    qtbot.waitUntil(lambda: tab.choice.model.count() == 3)
    shown = [tab.choice.model.itemText(place) for place in range(3)]
    assert shown == [f"Included: {name}" for name in (
        "Shakespeare, characters", "Shakespeare, byte pairs", "Shapes and captions, CLIP",
    )]  # fmt: skip
    assert tab.document.text() == BEGINNING and not tab.status.text()
    assert "Kneser-Ney" in tab.choice.model.toolTip() and not tab.choice.copy.isHidden()
    page = tab.page("Next token")
    qtbot.waitUntil(lambda: page.view.snapshot is not None)
    tab.inspectors.open("Compare two")
    compare = tab.page("Compare two")
    assert "byte pairs" in compare.other.model.currentText(), "the other one is compared with"
    qtbot.mouseClick(tab.choice.copy, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: tab.choice.model.count() == 4 and not tab.choice.is_included)
    assert tab.choice.copy.isHidden() and len(window.library.runs) == 1
