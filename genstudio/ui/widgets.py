"""Small widgets that every tab uses."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QAction, QFontMetrics, QGuiApplication, QKeySequence, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QLayout,
    QPlainTextEdit,
    QPushButton,
    QSizePolicy,
    QSlider,
    QTabWidget,
    QToolButton,
    QWidget,
)

from genstudio.errors import Failure
from genstudio.ui import theme
from genstudio.ui.glossary import TermLabel
from genstudio.ui.layouts import hbox, named, vbox
from genstudio.ui.numbers import FloatEdit

_LOW = 170
"""Height in which an empty state has no room for its icon, in pixels of the usual text size."""


def tooltip(text: str) -> str:
    """Text for a tooltip: wrapped at a readable width, and never read as markup."""
    return f"<p style='white-space: pre-wrap; margin: 0'>{html.escape(text)}</p>" if text else ""


def with_keys(words: str, keys: str) -> str:
    """Words for a tooltip, with the keys that do the same in this system's signs."""
    return f"{words} ({QKeySequence(keys).toString(QKeySequence.SequenceFormat.NativeText)})"


def named_tabs(tabs: QTabWidget, says: str) -> None:
    """Say what these pages are, whether the pages or their bar are come by."""
    tabs.setAccessibleName(says)
    tabs.tabBar().setAccessibleName(says)


def plain_label(text: str = "", *, role: str = "", wrap: bool = False, name: str = "") -> QLabel:
    """A label that never reads markup; `role` is a word of the style sheet: quiet, heading, title, group, problem.

    It explains terms of the glossary on hover.
    """
    label = TermLabel()
    label.setText(text)
    label.setWordWrap(wrap)
    label.setObjectName(name)
    if role:
        label.setProperty(role, True)
    return label


def primary_button(text: str, name: str, icon: str = "") -> QPushButton:
    """The one button of a tab that stands out."""
    button = named(QPushButton(text), name, text)
    button.setProperty("primary", True)
    if icon:
        theme.set_icon(button, icon, "on_accent")
    return button


def button(
    text: str, name: str, icon: str = "", says: str = "", does: Callable[[], object] | None = None
) -> QPushButton:
    """A named button with words, and what it does."""
    made = named(QPushButton(text), name, says or text)
    if icon:
        theme.set_icon(made, icon)
    if does is not None:
        made.clicked.connect(lambda _=False: does())
    return made


def icon_button(icon: str, name: str, label: str, *, shortcut: str = "") -> QToolButton:
    """A quiet button that shows only an icon; `label` is its tooltip and accessible name."""
    button = named(QToolButton(), name, label)
    button.setToolTip(tooltip(with_keys(label, shortcut) if shortcut else label))
    if shortcut:
        button.setShortcut(QKeySequence(shortcut))
    theme.set_icon(button, icon)
    return button


def restyle(widget: QWidget, name: str, value: object) -> None:
    """Set a property that the style sheet looks at, and make it look again if it changed."""
    if widget.property(name) != value:
        widget.setProperty(name, value)
        widget.style().unpolish(widget)
        widget.style().polish(widget)


