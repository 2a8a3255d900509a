"""Which widget the Tab key goes to next: the one that the eye meets next."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QAbstractSpinBox,
    QComboBox,
    QGridLayout,
    QLayout,
    QPlainTextEdit,
    QScrollArea,
    QSplitter,
    QStackedWidget,
    QTabWidget,
    QWidget,
)

from genstudio.ui.widgets import named_tabs

_WHOLE = QAbstractItemView, QAbstractSpinBox, QComboBox, QPlainTextEdit
"""Widgets whose inner parts have no place of their own."""


def follow_the_eye(root: QWidget) -> None:
    """Let Tab visit what is inside in the order of its layouts, whatever was built first; a bar of tabs, which is what it
    visits, gets the accessible name of its pages."""
    for pages in root.findChildren(QTabWidget):
        named_tabs(pages, pages.accessibleName())
    found = list(_read(root))  # a wrapper of a bar does not outlive those of the widgets around it
    stops = [widget for widget in found if widget.focusPolicy() & Qt.FocusPolicy.TabFocus]
    for before, after in itertools.pairwise(stops):
        QWidget.setTabOrder(before, after)


def _read(widget: QWidget) -> Iterator[QWidget]:
    """A widget and what is inside, row by row; what no layout holds comes last."""
    yield widget
    if isinstance(widget, _WHOLE):
        return
    placed = list(_parts(widget))
    others = [child for child in widget.children() if isinstance(child, QWidget) and not child.isWindow()]
    for child in (*placed, *(child for child in others if child not in placed)):
        yield from _read(child)


def _parts(widget: QWidget) -> Iterator[QWidget]:
    if isinstance(widget, QTabWidget):
        yield widget.tabBar()
    if isinstance(widget, QSplitter | QStackedWidget | QTabWidget):
        yield from filter(None, map(widget.widget, range(widget.count())))
    elif isinstance(widget, QScrollArea):
        yield from filter(None, (widget.widget(),))
    elif (layout := widget.layout()) is not None:
        yield from _laid(layout)


def _laid(layout: QLayout) -> Iterator[QWidget]:
    places = list(range(layout.count()))
    if isinstance(layout, QGridLayout):
        places.sort(key=lambda index: layout.getItemPosition(index)[:2])  # type: ignore[index]
    for item in filter(None, map(layout.itemAt, places)):
        if (inner := item.layout()) is not None:
            yield from _laid(inner)
        elif (child := item.widget()) is not None:
            yield child
