"""Beam search: the likeliest texts, and the tree in which they were found."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDoubleSpinBox,
    QHeaderView,
    QScrollArea,
    QSpinBox,
    QSplitter,
    QTableWidget,
    QTableWidgetItem,
)

from genstudio.events import Array, BeamTree, Chosen, Snapshot
from genstudio.sampling.segments import Segment, typed, written
from genstudio.tasks.beam import Beam
from genstudio.tasks.models import ModelRef
from genstudio.tasks.prompt import Prompt
from genstudio.ui import theme
from genstudio.ui.engine import Engine
from genstudio.ui.playground.sampler import Sampling
from genstudio.ui.playground.work_page import WorkPage
from genstudio.ui.views.beam_tree import BeamTreeView, way
from genstudio.ui.views.chart import value_text
from genstudio.ui.views.view import token_text
from genstudio.ui.widgets import button, plain_label

_COLUMNS = ("Score", "Nats a token", "Text")


class BeamPage(WorkPage):
    """The tree, and under it the best texts; a double click, Enter or Take puts one into the document."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine, "page_beam", "Beam search", "Search")
        self.found: BeamTree | None = None
        self.beams, self.length = QSpinBox(), QSpinBox()
        self.alpha = QDoubleSpinBox()
        self.beams.setRange(1, 16)
        self.beams.setValue(4)
        self.length.setRange(1, 200)
        self.length.setValue(20)
        self.alpha.setRange(0.0, 5.0)
        self.alpha.setSingleStep(0.1)
        widgets = []
        for widget, name, words, says in (
            (self.beams, "beam_count", "Beams", "How many texts are kept at each token"),
            (self.length, "beam_length", "Tokens", "Tokens at most"),
            (self.alpha, "beam_alpha", "Penalty", "Above 0, longer texts cost less (alpha of Wu et al. 2016)"),
        ):
            widget.setObjectName(name)
            widget.setAccessibleName(says)
            widget.setToolTip(says)
            widget.setFixedWidth(64)
            label = plain_label(words)
            label.setBuddy(widget)
            widgets += [label, widget]
        self.add_settings(*widgets)
        self.note.setText(
            "Keeps the likeliest beginnings of each length, and drops the rest. It does not use the sampler."
        )
        self.tree = BeamTreeView()
        self.tree.failed.connect(self.failed)
        self.table = QTableWidget(0, len(_COLUMNS))
        self.table.setObjectName("beam_texts")
        self.table.setAccessibleName("The best texts")
        self.table.setHorizontalHeaderLabels(_COLUMNS)
        self.table.horizontalHeader().setSectionResizeMode(2, QHeaderView.ResizeMode.Stretch)
        self.table.verticalHeader().hide()
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setTabKeyNavigation(False)
        self.use = button("Take into the document", "beam_take", "", "", self.take)
        self._lay_out()
        self.table.currentCellChanged.connect(lambda row, *_: self.tree.mark(row))
        self.table.cellDoubleClicked.connect(lambda *_: self.take())

    def task(self, model: ModelRef, prompt: Prompt, sampling: Sampling) -> Beam:
        return Beam(model, prompt, self.beams.value(), self.length.value(), self.alpha.value(), sampling.stop_texts)

    def show_result(self, snapshot: Snapshot) -> None:
        if not isinstance(snapshot, BeamTree):
            return
        self.found = snapshot
        self.tree.show_snapshot(snapshot)
        row = max(self.table.currentRow(), 0)
        self.table.setRowCount(len(snapshot.best))
        for index, (node, text) in enumerate(zip(snapshot.best, snapshot.texts, strict=True)):
            score = float(snapshot.scores[node])
            mean = float(snapshot.logprobs[way(snapshot, node)].mean())
            for column, words in enumerate((value_text(score), value_text(-mean), token_line(text))):
                item = QTableWidgetItem(words)
                item.setFont(theme.mono(theme.SMALL) if column == 2 else theme.font(theme.SMALL, tabular=True))
                self.table.setItem(index, column, item)
        if len(snapshot.best):
            self.table.setCurrentCell(min(row, len(snapshot.best) - 1), 2)
        pruned = int(np.isin(snapshot.states, (1, 3)).sum())
        facts = [f"{self.model_title}, weights of step {snapshot.step:,}", f"{len(snapshot.ids):,} tokens looked at"]
        self.note.setText("  ·  ".join([*facts, f"{pruned:,} pruned or dropped", snapshot.reason or "searching"]))
        self.use.setEnabled(bool(snapshot.best))

    def take(self) -> None:
        """Put the chosen text into the document."""
        if self.found is not None and self.asked is not None and 0 <= self.table.currentRow() < len(self.found.best):
            self.take_wanted.emit(self.asked[1], self._segments(self.found, self.table.currentRow()))

    def _segments(self, tree: BeamTree, index: int) -> tuple[Segment, ...]:
        """The text as it is: what each single token adds to it is not known here, so the whole is one segment of text
        unless every token's visible form is the text itself."""
        nodes = way(tree, tree.best[index])
        text = tree.texts[index]
        pieces = tuple(tree.pieces[node] for node in nodes)
        signs = {token_text(letter): letter for letter in (" ", "\n", "\t")}
        texts = tuple("".join(signs.get(letter, letter) for letter in piece) for piece in pieces)
        if "".join(texts) != text:
            return typed(text)
        chances = np.exp(tree.logprobs[nodes])
        made = self.made(tree.step, f"beam search, {self.beams.value()} beams")
        return written(texts, chosen(tree, nodes, pieces, chances), made)

    def _lay_out(self) -> None:
        scroll = QScrollArea()
        scroll.setObjectName("beam_scroll")
        scroll.setWidgetResizable(True)
        scroll.setWidget(self.tree)
        split = QSplitter(Qt.Orientation.Vertical)
        split.setChildrenCollapsible(False)
        split.addWidget(scroll)
        split.addWidget(self.table)
        split.setSizes([340, 160])
        self.column.addWidget(split, 1)
        self.column.addWidget(self.use, 0, Qt.AlignmentFlag.AlignLeft)
        self.use.setEnabled(False)


def chosen(tree: BeamTree, nodes: list[int], pieces: tuple[str, ...], chances: Array) -> Chosen:
    """What a beam search knows of its tokens: no rank, no entropy, and no alternatives."""
    n = len(nodes)
    none = np.empty((n, 0))
    names = {int(tree.ids[node]): tree.pieces[node] for node in nodes}
    return Chosen(
        tree.ids[nodes], pieces, chances, tree.logprobs[nodes], np.zeros(n, np.int32), np.full(n, math.nan),
        none.astype(np.int32), none, none, names,
    )  # fmt: skip


def token_line(text: str) -> str:
    """A text in one line."""
    return text.replace("\n", "⏎")
