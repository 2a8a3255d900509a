"""Small things that all parts of the Datasets tab use."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QComboBox, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from genstudio.ui import theme

KIND_WORDS = {"text": "Text", "pairs": "Pairs", "images": "Pictures", "points": "Points", "tasks": "Toy task"}
COUNTED = {"text": "characters", "pairs": "pairs", "images": "pictures", "points": "points", "tasks": "examples"}


def button(
    text: str, name: str, icon: str = "", says: str = "", does: Callable[[], object] | None = None
) -> QPushButton:
    """A named button with words, and what it does."""
    made = QPushButton(text)
    made.setObjectName(name)
    made.setAccessibleName(says or text)
    if icon:
        theme.set_icon(made, icon)
    if does is not None:
        made.clicked.connect(lambda _=False: does())
    return made


def choice(name: str, says: str, *items: str) -> QComboBox:
    """A named combo box."""
    box = QComboBox()
    box.setObjectName(name)
    box.setAccessibleName(says)
    box.addItems(items)
    return box


def column(*widgets: QWidget, margins: tuple[int, int, int, int] = (0, 0, 0, 0), spacing: int = 8) -> QVBoxLayout:
    """Widgets below each other."""
    layout = QVBoxLayout()
    layout.setContentsMargins(*margins)
    layout.setSpacing(spacing)
    for widget in widgets:
        layout.addWidget(widget)
    return layout


def row(*widgets: QWidget | None, spacing: int = 8) -> QHBoxLayout:
    """Widgets side by side; None is room that stretches."""
    layout = QHBoxLayout()
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(spacing)
    for widget in widgets:
        if widget is None:
            layout.addStretch(1)
        else:
            layout.addWidget(widget)
    return layout
