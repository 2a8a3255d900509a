"""Small things that all parts of the Datasets tab use."""

from __future__ import annotations

from PySide6.QtWidgets import QComboBox, QHBoxLayout, QVBoxLayout, QWidget

from genstudio.ui.layouts import named

KIND_WORDS = {"text": "Text", "pairs": "Pairs", "images": "Pictures", "points": "Points", "tasks": "Toy task"}
COUNTED = {"text": "characters", "pairs": "pairs", "images": "pictures", "points": "points", "tasks": "examples"}


def choice(name: str, says: str, *items: str) -> QComboBox:
    """A named combo box."""
    box = named(QComboBox(), name, says)
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
