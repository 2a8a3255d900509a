"""The drawer of a room: every setting of the model that is set up, found by a search, marked where the preset has another."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QLineEdit, QScrollArea, QVBoxLayout, QWidget

from genstudio.ui.layouts import hbox, named, vbox
from genstudio.ui.tab_order import follow_the_eye
from genstudio.ui.train.form import ConfigForm
from genstudio.ui.widgets import button, icon_button, plain_label

OPEN_KEYS = "Ctrl+,"


class SettingsDrawer(QWidget):
    """The form of a family, and below it the `own` rows: each a widget with the words that it is found by.

    `closed()` when the person is done with it.
    """

    closed = Signal()

    def __init__(self, own: Sequence[tuple[QWidget, str]]) -> None:
        super().__init__()
        named(self, "settings_drawer", "Settings")
        self._own = own
        self.form: ConfigForm | None = None
        self._forms: list[ConfigForm] = []
        self.search = named(QLineEdit(), "form_search", "Find a setting")
        self.search.setPlaceholderText("Find a setting by name or by what it does")
        self.search.setClearButtonEnabled(True)
        self.reset = button("Reset all", "settings_reset", says="Reset every setting to the value of the preset")
        self.close_button = icon_button("close", "settings_close", f"Close the settings ({OPEN_KEYS}, Esc)")
        self.none = plain_label("No setting matches. Search for a single word, or a part of one.", role="quiet", wrap=True)
        self.none.hide()
        self._lay_out()
        self.search.textChanged.connect(lambda _: self._filter())
        self.search.returnPressed.connect(self._go_to_first)
        self.reset.clicked.connect(lambda: self.form and self.form.reset())
        self.close_button.clicked.connect(self.closed)

    def show_form(self, form: ConfigForm) -> None:
        """The settings of another family."""
        if form not in self._forms:
            self._forms.append(form)
            self._column.insertWidget(0, form)
            form.changed.connect(lambda _: self.show_changes())
            follow_the_eye(self)
        for other in self._forms:
            other.setVisible(other is form)
        self.form = form
        self.search.clear()
        self._filter()
        self.show_changes()

    def show_changes(self) -> None:
        """Say how many settings are other than in the preset."""
        count = len(self.form.changes()) if self.form is not None else 0
        self.reset.setText(f"Reset all ({count})" if count else "Reset all")
        self.reset.setEnabled(bool(count))

    def freeze(self, on: bool) -> None:
        """Nothing can be set while a training runs; it can be read and searched."""
        for part in (*self._forms, *(widget for widget, _ in self._own)):
            part.setEnabled(not on)
        if on:
            self.reset.setEnabled(False)
        else:
            self.show_changes()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() != Qt.Key.Key_Escape:
            super().keyPressEvent(event)
        elif self.search.text():
            self.search.clear()
            self.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        else:
            self.closed.emit()

    def _filter(self) -> None:
        text = self.search.text()
        words = text.lower().split()
        found = self.form.filter(text) if self.form is not None else False
        for widget, about in self._own:
            shown = all(word in about for word in words)
            widget.setVisible(shown)
            found = found or shown
        self.none.setVisible(not found)
        self._scroll.verticalScrollBar().setValue(0)

    def _go_to_first(self) -> None:
        if self.form is not None:
            self.form.go_to()

    def _lay_out(self) -> None:
        inside = QWidget()
        self._column = QVBoxLayout(inside)
        self._column.setContentsMargins(0, 0, 12, 0)
        self._column.setSpacing(8)
        self._column.addWidget(self.none)
        for widget, _ in self._own:
            self._column.addWidget(widget)
        self._column.addStretch(1)
        self._scroll = named(QScrollArea(), "setup_scroll")
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setWidgetResizable(True)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setWidget(inside)
        heading = plain_label("Settings", role="heading")
        vbox(hbox(heading, None, self.reset, self.close_button), self.search, (self._scroll, 1), into=self)
