"""A text: reading and searching it, and its figures."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QColor, QTextCharFormat, QTextCursor, QTextDocument
from PySide6.QtWidgets import QGridLayout, QLabel, QPlainTextEdit, QSlider, QTextEdit, QWidget

from genstudio.data.preview import TextLook
from genstudio.data.shelf import DatasetInfo
from genstudio.data.tokenizers import printable
from genstudio.ui import theme
from genstudio.ui.datasets.finder import Finder
from genstudio.ui.layouts import Scrolling, hbox, named, single_shot, vbox
from genstudio.ui.numbers import size_text
from genstudio.ui.views.histograms import HistogramView, NamedColumns
from genstudio.ui.widgets import ElidedLabel, button, plain_label

FIGURES = ("Size", "Characters", "Lines", "Words", "Vocabulary", "Longest line", "Unusual characters")
_TICKS = 1000


class TextPage(QWidget):
    """The text itself, any part of it. `read_wanted(position)`, `random_wanted()`, `find_wanted(needle, match_case)`."""

    read_wanted = Signal(int)
    random_wanted = Signal()
    find_wanted = Signal(str, bool)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("text_page")
        self.finder = Finder("text", "Find in the text", cases=True)
        self.text = named(QPlainTextEdit(), "excerpt", "The text")
        self.text.setReadOnly(True)
        self.text.setFont(theme.mono())
        self.slider = named(QSlider(Qt.Orientation.Horizontal), "text_position", "Position in the text")
        self.slider.setRange(0, _TICKS)
        self.where = named(ElidedLabel(), "text_where", "Place in the text")
        self.where.setFont(theme.font(theme.SMALL, tabular=True))
        self.another = button("Random excerpt", "another_excerpt", "dice", "Show another excerpt",
            self.random_wanted.emit)
        self._start, self._total, self._marked = 0, 0, (-1, 0)
        self._timer = single_shot(self, 60)
        layout = vbox(self.finder, (self.text, 1), into=self, margins=(0, 10, 0, 0))
        below = hbox((self.slider, 2), (self.where, 3), self.another)
        below.setStretch(0, 1)
        layout.addLayout(below)
        self.finder.wanted.connect(self.find_wanted)
        self.finder.moved.connect(self.go_to)
        self.slider.valueChanged.connect(lambda _: self._timer.start())
        self._timer.timeout.connect(self._slid)
        theme.changed.connect(self._recolour)

    def show_look(self, _info: DatasetInfo, look: TextLook) -> None:
        self._total = look.statistics.characters

    def show_reading(self, start: int, text: str) -> None:
        """The stretch of the text that begins at `start`."""
        self._start = start
        self.text.setPlainText(text)
        share = start / max(self._total - len(text), 1)
        with QSignalBlocker(self.slider):
            self.slider.setValue(round(_TICKS * min(share, 1.0)))
        self.where.setText(f"from character {start + 1:,}" + (f" of {self._total:,}" if self._total else ""))
        self._mark(bring=True)

    def clear(self) -> None:
        self.finder.clear()
        self._timer.stop()
        self.text.clear()
        self.where.setText("")
        self._start, self._total, self._marked = 0, 0, (-1, 0)

    def go_to(self, position: int, length: int = 0) -> None:
        """Show the place at this character, marked where something was looked for."""
        self._marked = (position, length or len(self.finder.field.text()) or 1)
        if self._start <= position < self._start + len(self.text.toPlainText()) - 200:
            self._mark(bring=True)
        else:
            self.read_wanted.emit(position)

    def _slid(self) -> None:
        self._marked = (-1, 0)
        self.read_wanted.emit(int(self._total * self.slider.value() / _TICKS))

    def _mark(self, *, bring: bool = False) -> None:
        """Tint every place of the needle that is in sight, the current one stronger."""
        document, look = self.text.document(), theme.current()
        position, length = self._marked
        shown = self.text.toPlainText()
        spans: list[tuple[int, int, QColor]] = []
        needle = self.finder.field.text()
        if needle and self.finder.matches is not None:
            folded, wanted = (shown, needle) if self.finder.cases.isChecked() else (shown.lower(), needle.lower())
            at = folded.find(wanted)
            while at >= 0 and len(spans) < 500 and len(folded) == len(shown):
                spans.append((at, len(needle), look.color("warning", 0.22)))
                at = folded.find(wanted, at + len(needle))
        inside = position - self._start
        if 0 <= inside < len(shown):
            spans.append((inside, length, look.color("accent", 0.45)))
        selections = [_selection(document, *span) for span in spans]
        self.text.setExtraSelections(selections)
        if bring and 0 <= inside < len(shown):
            cursor = QTextCursor(document)
            cursor.setPosition(_units(shown, inside))
            self.text.setTextCursor(cursor)
            self.text.centerCursor()

    def _recolour(self, _theme: object) -> None:
        self._mark()


def _units(text: str, position: int) -> int:
    """Qt counts UTF-16 units; characters beyond the first plane are two."""
    return position + sum(1 for letter in text[:position] if ord(letter) > 0xFFFF)


def _selection(document: QTextDocument, start: int, length: int, color: QColor) -> QTextEdit.ExtraSelection:
    text = document.toPlainText()
    cursor = QTextCursor(document)
    cursor.setPosition(_units(text, start))
    cursor.setPosition(_units(text, min(start + length, len(text))), QTextCursor.MoveMode.KeepAnchor)
    made, how = QTextEdit.ExtraSelection(), QTextCharFormat()
    how.setBackground(color)
    made.cursor, made.format = cursor, how
    return made


class TextFigures(QWidget):
    """Size, lines, vocabulary, odd characters; how often each character occurs; how long lines are. `place_wanted(line)`."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("text_figures")
        self.figures: dict[str, QLabel] = {
            name: plain_label(name=f"figure_{name.lower().replace(' ', '_')}", wrap=True) for name in FIGURES
        }
        self.frequency = NamedColumns("Most frequent characters", "frequency")
        self.lengths = HistogramView("Line length", "line_lengths", "characters")
        for chart in (self.frequency, self.lengths):
            chart.setMinimumHeight(72)
        grid = QGridLayout()
        grid.setHorizontalSpacing(20)
        grid.setVerticalSpacing(2)
        for index, (name, label) in enumerate(self.figures.items()):
            at, of = divmod(index, 3)
            label.setFont(theme.font(theme.NORMAL, tabular=True))
            grid.addWidget(plain_label(name, role="quiet"), 3 * at, of)
            grid.addWidget(label, 3 * at + 1, of, 1, 3 if name == "Unusual characters" else 1)
            grid.setRowMinimumHeight(3 * at + 2, 4)  # a word belongs to the number below it
        for of in range(3):
            grid.setColumnStretch(of, 1)
        inside = QWidget()
        vbox(grid, (self.frequency, 3), (self.lengths, 4), into=inside, margins=(0, 12, 0, 0))
        vbox(Scrolling(inside, "text_figures_scroll"), into=self)

    def show_look(self, _info: DatasetInfo, look: TextLook) -> None:
        found = look.statistics
        words = {
            "Size": size_text(found.bytes),
            "Characters": f"{found.characters:,}",
            "Lines": f"{found.lines:,}",
            "Words": f"{found.words:,}",
            "Vocabulary": f"{found.vocabulary:,} distinct characters",
            "Longest line": f"{found.longest_line:,} characters (line {found.longest_line_number:,})",
            "Unusual characters": ", ".join(f"{printable(name)} × {count:,}" for name,
                count in found.odd[:12]) or "none",
        }
        for name, text in words.items():
            self.figures[name].setText(text)
        letters = [(printable(letter), letter) for letter, _ in found.top]
        counts = [(shown, count) for (shown, _), (_, count) in zip(letters, found.top, strict=True)]
        self.frequency.show_counts(counts, [f"{shown} (U+{ord(letter):04X})" for shown, letter in letters])
        self.lengths.show_histograms({"": look.line_lengths})
