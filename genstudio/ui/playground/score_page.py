"""How surprising a text is to the model."""

from __future__ import annotations

import itertools
import math

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QPlainTextEdit, QSplitter, QTableWidget, QTableWidgetItem

from genstudio.events import Frame, Snapshot
from genstudio.snapshots.text import ScoredText
from genstudio.tasks.models import ModelRef
from genstudio.tasks.prompt import Prompt, text_of
from genstudio.tasks.score import ComparePrecision, PrecisionCost, Score
from genstudio.ui import theme
from genstudio.ui.engine import Engine
from genstudio.ui.layouts import choice, named
from genstudio.ui.playground.sampler import Sampling
from genstudio.ui.playground.work_page import WorkPage
from genstudio.ui.views.chart import value_text
from genstudio.ui.views.surprise import SurpriseStrip
from genstudio.ui.views.tinted import TintedText
from genstudio.ui.views.view import token_text
from genstudio.ui.widgets import button, plain_label

_COLUMNS = ("Token", "Bits", "Rank", "Predicted instead")
_TINTED = 20_000
_EXPECTED = 3


class ScorePage(WorkPage):
    """Paste a text, or take the document's: per-token surprise, perplexity, bits per character, and the worst tokens."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine, "page_score", "Score", "Score")
        self.scored: ScoredText | None = None
        self._first = 0
        self._of_document = ""
        self.text = named(QPlainTextEdit(), "score_text", "The text to score")
        self.text.setPlaceholderText("Paste a text here.")
        self.text.setFont(theme.mono())
        self.text.setTabChangesFocus(True)
        self.document = button("Use the document", "score_document", "", "", self.use_document)
        self.headline = plain_label("", role="heading", name="score_headline")
        self.strip = SurpriseStrip()
        self.strip.failed.connect(self.failed)
        self.shown = TintedText("score_tokens", "The text, tinted by surprise", "The scored text appears here.")
        self.shown.choosable = True
        self.tinted = choice("score_tint", "What the tint of the text shows", "Tint: surprise", "Tint: share of the counts")
        self.tinted.setToolTip("Stronger for tokens that were less likely, or for tokens whose probability came from counts")
        self.tinted.hide()
        self.table = QTableWidget(0, len(_COLUMNS))
        says = "Score this text and generate a little with float32 and int8, to compare loss and speed"
        self.cost = button("What does int8 cost?", "score_precision", "", says, self.compare)
        self.cost.setToolTip(says)
        self.costs = plain_label("", role="quiet", name="score_costs")
        self.costs.hide()
        self.add_settings(self.document, self.cost, self.tinted)
        self.note.setText("How well the model predicts each token of a text.")
        self._lay_out()
        self.tinted.currentIndexChanged.connect(lambda _: self._show_from(self._first))
        self.strip.picked.connect(self.choose)
        self.shown.token_chosen.connect(lambda index: self.strip.choose(self._first + index))
        self.table.currentCellChanged.connect(lambda row, *_: self._worst_chosen(row))

    def task(self, model: ModelRef, prompt: Prompt, sampling: Sampling) -> Score:
        return Score(model, self.text.toPlainText())

    def ready(self) -> bool:
        """The text that was put here; where that is none, or was the document's, the document up to the cursor."""
        if self.text.toPlainText() == self._of_document:
            self._of_document = text_of(self._prompt)
            self.text.setPlainText(self._of_document)
        return len(self.text.toPlainText()) > 1

    def compare(self) -> None:
        """Ask what the 8 bits cost on this text, or on the document where there is none."""
        text = self.text.toPlainText() or text_of(self._prompt)
        if self._model is not None:
            self.ask("precision", ComparePrecision(self._model, text), self._comparing, on_result=self._compared)

    def busy_changed(self) -> None:
        super().busy_changed()
        if hasattr(self, "cost"):
            self.cost.setEnabled(self._model is not None and not self.busy("precision"))

    def _comparing(self, frame: Frame) -> None:
        if frame.progress is not None:
            self.costs.setText(f"float32 against int8: {frame.progress.text.lower()}…")
            self.costs.show()

    def _compared(self, cost: PrecisionCost) -> None:
        self.costs.setText(precision_words(cost))

    def use_document(self) -> None:
        """Score the text up to the cursor."""
        self.text.setPlainText(text_of(self._prompt))
        self.run()

    def show_result(self, snapshot: Snapshot) -> None:
        if not isinstance(snapshot, ScoredText):
            return
        self.scored = snapshot
        self.headline.setText(
            f"perplexity {value_text(snapshot.perplexity)}   ·   "
            f"{value_text(snapshot.bits_per_character)} bits per character"
        )
        words = [
            snapshot.weights,
            f"{snapshot.scored:,} tokens",
            f"{value_text(snapshot.nats / max(snapshot.scored, 1))} nats per token",
        ]
        self.tinted.setVisible(snapshot.counts is not None)
        if snapshot.counts is not None and snapshot.scored:
            words.append(f"{np.nanmean(snapshot.counts):.0%} of the probability from counts")
        if snapshot.unknown:
            words.append(f"{len(snapshot.unknown):,} characters unknown to the model")
        self.note.setText("  ·  ".join(words))
        self.strip.show_snapshot(snapshot)
        self._show_from(0)
        self._list_worst(snapshot)

    def choose(self, token: int) -> None:
        """Mark a token of the text."""
        if self.scored is None or not 0 <= token < len(self.scored.tokens):
            return
        if not self._first <= token < self._first + _TINTED:
            self._show_from(max(0, token - _TINTED // 2))
        self.strip.choose(token)
        self.shown.choose(token - self._first)

    def _worst_chosen(self, row: int) -> None:
        if self.scored is not None and 0 <= row < len(self.scored.worst):
            self.choose(self.scored.worst[row])

    def _show_from(self, first: int) -> None:
        """Of a long text, a part is tinted at a time."""
        if self.scored is None:
            return
        self._first = first
        starts = self.scored.starts[first : first + _TINTED + 1].tolist()
        texts = [self.scored.text[a:b] for a, b in itertools.pairwise(starts)]
        chances = self.scored.tokens.probabilities[first : first + _TINTED].tolist()
        counts = () if self.scored.counts is None else self.scored.counts[first : first + _TINTED].tolist()
        self.shown.show_tokens(texts, chances, counts=counts, by_counts=bool(counts) and self.tinted.currentIndex() == 1)

    def _list_worst(self, scored: ScoredText) -> None:
        tokens = scored.tokens
        self.table.setRowCount(len(scored.worst))
        for row, token in enumerate(scored.worst):
            instead = (
                f"{token_text(tokens.names.get(int(i), '?'))} {chance:.0%}"
                for i, chance in zip(tokens.alternatives[token], tokens.before[token], strict=True)
            )
            cells = (
                f"'{token_text(tokens.pieces[token])}'  at {int(scored.starts[token]):,}",
                value_text(-float(tokens.logprobs[token]) / math.log(2)),
                f"{int(tokens.ranks[token]):,}",
                "   ".join(list(instead)[:_EXPECTED]),
            )
            for column, words in enumerate(cells):
                item = QTableWidgetItem(words)
                item.setFont(theme.mono(theme.SMALL) if column in (0, 3) else theme.font(theme.SMALL, tabular=True))
                self.table.setItem(row, column, item)

    def _lay_out(self) -> None:
        self.table.setObjectName("score_worst")
        self.table.setAccessibleName("The most surprising tokens")
        self.table.setHorizontalHeaderLabels(_COLUMNS)
        self.table.horizontalHeader().setSectionResizeMode(3, QHeaderView.ResizeMode.Stretch)
        self.table.setColumnWidth(0, 128)
        self.table.setColumnWidth(1, 64)
        self.table.setColumnWidth(2, 56)
        self.table.verticalHeader().hide()
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setTabKeyNavigation(False)
        split = QSplitter(Qt.Orientation.Vertical)
        split.setChildrenCollapsible(False)
        for widget, size in ((self.text, 80), (self.strip, 112), (self.shown, 130), (self.table, 130)):
            split.addWidget(widget)
            widget.setMinimumHeight(48)
            split.setStretchFactor(split.count() - 1, size)
        split.setSizes([80, 112, 130, 130])
        self.column.addWidget(self.costs)
        self.column.addWidget(self.headline)
        self.column.addWidget(split, 1)


def precision_words(cost: PrecisionCost) -> str:
    """Loss and speed of both."""
    per = cost.tokens / max(1, cost.characters)
    one, other = cost.nats["float32"] * per, cost.nats["int8"] * per
    speeds = cost.speeds["float32"], cost.speeds["int8"]
    return (
        f"nats per character: float32 {one:.4f}, int8 {other:.4f} ({other - one:+.4f})  ·  "
        f"tokens/s: {speeds[0]:,.0f} and {speeds[1]:,.0f} ({speeds[1] / speeds[0]:.2f}x)"
    )
