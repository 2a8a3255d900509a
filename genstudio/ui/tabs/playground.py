"""The Playground: choose a model, write with it, and look at what it does from every side."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from itertools import chain
from typing import Any

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QPushButton, QSplitter, QWidget

from genstudio.errors import Failure
from genstudio.inspection.ablation import NOTHING_ABLATED, Ablation
from genstudio.runs import RunInfo
from genstudio.sampling.choose import SamplingOptions
from genstudio.tasks.models import ModelRef
from genstudio.tasks.prompt import Prompt
from genstudio.tasks.runs import CopyIncluded
from genstudio.ui import theme
from genstudio.ui.asking import Asking
from genstudio.ui.engine import Engine
from genstudio.ui.layouts import hbox, single_shot, splitter, vbox
from genstudio.ui.library import Library
from genstudio.ui.playground.about import about
from genstudio.ui.playground.inspectors import Inspectors
from genstudio.ui.playground.model_choice import ModelChoice
from genstudio.ui.playground.page import Page
from genstudio.ui.playground.pages import PAGES, lack, shown
from genstudio.ui.playground.sampler import Sampling
from genstudio.ui.playground.translate_source import BEAM, GREEDY, SAMPLER, SourceRow
from genstudio.ui.playground.writer import Writer
from genstudio.ui.remember import State
from genstudio.ui.tab_order import follow_the_eye
from genstudio.ui.widgets import ElidedLabel, with_keys

_TYPED_MS = 120
_WRITTEN_MS = 200
_LIVE_MS = 2000

_GAPS = "Type a text; [MASK] stands for a token to be filled in."
_CONTINUED, _TRANSLATED = "Type a beginning; the model continues it.", "The translation of the source appears here."
BEGINNING = "First Citizen:\nBefore we proceed any further, hear me speak.\n"
"""What an included model goes on from in a new home."""
_IN_TRAINING = ", which is in training."


class PlaygroundTab(QWidget):
    """Writes with the live model or any checkpoint, and holds the pages that look inside. `failed(Failure)`;
    `train_wanted(dataset, family)`.

    A page that has `show_sampling(Sampling)` hears of the sampler, one that has `show_library(Library)` watches the lists;
    one with `take_wanted(Prompt, segments)`
    or `text_wanted(str)` may continue or replace the document.
    """

    failed = Signal(object)
    train_wanted = Signal(str, str)

    def __init__(self, engine: Engine, library: Library) -> None:
        super().__init__()
        self.setObjectName("playground_tab")
        self._library, self._asking = library, Asking(engine)
        self.choice = ModelChoice(shown)
        self.status = ElidedLabel()
        self.writer = Writer(engine)
        self.document = self.writer.view
        self.sampler = self.writer.sampler
        self.inspectors = Inspectors(engine)
        self.source = SourceRow(engine)
        self._switches = NOTHING_ABLATED
        self._wanted, self._began = "", False
        self._widths: dict[str, bool] = {}
        self.wide = QPushButton("Hide document")
        self._delay = single_shot(self, _TYPED_MS)
        self._written = single_shot(self, _WRITTEN_MS)
        self._follow = QTimer(self)
        self._follow.setInterval(_LIVE_MS)
        self._name_things()
        self._lay_out()
        self._connect()
        follow_the_eye(self)
        self.inspectors.open(PAGES[0].title)
        self.choice.set_live(library.live)
        self.show_runs(library.runs)

    def page(self, title: str) -> Page:
        """The page of this title, built if need be. Raises KeyError."""
        return self.inspectors.page(title)

    def reference(self) -> ModelRef | None:
        """The model chosen, with the source that it translates; None when there is none yet."""
        return self.choice.reference() if not self.translates else self.source.reference()

    def show_runs(self, runs: tuple[RunInfo, ...]) -> None:
        """Every run that a page is for, the newest first, and the models that ship; keeps the choice, and the open page at
        first."""
        self.choice.show_runs((*runs, *self._library.included), lambda family: not lack(family, self.inspectors.title))
        self._say_what_is_missing()
        self._choose_wanted()
        self._begin_with_something()

    def set_live(self, live: frozenset[str]) -> None:
        """The runs that are in training now. One that begins is chosen."""
        begins = live - self.choice.live
        self.choice.set_live(live)
        self._take_back()
        self._wanted = next(iter(begins), self._wanted)
        self._choose_wanted()

    def choose(self, run: str) -> None:
        """Choose a run; once it is listed and nothing is being written, if that is not so yet."""
        self._wanted = run
        self._choose_wanted()

    def _copy_model(self, folder: str) -> None:
        """Make a run of a model that ships, and choose it."""

        def copied(new: str) -> None:
            self._library.refresh_runs()
            self.choose(new)
            self.status.setText("Copied to your runs: it can be trained further.")

        self._asking.ask("copy", CopyIncluded(folder), on_end=self._told, on_result=copied)

    def _told(self, failure: Failure | None) -> None:
        if failure is not None:
            self.failed.emit(failure)

    def _choose_wanted(self) -> None:
        if not self._wanted or self.writer.writing:
            return
        live = self._wanted in self.choice.live
        if self.choice.choose(self._wanted, "live" if live else "last"):
            self._wanted = ""
            if live and (run := self.choice.info()) is not None:
                self.status.setText(f"Using {run.name}{_IN_TRAINING}")

    def _take_back(self) -> None:
        """The sentence about a model in training, once that is chosen no longer, or its training has ended."""
        if self.choice.model.currentData() not in self.choice.live and self.status.text().endswith(_IN_TRAINING):
            self.status.setText("")

    def start_writing(self) -> None:
        """Write after the text with the chosen model."""
        self.writer.write()

    def stop_writing(self) -> None:
        self.writer.stop_writing()

    def prompt(self) -> Prompt:
        """What the pages look at: the text from its beginning to the cursor, or all of it where the model reads from both
        sides."""
        ref = self.reference()
        end = self.document.caret() if self.writes else None
        return self.document.prompt(ref.run if ref is not None else "", end)

    def look_inside(self, abilities: Collection[str]) -> None:
        """Show the first page that looks inside a model with these abilities; of one that has none, the first of all that it
        has."""
        inside = (entry.title for entry in PAGES if "Traces" in entry.needs and not entry.lack(abilities))
        other = (entry.title for entry in PAGES if not entry.lack(abilities))
        self.inspectors.want(next(chain(inside, other), self.inspectors.title))

    def compare_with(self, run: str) -> None:
        """Show the page that compares the model with that of another run."""
        self.inspectors.open("Compare two")
        from genstudio.ui.playground.compare_page import ComparePage

        page = self.inspectors.current
        if isinstance(page, ComparePage):
            page.set_other(run)

    def set_wide(self, wide: bool) -> None:
        """Give the open page the whole width, or show the document beside it; it is so again when it is opened."""
        self._widths[self.inspectors.title] = wide
        self.wide.setChecked(wide)

    def go_to_text(self) -> None:
        """The keys go to the text, which is shown again if need be."""
        self.set_wide(False)
        self.document.editor.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def go_to_pages(self) -> None:
        """The keys go to the list of pages."""
        self.inspectors.rail.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def show_task(self, name: str) -> None:
        """The page on which a task of the engine is seen."""
        for page in self.inspectors.pages.values():
            if page.owns(name):
                self.inspectors.open(page.title)

    def remembered(self) -> State:
        """What comes back at the next start; the document itself is a file."""
        self.writer.files.keep()
        page = self.inspectors.rail.currentItem()
        return {
            "page": page.text() if page is not None else "",
            "wide": self.wide.isChecked(),
            "source": self.source.edit.text(),
            **self.sampler.state(),
        }

    def splitters(self) -> dict[str, QSplitter]:
        return {"playground": self.splitter}

    def restore(self, state: State) -> None:
        self.writer.files.restore()
        self.sampler.restore(state)
        self.source.edit.setText(str(state.get("source") or ""))
        self.inspectors.open(str(state.get("page") or ""))
        if "wide" in state:
            self.set_wide(bool(state["wide"]))

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._follow.start()
        self._delay.start()
        self._library.refresh_runs()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._follow.stop()

    def _look(self) -> None:
        """Tell everybody what to look at; while a text is being written, only once that has ended."""
        if not self.isVisible():
            return
        if self.writer.writing:
            self._delay.start()
            return
        ref = self.reference()
        self._look_at_source()
        if self.translates and not self.source.text:
            ref = None  # no page has anything to look at before there is a source
        self.writer.look_at(ref if self.writes else None, ())
        if ref is not None and self.reads and not self.writes:
            self.writer.mark(ref)
        self.inspectors.look_at(ref, self.prompt() if self.reads else ())

    def _look_at_writing(self) -> None:
        """Show the open page what has been written so far, if it follows that."""
        ref, page = self.reference(), self.inspectors.current
        if self.isVisible() and self.writer.writing and ref is not None and page is not None and page.follows_writing:
            page.look_at(ref, self.document.prompt(ref.run))

    def _look_at_source(self) -> None:
        self.source.look_at(self.choice.reference() if self.translates else None)

    def _translate(self, method: str) -> None:
        """Translate the source again, into an empty document."""
        self.writer.stop_writing("it was started again")
        self.document.set_text("")
        self.writer.look_at(self.reference(), ())
        if method == BEAM:
            self.inspectors.open("Beam search")
            page: Any = self.page("Beam search")
            page.look_at(self.reference(), ())
            page.run()
        else:
            self.writer.write(greedy=method == GREEDY)

    def _chosen(self) -> None:
        """Another model: what runs with the one before ends."""
        self._take_back()
        self.writer.stop_writing("another model was chosen")
        self.inspectors.offer(self.choice.abilities())
        self._show_document()
        self.source.setVisible(self.translates)
        self._sampling_changed()
        self.document.editor.setPlaceholderText(
            _TRANSLATED if self.translates else _CONTINUED if self.writes else _GAPS
        )
        self._look_at_source()
        ready = self.writes and not (self.translates and not self.source.text)
        self.writer.look_at(self.reference() if ready else None, ())
        self._look()

    def _follow_live(self) -> None:
        ref = self.reference()
        if ref is not None and ref.which == "live" and ref.run in self.choice.live:
            self._look()

    def _built(self, page: Page) -> None:
        follow_the_eye(self)
        page.failed.connect(self.failed)
        if hasattr(page, "show_sampling"):
            page.show_sampling(self._sampling_of(page))
        if hasattr(page, "show_library"):
            page.show_library(self._library)
        for name, slot in (
            ("take_wanted", self.writer.take),
            ("text_wanted", self.document.set_text),
            ("said", self.status.setText),
            ("page_wanted", self.inspectors.open),
            ("switches_changed", self._share_switches),
            ("train_wanted", self.train_wanted),
        ):
            if hasattr(page, name):
                getattr(page, name).connect(slot)
        self._share_switches(self._switches)

    def _share_switches(self, switches: Ablation) -> None:
        """What is off in one page is off in all that can show it."""
        self._switches = switches
        for page in self.inspectors.pages.values():
            if hasattr(page, "show_switches"):
                page.show_switches(switches)

    def _sampling_changed(self) -> None:
        for page in self.inspectors.pages.values():
            if hasattr(page, "show_sampling"):
                page.show_sampling(self._sampling_of(page))

    def _sampling_of(self, page: Page) -> Sampling:
        """As the sampler says; greedily where the page writes translations and the source is translated without drawing."""
        sampling = self.sampler.sampling()
        if page.as_translated and self.translates and self.source.method.currentText() != SAMPLER:
            return replace(sampling, options=SamplingOptions(greedy=True))
        return sampling

    @property
    def writes(self) -> bool:
        """Whether the model chosen writes text, or translations; so it is while there is none."""
        return "Writes" in (self.choice.abilities() or ("Writes",)) or self.translates

    @property
    def translates(self) -> bool:
        """Whether the model chosen translates."""
        return "Translates" in (self.choice.abilities() or ())

    @property
    def reads(self) -> bool:
        """Whether the model chosen reads the document: to go on after it, or to fill the gaps in it."""
        return self.writes or "FillsIn" in (self.choice.abilities() or ())

    def _show_document(self) -> None:
        """The document, unless the page has the whole width or the model does not read it."""
        wide = self.wide.isChecked()
        self.writer.setVisible(self.reads and not wide)
        self.writer.show_writing_tools(self.writes)
        self.wide.setText("Show document" if wide else "Hide document")
        self.wide.setVisible(self.reads)

    def _opened(self, title: str) -> None:
        """A page that needs the whole width has it, unless the person chose otherwise for this page."""
        self.wide.setChecked(self._widths.get(title, about(title).wide))

    def _begin_with_something(self) -> None:
        """Without any run of one's own there is a model that ships, and a beginning for it to go on from."""
        first = not self._library.runs and self.choice.is_included and not self._began
        if first and self.writes and not self.document.text():
            self.document.set_text(BEGINNING)
        self._began = self._began or first

    def _say_what_is_missing(self) -> None:
        if self.reference() is None and self._library.listed:
            self.status.setText("There is no trained model yet: train one first; one minute is enough.")
        elif self.status.text().startswith("There is no trained"):
            self.status.setText("")

    def _connect(self) -> None:
        self.choice.changed.connect(self._chosen)
        self.choice.copy_wanted.connect(self._copy_model)
        for box in (self.choice.model, self.choice.checkpoint):
            box.activated.connect(lambda _: setattr(self, "_wanted", ""))
        self.document.changed.connect(self._delay.start)
        self.document.moved.connect(self._delay.start)
        self._delay.timeout.connect(self._look)
        self.document.changed.connect(lambda: None if self._written.isActive() else self._written.start())
        self._written.timeout.connect(self._look_at_writing)
        self._follow.timeout.connect(self._follow_live)
        self.source.failed.connect(self.failed)
        self.source.changed.connect(self._delay.start)
        self.source.method.currentTextChanged.connect(lambda _: self._sampling_changed())
        self.source.translate_wanted.connect(self._translate)
        self.writer.failed.connect(self.failed)
        self.writer.said.connect(self.status.setText)
        self.writer.sampling_changed.connect(self._sampling_changed)
        self.inspectors.built.connect(self._built)
        self.inspectors.chosen.connect(self._opened)
        self.wide.clicked.connect(self.set_wide)
        self.wide.toggled.connect(lambda _: self._show_document())
        self._library.runs_changed.connect(self.show_runs)
        self._library.live_changed.connect(self.set_live)

    def _name_things(self) -> None:
        self.status.setObjectName("playground_status")
        self.status.setAccessibleName("Status")
        self.wide.setObjectName("hide_document")
        self.wide.setAccessibleName("Give the page the full width")
        self.wide.setCheckable(True)
        self.wide.setToolTip(with_keys("Give the page the full width", "Ctrl+Shift+H"))
        theme.set_icon(self.wide, "zoom-reset")

    def _lay_out(self) -> None:
        top = hbox((self.choice, 5), (self.status, 2), self.wide)
        self.splitter = splitter(
            "playground_splitter", (self.writer, 1), (self.inspectors, 2), sizes=(470, 770), down=False
        )
        vbox(top, self.source, (self.splitter, 1), into=self, margins=(12, 12, 12, 12))
        self.source.hide()