class ElidedLabel(QLabel):
    """One line of plain text with an ellipsis where it does not fit; the whole text is its tooltip then."""

    def __init__(self, text: str = "", mode: Qt.TextElideMode = Qt.TextElideMode.ElideRight) -> None:
        super().__init__()
        self._mode = mode
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setText(text)

    def setText(self, text: str) -> None:
        """Set the text. New text leaves the layout alone, unless the width is meant to follow it: laying out everything from
        here up to the window takes longer than painting the words."""
        words = " ".join(text.split())
        if words == self.text():
            return
        hidden = self.isHidden()
        calm = self.sizePolicy().horizontalPolicy() == QSizePolicy.Policy.Ignored
        self.setAttribute(Qt.WidgetAttribute.WA_WState_Hidden, hidden or calm)  # for one that is hidden Qt asks no layout
        super().setText(words)
        self.setAttribute(Qt.WidgetAttribute.WA_WState_Hidden, hidden)
        self._hint()

    def minimumSizeHint(self) -> QSize:
        return QSize(24, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._hint()

    def paintEvent(self, _event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            painter.setPen(self.palette().color(self.foregroundRole()))
            painter.drawText(self.contentsRect(), int(self.alignment()), self._shown())

    def _shown(self) -> str:
        return QFontMetrics(self.font()).elidedText(self.text(), self._mode, self.contentsRect().width())

    def _hint(self) -> None:
        self.setToolTip(tooltip(self.text()) if self._shown() != self.text() else "")


class CollapsibleSection(QWidget):
    """A heading that opens and closes what is under it."""

    toggled = Signal(bool)

    def __init__(self, title: str, *, opened: bool = False, name: str = "") -> None:
        super().__init__()
        self.setObjectName(name or f"section_{title.lower().replace(' ', '_')}")
        self._title, self._note = title, ""
        self._button = named(QToolButton(), f"{self.objectName()}_toggle")
        self._button.setProperty("section", True)
        self._button.setCheckable(True)
        self._button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._body = QWidget()
        vbox(self._button, self._body, into=self, spacing=4)
        self.set_note("")
        self._show(opened)
        self._button.setChecked(opened)
        self._button.toggled.connect(self._show)
        self._button.toggled.connect(self.toggled)

    def set_content(self, content: QLayout) -> None:
        """What is shown while open; once only."""
        content.setContentsMargins(0, 0, 0, 0)
        self._body.setLayout(content)

    def set_note(self, note: str) -> None:
        """A few words after the title that are seen while it is closed."""
        self._note = note
        words = f"{self._title}  ·  {note}" if note else self._title
        self._button.setText(words.replace("&", "&&"))
        self._button.setAccessibleName(words)

    @property
    def opened(self) -> bool:
        return self._button.isChecked()

    def set_opened(self, opened: bool) -> None:
        self._button.setChecked(opened)

    def holds(self, widget: QWidget) -> bool:
        """Whether a widget is under the heading."""
        return self._body.isAncestorOf(widget)

    def _show(self, opened: bool) -> None:
        self._body.setVisible(opened)
        theme.set_icon(self._button, "chevron-down" if opened else "chevron-right", "quiet")


def _elided(text: str, width: int = 600) -> str:
    """The text with an ellipsis in each word that is wider than this, because a label wraps between words only."""
    metrics = QFontMetrics(theme.font(theme.NORMAL, bold=True))
    parts = re.split(r"(\s+)", text)
    return "".join(
        metrics.elidedText(part, Qt.TextElideMode.ElideMiddle, width) if part.strip() else part for part in parts
    )


class Banner(QFrame):
    """What happened and what next; with buttons, details to copy, and a cross that dismisses it."""

    dismissed = Signal()

    def __init__(
        self,
        what: str,
        *,
        kind: str = "error",
        next_step: str = "",
        details: str = "",
        actions: Sequence[QAction] = (),
    ) -> None:
        super().__init__()
        self.setObjectName(f"banner_{kind}")
        self.setAccessibleName(f"{kind}: {what} {next_step}".strip())
        self.setProperty("banner", kind)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self._details = QPlainTextEdit(details)
        self._build(kind, what, next_step, details, actions)

    @classmethod
    def of(cls, failure: Failure, actions: Sequence[QAction] = ()) -> Banner:
        """The banner of a failure that came from the engine."""
        next_step = f"{failure.hint} File: {failure.path}".strip() if failure.path else failure.hint
        return cls(failure.message, next_step=next_step, details=failure.details, actions=actions)

    def _build(self, kind: str, what: str, rest: str, details: str, actions: Sequence[QAction]) -> None:
        sign = QLabel()
        theme.set_icon(sign, kind, "accent" if kind == "info" else kind, 20)
        first = plain_label(_elided(what), wrap=True, name="banner_what")
        first.setStyleSheet("font-weight: 600")
        second = plain_label(_elided(rest), wrap=True, name="banner_rest")
        if not rest:
            second.hide()
        for label in (first, second):
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        first.setToolTip(tooltip(what) if first.text() != what else "")
        second.setToolTip(tooltip(rest) if second.text() != rest else "")
        words = vbox(first, second, spacing=2)
        if actions or details:
            words.addSpacing(4)
            words.addLayout(self._buttons(actions, details))
        self._details.setObjectName("banner_details")
        self._details.setAccessibleName("Details")
        self._details.setReadOnly(True)
        self._details.setFont(theme.mono(theme.SMALL))
        self._details.setMaximumHeight(160)
        self._details.hide()
        words.addWidget(self._details)
        close = icon_button("close", "banner_dismiss", "Dismiss")
        hbox(
            (sign, 0, Qt.AlignmentFlag.AlignTop), (words, 1), (close, 0, Qt.AlignmentFlag.AlignTop), into=self,
            margins=(12, 10, 8, 10), spacing=12,
        )  # fmt: skip
        close.clicked.connect(self._dismiss)

    def _buttons(self, actions: Sequence[QAction], details: str) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(8)
        for action in actions:
            button = named(QPushButton(action.text()), f"banner_{action.objectName() or 'action'}", action.text())
            button.clicked.connect(action.trigger)
            row.addWidget(button)
        if details:
            show = named(QPushButton("Details"), "banner_show_details")
            show.setCheckable(True)
            show.toggled.connect(self._details.setVisible)
            copy = named(QPushButton("Copy details"), "banner_copy_details")
            theme.set_icon(copy, "copy")
            copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self._details.toPlainText()))
            row.addWidget(show)
            row.addWidget(copy)
        row.addStretch(1)
        return row

    def _dismiss(self) -> None:
        self.hide()
        self.dismissed.emit()


