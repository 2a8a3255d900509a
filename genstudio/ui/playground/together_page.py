"""A picture and a text read together: which patches a word looks at, and what fills in what is masked of both."""

from __future__ import annotations

import re

import numpy as np
from PySide6.QtCore import QSignalBlocker
from PySide6.QtWidgets import QFileDialog, QLineEdit, QWidget

from genstudio.errors import Failure
from genstudio.snapshots.filled import Filled
from genstudio.snapshots.grounding import WordLooks
from genstudio.snapshots.samples import Pictures
from genstudio.tasks.models import ModelRef
from genstudio.tasks.prompt import Prompt
from genstudio.tasks.together import ReadTogether, Together
from genstudio.ui.engine import Engine
from genstudio.ui.latent.own import PICTURE_FILES
from genstudio.ui.layouts import Flow, hbox, named, single_shot, splitter, vbox
from genstudio.ui.playground.page import Page
from genstudio.ui.views.chart import percent
from genstudio.ui.views.filled import GapBars
from genstudio.ui.views.grounding import WordPage
from genstudio.ui.views.pictures import PicturesView
from genstudio.ui.widgets import button, plain_label

_TYPED_MS = 300
_MASK = "[MASK]"
_SAID = "Click a word to mask it or to show it again, a patch to mask it. Click a bar to put that word into the gap."


class TogetherPage(Page):
    """One picture with a text, the attention of its words, and what is filled in."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine, "page_together", "Words and patches")
        self.found: Together | None = None
        self._hidden: set[int] = set()
        self._path, self._number, self._run = "", 0, ""
        self._draws = np.random.default_rng(0)
        self.text = named(QLineEdit(), "together_text", "Text that is read with the picture")
        self.text.setPlaceholderText(f"A caption, with {_MASK} for a word to fill in; empty: the picture's own")
        self.text.setClearButtonEnabled(True)
        self.another = button("Next picture", "together_next", "refresh", "Another held-out picture with its caption", self._next)
        self.open = button("Open a picture…", "together_open", "open", "A picture of your own", self._choose)
        self.half = button("Mask patches", "together_half", "dice", "Mask a third of the patches, drawn at random",
                           self._mask_some)  # fmt: skip
        self.reset = button("Reset", "together_reset", "undo", "The whole picture with its own caption", self._reset)
        self.view = WordPage("Words and patches", "together_words")
        self.bars = GapBars()
        self.bars.empty = "Click a word to mask it"
        self.filled = PicturesView("Filled in", "together_filled", dated=False)
        self.outcome = plain_label(_SAID, wrap=True, name="together_said")
        label = plain_label("Text", role="quiet")
        label.setBuddy(self.text)
        side = QWidget()
        vbox((self.bars, 3), (self.filled, 2), self.outcome, into=side, spacing=6)
        vbox(
            Flow(self.another, self.open, self.half, self.reset), hbox(label, (self.text, 1)),
            (splitter("together_splitter", (self.view, 3), (side, 2), down=False, sizes=(560, 360)), 1), into=self, spacing=6,
        )  # fmt: skip
        self._typed = single_shot(self, _TYPED_MS)
        self._typed.timeout.connect(self._look)
        self.text.textChanged.connect(lambda _: self._typed.start())
        self.view.view.taken.connect(self._take)
        self.bars.chosen.connect(self._put)
        for figure in (self.view.view, self.bars, self.filled):
            figure.failed.connect(self.failed)
        self._show_sides()

    def look(self, model: ModelRef, prompt: Prompt) -> None:
        if model.run != self._run:
            self._run, self._path, self.found = model.run, "", None
            self._forget()
        self._typed.stop()
        task = ReadTogether(model, self.text.text(), self._path, self._number, tuple(sorted(self._hidden)))
        self.ask("together", task, on_result=self._show)

    def look_at(self, model: ModelRef | None, prompt: Prompt) -> None:
        super().look_at(model, prompt)
        self._show_sides()

    def explained(self, kind: str, failure: Failure) -> bool:
        """A file that is no picture, and a text that cannot be read, are said here."""
        if failure.expected:
            self.outcome.setText(f"{failure.message} {failure.hint}")
        return failure.expected

    def words(self) -> list[str]:
        """The words of the text as it is read, gaps among them."""
        assert self.found is not None
        return re.findall(r"\[MASK\]|\S+", self.found.text)

    def show_file(self, path: str) -> None:
        """Read the picture in this file with the text that is there."""
        self._path, self._hidden = path, set()
        self._look()

    def _show(self, found: Together) -> None:
        self.found = found
        look = found.look
        self.view.show_snapshot(WordLooks("together", found.step, (look,), found.patch))
        ids = np.zeros(len(look.words), np.int64)
        self.bars.show_gap(Filled("gaps", found.step, look.words, ids, look.gaps), 0 if look.gaps else -1)
        if look.filled is not None:
            pixels = np.stack([found.sample, look.filled])
            self.filled.show_snapshot(Pictures("filled", found.step, pixels, np.array([0, 1]), ("original", "filled in")))
        self._show_sides()
        missing = f" Not in the vocabulary: {', '.join(found.unknown[:6])}." if found.unknown else ""
        self.outcome.setText(
            f"{found.title}, {found.weights}. Picture and text belong together with a probability of "
            f"{percent(look.match)}.{missing} {_SAID}"
        )

    def _show_sides(self) -> None:
        self.filled.setVisible(self.found is not None and self.found.look.filled is not None)
        for each in (self.another, self.open):
            each.setEnabled(self._model is not None)
        for each in (self.half, self.reset):
            each.setEnabled(self.found is not None)

    def _take(self, _picture: int, word: int, patch: int) -> None:
        """A click on a word or on a patch, or Enter."""
        if self.found is None:
            return
        if patch >= 0:
            self._hidden ^= {patch}
            self._look()
        elif word > 0:
            self._exchange(word)

    def _exchange(self, place: int) -> None:
        """Mask the word that a token at this place belongs to, or show again what the caption has there."""
        found = self.found
        assert found is not None
        words = self.words()
        own = found.caption.split()
        at = place - 1
        if len(found.look.words) != len(words) + 1 or not at < len(words):
            return  # tokens that are no whole words: what is masked is typed
        whole = len(own) == len(words)
        words[at] = (own[at] if whole else _MASK) if words[at] == _MASK else _MASK
        self.text.setText(" ".join(words))

    def _put(self, token: int) -> None:
        """The word of a bar in place of the first gap."""
        found = self.found
        if found is None or not found.look.gaps:
            return
        gap = found.look.gaps[0]
        piece = gap.pieces[gap.ids.tolist().index(token)].replace("␣", "")
        self.text.setText(found.text.replace(_MASK, piece, 1))

    def _mask_some(self) -> None:
        if self.found is not None:
            count = self.found.look.weights.shape[3]
            self._hidden = set(self._draws.permutation(count)[: max(1, count // 3)].tolist())
            self._look()

    def _next(self) -> None:
        self._number += bool(self.found is not None and not self._path)
        self._path = ""
        self._forget()
        self._look()

    def _reset(self) -> None:
        self._forget()
        self._look()

    def _forget(self) -> None:
        self._hidden = set()
        with QSignalBlocker(self.text):
            self.text.clear()

    def _choose(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Open a picture", "", PICTURE_FILES)
        if path:
            self.show_file(path)
