"""Small things that the pages of the GAN tab share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QFrame, QMenu, QScrollArea, QWidget

from genstudio.tasks.film import KINDS, videos
from genstudio.ui.layouts import named


def scrolled(inside: QWidget, name: str) -> QScrollArea:
    """A widget that scrolls up and down where it is too tall."""
    scroll = named(
        QScrollArea(), name, inside.accessibleName() or name.removesuffix("_scroll").replace("_", " ").capitalize()
    )
    scroll.setFrameShape(QFrame.Shape.NoFrame)
    scroll.setWidgetResizable(True)
    scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    scroll.setWidget(inside)
    return scroll


def scrolled_across(inside: QWidget, name: str) -> QScrollArea:
    """A widget that scrolls from left to right where it is too wide."""
    scroll = scrolled(inside, name)
    scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
    scroll.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    return scroll


def export_menu(parent: QWidget, name: str, stem: Callable[[], str], write: Callable[[str], object]) -> QMenu:
    """Every kind of file that pictures over time can become; asks for a name that begins as `stem()`, then `write(out)`."""

    def ask(suffix: str) -> None:
        kinds = f"{KINDS[suffix]} (*{suffix})"
        chosen, _ = QFileDialog.getSaveFileName(parent, "Export", f"{stem()}{suffix}", kinds)
        if chosen:
            write(chosen if Path(chosen).suffix.lower() == suffix else f"{chosen}{suffix}")

    menu = QMenu(parent)
    for suffix, words in KINDS.items():
        if suffix != ".mp4" or videos():
            action = menu.addAction(f"{words} ({suffix[1:].upper()})…")
            action.setObjectName(f"{name}_{suffix[1:]}")
            action.triggered.connect(lambda _=False, suffix=suffix: ask(suffix))
    return menu
