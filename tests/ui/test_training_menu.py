"""The Training menu acts on the training tab that is shown and on nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from gan_window import LONG, SMALL, begin, stop
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction

from genstudio.ui.window import MainWindow

NAMES = {
    "start": "start",
    "pause": "pause_or_resume",
    "stop": "stop",
    "save": "save_now",
    "extend": "train_twice_as_long",
}


def action(window: MainWindow, name: str) -> QAction:
    found = window.findChild(QAction, f"action_{NAMES[name]}")
    assert isinstance(found, QAction)
    return found


@pytest.mark.parametrize("tab", ["datasets", "playground", "runs"])
def test_no_training_starts_from_a_tab_that_trains_nothing(window: MainWindow, qtbot: Any, tab: str) -> None:
    window.tabs.setCurrentWidget(getattr(window, tab))
    qtbot.keyClick(window, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    action(window, "start").trigger()
    assert not any(action(window, name).isEnabled() for name in NAMES)
    assert window.transformer.state == window.gan.state == "idle"
    assert not any(name.startswith(("Train", "Resume")) for name in window.engine.running)


def test_menu_and_buttons_agree_while_a_gan_trains(window: MainWindow, qtbot: Any) -> None:
    def agree(tab: Any) -> bool:
        return all(action(window, name).isEnabled() == getattr(tab, name).isEnabled() for name in NAMES)

    assert agree(window.gan) and action(window, "start").isEnabled() and not action(window, "stop").isEnabled()
    tab = begin(qtbot, window, "gaussian-ring", SMALL)
    assert agree(tab) and action(window, "stop").isEnabled()
    window.tabs.setCurrentWidget(window.transformer)
    assert agree(window.transformer) and action(window, "start").isEnabled()
    action(window, "stop").trigger()
    assert tab.state == "running"
    window.tabs.setCurrentWidget(tab)
    action(window, "pause").trigger()
    assert tab.state == "paused" and agree(tab)
    stop(qtbot, tab)
    qtbot.waitUntil(lambda: agree(tab), timeout=LONG)


def test_a_new_training_shows_nothing_of_the_one_before(window: MainWindow, qtbot: Any) -> None:
    tab = begin(qtbot, window, "gaussian-ring", SMALL)
    qtbot.waitUntil(lambda: "iterations/s" in tab.strip.headline.text(), timeout=LONG)
    stop(qtbot, tab)
    said: list[str] = []
    tab.working.connect(lambda _: said.append(tab.strip.headline.text()))
    tab.start_training()
    qtbot.waitUntil(lambda: tab.state == "running", timeout=LONG)
    assert said and not any("iterations/s" in text for text in said)
    assert "step 0" in tab.strip.headline.text()
    stop(qtbot, tab)
