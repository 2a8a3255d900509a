"""The sampler with the keyboard alone, in the real window, and the list of all keys."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import (
    QApplication,
)
from pytestqt.qtbot import QtBot

from genstudio.tasks.train import Train
from genstudio.ui import theme
from genstudio.ui.shortcuts import KeysDialog
from genstudio.ui.window import MainWindow
from helpers import TINY, run_task, text_file

Key, Mod = Qt.Key, Qt.KeyboardModifier
LONG = 120_000
MOST = 90
TEXT_KEYS = {
    "linux": "Ctrl+A Ctrl+C Ctrl+D Ctrl+E Ctrl+K Ctrl+U Ctrl+V Ctrl+X Ctrl+Y Ctrl+Z Ctrl+Left Ctrl+Right Ctrl+Home "
    "Ctrl+End Ctrl+Backspace Ctrl+Del Ctrl+Shift+Left Ctrl+Shift+Right Ctrl+Shift+Home Ctrl+Shift+End",
    "windows": "Alt+Backspace Alt+Shift+Backspace Ctrl+Ins Shift+Ins Shift+Del Alt+F4 Alt+Space",
    "mac": "Alt+Left Alt+Right Alt+Up Alt+Down Alt+PgUp Alt+PgDown Alt+Backspace Alt+Del Ctrl+Left Ctrl+Right Ctrl+Up "
    "Ctrl+Down Ctrl+Shift+Up Ctrl+Shift+Down Ctrl+H Ctrl+M Ctrl+W Ctrl+Space Ctrl+Tab",
}
"""What a text, or the system, does with keys: from the tables of Qt's standard keys."""


class Hands:
    """Two hands on the keyboard of a window, and no mouse."""

    def __init__(self, qtbot: QtBot, window: MainWindow) -> None:
        self.qtbot, self.window, self.tab = qtbot, window, window.playground

    @property
    def at(self) -> Any:
        """The widget that the keys go to."""
        found = QApplication.focusWidget()
        assert found is not None, "the focus is lost"
        return found

    def press(self, key: Qt.Key, *modifiers: Qt.KeyboardModifier) -> None:
        held = Mod.NoModifier
        for modifier in modifiers:
            held |= modifier
        self.qtbot.keyClick(self.at, key, held)

    def type(self, text: str) -> None:
        self.qtbot.keyClicks(self.at, text)

    def until(self, condition: Callable[[], object]) -> None:
        self.qtbot.waitUntil(lambda: bool(condition()), timeout=LONG)

    def go_to(self, name: str) -> Any:
        """Press Tab until the keys go to the widget of this name."""
        for _ in range(MOST):
            if self.at.objectName() == name:
                return self.at
            self.press(Key.Key_Tab)
        raise AssertionError(f"Tab does not reach {name}")


@pytest.fixture
def hands(qtbot: QtBot, qapp: Any, tmp_path: Path) -> Iterator[Hands]:
    for seed in (0, 1):
        run_task(Train("gpt", str(text_file(tmp_path)), TINY | {"context": 16}, steps=12, seed=seed, name=f"model {seed}"))
    theme.apply(qapp, "light")
    window = MainWindow()
    window.resize(1280, 720)
    window.show()
    window.begin()
    qtbot.waitUntil(lambda: not window._rest_timer.isActive(), timeout=LONG)
    qtbot.waitUntil(lambda: window.playground.choice.model.count() == 2, timeout=LONG)
    window.activateWindow()
    qtbot.waitUntil(lambda: QApplication.activeWindow() is window, timeout=LONG)
    window.tabs.tabBar().setFocus()
    hands = Hands(qtbot, window)
    hands.press(Key.Key_3, Mod.ControlModifier)
    assert window.tabs.currentWidget() is window.playground
    yield hands
    window.close()
    window.deleteLater()


@pytest.mark.timeout(900)
def test_every_control_of_the_sampler_with_keys_alone(hands: Hands) -> None:
    sampler = hands.tab.sampler
    for name in ("temperature", "top_k", "top_p", "min_p", "repetition_penalty", "length"):
        line = next(part for part in vars(sampler).values() if getattr(part, "objectName", str)() == name)
        for end, key in (("slider", Key.Key_Right), ("value", Key.Key_Up), ("slider", Key.Key_Left)):
            hands.go_to(f"{name}_{end}")
            before = line.value()
            hands.press(key)
            if line.value() == before:
                hands.press({Key.Key_Up: Key.Key_Down, Key.Key_Right: Key.Key_Left}.get(key, Key.Key_Right))
            assert line.value() != before, (name, end)
    for name in ("greedy", "fresh_seed"):
        box = hands.go_to(name)
        hands.press(Key.Key_Space)
        assert box.isChecked()
        hands.press(Key.Key_Space)
        assert not box.isChecked()
    hands.go_to("stop_text")
    hands.type("x")
    hands.go_to("sampling_seed")
    hands.press(Key.Key_Up)
    assert sampler.sampling().stop_texts == ("x",) and sampler.sampling().seed == 1


def test_the_keys_are_listed_and_collide_with_nothing(hands: Hands) -> None:
    hands.press(Key.Key_F1)
    dialog = hands.window.findChild(KeysDialog)
    assert dialog is not None and dialog.isVisible()
    listed = {
        item.child(row).text(0)
        for index in range(dialog.list.topLevelItemCount())
        if (item := dialog.list.topLevelItem(index)) is not None
        for row in range(item.childCount())
    }
    given = [
        action.shortcut()
        for menu in hands.window.menuBar().actions()
        for action in menu.menu().actions()  # type: ignore[attr-defined]
        if not action.shortcut().isEmpty()
    ]
    keys = [keys.toString() for keys in given]
    assert len(set(keys)) == len(keys) > 20
    assert {keys.toString(QKeySequence.SequenceFormat.NativeText) for keys in given} <= listed
    for system, taken in TEXT_KEYS.items():
        assert not set(keys) & set(taken.split()), system
    readme = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")
    told = {QKeySequence(found).toString() for found in re.findall(r"`((?:Ctrl|Shift|Alt)\+[^`]+|F\d+)`", readme)}
    assert told <= set(keys), told - set(keys)
