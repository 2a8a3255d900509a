"""The same text on two models, or on two steps of one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLayout,
    QPlainTextEdit,
    QTableWidget,
    QTableWidgetItem,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from genstudio import families
from genstudio.errors import Failure
from genstudio.events import Frame
from genstudio.snapshots.attention import Attention
from genstudio.snapshots.text import AnsweredBy, NextTokens, ScoredText, Writing
from genstudio.tasks.compare import AttentionTo, Both, first_difference, paired, tokens_before
from genstudio.tasks.models import ModelRef
from genstudio.tasks.prompt import Prompt, text_of
from genstudio.tasks.replay import Saved, SavedSteps
from genstudio.tasks.runs import Listed
from genstudio.tasks.score import Score
from genstudio.tasks.write import Generate, NextTokensOf
from genstudio.ui.engine import Engine
from genstudio.ui.layouts import Choice, hbox, single_shot, vbox
from genstudio.ui.library import Library
from genstudio.ui.playground.model_choice import ModelChoice
from genstudio.ui.playground.page import Page
from genstudio.ui.playground.pages import lack
from genstudio.ui.playground.sampler import Sampling
from genstudio.ui.playground.work_page import REST_MS
from genstudio.ui.views.attention_pair import AttentionPairView
from genstudio.ui.views.tinted import TintedText
from genstudio.ui.views.token_bars import TwoBarsView
from genstudio.ui.views.writing import Legend
from genstudio.ui.widgets import ElidedLabel, button, plain_label

LONGEST = 400
"""Tokens that both write at most: they are compared by eye."""
_LIVE_MS = 2000
_TRAIN, _CHOOSE = "Train a model first; one minute is enough.", "Choose model B."


class ComparePage(Page):
    """Model A is the one that the Playground uses, model B is chosen here.

    What is seen begins by itself once models, text and sampler have rested; with a model in training once for each text.
    """

    as_translated = True

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine, "page_compare", "Compare two")
        self._sampling = Sampling()
        self._chosen = False
        self._named: dict[str, ModelRef | None] = {}
        self._written: dict[str, Writing] = {}
        self._runs: Listed = ()
        self._translates = False
        self._asked: dict[str, object] = {}
        self._by_itself = False
        self._begins = single_shot(self, REST_MS)
        self.other = ModelChoice(self._comparable)
        self.names = {side: ElidedLabel() for side in "ab"}
        self.texts = {
            side: TintedText(f"compare_text_{side}", f"Text of model {side.upper()}", "What this model writes.")
            for side in "ab"
        }
        self.bars = TwoBarsView()
        self.attention = AttentionPairView()
        self.layer, self.head = Choice(), Choice()
        self.scored = QPlainTextEdit()
        self.numbers = QTableWidget(0, 3)
        self.note, self.score_note = ElidedLabel(), plain_label(role="quiet", wrap=True, name="compare_score_note")
        self.write = button("Write both", "compare_write", "play", "Let both models continue the text", self.start)
        self.stop = button("Stop", "compare_stop", "stop", does=self.stop_all)
        self.score = button("Score both", "compare_score", "chart", "Score the text with both models", self.start_score)
        self.tabs = QTabWidget()
        self._follow = QTimer(self)
        self._follow.setInterval(_LIVE_MS)
        self._name_things()
        self._lay_out()
        for view in (self.bars, self.attention):
            view.failed.connect(self.failed)
        self.other.changed.connect(self._other_changed)
        self._follow.timeout.connect(self._follow_live)
        self._begins.timeout.connect(self._begin_by_itself)
        self.scored.textChanged.connect(self._begins.start)
        self.tabs.currentChanged.connect(lambda _: self._look())
        for box in (self.layer, self.head):
            box.activated.connect(lambda _: self._choose_head())
        self.attention.head_chosen.connect(lambda *_: self._fill_heads())
        self.busy_changed()

    def show_sampling(self, sampling: Sampling) -> None:
        """How both write, from the sampler under the document."""
        self._sampling = sampling
        self._begins.start()

    def show_library(self, library: Library) -> None:
        """The runs and the models that ship, to choose model B from."""
        library.runs_changed.connect(lambda _: self._show_runs(library.models))
        library.live_changed.connect(self.other.set_live)
        self.other.set_live(library.live)
        self._show_runs(library.models)

    def look(self, model: ModelRef, prompt: Prompt) -> None:
        if bool(model.source) != self._translates:
            self._translates, self._chosen = bool(model.source), False
            self.other.show_runs(self._runs)
        self._choose_another()
        other = self._other()
        self.busy_changed()
        if other is None:
            return
        if self.tabs.currentWidget() is self.bars:
            asked = Both(NextTokensOf(model, prompt), other)
            self.ask("next", asked, self._show, on_result=self._show_next)
        elif self.tabs.currentWidget() is self._attention_tab:
            seen = Both(AttentionTo(model, prompt), other)
            self.ask("attention", seen, self._show, on_result=self._show_attention)
        else:
            self._begins.start()

    def set_other(self, run: str) -> None:
        """Take the newest weights of this run as model B."""
        self._chosen = self.other.choose(run, "last") or self._chosen

    def start(self) -> None:
        """Let both write with the same sampler and the same seed: after the text, or a translation from its beginning."""
        other = self._other()
        if self._model is None or other is None:
            return
        self._by_itself = False
        self._asked["write"] = self._what("write")
        self.cancel("write", "it was started again")
        self._written.clear()
        length = min(self._sampling.length, LONGEST)
        prompt = () if self._model.source else self._prompt
        task = Generate(self._model, prompt, length, self._sampling.options, self._sampling.seed)
        self.ask("write", Both(task, other), self._show)

    def start_score(self) -> None:
        """Score the pasted text, or the document where nothing was pasted, with both."""
        other, text = self._other(), self.scored.toPlainText() or text_of(self._prompt)
        self._by_itself = False
        self._asked["score"] = self._what("score")
        if self._model is not None and other is not None:
            self.cancel("score", "it was started again")
            self.ask("score", Both(Score(self._model, text), other), self._show, on_result=self._show_scores)

    def explained(self, kind: str, failure: Failure) -> bool:
        """Of what began by itself, the page says it: nobody asked, so there is no message over the page."""
        if failure.expected and kind == "attention":  # a recurrent network, say, has none
            self.attention.clear()
            self.attention.empty = f"{failure.message} {failure.hint}"
            return True
        if self._by_itself and kind in ("write", "score"):
            self.note.setText(f"{failure.message} {failure.hint}")
            return True
        return False

    def _what(self, kind: str) -> tuple[object, ...]:
        """All that a text or a score of both depends on."""
        return self._model, self._other(), self._prompt, self._sampling if kind == "write" else self.scored.toPlainText()

    def _begin_by_itself(self) -> None:
        kind = {self._texts_page: "write", self._score_page: "score"}.get(self.tabs.currentWidget(), "")
        if not kind or not self.isVisible() or self._model is None or self._other() is None:
            return
        if (self._prompt or self._model.source) and self._asked.get(kind) != self._what(kind):
            (self.start if kind == "write" else self.start_score)()
            self._by_itself = True

    def stop_all(self) -> None:
        for kind in ("write", "score"):
            self.cancel(kind)

    def busy_changed(self) -> None:
        ready = self._model is not None and self.other.reference() is not None
        self.write.setEnabled(ready)
        self.score.setEnabled(ready)
        self.stop.setEnabled(self.busy("write") or self.busy("score"))
        if not ready:
            self.note.setText(_CHOOSE if self._model is not None else _TRAIN)
        elif self.note.text() in (_CHOOSE, _TRAIN):
            self.note.setText("")
        self._name_chosen()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._ask_kept()
        self._follow.start()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._follow.stop()

    def _comparable(self, family: str) -> bool:
        """Whether models of a family are compared with model A: translators with each other, for they read its source."""
        found = families.find(family)
        return not lack(family, "Compare two") and found is not None and ("Translates" in found.abilities) == self._translates

    def _other(self) -> ModelRef | None:
        """Model B, with the source that model A has read."""
        other = self.other.reference()
        return other if other is None or self._model is None else replace(other, source=self._model.source)

    def _show_runs(self, runs: Listed) -> None:
        self._runs = runs
        self.other.show_runs(runs)
        self._choose_another()
        self._ask_kept()
        self.busy_changed()
        self._begins.start()

    def _choose_another(self) -> None:
        """At first a model beside itself would show no difference: take the run before it, or its first checkpoint."""
        if self._chosen or self._model is None or self.other.reference() is None:
            return
        self._chosen = True
        if self.other.model.currentData() != self._model.run:
            return
        if self.other.model.count() > 1:
            self.other.model.setCurrentIndex(1)
        else:
            self.other.checkpoint.setCurrentIndex(self.other.checkpoint.count() - 1)

    def _ask_kept(self) -> None:
        other = self.other.reference()
        if other is not None and self.isVisible():
            self.ask("kept", SavedSteps(other.run), on_result=self._show_kept)

    def _show_kept(self, saved: Saved) -> None:
        self.other.show_kept(saved.run, saved.marks)

    def _follow_live(self) -> None:
        """New weights of model B, when it is in training; the tab tells of those of model A."""
        other = self._other()
        if other is None or other.which != "live" or other == self._model:
            return
        if not self.busy("attention") and not self.resting():
            self._look()

    def _other_changed(self) -> None:
        self.attention.clear()
        self.attention.empty = AttentionPairView.empty
        self._ask_kept()
        self.busy_changed()
        self._look()

    def _show(self, frame: Frame) -> None:
        for snapshot in frame.snapshots:
            side = snapshot.channel.partition("/")[0]
            if isinstance(snapshot, AnsweredBy):
                self._name(side, snapshot)
            elif isinstance(snapshot, Writing):
                self._written[side] = snapshot
                self._show_writing()

    def _name_chosen(self) -> None:
        """Say which models are chosen, until an answer says which step of them it is of."""
        other = self.other
        chosen = f"{other.model.currentText()}, {other.checkpoint.currentText()}"
        for side, ref, title in (("a", self._model, "the model above"), ("b", other.reference(), chosen)):
            if ref is None or ref != self._named.get(side):
                self._named[side] = ref
                self._say_name(side, title if ref is not None else "not chosen")

    def _name(self, side: str, by: AnsweredBy) -> None:
        self._say_name(side, by.title if "step" in by.title else f"{by.title}, step {by.step:,}")

    def _say_name(self, side: str, title: str) -> None:
        self.names[side].setText(f"{side.upper()}: {title}")
        self.names[side].setAccessibleName(f"Model {side.upper()}: {title}")

    def _show_next(self, found: tuple[NextTokens, NextTokens]) -> None:
        try:
            self.bars.show_snapshot(paired(*found, 40))
        except ValueError:
            self.note.setText("The output of one of the models is not finite.")

    def _show_attention(self, found: tuple[Attention, Attention]) -> None:
        for side, attention in zip("ab", found, strict=True):
            self.attention.show_side(side, attention)
        self._fill_heads()

    def _show_scores(self, found: tuple[ScoredText, ScoredText]) -> None:
        for side, scored in zip("ab", found, strict=True):
            self._show_score(side, scored)

    def _show_writing(self) -> None:
        pieces = {side: writing.pieces for side, writing in self._written.items()}
        differ = first_difference(pieces["a"], pieces["b"]) if len(pieces) == 2 else None
        for side, writing in self._written.items():
            mark = None if differ is None else tokens_before(writing.pieces, differ)
            chances = np.exp(writing.chosen.logprobs) if writing.chosen is not None else writing.probabilities
            self.texts[side].show_tokens(writing.pieces, chances.tolist(), mark=mark, note=writing.reason)
        if differ is not None:
            self.note.setText(f"The texts differ from character {differ + 1:,}, which is marked.")
        elif len(pieces) == 2:
            self.note.setText("The texts are the same so far.")

    def _show_score(self, side: str, scored: ScoredText) -> None:
        column = "ab".index(side)
        mean = scored.nats / max(scored.scored, 1)
        values = (mean, scored.perplexity, scored.bits_per_character, scored.scored, len(scored.unknown))
        for row, value in enumerate(values):
            self.numbers.setItem(row, column, _cell(f"{value:,}" if isinstance(value, int) else f"{value:.4f}", value))
            pair = [self.numbers.item(row, place) for place in (0, 1)]
            if all(item is not None for item in pair):
                one, other = (item.data(Qt.ItemDataRole.UserRole) for item in pair if item is not None)
                self.numbers.setItem(
                    row, 2, _cell(f"{other - one:+,}" if isinstance(value, int) else f"{other - one:+.4f}", other - one)
                )
        tokens = [item.data(Qt.ItemDataRole.UserRole) if (item := self.numbers.item(3, c)) else None for c in (0, 1)]
        same = tokens[0] == tokens[1]
        self.score_note.setText(
            f"{scored.characters:,} characters scored. "
            + ("" if same else "The models cut the text into different tokens: compare bits per character only.")
        )

    def _fill_heads(self) -> None:
        for box, count, at in zip(
            (self.layer, self.head), self.attention.shape(), (self.attention.layer, self.attention.head), strict=True
        ):
            if box.count() != count:
                box.clear()
                box.addItems([str(index + 1) for index in range(count)])
            box.setCurrentIndex(at)

    def _choose_head(self) -> None:
        self.attention.choose(max(self.layer.currentIndex(), 0), max(self.head.currentIndex(), 0))

    def _name_things(self) -> None:
        self.other.setObjectName("compare_choice_row")
        for widget, name, label in (
            (self.other.model, "compare_model", "Model B"),
            (self.other.checkpoint, "compare_checkpoint", "Checkpoint of model B"),
            (self.names["a"], "compare_name_a", "Model A"),
            (self.names["b"], "compare_name_b", "Model B"),
            (self.layer, "compare_layer", "Layer"),
            (self.head, "compare_head", "Head"),
            (self.scored, "compare_scored_text", "Text to score with both models"),
            (self.numbers, "compare_numbers", "Loss of both models on the text"),
            (self.note, "compare_note", "What differs"),
            (self.tabs, "compare_tabs", "What to compare"),
        ):
            widget.setObjectName(name)
            widget.setAccessibleName(label)
        for words in self.other.findChildren(QLabel):
            words.setText("Model B")
        self.scored.setPlaceholderText("Paste a text to score; empty: the document.")
        self.scored.setTabChangesFocus(True)
        self.tabs.setDocumentMode(True)

    def _lay_out(self) -> None:
        actions = hbox(*(self.write, self.stop), (self.note, 1))
        names = QGridLayout()
        names.setHorizontalSpacing(8)
        for column, side in enumerate("ab"):
            names.addWidget(self.names[side], 0, column)
            names.setColumnStretch(column, 1)
        self._texts_page, self._score_page = self._texts_tab(actions), self._score_tab()
        self.tabs.addTab(self._texts_page, "Texts")
        self.tabs.addTab(self.bars, "Next token")
        self._attention_tab = self._heads_tab()
        self.tabs.addTab(self._attention_tab, "Attention")
        self.tabs.addTab(self._score_page, "Loss on a text")
        vbox(self.other, names, (self.tabs, 1), into=self)

    def _texts_tab(self, actions: QHBoxLayout) -> QWidget:
        texts = QHBoxLayout()
        texts.setSpacing(8)
        for side in "ab":
            texts.addWidget(self.texts[side], 1)
        return _stacked(actions, texts, Legend())

    def _heads_tab(self) -> QWidget:
        row = QHBoxLayout()
        row.setSpacing(8)
        for word, box in (("Layer", self.layer), ("Head", self.head)):
            row.addWidget(plain_label(word, role="quiet"))
            row.addWidget(box)
        row.addStretch(1)
        return _stacked(row, self.attention)

    def _score_tab(self) -> QWidget:
        rows = ("Loss (nats per token)", "Perplexity", "Bits per character", "Tokens scored", "Unknown characters")
        self.numbers.setRowCount(len(rows))
        self.numbers.setVerticalHeaderLabels(rows)
        self.numbers.setHorizontalHeaderLabels(("A", "B", "B - A"))
        self.numbers.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.numbers.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.numbers.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.numbers.setTabKeyNavigation(False)
        self.numbers.setFixedHeight(self.numbers.verticalHeader().defaultSectionSize() * len(rows) + 36)
        row = hbox(self.score, (self.score_note, 1))
        return _stacked(self.scored, row, self.numbers)


def _stacked(*parts: QWidget | QLayout) -> QWidget:
    """Widgets and rows under each other."""
    holder = QWidget()
    column = QVBoxLayout(holder)
    column.setContentsMargins(0, 8, 0, 0)
    column.setSpacing(8)
    for part in parts:
        if isinstance(part, QWidget):
            column.addWidget(part)
        else:
            column.addLayout(part)
    return holder


def _cell(text: str, value: float) -> QTableWidgetItem:
    item = QTableWidgetItem(text)
    item.setData(Qt.ItemDataRole.UserRole, value)
    item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    return item
