"""What the model wrote, from step 0 on."""

from __future__ import annotations

import bisect

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QColor, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QHBoxLayout, QPlainTextEdit, QSlider, QTextEdit, QVBoxLayout

from genstudio.snapshots.text import Text
from genstudio.ui import theme
from genstudio.ui.views.view import View
from genstudio.ui.widgets import icon_button, plain_label

_KEPT = 2000


class SamplesView(View[Text]):
    """The newest text, with a slider back to every earlier one; it follows the newest until the person goes back.

    `step_chosen(step)` when the person goes to another time.
    """

    step_chosen = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("samples")
        self.setAccessibleName("Samples")
        self._steps: list[int] = []
        self._texts: dict[int, Text] = {}
        self._shown: Text | None = None
        self._following = True
        self.text = QPlainTextEdit()
        self.text.setObjectName("samples_text")
        self.text.setAccessibleName("What the model wrote")
        self.text.setReadOnly(True)
        self.text.setFont(theme.mono())
        self.text.setPlaceholderText("The first text comes with step 0, before anything is learned.")
        self.label = plain_label("", role="quiet", name="samples_step")
        self.label.setFont(theme.font(theme.SMALL, tabular=True))
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setObjectName("samples_slider")
        self.slider.setAccessibleName("Step of the sample shown")
        self.slider.setRange(0, 0)
        self.slider.setEnabled(False)
        self.newest = icon_button("chevron-right", "samples_newest", "Follow the newest")
        self.newest.setCheckable(True)
        self.newest.setChecked(True)
        theme.set_icon(self.newest, "resume")
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.label)
        row.addWidget(self.slider, 1)
        row.addWidget(self.newest)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(row)
        layout.addWidget(self.text, 1)
        self.slider.valueChanged.connect(self._slid)
        self.newest.toggled.connect(self._follow)
        theme.changed.connect(self._recolour)

    def _recolour(self, _theme: object) -> None:
        self._tint()

    def show_snapshot(self, snapshot: Text) -> None:
        """Add the text of a step; the same step again replaces it."""
        if snapshot.step not in self._texts:
            bisect.insort(self._steps, snapshot.step)
            self._thin()
        self._texts[snapshot.step] = snapshot
        super().show_snapshot(snapshot)

    def draw(self, _snapshot: Text) -> None:
        if not self._steps:
            return
        current = self._shown.step if self._shown is not None and not self._following else self._steps[-1]
        index = max(0, bisect.bisect_right(self._steps, current) - 1)
        self.slider.blockSignals(True)
        self.slider.setRange(0, len(self._steps) - 1)
        self.slider.setPageStep(max(1, len(self._steps) // 10))
        self.slider.setValue(index)
        self.slider.setEnabled(len(self._steps) > 1)
        self.slider.blockSignals(False)
        self._show(index)

    def clear(self) -> None:
        """Forget every text."""
        self._steps.clear()
        self._texts.clear()
        self._shown = self.snapshot = None
        self._following = True
        self.newest.setChecked(True)
        with QSignalBlocker(self.slider):  # its old value is the place of a text that is gone
            self.slider.setRange(0, 0)
        self.slider.setEnabled(False)
        self.label.setText("")
        self.text.clear()

    def go_to(self, step: int) -> None:
        """Show the text that was the newest at this step."""
        if self._steps:
            self.slider.setValue(max(0, bisect.bisect_right(self._steps, step) - 1))

    def steps(self) -> tuple[int, ...]:
        """The steps of which there is a text."""
        return tuple(self._steps)

    def _thin(self) -> None:
        if len(self._steps) > _KEPT:
            for step in self._steps[1 : _KEPT // 2 : 2]:
                del self._texts[step]
            self._steps = sorted(set(self._steps) & (set(self._texts) | {self._steps[-1]}))

    def _slid(self, index: int) -> None:
        newest = index == len(self._steps) - 1
        self._following = newest
        self.newest.blockSignals(True)
        self.newest.setChecked(newest)
        self.newest.blockSignals(False)
        self._show(index)
        self.step_chosen.emit(self._steps[index])

    def _follow(self, follow: bool) -> None:
        self._following = follow
        if follow and self._steps:
            self.slider.setValue(len(self._steps) - 1)

    def _show(self, index: int) -> None:
        found = self._texts[self._steps[index]]
        self.label.setText(f"step {found.step:,}  ({index + 1} of {len(self._steps)})")
        if found is self._shown:
            return
        self._shown = found
        bar = self.text.verticalScrollBar()
        place = bar.value()
        self.text.setPlainText(found.prompt + found.text)
        bar.setValue(place)
        self._tint()

    def _tint(self) -> None:
        if self._shown is None:
            return
        mark = QTextEdit.ExtraSelection()
        shape = QTextCharFormat()
        shape.setBackground(QColor(theme.current().accent_soft))
        cursor = QTextCursor(self.text.document())
        length = len(self._shown.prompt.replace("\r\n", "\n").encode("utf-16-le")) // 2
        cursor.setPosition(min(length, self.text.document().characterCount() - 1), QTextCursor.MoveMode.KeepAnchor)
        mark.cursor, mark.format = cursor, shape
        self.text.setExtraSelections([mark])
