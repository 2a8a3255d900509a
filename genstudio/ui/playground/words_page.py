"""The words of a model as a map with neighbours and analogies, and how similar words are to each other."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit, QListWidgetItem

from genstudio.tasks.embedding import Near
from genstudio.tasks.models import ModelRef
from genstudio.tasks.prompt import Prompt
from genstudio.tasks.words import (
    MOST_WORDS,
    CompareWords,
    FindNeighbours,
    Similarities,
    SolveAnalogy,
    UsualWords,
    WordsNear,
)
from genstudio.ui.engine import Engine
from genstudio.ui.layouts import hbox, named, vbox
from genstudio.ui.playground.map_page import MapPage
from genstudio.ui.playground.page import Page
from genstudio.ui.views.heat import Matrix, MatrixView
from genstudio.ui.widgets import button, plain_label

_CORNERS = ("king", "man", "woman")


class WordMapPage(MapPage):
    """A map of words. Beside it the neighbours of a word, or the answers to a - b + c, which is two arrows on the map."""

    identity = "page_words", "Word map"
    spaces = (("Words", "words"),)
    unit = "word"

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.space.setVisible(False)
        self.grid.addWidget(self.method, 0, 0, 1, 2)
        self.corners = [
            named(QLineEdit(word), f"analogy_{name}", f"Analogy: {name} of a - b + c")
            for name, word in zip("abc", _CORNERS, strict=True)
        ]
        for field in self.corners:
            field.returnPressed.connect(self.solve)
        self.go = button("Solve", "analogy_solve", "play", "The words nearest to a - b + c, without these three", self.solve)
        a, b, c = self.corners
        signs = [plain_label(sign, role="quiet") for sign in ("Analogy", "\N{MINUS SIGN}", "+")]
        self.grid.addLayout(hbox(signs[0], a, signs[1], b, signs[2], c, self.go), 3, 0, 1, 3)

    def solve(self) -> None:
        """Ask for the words nearest to a - b + c."""
        if self._model is not None:
            a, b, c = (field.text() for field in self.corners)
            self.ask("analogy", SolveAnalogy(self._model, a, b, c), on_result=self._show_answer)

    def _show_answer(self, answer: WordsNear) -> None:
        a, b, c = answer.question
        place = self._places()
        self.near_title.setText(f"Nearest to {a} \N{MINUS SIGN} {b} + {c}, by cosine")
        self._list([(place.get(word, -1), word, cosine) for word, cosine in answer.found])
        best = answer.found[0][0] if answer.found else ""
        self.view.choose(place.get(best, -1), [place[word] for word in (a, b, c) if word in place])
        self.view.zoom_to([place[word] for word in (a, b, c, best) if word in place])
        self.view.show_arrows([
            (place[start], place[end]) for start, end in ((b, a), (c, best)) if start in place and end in place
        ])  # fmt: skip

    def _take_found(self) -> None:
        """The neighbours of the word that was typed, on the map or not; else of the first that holds it."""
        text = self.search.text().strip()
        if self._model is None or not text:
            return
        if text in self._places() or not self.view.found:
            self.ask("near", FindNeighbours(self._model, text), on_result=self._show_neighbours)
        else:
            super()._take_found()

    def _take_listed(self, item: QListWidgetItem) -> None:
        if self._model is not None:
            word = item.text().split(maxsplit=1)[1]
            self.ask("near", FindNeighbours(self._model, word), on_result=self._show_neighbours)

    def _show_neighbours(self, found: WordsNear) -> None:
        place, (word,) = self._places(), found.question
        self._near_of = False, place.get(word, -1)
        self.near_title.setText(f"Nearest to '{word}', by cosine")
        self._list([(place.get(other, -1), other, cosine) for other, cosine in found.found])
        self.view.show_arrows(())
        self.view.choose(place.get(word, -1), [place[other] for other, _ in found.found if other in place])

    def _show_near(self, near: Near) -> None:
        self.view.show_arrows(())
        super()._show_near(near)

    def _places(self) -> dict[str, int]:
        """Where each word of the map is among its points."""
        shown = self.view.snapshot
        return {} if shown is None else {name: number for number, name in enumerate(shown.names)}


class SimilarityPage(Page):
    """A list of words, and the cosine of each two of their vectors as a matrix."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine, "page_similarity", "Word similarity")
        self.words = named(QLineEdit(), "similarity_words", "Words to compare")
        self.words.setPlaceholderText(f"Words separated by spaces, up to {MOST_WORDS}; empty: the most frequent")
        self.words.setClearButtonEnabled(True)
        self.view = MatrixView("Word similarity", "similarity_matrix")
        self.view.empty = "Choose a model"
        self.note = plain_label(role="quiet", wrap=True, name="similarity_said")
        label = plain_label("Words", role="quiet")
        label.setBuddy(self.words)
        line = hbox(label, self.words)
        line.setStretch(1, 1)
        vbox(line, (self.view, 1), self.note, into=self, spacing=8)
        self.view.failed.connect(self.failed)
        self.words.returnPressed.connect(self._look)

    def look(self, model: ModelRef, prompt: Prompt) -> None:
        if words := tuple(self.words.text().replace(",", " ").split()):
            self.ask("words", CompareWords(model, words), on_result=self._show)
        else:
            self.ask("words", UsualWords(model), on_result=lambda usual: self._compare(model, usual))

    def _compare(self, model: ModelRef, words: tuple[str, ...]) -> None:
        self.ask("words", CompareWords(model, words), on_result=self._show)

    def _show(self, found: Similarities) -> None:
        self.view.show_matrix(Matrix(found.cosines, found.words, found.words), "Cosine of each two words", f"step {found.step:,}")
        missing = f"Not among the words of this model: {', '.join(found.unknown)}. " if found.unknown else ""
        self.note.setText(f"{missing}1: the same direction, 0: unrelated, -1: opposite.")
        self.note.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
