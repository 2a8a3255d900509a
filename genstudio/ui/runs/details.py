"""One run in words: how it ended, how good it is, what it was made of, and the notes of a person."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QHideEvent
from PySide6.QtWidgets import QFormLayout, QLabel, QPlainTextEdit, QWidget

from genstudio import families
from genstudio.families.dashboard import Standing
from genstudio.runs import RunInfo
from genstudio.runs.info import hint
from genstudio.tasks.runs import Glance
from genstudio.ui import theme
from genstudio.ui.layouts import named, single_shot, vbox
from genstudio.ui.numbers import duration, size_text
from genstudio.ui.parts import scrolled
from genstudio.ui.runs.wording import NOTHING, changes, display_name, family_title, in_a_sentence, title_of
from genstudio.ui.train.summary import how_it_ended
from genstudio.ui.widgets import plain_label

_SAVE_MS = 800
_FACTS = ("Model", "Dataset", "Differs from the preset", "Trained", "Steps", "Seed", "Device", "Started", "Size", "Folder")


class Details(QWidget):
    """Shows one run, or how many are selected. `noted(path, notes)`: a person changed the notes."""

    noted = Signal(str, str)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("run_details")
        self._path, self._saved = "", ""
        self.name = plain_label(wrap=True, name="run_details_name")
        self.name.setFont(theme.font(theme.LARGE, bold=True))
        self.ended = plain_label(wrap=True, name="run_details_ended")
        self.result = plain_label(wrap=True, name="run_details_result")
        self.facts: dict[str, QLabel] = {}
        table = self._table = QFormLayout()
        table.setContentsMargins(0, 0, 0, 0)
        table.setHorizontalSpacing(16)
        table.setVerticalSpacing(4)
        for word in _FACTS:
            label = self.facts[word] = plain_label(wrap=True, name=f"run_fact_{'_'.join(word.lower().split())}")
            table.addRow(plain_label(word, role="quiet"), label)
        self.notes = named(QPlainTextEdit(), "run_notes", "Notes about this run")
        self.notes.setPlaceholderText("Notes: what you tried, what you saw")
        self.notes.setTabChangesFocus(True)
        self.notes.setMinimumHeight(56)
        self.notes.setMaximumHeight(72)
        inside = named(QWidget(), "run_details_inside", "Details of the run")
        vbox(self.name, self.ended, self.result, 4, self.notes, 4, table, None, into=inside, margins=(4, 8, 8, 8))
        vbox(scrolled(inside, "run_details_scroll"), into=self)
        self._timer = single_shot(self, _SAVE_MS)
        self._timer.timeout.connect(self.save_notes)
        self.notes.textChanged.connect(self._edited)

    def show_run(self, info: RunInfo, glance: Glance | None, found: Standing | None) -> None:
        """Show this run; what a person types in its notes stays while it is the same one."""
        if str(info.folder) != self._path:
            self.save_notes()
            self._path, self._saved = str(info.folder), info.notes
            self._set_notes(info.notes)
        elif not self._timer.isActive() and not self.notes.hasFocus() and info.notes != self.notes.toPlainText():
            self._saved = info.notes
            self._set_notes(info.notes)
        self.notes.setEnabled(info.usable)
        self.name.setText(display_name(info))
        family = families.find(info.family)
        usable = info.usable and family is not None
        training = info.state in ("running", "running elsewhere")
        ended = f"In training, at step {info.step:,}." if training else how_it_ended(info)
        if info.reason:
            ended = f"{info.reason} {hint(info)}".strip()
        self.ended.setText(ended if info.step or info.reason or training else "It has not been trained yet.")
        self.result.setText("" if found is None else in_a_sentence(found, info))
        self.result.setVisible(bool(self.result.text()))
        facts = dict.fromkeys(_FACTS, NOTHING) | {"Folder": str(info.folder)}
        if usable:
            facts |= {
                "Model": family_title(info), "Dataset": title_of(info) or NOTHING,
                "Differs from the preset": "" if info.reason else changes(info),
                "Trained": duration(info.elapsed), "Steps": f"{info.step:,}", "Seed": str(info.seed), "Device": info.device,
                "Started": info.created.replace("T", " ")[:16],
                "Size": NOTHING if glance is None else size_text(glance.bytes),
            }  # fmt: skip
        for word, text in facts.items():
            self.facts[word].setText(text)
            self._table.setRowVisible(self.facts[word], bool(text))  # what does not differ needs no line

    def save_notes(self) -> None:
        """Ask for the notes to be kept, if they were changed."""
        self._timer.stop()
        text = self.notes.toPlainText()
        if self._path and text != self._saved:
            self._saved = text
            self.noted.emit(self._path, text)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.save_notes()

    def _set_notes(self, text: str) -> None:
        self.notes.blockSignals(True)
        self.notes.setPlainText(text)
        self.notes.blockSignals(False)

    def _edited(self) -> None:
        self._timer.start()
