"""The controls of the window, by their object names: find one, bring it to where it is seen, read it, use it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSlider,
    QApplication,
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QLabel,
    QLineEdit,
    QListWidget,
    QPlainTextEdit,
    QPushButton,
    QScrollArea,
    QSpinBox,
    QStackedWidget,
    QTabBar,
    QTabWidget,
    QToolButton,
    QWidget,
)

from genstudio.errors import GenstudioError
from genstudio.ui.latent.pad import LatentPad
from genstudio.ui.numbers import FloatEdit
from genstudio.ui.playground.page import Page
from genstudio.ui.playground.writer import Writer
from genstudio.ui.train.setup import SetupColumn
from genstudio.ui.train.tab import TrainingTab
from genstudio.ui.views.heads import HeadsView
from genstudio.ui.views.writing import DocumentView
from genstudio.ui.widgets import CollapsibleSection, LabeledSlider

if TYPE_CHECKING:
    from genstudio.ui.window import MainWindow

_CLOSE = 1e-6


class ControlError(GenstudioError):
    """A control that a step of a lesson names cannot be found or used now."""


def find(window: MainWindow, room: str, name: str) -> QWidget | None:
    """The control of this name in a room, else anywhere in the window. Of several, the one that is nearest to being seen.

    No room is built for it: this is asked while one is being built, too.
    """
    page = window.tabs.pages.get(room)
    for place in filter(None, (page, window)):
        found = place.findChildren(QWidget, name)
        if found:
            return min(found, key=lambda widget: (not widget.isVisible(), _hidden(widget)))
    return None


def called(widget: QWidget) -> str:
    """What a person calls a control: what is written on it, else its accessible name."""
    if isinstance(widget, LabeledSlider):
        return widget.slider.accessibleName()
    text = widget.text().replace("&&", "&") if isinstance(widget, QPushButton | QCheckBox) else ""
    return text or widget.accessibleName() or widget.objectName().replace("_", " ")


def reveal(window: MainWindow, widget: QWidget) -> None:
    """Open what hides a control, as a person would, and scroll to it."""
    for inner, outer in reversed(list(_nest(widget))):
        if isinstance(outer, QTabWidget) and (index := outer.indexOf(inner)) >= 0:
            outer.setCurrentIndex(index)
        elif isinstance(outer, TrainingTab | SetupColumn):
            outer.reveal(widget)
        elif isinstance(outer, CollapsibleSection) and outer.holds(widget):
            outer.set_opened(True)
        elif isinstance(outer, QStackedWidget) and isinstance(inner, Page):
            window.playground.inspectors.open(inner.title)
        elif isinstance(inner, Writer) and inner.isHidden():
            window.playground.set_wide(False)
    QApplication.sendPostedEvents(None, QEvent.Type.LayoutRequest.value)
    for _, outer in _nest(widget):
        if isinstance(outer, QScrollArea) and outer.widget() is not None:
            margin = (24, 24) if widget.height() < outer.height() - 48 else (0, 0)
            outer.ensureWidgetVisible(widget, *margin)


def value(widget: QWidget) -> Any:
    """What a control holds; of a list that is chosen from, the text of its entry."""
    if isinstance(widget, LabeledSlider | FloatEdit | QSpinBox | QDoubleSpinBox | QAbstractSlider):
        return widget.value()
    if isinstance(widget, QAbstractButton):
        return widget.isChecked()
    if isinstance(widget, QComboBox):
        return widget.currentText()
    if isinstance(widget, QTabWidget | QTabBar):
        return widget.tabText(widget.currentIndex())
    if isinstance(widget, QListWidget):
        item = widget.currentItem()
        return "" if item is None else item.text()
    if isinstance(widget, QPlainTextEdit):
        return widget.toPlainText()
    if isinstance(widget, QLineEdit | QLabel | DocumentView):
        return widget.text()
    if isinstance(widget, LatentPad):
        return widget.at
    if isinstance(widget, HeadsView):
        return widget.layer, widget.head
    raise ControlError(f"A lesson cannot read '{widget.objectName()}'.", "Choose another control for this step.")


def equals(widget: QWidget, wanted: bool | int | float | str) -> bool:
    """Whether a control holds a value; an entry of a list is known by its text or by its name."""
    if isinstance(widget, QComboBox) and widget.currentData() is not None and widget.currentData() == wanted:
        return True
    if isinstance(widget, QListWidget) and (row := row_of(widget, wanted)) >= 0:
        return widget.currentRow() == row
    found = value(widget)
    if isinstance(found, int | float) and isinstance(wanted, int | float):
        return abs(found - wanted) <= _CLOSE * max(1.0, abs(wanted))
    return bool(found == wanted)


def row_of(widget: QListWidget, wanted: bool | int | float | str) -> int:
    """The row of the entry that the program knows by this name; -1 where none is."""
    names = [widget.item(row).data(Qt.ItemDataRole.UserRole) for row in range(widget.count())]
    return names.index(wanted) if isinstance(wanted, str) and wanted in names else -1


def press(widget: QWidget) -> None:
    """Click a button. Raises ControlError where it cannot be pressed now."""
    _must_be_usable(widget, "pressed")
    if not isinstance(widget, QAbstractButton):
        raise ControlError(f"'{widget.objectName()}' is not a button.", "Correct this step of the lesson.")
    widget.click()


def put(widget: QWidget, wanted: bool | int | float | str) -> None:
    """Give a control a value, with the signals that follow when a person does. Raises ControlError."""
    if equals(widget, wanted):
        return
    _must_be_usable(widget, "changed")
    if isinstance(widget, LabeledSlider):
        widget.set_value(float(wanted))
        widget.changed.emit(widget.value())
    elif isinstance(widget, FloatEdit):
        widget.set_value(wanted)
        widget.changed.emit(widget.value())
    elif isinstance(widget, QSpinBox | QAbstractSlider):
        widget.setValue(int(wanted))
    elif isinstance(widget, QDoubleSpinBox):
        widget.setValue(float(wanted))
    elif isinstance(widget, QCheckBox) or (isinstance(widget, QPushButton | QToolButton) and widget.isCheckable()):
        widget.click()
    elif isinstance(widget, QComboBox):
        _choose(widget, str(wanted))
    elif isinstance(widget, QTabWidget | QTabBar):
        titles = [widget.tabText(index) for index in range(widget.count())]
        widget.setCurrentIndex(_place(widget, titles, str(wanted)))
    elif isinstance(widget, QListWidget):
        texts = [widget.item(row).text() for row in range(widget.count())]
        row = row_of(widget, wanted)
        widget.setCurrentRow(row if row >= 0 else _place(widget, texts, str(wanted)))
    elif isinstance(widget, DocumentView):
        widget.set_text(str(wanted))
    elif isinstance(widget, QLineEdit):
        widget.setText(str(wanted))
        widget.textEdited.emit(widget.text())
        widget.editingFinished.emit()
    elif isinstance(widget, QPlainTextEdit):
        widget.setPlainText(str(wanted))
    else:
        raise ControlError(f"A lesson cannot change '{widget.objectName()}'.", "Correct this step of the lesson.")


def keys(widget: QWidget, names: str) -> None:
    """Press keys in a control. Raises ControlError."""
    _must_be_usable(widget, "used")
    for name in names.split():
        pressed = QKeySequence(name)
        if pressed.isEmpty():
            raise ControlError(f"There is no key '{name}'.", "Correct this step of the lesson.")
        first = pressed[0]  # type: ignore[index]  # the stubs do not know it
        key, held = first.key(), first.keyboardModifiers()
        text = name.lower() if len(name) == 1 and held == Qt.KeyboardModifier.NoModifier else ""
        for kind in (QEvent.Type.KeyPress, QEvent.Type.KeyRelease):
            QApplication.sendEvent(widget, QKeyEvent(kind, key, held, text))


def _must_be_usable(widget: QWidget, how: str) -> None:
    if not widget.isEnabled():
        raise ControlError(f"'{called(widget)}' cannot be {how} now.", _reason(widget))
    if not widget.isVisible():
        raise ControlError(f"'{called(widget)}' is not shown now.", _reason(widget))


def _reason(widget: QWidget) -> str:
    for _, outer in _nest(widget):
        if isinstance(outer, TrainingTab) and outer.busy:
            return "A training is running; stop it first."
    return "Wait a moment, then try again."


def _choose(box: QComboBox, wanted: str) -> None:
    index = box.findData(wanted)
    if index < 0:
        index = _place(box, [box.itemText(row) for row in range(box.count())], wanted)
    box.setCurrentIndex(index)
    box.activated.emit(index)


def _place(widget: QWidget, texts: list[str], wanted: str) -> int:
    if wanted not in texts:
        raise ControlError(f"'{called(widget)}' does not offer '{wanted}'.", "Correct this step of the lesson.")
    return texts.index(wanted)


def _nest(widget: QWidget) -> Iterator[tuple[QWidget, QWidget]]:
    """Each widget with the one that it is in, from the inside out; a page of tabs is in these, not in their stack."""
    while (outer := widget.parentWidget()) is not None and not widget.isWindow():
        if isinstance(outer, QStackedWidget) and isinstance(tabs := outer.parentWidget(), QTabWidget):
            outer = tabs
        yield widget, outer
        widget = outer


def _hidden(widget: QWidget) -> int:
    """How many widgets around it, and itself, are hidden on their own account."""
    count = int(widget.isHidden())
    return count + sum(outer.isHidden() for _, outer in _nest(widget))
