"""What the tests of random use share: every button and every entry of a menu, and dialogs that nobody answers."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QAbstractButton, QFileDialog, QMenu, QMessageBox, QPushButton, QToolButton, QWidget

NOTICED = [
    pytest.mark.qt_log_level_fail("WARNING"),
    pytest.mark.qt_log_ignore("This plugin does not support (propagateSizeHints|raise|grabbing the keyboard)"),
]
"""Marks of a test that fails at anything Qt complains of; a fault in any thread or slot fails every test anyway."""


class Controls:
    """Buttons and entries of menus that could be used while somebody was there, `met`, and those that were, `used`."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.met: set[str] = set()
        self.used: set[str] = set()

    def use(self, page: QWidget) -> str:
        """One that is seen and enabled, by its name; what was never used comes first."""
        ways = dict(_ways(page))
        self.met |= ways.keys()
        if ways:
            name = self.rng.choice(sorted(ways.keys() - self.used) or sorted(ways))
            self.used.add(name)
            ways[name]()
            return name
        return ""


def _ways(page: QWidget) -> Iterator[tuple[str, Callable[[], object]]]:
    for button in page.findChildren(QAbstractButton):
        has_menu = isinstance(button, QPushButton | QToolButton) and button.menu() is not None
        if button.objectName() and button.isVisible() and button.isEnabled() and not has_menu:
            yield f"{page.objectName()}: {button.objectName()}", button.click
    for menu in page.findChildren(QMenu):
        owner = menu.parent()
        if isinstance(owner, QWidget) and owner.isVisible():
            for action in menu.actions():
                if action.isEnabled() and action.objectName():
                    yield f"{page.objectName()}: {owner.accessibleName()}: {action.objectName()}", action.trigger


def answer_dialogs(patch: pytest.MonkeyPatch, rng: random.Random, folder: Path) -> None:
    """Let file dialogs name a file that may exist, one that cannot, or none; a question is declined."""

    def chosen(_parent: object, _title: str, name: str, kinds: str = "") -> tuple[str, str]:
        places = ["", str(folder / f"saved{Path(name).suffix}"), str(folder / "no such folder" / "file.png")]
        return rng.choice(places), kinds

    patch.setattr(QFileDialog, "getSaveFileName", chosen)
    patch.setattr(QFileDialog, "getOpenFileName", chosen)
    patch.setattr(QFileDialog, "getOpenFileNames", lambda *_: ([str(folder)], ""))
    patch.setattr(QFileDialog, "getExistingDirectory", lambda *_: rng.choice(["", str(folder / "no such folder")]))
    patch.setattr(QMessageBox, "exec", lambda _question: 0)
