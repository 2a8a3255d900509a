"""The chooser of pages at the right of the Playground, grouped by the question they answer, and the page that is open."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from PySide6.QtCore import QModelIndex, QSize, Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QListWidget,
    QListWidgetItem,
    QStackedWidget,
    QWidget,
)

from genstudio.tasks.models import ModelRef, Side
from genstudio.tasks.prompt import Prompt
from genstudio.ui import theme
from genstudio.ui.engine import Engine
from genstudio.ui.layouts import Scrolling, choice, hbox, named, vbox
from genstudio.ui.playground.about import about, place
from genstudio.ui.playground.page import Page
from genstudio.ui.playground.pages import PAGES, Entry
from genstudio.ui.widgets import ElidedLabel, button, plain_label, tooltip

_ROW, _HEADING, _WIDE, _WIDEST = 21, 23, 176, 210
_LEAST = 266, 180
_SIDES: dict[str, Side] = {"Decoder": "decoder", "Encoder": "encoder"}
_CHOOSABLE = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable


class _Rail(QListWidget):
    """Home and Page Up reach the page under a heading, which cannot be chosen itself."""

    def moveCursor(self, action: QAbstractItemView.CursorAction, modifiers: Qt.KeyboardModifier) -> QModelIndex:
        found: QModelIndex = super().moveCursor(action, modifiers)
        heading = found.isValid() and not found.flags() & Qt.ItemFlag.ItemIsEnabled
        return found.siblingAtRow(found.row() + 1) if heading else found


class Inspectors(QWidget):
    """A narrow list of pages under questions, and the chosen page below a line that says what it is for and something to
    try. Pages are built when first shown.

    Where a model translates, pages that look inside show its decoder or, by the box beside the line, its encoder.

    `built(Page)` once for each page; `chosen(title)` when another is opened. `title` is the page that was asked for last.
    """

    built = Signal(object)
    chosen = Signal(str)

    def __init__(self, engine: Engine, entries: Sequence[Entry] = PAGES) -> None:
        super().__init__()
        self.setObjectName("inspectors")
        self._engine = engine
        self.pages: dict[str, Page] = {}
        self._areas: dict[str, Scrolling] = {}
        entries = sorted(entries, key=lambda entry: place(about(entry.title, entry.group).question))
        self._entries = {entry.title: entry for entry in entries}
        self._abilities: tuple[str, ...] | None = None
        self.title = entries[0].title
        self._looked: tuple[ModelRef | None, Prompt] | None = None
        self.rail = named(_Rail(), "page_rail", "Pages")
        self.rail.setProperty("rail", True)
        self.rail.setFrameShape(QFrame.Shape.NoFrame)
        self.rail.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.stack = named(QStackedWidget(), "page_stack")
        self.stack.setMinimumSize(*_LEAST)
        self.line = named(ElidedLabel(), "page_line", "What this page is for")
        self.line.setProperty("quiet", True)
        self.side = choice("inspected_side", "Part of the model to inspect", *_SIDES)
        self.side.setToolTip("The decoder writes the translation; the encoder reads the source")
        self.side.hide()
        self.one_side = plain_label(role="quiet", wrap=True, name="page_one_side")
        self.hint = button("Try this", "page_try", "", "Something to try on this page")
        self.hint.setCheckable(True)
        self.suggestion = plain_label(wrap=True, name="page_suggestion")
        self.suggestion.setVisible(False)
        top = hbox((self.line, 1), self.side, self.hint)
        hbox(self.rail, (vbox(top, self.suggestion, self.one_side, (self.stack, 1), spacing=4), 1), into=self)
        self._fill(entries)
        self.hint.toggled.connect(self.suggestion.setVisible)
        self.side.currentIndexChanged.connect(lambda _: self.look_at(*self._looked) if self._looked is not None else None)
        self.rail.currentItemChanged.connect(self._picked)
        theme.changed.connect(self._size_rail)

    @property
    def current(self) -> Page | None:
        """The page that is open."""
        area = self.stack.currentWidget()
        return area.page if isinstance(area, Scrolling) and isinstance(area.page, Page) else None

    def titles(self) -> tuple[str, ...]:
        return tuple(self._entries)

    def page(self, title: str) -> Page:
        """The page of this title, built if need be. Raises KeyError."""
        if title not in self.pages:
            page = self._entries[title].build(self._engine)
            self.pages[title] = page
            self._areas[title] = Scrolling(page, f"{page.objectName()}_scroll")
            self.stack.addWidget(self._areas[title])
            self.built.emit(page)
            if self._looked is not None and self.offered(title):
                page.look_at(self._for(title, self._looked[0]), self._looked[1])
        return self.pages[title]

    def open(self, title: str) -> None:
        """Show this page; an unknown title is ignored."""
        for item in self.rail.findItems(title, Qt.MatchFlag.MatchExactly):
            if item.flags() & Qt.ItemFlag.ItemIsSelectable:
                self.rail.setCurrentItem(item)

    def want(self, title: str) -> None:
        """Show this page, now or once a model is chosen that has what it needs."""
        self.title = title
        self.open(title)

    def look_at(self, model: ModelRef | None, prompt: Prompt) -> None:
        """The model and the text that all pages are about; those that are hidden look when they are seen."""
        self._looked = (model, prompt)
        for title, page in self.pages.items():
            page.look_at(self._for(title, model) if self.offered(title) else None, prompt)

    def offered(self, title: str) -> bool:
        """Whether the model has what this page needs."""
        return self._abilities is None or not self._entries[title].lack(self._abilities)

    def offer(self, abilities: tuple[str, ...] | None) -> None:
        """Grey the pages that a model with these abilities lacks, each with the reason; None: there is no model yet.

        Where the open page is one of them, that which was opened last of the others is shown, or the first.
        """
        if abilities == self._abilities:
            return
        self._abilities, chosen = abilities, self.title
        self._looked = None  # it was another model: a page that opens now waits until it is told which
        for title, entry in self._entries.items():
            (item,) = self.rail.findItems(title, Qt.MatchFlag.MatchExactly)
            lack = "" if abilities is None else entry.lack(abilities)
            item.setFlags(Qt.ItemFlag.NoItemFlags if lack else _CHOOSABLE)
            item.setToolTip(tooltip(lack or about(title).line))
            item.setData(Qt.ItemDataRole.AccessibleDescriptionRole, lack)
        offered = [title for title in (chosen, *self._entries) if title in self._entries and self.offered(title)]
        self.open(next(iter(offered), ""))
        self.title = chosen
        self._offer_sides()

    def _for(self, title: str, model: ModelRef | None) -> ModelRef | None:
        """The model as this page looks at it: at the side that is chosen, where it has sides."""
        if model is None or not model.source or not self._entries[title].sides:
            return model
        return replace(model, side=_SIDES[self.side.currentText()])

    def _offer_sides(self) -> None:
        translates, entry = "Translates" in (self._abilities or ()), self._entries[self.title]
        self.side.setVisible(translates and entry.sides)
        self.one_side.setText(entry.one_side)
        self.one_side.setVisible(translates and bool(entry.one_side))

    def each(self, do: Callable[[Page], object]) -> None:
        """Do this to every page that was built."""
        for page in self.pages.values():
            do(page)

    def _picked(self, item: QListWidgetItem | None, _before: object = None) -> None:
        if item is not None and item.text() in self._entries:
            self.title = item.text()
            self.page(item.text())
            self.stack.setCurrentWidget(self._areas[item.text()])
            known = about(self.title)
            self.line.setText(known.line)
            self.suggestion.setText(known.suggestion)
            self.hint.setEnabled(bool(known.suggestion))
            self._offer_sides()
            self.chosen.emit(item.text())

    def _fill(self, entries: Sequence[Entry]) -> None:
        group = ""
        for entry in entries:
            known = about(entry.title, entry.group)
            if known.question != group:
                group = known.question
                heading = QListWidgetItem(group)
                heading.setFlags(Qt.ItemFlag.NoItemFlags)
                heading.setTextAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignBottom)
                self.rail.addItem(heading)
            item = QListWidgetItem(entry.title)
            item.setToolTip(tooltip(known.line))
            self.rail.addItem(item)
        self._size_rail(None)

    def _size_rail(self, _theme: object) -> None:
        """Rows as high as their words, and the list as wide, whatever the size of the text."""
        self.rail.setFixedWidth(min(theme.scaled(_WIDE), _WIDEST))
        for row in range(self.rail.count()):
            item = self.rail.item(row)
            heading = item.text() not in self._entries
            item.setFont(theme.font(theme.SMALL, bold=True) if heading else theme.font(theme.NORMAL))
            item.setSizeHint(QSize(100, theme.scaled(_HEADING if heading else _ROW)))
