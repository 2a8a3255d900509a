"""What a model that reads from both sides says of whole texts: their class, and whether one follows another."""

from __future__ import annotations

import re

from PySide6.QtWidgets import QLineEdit, QPlainTextEdit, QWidget

from genstudio.errors import Failure
from genstudio.tasks.classify import Classified, Classify, DrawPassages, Followed, ScoreNext
from genstudio.tasks.models import ModelRef
from genstudio.tasks.prompt import Prompt, text_of
from genstudio.ui import theme
from genstudio.ui.engine import Engine
from genstudio.ui.layouts import hbox, named, splitter, vbox
from genstudio.ui.playground.page import Page
from genstudio.ui.views.bars import Bar, BarChart, NamedBars
from genstudio.ui.views.chart import percent
from genstudio.ui.views.view import Table
from genstudio.ui.widgets import button, plain_label

_CLASSIFY = "A model that was fine-tuned on labelled texts reads a text as a whole and gives each class a probability."
_NEXT = (
    "Next-sentence prediction: half of the pairs that the model was trained on follow each other in the text, the second of the "
    "others comes from elsewhere. 50% means that it cannot tell."
)
_NAMED = 6
_BLANK = re.compile(r"\n\s*\n")


class ClassifyPage(Page):
    """The probability of each class, for the text that is typed here, or else for the last line of the document."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine, "page_classify", "Classify")
        self.text = named(QLineEdit(), "classify_text", "Text to classify")
        self.text.setPlaceholderText("Empty: the last line of the document")
        self.text.setClearButtonEnabled(True)
        self.bars = NamedBars("Class", "classify_bars", summed=True)
        self.bars.empty = "Type a text"
        self.outcome = plain_label(wrap=True, name="classify_said")
        label = plain_label("Text", role="quiet")
        label.setBuddy(self.text)
        vbox(
            plain_label(_CLASSIFY, role="quiet", wrap=True), hbox(label, (self.text, 1)), (self.bars, 1), self.outcome, into=self,
            spacing=8,
        )  # fmt: skip
        self.text.textChanged.connect(lambda _: self._look())
        self.bars.failed.connect(self.failed)

    def look(self, model: ModelRef, prompt: Prompt) -> None:
        lines = text_of(prompt).rstrip().splitlines()
        text = self.text.text().strip() or (lines[-1] if lines else "")
        if text.strip():
            self.ask("classify", Classify(model, (text,)), on_result=self._show)

    def explained(self, kind: str, failure: Failure) -> bool:
        """A text that cannot be read, and a model that names no classes, are said where the text is."""
        if failure.expected:
            self.bars.show_bars((), "")
            self.outcome.setText(f"{failure.message} {failure.hint}")
        return failure.expected

    def _show(self, found: Classified) -> None:
        (text,), (shares,) = found.texts, found.probabilities
        rows = sorted(zip(found.classes, shares.tolist(), strict=True), key=lambda pair: -pair[1])
        self.bars.show_bars(rows, f"{len(rows):,} classes")
        best, share = rows[0]
        shown = text if len(text) <= 60 else f"{text[:60]}…"
        self.outcome.setText(
            f"'{shown}': {best}, {percent(share)}.{_missing(found.unknown)} {found.weights}. Chance: {1 / len(rows):.1%}."
        )


class FollowBars(BarChart):
    """How probable it is that each sentence follows, with the line where the model cannot tell."""

    rows = 24.0, 36.0
    empty = "Type a sentence, and some that may follow it"

    def __init__(self) -> None:
        super().__init__("Follows it", "next_sentence_bars")

    def show_scores(self, found: Followed | None, truth: int | None = None) -> None:
        """`truth` is the one that follows in the data, where that is known."""
        pairs = () if found is None else zip(found.seconds, found.probabilities.tolist(), strict=True)
        self.bars = tuple(
            Bar(
                ("✓ " if number == truth else "") + " / ".join(text.split("\n")),
                ((share, theme.GREEN if number == truth else theme.BLUE, f"{share:.1%}"),), 0.5,
            )
            for number, (text, share) in enumerate(pairs)
        )  # fmt: skip
        self.note = "outline: 50%, it cannot tell" if self.bars else ""
        self.setAccessibleDescription(", ".join(f"{bar.name} {bar.parts[0][2]}" for bar in self.bars))
        self.redraw()

    def table(self) -> Table:
        return ("sentence", "probability"), ((bar.name, bar.parts[0][0]) for bar in self.bars)


class NextSentencePage(Page):
    """A first sentence, and others below each other with an empty line between them: how probable it is that each follows."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine, "page_next_sentence", "Next sentence")
        self.first = named(QPlainTextEdit(), "next_sentence_first", "First sentence")
        self.seconds = named(QPlainTextEdit(), "next_sentence_seconds", "Sentences that may follow, with an empty line between")
        self.first.setPlaceholderText("A sentence, or some lines")
        self.seconds.setPlaceholderText("What may follow it. An empty line begins another candidate.")
        for edit in (self.first, self.seconds):
            edit.setFont(theme.mono())
            edit.setTabChangesFocus(True)
        self.example = button(
            "Take from the data", "next_sentence_example", "dice", "A passage of the dataset, what follows it, and three others",
            self._draw,
        )  # fmt: skip
        self.swap = button("Swap", "next_sentence_swap", "", "Swap the sentence and the first candidate",
                           self._swap)  # fmt: skip
        self.bars = FollowBars()
        self.outcome = plain_label(role="quiet", wrap=True, name="next_sentence_said")
        self._seed = 0
        self._truth: tuple[str, str] | None = None
        left, right = QWidget(), QWidget()
        vbox(plain_label("First", role="group"), (self.first, 1), into=left)
        vbox(plain_label("What may follow", role="group"), (self.seconds, 1), into=right)
        vbox(
            plain_label(_NEXT, role="quiet", wrap=True), hbox(self.example, self.swap, None),
            (splitter("next_sentence_splitter", (left, 1), (right, 1), sizes=(300, 300)), 3), (self.bars, 2), self.outcome,
            into=self, spacing=8,
        )  # fmt: skip
        for edit in (self.first, self.seconds):
            edit.textChanged.connect(self._look)
        self.bars.failed.connect(self.failed)

    def candidates(self) -> tuple[str, ...]:
        """What may follow."""
        return tuple(part.strip() for part in _BLANK.split(self.seconds.toPlainText()) if part.strip())

    def look(self, model: ModelRef, prompt: Prompt) -> None:
        first, seconds = self.first.toPlainText().strip(), self.candidates()
        if first and seconds:
            self.ask("score", ScoreNext(model, first, seconds), on_result=self._show)
        elif not first and not seconds and not self._seed:
            self._draw()

    def explained(self, kind: str, failure: Failure) -> bool:
        """A sentence that cannot be read, and a model that was not trained to tell, are said where the sentences are."""
        if failure.expected and kind == "score":
            self.bars.show_scores(None)
        if failure.expected:
            self.outcome.setText(f"{failure.message} {failure.hint}")
        return failure.expected

    def _draw(self) -> None:
        if self._model is not None:
            self._seed += 1
            self.ask("example", DrawPassages(self._model, self._seed), on_result=self._take)

    def _take(self, drawn: tuple[str, tuple[str, ...], int]) -> None:
        first, seconds, truth = drawn
        self._truth = first, seconds[truth]
        for edit, text in ((self.first, first), (self.seconds, "\n\n".join(seconds))):
            edit.blockSignals(True)
            edit.setPlainText(text)
            edit.blockSignals(False)
        self._look()

    def _swap(self) -> None:
        first, (second, *others) = self.first.toPlainText().strip(), self.candidates() or ("",)
        if first and second:
            self.first.setPlainText(second)
            self.seconds.setPlainText("\n\n".join((first, *others)))

    def _show(self, found: Followed) -> None:
        known = self._truth is not None and self._truth[0] == found.first and self._truth[1] in found.seconds
        truth = found.seconds.index(self._truth[1]) if known and self._truth is not None else None
        self.bars.show_scores(found, truth)
        in_data = " ✓ follows in the dataset." if truth is not None else ""
        self.outcome.setText(f"{found.weights}.{in_data}{_missing(found.unknown)}")


def _missing(unknown: tuple[str, ...]) -> str:
    more = f" and {len(unknown) - _NAMED} more" if len(unknown) > _NAMED else ""
    return f" Not in the vocabulary: {', '.join(unknown[:_NAMED])}{more}." if unknown else ""
