"""What a model that matches texts with pictures finds: pictures for a text, captions for a picture, classes that are typed."""

from __future__ import annotations

import numpy as np
from PySide6.QtWidgets import QFileDialog, QLineEdit, QWidget

from genstudio.errors import Failure
from genstudio.snapshots.samples import Pictures
from genstudio.tasks.models import ModelRef
from genstudio.tasks.prompt import Prompt
from genstudio.tasks.search import PLACE, Among, Found, NameClasses, SearchPicture, SearchText, SuggestClasses, ZeroShot
from genstudio.ui.engine import Engine
from genstudio.ui.latent.own import PICTURE_FILES
from genstudio.ui.layouts import choice, hbox, named, single_shot, splitter, vbox
from genstudio.ui.playground.page import Page
from genstudio.ui.views.bars import NamedBars
from genstudio.ui.views.chart import percent
from genstudio.ui.views.pictures import PicturesView
from genstudio.ui.widgets import button, plain_label

_TYPED_MS = 250
_AMONG: tuple[Among, Among] = ("held-out", "all")
_EMPTY = "Type what a picture should show, or take a picture to find its caption."


class SearchPage(Page):
    """A text and the pictures nearest to it; or a picture and the captions nearest to it."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine, "page_search", "Search")
        self.found: Found | None = None
        self._asked: tuple[str, int] | None = None
        self.text = _line("search_text", "Text to search for", "What a picture should show; empty: a held-out picture")
        self.open = button("Open a picture…", "search_open", "open", "Find the captions that fit your picture", self._choose)
        self.draw = button("A picture of the data", "search_draw", "dice", "Find the caption of a held-out picture", self._draw)
        self.among = choice("search_among", "What is searched", "Held-out pictures", "All pictures")
        self.query = PicturesView("Picture", "search_query", dated=False)
        self.view = PicturesView("Found", "search_found", "the nearest first", dated=False, score="cosine")
        self.bars = NamedBars("Caption", "search_captions", "cosine", "{:.3f}".format)
        self.bars.share = 0.74  # captions differ at their ends
        self.outcome = plain_label(_EMPTY, wrap=True, name="search_said")
        self.query.empty = self.view.empty = "Nothing here yet"
        self.bars.empty = ""
        label = plain_label("Text", role="quiet")
        label.setBuddy(self.text)
        self.beside = QWidget()
        vbox((self.query, 2), (self.bars, 3), into=self.beside, spacing=6)
        self.split = splitter("search_splitter", (self.view, 3), (self.beside, 2), sizes=(420, 320), down=False)
        vbox(
            hbox(label, (self.text, 1), self.among), hbox(self.open, self.draw, None), (self.split, 1), self.outcome, into=self,
            spacing=8,
        )  # fmt: skip
        self._number = -1
        self._typed = single_shot(self, _TYPED_MS)
        self._typed.timeout.connect(self._by_text)
        self.text.textChanged.connect(lambda _: self._typed.start())
        self.among.currentIndexChanged.connect(lambda _: self._look())
        self.view.picked.connect(self._take)
        for figure in (self.query, self.view, self.bars):
            figure.failed.connect(self.failed)
        self.busy_changed()

    def look(self, model: ModelRef, prompt: Prompt) -> None:
        """The same again, with the weights as they are now."""
        self.busy_changed()
        text, among = self.text.text().strip(), _AMONG[self.among.currentIndex()]
        if self._asked is not None:
            path, number = self._asked
            self.ask("search", SearchPicture(model, path, number, among=among), on_result=self._show)
        elif text:
            self.ask("search", SearchText(model, text, among=among), on_result=self._show)
        else:
            self._draw()

    def look_at(self, model: ModelRef | None, prompt: Prompt) -> None:
        super().look_at(model, prompt)
        self.busy_changed()

    def busy_changed(self) -> None:
        for each in (self.open, self.draw):
            each.setEnabled(self._model is not None)

    def explained(self, kind: str, failure: Failure) -> bool:
        """A text that cannot be read, and data that are gone, are said where the text is."""
        if failure.expected:
            self.outcome.setText(f"{failure.message} {failure.hint}")
            for figure in (self.view, self.query):
                figure.clear()
            self.bars.show_bars((), "")
        return failure.expected

    def show_file(self, path: str) -> None:
        """The captions that fit the picture in this file."""
        self._asked = path, 0
        self._look()

    def _by_text(self) -> None:
        if self.text.text().strip():
            self._asked = None
            self._look()

    def _draw(self) -> None:
        self._number += 1
        self._asked = "", self._number
        self._look()

    def _take(self, index: int) -> None:
        """Search for the caption of a picture that was found."""
        if self.found is not None and 0 <= index < len(self.found.captions) and self.found.captions[index] != self.text.text():
            self.text.setText(self.found.captions[index])

    def _show(self, found: Found) -> None:
        self.found = found
        by_picture = found.sample is not None
        labels = np.arange(len(found.captions))
        self.view.title = "Pictures of these captions" if by_picture else "Pictures of this text"
        self.view.show_snapshot(Pictures("found", found.step, found.pixels, labels, found.captions, found.cosines))
        self.query.setVisible(by_picture)
        if found.sample is not None:
            self.query.show_snapshot(Pictures("query", found.step, found.sample[None].copy()))
        self.bars.show_bars(zip(found.captions, found.cosines.tolist(), strict=True), "cosine of each")
        own = f" The correct one has rank {found.place:,}." if found.place else ""
        missing = f" Not in the vocabulary: {', '.join(found.unknown[:6])}." if found.unknown else ""
        what = f"'{found.query}'" if found.query else "This picture"
        kind = "different captions" if by_picture else "pictures"
        self.outcome.setText(
            f"{what}: the best of {found.searched:,} {kind} has cosine {found.cosines[0]:.3f} and a share of "
            f"{percent(float(found.shares[0]))}; at random each comes first {found.chance:.2%} of the time.{own}{missing} "
            f"{found.weights}."
        )

    def _choose(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Open a picture", "", PICTURE_FILES)
        if path:
            self.show_file(path)


class ZeroShotPage(Page):
    """Classes that somebody types, and which of them held-out pictures, or one of one's own, belong to."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine, "page_zero_shot", "Zero-shot classes")
        self.found: ZeroShot | None = None
        self._path = self._suggested = ""
        self.classes = _line("zero_shot_classes", "Classes to tell apart",
                              "Classes separated by commas, such as: circle, heart")
        self.template = _line("zero_shot_template", "Sentence that stands for a class",
                              f"Empty: captions with {PLACE} for the class")
        self.open = button("Open a picture…", "zero_shot_open", "open", "Name the class of a picture of your own", self._choose)
        self.held = button("Held-out pictures", "zero_shot_held", "refresh", "Classes of held-out pictures", self._show_held)
        self.view = PicturesView("Pictures by class", "zero_shot_pictures", dated=False, score="probability", order="classes")
        self.view.empty = "Type at least two classes"
        self.bars = NamedBars("Class", "zero_shot_bars")
        self.bars.empty = "Click a picture"
        self.outcome = plain_label(wrap=True, name="zero_shot_said")
        labels = [plain_label(text, role="quiet") for text in ("Classes", "Sentence")]
        for words, edit in zip(labels, (self.classes, self.template), strict=True):
            words.setBuddy(edit)
        split = splitter("zero_shot_splitter", (self.view, 3), (self.bars, 2), sizes=(420, 300), down=False)
        vbox(
            hbox(labels[0], (self.classes, 3), labels[1], (self.template, 1)), hbox(self.open, self.held, None), (split, 1),
            self.outcome, into=self, spacing=8,
        )  # fmt: skip
        self._typed = single_shot(self, _TYPED_MS)
        self._typed.timeout.connect(self._look)
        for edit in (self.classes, self.template):
            edit.textChanged.connect(lambda _: self._typed.start())
        self.view.picked.connect(self._explain)
        for figure in (self.view, self.bars):
            figure.failed.connect(self.failed)
        self.busy_changed()

    def names(self) -> tuple[str, ...]:
        """The classes that are typed."""
        return tuple(name.strip() for name in self.classes.text().split(",") if name.strip())

    def look(self, model: ModelRef, prompt: Prompt) -> None:
        self.busy_changed()
        if not self.names() and self._suggested != model.run:
            self._suggested = model.run
            self.ask("suggestion", SuggestClasses(model), on_result=self._suggest)
        if len(self.names()) > 1:
            template = self.template.text().strip()
            self.ask("classes", NameClasses(model, self.names(), template, self._path), on_result=self._show)

    def look_at(self, model: ModelRef | None, prompt: Prompt) -> None:
        super().look_at(model, prompt)
        self.busy_changed()

    def busy_changed(self) -> None:
        for each in (self.open, self.held):
            each.setEnabled(self._model is not None)

    def _suggest(self, classes: tuple[str, ...]) -> None:
        """Begin with what the captions tell apart, unless somebody has typed by now."""
        if classes and not self.classes.text():
            self.classes.setText(", ".join(classes))

    def explained(self, kind: str, failure: Failure) -> bool:
        """Classes that cannot be read, and data that are gone, are said where the classes are."""
        if failure.expected:
            self.outcome.setText(f"{failure.message} {failure.hint}")
        return failure.expected

    def show_file(self, path: str) -> None:
        """Name the class of the picture in this file."""
        self._path = path
        self._look()

    def _show_held(self) -> None:
        self._path = ""
        self._look()

    def _show(self, found: ZeroShot) -> None:
        order = np.argsort(found.named, kind="stable")
        self.found = ZeroShot(
            found.classes, found.probabilities[order], found.pixels[order], tuple(found.captions[at] for at in order.tolist()),
            found.step, found.weights, found.unknown, found.sentences,
        )  # fmt: skip
        shown = self.found
        best = shown.probabilities.max(1)
        self.view.show_snapshot(Pictures("classes", shown.step, shown.pixels.copy(), shown.named, shown.classes, best))
        self._explain(0)
        right, told = _named_right(shown)
        missing = f" Not in the vocabulary: {', '.join(shown.unknown[:6])}." if shown.unknown else ""
        said = (
            f"{right} of {told} pictures whose caption names one of these classes are classified correctly "
            f"({percent(right / told)}); chance: " if told else "Chance: "
        ) + f"{percent(1 / len(shown.classes))}."  # fmt: skip
        count = len(shown.sentences)
        how = "a sentence" if count == 1 else f"the mean of {count} captions, such as '{shown.sentences[0]}',"
        self.outcome.setText(f"{said}{missing} No class was trained: each is {how} that a picture is compared with. "
                             f"{shown.weights}.")  # fmt: skip

    def _explain(self, index: int) -> None:
        """The probability of each class for one of the pictures."""
        if self.found is not None and 0 <= index < len(self.found.pixels):
            self.view.choose(index)
            caption = self.found.captions[index]
            rows = zip(self.found.classes, self.found.probabilities[index].tolist(), strict=True)
            self.bars.show_bars(sorted(rows, key=lambda pair: -pair[1]), f"'{caption}'" if caption else "")

    def _choose(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Open a picture", "", PICTURE_FILES)
        if path:
            self.show_file(path)


def _named_right(found: ZeroShot) -> tuple[int, int]:
    """Pictures whose caption holds the words of one of the classes and of no other: how many of them get it, and how many there
    are."""
    right = told = 0
    for caption, named_ in zip(found.captions, found.named.tolist(), strict=True):
        words = f" {' '.join(caption.lower().replace(',', ' ').split())} "
        true = [place for place, name in enumerate(found.classes) if f" {name.lower()} " in words]
        if len(true) == 1:
            told, right = told + 1, right + (named_ == true[0])
    return right, told


def _line(name: str, label: str, hint: str) -> QLineEdit:
    edit = named(QLineEdit(), name, label)
    edit.setPlaceholderText(hint)
    edit.setClearButtonEnabled(True)
    return edit
