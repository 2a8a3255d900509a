"""Widgets beside and below each other, and how they are named."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias, TypeVar

from PySide6.QtCore import QEvent, QObject, QSize, Qt, QTimer
from PySide6.QtGui import QPaintEvent, QResizeEvent, QShowEvent, QWheelEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLayout,
    QScrollArea,
    QSizePolicy,
    QSplitter,
    QStackedWidget,
    QStyle,
    QStyleOptionComboBox,
    QStylePainter,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

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


class Flow(QWidget):
    """Widgets beside each other, in as many rows as their width asks for."""

    def __init__(self, *widgets: QWidget, spacing: int = 8) -> None:
        super().__init__()
        self._widgets, self._spacing = widgets, spacing
        for widget in widgets:
            widget.setParent(self)
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)  # a fixed one is cut to its first row
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return self._place(width, moved=False)

    def sizeHint(self) -> QSize:
        sizes = [widget.sizeHint() for widget in self._shown()]
        width = sum(size.width() for size in sizes) + self._spacing * max(len(sizes) - 1, 0)
        return QSize(width, max((size.height() for size in sizes), default=0))

    def minimumSizeHint(self) -> QSize:
        sizes = [widget.minimumSizeHint() for widget in self._shown()]
        return QSize(*(max((size.toTuple()[axis] for size in sizes), default=0) for axis in (0, 1)))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place(self.width(), moved=True)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._place(self.width(), moved=True)  # what was shown or hidden meanwhile has asked for nothing

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.LayoutRequest:
            self.updateGeometry()
            self._place(self.width(), moved=True)
        return super().event(event)

    def _shown(self) -> list[QWidget]:
        return [widget for widget in self._widgets if not widget.isHidden()]

    def _place(self, width: int, *, moved: bool) -> int:
        """Put the widgets into a width, those of a row on one middle line, or only find the height that they need in it."""
        rows: list[list[tuple[QWidget, QSize, int]]] = [[]]
        x = 0
        for widget in self._shown():
            size = widget.sizeHint().expandedTo(widget.minimumSize()).boundedTo(widget.maximumSize())
            if x > 0 and x + size.width() > width:
                rows.append([])
                x = 0
            rows[-1].append((widget, size, x))
            x += size.width() + self._spacing
        y = 0
        for row in rows:
            tall = max((size.height() for _, size, _ in row), default=0)
            for widget, size, left in row if moved else ():
                widget.setGeometry(left, y + (tall - size.height()) // 2, min(size.width(), width), size.height())
            y += tall + self._spacing
        return y - self._spacing


def paired(label: QLabel, widget: QWidget) -> QWidget:
    """A label before the widget that it names, as one part of a row that wraps."""
    label.setBuddy(widget)
    pair = QWidget()
    hbox(label, widget, into=pair, spacing=6)
    return pair


class Scrolling(QScrollArea):
    """A page that is squeezed to the least room that it can do with, and scrolls where there is less than that.

    A scroll area alone asks for the room that wrapped text and charts would like to have, and scrolls long before it must.
    """

    def __init__(self, page: QWidget, name: str) -> None:
        super().__init__()
        named(self, name, page.accessibleName() or "Page")
        self.page = page
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setWidgetResizable(True)
        self.setWidget(_Squeezed(page))

    def minimumSizeHint(self) -> QSize:
        return QSize(0, 0)


class _Squeezed(QWidget):
    """Gives a page all its room, and asks for no more than the page needs in the width that it has."""

    def __init__(self, page: QWidget) -> None:
        super().__init__()
        self._page = page
        page.setParent(self)

    def minimumSizeHint(self) -> QSize:
        least = self._page.minimumSizeHint().expandedTo(self._page.minimumSize())
        return QSize(least.width(), least.height() + sum(map(_wrapped, self._page.children())))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._page.setGeometry(self.rect())
        if event.size().width() != event.oldSize().width():
            self.updateGeometry()

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.LayoutRequest:
            self.updateGeometry()
        return super().event(event)


def _wrapped(part: QObject) -> int:
    """Height that wrapped words need beyond the one line that a layout counts for them."""
    if not isinstance(part, QLabel | Flow) or part.isHidden() or not part.hasHeightForWidth():
        return 0
    return max(part.heightForWidth(part.width()) - part.minimumSizeHint().height(), 0)


class Stack(QStackedWidget):
    """Pages, one of them seen, that needs no more room than that one does."""

    def __init__(self) -> None:
        super().__init__()
        self.currentChanged.connect(lambda _: self.updateGeometry())

    def minimumSizeHint(self) -> QSize:
        page = self.currentWidget()
        return QSize(0, 0) if page is None else page.minimumSizeHint().expandedTo(page.minimumSize())


class Tabs(QTabWidget):
    """Pages behind tabs that need no more room than the page that is seen."""

    def __init__(self) -> None:
        super().__init__()
        self.setDocumentMode(True)
        # Tab stops for ever before pages whose bar, the proxy, is hidden; and the bar has a place of its own in the order
        self.setFocusProxy(None)  # type: ignore[arg-type]
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._placed: tuple[QSize, bool] | None = None
        self.currentChanged.connect(lambda _: self.updateGeometry())

    def event(self, event: QEvent) -> bool:
        """A page that asks for another layout, as at each new text of a label in it, moves nothing here unless the bar changes:
        Qt would place the bar again, and paint all of the page."""
        if event.type() == QEvent.Type.LayoutRequest:
            bar = self.tabBar()
            before, self._placed = self._placed, (bar.sizeHint(), bar.isHidden())
            if before == self._placed:
                self.updateGeometry()
                return True
        return super().event(event)

    def setTabVisible(self, index: int, visible: bool) -> None:
        """Say only what changes: after a tab that stays as it is, Qt forgets that others moved, and leaves a gap where one was
        hidden."""
        if visible != self.isTabVisible(index):
            super().setTabVisible(index, visible)

    def minimumSizeHint(self) -> QSize:
        page, bar = self.currentWidget(), self.tabBar().minimumSizeHint()
        needed = QSize(0, 0) if page is None else page.minimumSizeHint().expandedTo(page.minimumSize())
        if self.tabBar().isHidden():
            return needed
        return QSize(max(needed.width(), bar.width()), needed.height() + bar.height())


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


class Choice(QComboBox):
    """A combo box with a list of up to 16 rows below it; the wheel changes it only while it has the focus."""

    def __init__(self) -> None:
        super().__init__()
        self.setMaxVisibleItems(16)

    def showPopup(self) -> None:
        # Qt decides on the scroll bar before it knows the style sheet, for a list that scrolls at its edges
        self.view().setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        super().showPopup()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """As of Qt, but text that does not fit ends in an ellipsis."""
        painter, option = QStylePainter(self), QStyleOptionComboBox()
        self.initStyleOption(option)
        room = self.style().subControlRect(
            QStyle.ComplexControl.CC_ComboBox, option, QStyle.SubControl.SC_ComboBoxEditField, self
        )
        width = room.width() - (0 if option.currentIcon.isNull() else self.iconSize().width() + 4)
        option.currentText = self.fontMetrics().elidedText(option.currentText, Qt.TextElideMode.ElideRight, width)
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


def choice(name: str, says: str, *items: str) -> Choice:
    """A named combo box."""
    box = named(Choice(), name, says)
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