class EmptyState(QWidget):
    """Said where nothing is yet: an icon, a sentence, and the one thing to do next."""

    triggered = Signal()

    def __init__(
        self, icon: str, sentence: str, button: str = "", name: str = "empty", above: QWidget | None = None
    ) -> None:
        """`above` is shown instead of the icon, with all the room that is left."""
        super().__init__()
        self.setObjectName(name)
        sign = self._sign = QLabel()
        sign.setAlignment(Qt.AlignmentFlag.AlignCenter)
        theme.set_icon(sign, icon, "quiet", 40)
        self._words = plain_label(sentence, wrap=True, name=f"{name}_sentence")
        self._words.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._words.setMaximumWidth(420)
        self._button = named(QPushButton(button), f"{name}_button", button)
        layout = vbox(into=self, margins=(24, 24, 24, 24), spacing=12)
        if above is None:
            layout.addStretch(1)
            layout.addWidget(sign)
        else:
            layout.addWidget(above, 8)
        middle = hbox(None, (self._words, 100), None, spacing=None)
        layout.addLayout(middle)
        layout.addWidget(self._button, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addStretch(1)
        self._button.setVisible(bool(button))
        self._button.clicked.connect(self.triggered)

    def set_sentence(self, sentence: str) -> None:
        self._words.setText(sentence)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self._sign.parentWidget() is self:  # the words go first where there is no room for both
            self._sign.setVisible(self.height() >= theme.scaled(_LOW))


class LabeledSlider(QWidget):
    """A number on a slider with its name before it and an exact editor after it.

    `logarithmic` gives every factor the same way on the slider; `whole` keeps to whole numbers.
    """

    changed = Signal(float)
    _TICKS = 1000

    def __init__(
        self,
        label: str,
        low: float,
        high: float,
        value: float,
        *,
        logarithmic: bool = False,
        whole: bool = False,
        name: str = "",
    ) -> None:
        super().__init__()
        self.setObjectName(name or label.lower().replace(" ", "_"))
        self._low, self._high, self._logarithmic, self._whole = low, high, logarithmic, whole
        self._value = value
        self._label = plain_label(label, name=f"{self.objectName()}_label")
        self.slider = named(QSlider(Qt.Orientation.Horizontal), f"{self.objectName()}_slider", label)
        self.slider.setRange(0, int(high - low) if whole and not logarithmic else self._TICKS)
        self.slider.setSingleStep(1 if whole and not logarithmic else self._TICKS // 100)
        self.slider.setPageStep(max(self.slider.maximum() // 10, 1))
        self.slider.setMinimumWidth(64)
        self.editor = named(
            FloatEdit(low=low, high=high, logarithmic=logarithmic, whole=whole),
            f"{self.objectName()}_value",
            f"{label}, exact",
        )
        self.editor.setFixedWidth(80)
        self._label.setBuddy(self.editor)
        hbox(self._label, (self.slider, 1), self.editor, into=self)
        self.set_value(value)
        self.slider.valueChanged.connect(self._slid)
        self.editor.changed.connect(self._typed)
        self.editor.editingFinished.connect(self._settle)

    def set_label_width(self, width: int) -> None:
        """Give the name a fixed room, so that sliders under each other line up."""
        self._label.setFixedWidth(width)

    def value(self) -> float:
        return self._value

    @property
    def high(self) -> float:
        return self._high

    def set_high(self, high: int) -> None:
        """Another upper end of whole numbers, above the lower one; a value beyond it moves to it. `changed` is not emitted."""
        self._high = high
        with QSignalBlocker(self.slider):
            self.slider.setRange(0, int(high - self._low))
            self.slider.setPageStep(max(self.slider.maximum() // 10, 1))
        self.editor.set_high(high)
        self.set_value(self._value)

    def set_value(self, value: float) -> None:
        """Show this value, or the nearest that there is, without emitting `changed`."""
        value = self._value = min(max(self._low, value), self._high)
        for widget in (self.slider, self.editor):
            widget.blockSignals(True)
        self.slider.setValue(self._tick(value))
        self.editor.set_value(int(value) if self._whole else value)
        for widget in (self.slider, self.editor):
            widget.blockSignals(False)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.EnabledChange:
            self._label.setEnabled(self.isEnabled())

    def _tick(self, value: float) -> int:
        value = min(max(value, self._low), self._high)
        if self._logarithmic:
            share = math.log(max(value, 1e-300) / self._low) / math.log(self._high / self._low)
        else:
            share = (value - self._low) / (self._high - self._low)
        return round(share * self.slider.maximum())

    def _slid(self, tick: int) -> None:
        share = tick / self.slider.maximum()
        if self._logarithmic:
            value = self._low * (self._high / self._low) ** share
        else:
            value = self._low + share * (self._high - self._low)
        value = float(round(value)) if self._whole else float(f"{value:.3g}")
        self._value = value
        with QSignalBlocker(self.editor):
            self.editor.set_value(int(value) if self._whole else value)
        self.changed.emit(value)

    def _typed(self, value: object) -> None:
        if isinstance(value, (int, float)) and self._low <= value <= self._high:
            self._value = float(value)
            with QSignalBlocker(self.slider):
                self.slider.setValue(self._tick(self._value))
            self.changed.emit(self._value)

    def _settle(self) -> None:
        """What was typed out of range becomes the nearest value, so that what is shown is what is used."""
        typed, before = self.editor.value(), self._value
        self.set_value(typed if isinstance(typed, (int, float)) else before)
        if self._value != before:
            self.changed.emit(self._value)
