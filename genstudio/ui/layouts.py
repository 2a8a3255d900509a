"""Widgets beside and below each other, and how they are named."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias, TypeVar

from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtWidgets import QBoxLayout, QComboBox, QHBoxLayout, QLayout, QSplitter, QVBoxLayout, QWidget

Item: TypeAlias = (
    QWidget | QLayout | int | tuple[QWidget | QLayout, int] | tuple[QWidget, int, Qt.AlignmentFlag] | None
)
"""A part of a row or column, alone or with its stretch and alignment; a number of empty pixels; None is room that stretches."""
Margins: TypeAlias = tuple[int, int, int, int] | None
W = TypeVar("W", bound=QWidget)
_NONE = (0, 0, 0, 0)


def hbox(*items: Item, into: QWidget | None = None, margins: Margins = _NONE, spacing: int | None = 8) -> QHBoxLayout:
    """Items side by side, as the layout of a widget or to be put into another one; None keeps what the style says."""
    return _filled(QHBoxLayout() if into is None else QHBoxLayout(into), items, margins, spacing)


def vbox(*items: Item, into: QWidget | None = None, margins: Margins = _NONE, spacing: int | None = 8) -> QVBoxLayout:
    """The same, below each other."""
    return _filled(QVBoxLayout() if into is None else QVBoxLayout(into), items, margins, spacing)


def splitter(name: str, *parts: QWidget | tuple[QWidget, int], sizes: Sequence[int] = (), down: bool = True) -> QSplitter:
    """Parts below each other, or side by side, between which a handle can be dragged; a part may come with its stretch."""
    made = named(QSplitter(Qt.Orientation.Vertical if down else Qt.Orientation.Horizontal), name)
    made.setChildrenCollapsible(False)
    for place, part in enumerate(parts):
        widget, stretch = part if isinstance(part, tuple) else (part, 0)
        made.addWidget(widget)
        made.setStretchFactor(place, stretch)
    made.setSizes(sizes)
    return made


def named(widget: W, name: str, says: str = "") -> W:
    """The widget with its object name, which settings and tests know it by, and what a screen reader says."""
    widget.setObjectName(name)
    if says:
        widget.setAccessibleName(says)
    return widget


def choice(name: str, says: str, *items: str) -> QComboBox:
    """A named combo box."""
    box = named(QComboBox(), name, says)
    box.addItems(items)
    return box


def single_shot(parent: QObject, milliseconds: int = 0) -> QTimer:
    """A timer that runs out once."""
    timer = QTimer(parent)
    timer.setSingleShot(True)
    timer.setInterval(milliseconds)
    return timer


B = TypeVar("B", bound=QBoxLayout)


def _filled(layout: B, items: tuple[Item, ...], margins: Margins, spacing: int | None) -> B:
    if margins is not None:
        layout.setContentsMargins(*margins)
    if spacing is not None:
        layout.setSpacing(spacing)
    for item in items:
        if item is None:
            layout.addStretch(1)
        elif isinstance(item, int):
            layout.addSpacing(item)
        else:
            part, *rest = item if isinstance(item, tuple) else (item,)
            add = layout.addWidget if isinstance(part, QWidget) else layout.addLayout
            add(part, *rest)  # type: ignore[arg-type]
    return layout
