"""What the field's terms mean: a card on hover for labels that contain one, and a page that can be searched.

The texts are data: `resources/glossary.json`, a list of {"term", "also" (other spellings), "text" (two sentences),
"source"}.
"""

from __future__ import annotations

import functools
import html
import json
import re
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QApplication, QDialog, QLabel, QLineEdit, QTextBrowser, QWidget

from genstudio import paths
from genstudio.ui import theme
from genstudio.ui.layouts import named, vbox

MOST = 3
"""Terms that one card explains at most."""


@dataclass(frozen=True, slots=True)
class Term:
    """A term, its other spellings, what it means in two sentences, and a source."""

    name: str
    also: tuple[str, ...]
    text: str
    source: str

    def spellings(self) -> tuple[str, ...]:
        return self.name, *self.also


@functools.cache
def terms() -> tuple[Term, ...]:
    """Every term of the data file, in alphabetical order."""
    entries = json.loads((paths.resources() / "glossary.json").read_text("utf-8"))
    made = (Term(e["term"], tuple(e.get("also", ())), e["text"], e["source"]) for e in entries)
    return tuple(sorted(made, key=lambda term: term.name.lower()))


@functools.cache
def _pattern() -> tuple[re.Pattern[str], dict[str, Term]]:
    by_spelling = {spelling.lower(): term for term in terms() for spelling in term.spellings()}
    longest_first = sorted(by_spelling, key=len, reverse=True)
    return re.compile(rf"(?<![\w-])(?:{'|'.join(map(re.escape, longest_first))})(?![\w-])", re.IGNORECASE), by_spelling


@functools.lru_cache(maxsize=2048)
def spans(text: str) -> tuple[tuple[int, int, Term], ...]:
    """(start, end, term) of every term in a text, the longest spelling where several begin at one place."""
    pattern, by_spelling = _pattern()
    return tuple((*found.span(), by_spelling[found.group().lower()]) for found in pattern.finditer(text))


def find(text: str) -> list[Term]:
    """The terms in a text, each once, in order."""
    return list(dict.fromkeys(term for _, _, term in spans(text)))


def as_html(term: Term) -> str:
    """A term, its meaning and its source as rich text."""
    name, text, source = (html.escape(words) for words in (term.name, term.text, term.source))
    return f"<p style='margin: 0 0 6px 0'><b>{name}</b><br/>{text}<br/><i>{source}</i></p>"


def card(text: str) -> str:
    """The card for a label with this text, as rich text; empty where it contains no term."""
    return "".join(as_html(term) for term in find(text)[:MOST])


class TermLabel(QLabel):
    """A plain label that explains the terms in its text on hover, and marks them with dots below where it is one line."""

    def __init__(self) -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        self._spans: tuple[tuple[int, int, Term], ...] = ()
        self._card = ""

    def setText(self, text: str) -> None:
        if text == self.text():
            return
        super().setText(text)
        self._spans = spans(text)
        known, self._card = self._card, card(text)
        if self.toolTip() == known:  # one that somebody else gave the label stays
            self.setToolTip(self._card)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        metrics, area = self.fontMetrics(), self.contentsRect()
        if not self._spans or not self.isEnabled():
            return
        if "\n" in self.text() or metrics.horizontalAdvance(self.text()) > area.width():
            return  # a text of several lines would need their breaks
        align = self.style().visualAlignment(self.layoutDirection(), self.alignment())
        box = metrics.boundingRect(area, int(align), self.text())
        painter = QPainter(self)
        pen = QPen(theme.current().color("quiet"), 1.0, Qt.PenStyle.DotLine)
        painter.setPen(pen)
        for start, end, _ in self._spans:
            left = box.left() + metrics.horizontalAdvance(self.text()[:start])
            right = box.left() + metrics.horizontalAdvance(self.text()[:end])
            below = box.bottom()
            painter.drawLine(left, below, min(right, area.right()), below)
        painter.end()


class GlossaryDialog(QDialog):
    """All terms, or those whose name or meaning contains what is typed. Stays open beside the window."""

    def __init__(self, parent: QWidget | None, search: str = "") -> None:
        super().__init__(parent)
        self.setObjectName("glossary_dialog")
        self.setWindowTitle("Glossary")
        self.search = named(QLineEdit(), "glossary_search", "Find a term")
        self.search.setPlaceholderText("Find a term")
        self.search.setClearButtonEnabled(True)
        self.page = named(QTextBrowser(), "glossary_page", "Terms and what they mean")
        self.page.setTabChangesFocus(True)
        vbox(self.search, (self.page, 1), into=self, margins=(12, 12, 12, 12))
        self.resize(560, 520)
        self.search.textChanged.connect(self._show)
        self.search.setText(search)
        self._show()

    def show_terms(self, found: list[Term]) -> None:
        """Only these terms; the search is emptied."""
        self.search.clear()
        self._fill(found)

    def _show(self) -> None:
        asked = self.search.text().strip().lower()
        named_so = [term for term in terms() if any(asked in spelling.lower() for spelling in term.spellings())]
        mentions = [term for term in terms() if term not in named_so and asked in term.text.lower()]
        self._fill([*named_so, *mentions])

    def _fill(self, found: list[Term]) -> None:
        nothing = "<p>No term contains this. Try a shorter one.</p>"
        self.page.setHtml("".join(map(as_html, found)) or nothing)


def words_of(widget: QWidget | None) -> str:
    """What is written on a control and around it: its own words, its label's, its title's."""
    found: list[str] = []
    while widget is not None and not widget.isWindow():
        said = [widget.accessibleName(), widget.toolTip()]
        if isinstance(widget, QLabel | QAbstractButton):
            said.append(widget.text())
        found += [re.sub(r"<[^>]*>", " ", words) for words in said]
        if find(" ".join(found)):
            break
        widget = widget.parentWidget()
    return " ".join(found)


def explain_focus(parent: QWidget) -> GlossaryDialog:
    """The glossary, with the terms of the control that has the focus; all terms where it has none."""
    dialog = GlossaryDialog(parent)
    if found := find(words_of(QApplication.focusWidget())):
        dialog.show_terms(found)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.show()
    return dialog
