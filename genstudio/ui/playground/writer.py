"""The left side of the Playground: the document, its branches, the sampler, and the buttons that write."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from PySide6.QtCore import Signal

from genstudio.events import Frame
from genstudio.sampling.choose import SamplingOptions
from genstudio.sampling.segments import Made, Segment, alternative, typed
from genstudio.sampling.tree import Place
from genstudio.snapshots.text import AnsweredBy, Writing
from genstudio.tasks.document import MarkTokens, TextOf
from genstudio.tasks.models import ModelRef
from genstudio.tasks.prompt import Prompt, text_of
from genstudio.tasks.write import Generate
from genstudio.ui.engine import Engine
from genstudio.ui.layouts import Flow, single_shot, splitter, vbox
from genstudio.ui.playground.branches import BranchTree
from genstudio.ui.playground.files import DocumentFiles
from genstudio.ui.playground.page import Page
from genstudio.ui.playground.sampler import Sampler, Sampling
from genstudio.ui.views.positions import difference
from genstudio.ui.views.writing import DocumentView
from genstudio.ui.widgets import button, icon_button, primary_button, with_keys

_TREE_MS = 100
_BYTES = 4
"""A character has at most so many bytes, so no more tokens before one decide what text it completes."""


@dataclass(eq=False)
class _Session:
    """One writing: with which model and sampler, and what has come of it."""

    model: ModelRef
    sampling: Sampling
    title: str = ""


class Writer(Page):
    """Writes into its document. `said(text)`: what is happening; `sampling_changed()`: the sampler was moved."""

    said = Signal(str)
    sampling_changed = Signal()
    rests = False

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine, "writer", "Document")
        self._writes = True
        self.view = DocumentView()
        self.tree = BranchTree()
        self.sampler = Sampler()
        self.generate = primary_button("Generate", "generate", "play")
        self.stop = button("Stop", "stop_writing", "stop", "Stop generating")
        self.here = button("From cursor", "generate_here", "write", "Generate from the text cursor")
        self.again = button(
            "Again", "generate_again", "refresh", "Generate this again with the next seed, in a new branch"
        )
        self.undo = icon_button("undo", "document_undo", "Undo")
        self.redo = icon_button("redo", "document_redo", "Redo")
        self.files = DocumentFiles(engine, self.view)
        self._session: _Session | None = None
        self._began: int | None = None
        self._listing = single_shot(self, _TREE_MS)
        self._lay_out()
        self._connect()
        self._enable()

    @property
    def writing(self) -> bool:
        return self._session is not None

    def write(self, position: int | None = None, *, greedy: bool = False) -> None:
        """Go on from a position, at the end unless told, with the model and the sampler, or greedily whatever the sampler
        says; what runs is stopped first."""
        if self._model is None:
            return
        self.stop_writing("it was started again")
        sampling = self.sampler.next_sampling()
        if greedy:
            sampling = replace(sampling, options=SamplingOptions(greedy=True))
        session = self._session = _Session(self._model, sampling)
        prompt = self.view.prompt(self._model.run, position)
        self._began = self.view.document.tree.length if position is None else position
        self.view.begin_writing(self._began)
        task = Generate(self._model, prompt, sampling.length, sampling.options, sampling.seed, sampling.stop_texts)
        self.ask("write", task, lambda frame: self._written(session, frame))
        self._enable()

    def show_writing_tools(self, shown: bool) -> None:
        """The sampler and the buttons that write are there for a model that writes."""
        self._writes = shown
        for widget in (self.sampler, self.generate):
            widget.setVisible(shown)
        self._enable()

    def write_here(self) -> None:
        """Go on from the text cursor; what is there becomes another branch."""
        self.write(self.view.caret())

    def write_again(self) -> None:
        """The last writing once more, with the next seed, beside what it gave."""
        if self._began is not None and self._began <= self.view.document.tree.length:
            self.sampler.next_seed()
            self.write(self._began)

    def stop_writing(self, because: str = "") -> None:
        self._session = None
        self.view.end_writing()
        self.cancel("write", because)
        self._enable()

    def take(self, prompt: Prompt, segments: tuple[Segment, ...]) -> None:
        """Go on after this prompt with these; where the document has changed since, in a branch of its own."""
        text, shown = text_of(prompt), self.view.text()
        position = len(text) if shown.startswith(text) else difference(shown, text)[0]
        self.view.take(position, (*typed(text[position:]), *segments))

    def look(self, model: ModelRef, prompt: Prompt) -> None:
        self.mark(model)

    def mark(self, model: ModelRef) -> None:
        """The tokens of the document, for a model that reads it and does not write."""
        self.ask("marks", MarkTokens(model, self.view.prompt(model.run)), on_result=self.view.set_marks)

    def busy_changed(self) -> None:
        if self._session is not None and not self.busy("write"):
            self._session = None
            self.view.end_writing()
        self._enable()

    def _written(self, session: _Session, frame: Frame) -> None:
        if session is not self._session:
            return
        for snapshot in frame.snapshots:
            if isinstance(snapshot, AnsweredBy):
                session.title = snapshot.title
            elif isinstance(snapshot, Writing):
                sampling = session.sampling
                made = Made(session.model.run, session.title, snapshot.step, sampling.options, sampling.seed)
                self.view.show_writing(snapshot, made)
                self.said.emit(
                    f"{len(snapshot.pieces):,} tokens, weights of step {snapshot.step:,}"
                    + (f": {snapshot.reason}" if snapshot.reason else "")
                )

    def _branch(self, place: Place, choice: int) -> None:
        """Ask what text the alternative is, then go on with it."""
        made, tokens = place.segment.made, place.segment.tokens
        before = tokens.ids[max(0, place.token - _BYTES) : place.token].tolist()
        which: Any = self._model.which if self._model is not None and self._model.run == made.run else "last"
        ids = (*before, int(tokens.alternatives[place.token, choice]))

        def show(text: str) -> None:
            now = self.view.document.tree.token_at(place.start)
            if now is not None and now.segment is place.segment:
                self.view.take(place.start, (alternative(place.segment, place.token, choice, text),))

        self.ask("text", TextOf(ModelRef(made.run, which), ids), on_result=show)

    def _changed(self) -> None:
        self._listing.start()
        self._enable()

    def _list_branches(self) -> None:
        if self.tree.naming:
            self._listing.start()  # a new list would take away the name that is being typed
            return
        tree = self.view.document.tree
        self.tree.setVisible(bool(tree.root.children))
        if tree.root.children:
            self.tree.show_tree(tree)

    def _enable(self) -> None:
        ready = self._model is not None
        self.generate.setEnabled(ready)
        self.here.setEnabled(ready and self.view.caret() < self.view.document.tree.length)
        self.again.setEnabled(ready and self._began is not None and self._began <= self.view.document.tree.length)
        self.stop.setEnabled(self.writing)
        focused = next((one for one in (self.stop, self.again, self.here) if one.hasFocus()), None)
        self.stop.setVisible(self._writes and self.writing)  # it takes the place of two others: all four would take two rows
        for widget in (self.again, self.here):
            widget.setVisible(self._writes and not self.writing)
        if focused is not None and focused.isHidden():
            (self.stop if self.writing else self.generate).setFocus()
        self.undo.setEnabled(self.view.document.can_undo)
        self.redo.setEnabled(self.view.document.can_redo)

    def look_at(self, model: ModelRef | None, prompt: Prompt) -> None:
        super().look_at(model, prompt)
        if model is None:
            self.view.set_marks(None)
        self._enable()

    def _connect(self) -> None:
        self.generate.clicked.connect(lambda _=False: self.write())
        self.stop.clicked.connect(lambda _=False: self.stop_writing())
        self.here.clicked.connect(lambda _=False: self.write_here())
        self.again.clicked.connect(lambda _=False: self.write_again())
        self.undo.clicked.connect(lambda _=False: self.view.undo())
        self.redo.clicked.connect(lambda _=False: self.view.redo())
        self.files.failed.connect(self.failed)
        self.files.said.connect(self.said)
        self.view.edited.connect(self._stop_for_edit)
        self.view.changed.connect(self._changed)
        self.view.moved.connect(self._enable)
        self.view.alternative_wanted.connect(self._branch)
        self.sampler.changed.connect(self.sampling_changed)
        self._listing.timeout.connect(self._list_branches)
        self.tree.switched.connect(self.view.switch)
        self.tree.renamed.connect(self.view.rename)
        self.tree.removed.connect(self.view.remove)
        self.here.setToolTip(with_keys("Continue from the text cursor, in a new branch", "Ctrl+Shift+Return"))
        self.again.setToolTip(with_keys("Generate this again with the next seed, in a new branch", "Ctrl+R"))

    def _stop_for_edit(self) -> None:
        if self.writing:
            self.stop_writing()

    def _lay_out(self) -> None:
        split = splitter("branches_splitter", (self.view, 1), self.tree, sizes=(400, 96))
        self.tree.hide()
        vbox(
            (split, 1), self.sampler,
            Flow(self.generate, self.stop, self.again, self.here, self.undo, self.redo, self.files.button),
            into=self,
        )  # fmt: skip
