"""Beam search: the most probable texts, and the tree in which they were found."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PySide6.QtCore import QRectF, Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDoubleSpinBox,
    QHeaderView,
    QScrollArea,
    QSpinBox,
    QTableWidget,
    QTableWidgetItem,
)

from genstudio.events import Snapshot
from genstudio.sampling.segments import Made, Segment, chosen_part, typed, written
from genstudio.snapshots.text import BeamTree
from genstudio.tasks.beam import Beam
from genstudio.tasks.models import ModelRef
from genstudio.tasks.prompt import Prompt
from genstudio.tasks.score import Judge, Judged
from genstudio.ui import theme
from genstudio.ui.engine import Engine
from genstudio.ui.layouts import named, paired, splitter
from genstudio.ui.playground.sampler import Sampling
from genstudio.ui.playground.work_page import WorkPage
from genstudio.ui.views.beam_tree import BeamTreeView, way
from genstudio.ui.views.chart import value_text
from genstudio.ui.widgets import button, plain_label

_COLUMNS = ("Score", "Nats per token", "Text")


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
            (self.beams, "beam_count", "Beams", "Number of partial texts kept at each step"),
            (self.length, "beam_length", "Tokens", "Maximum number of tokens"),
            (self.alpha, "beam_alpha", "Penalty", "Above 0, longer texts are penalised less (alpha in Wu et al. 2016)"),
        ):
            widget.setObjectName(name)
            widget.setAccessibleName(says)
            widget.setToolTip(says)
            widget.setFixedWidth(64)
            widgets.append(paired(plain_label(words), widget))
        self.add_settings(*widgets)
        self.note.setText(
            "Keeps the most probable partial texts at every step and discards the rest. Ignores temperature and top-p."
        )
        self.tree, self.room = BeamTreeView(), QScrollArea()
        self.tree.failed.connect(self.failed)
        self.tree.rested.connect(self._keep_in_sight)
        self.table = named(QTableWidget(0, len(_COLUMNS)), "beam_texts", "The best texts")
        self.table.setHorizontalHeaderLabels(_COLUMNS)
        self.table.horizontalHeader().setSectionResizeMode(2, QHeaderView.ResizeMode.Stretch)
        self.table.horizontalHeader().setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        self.table.verticalHeader().hide()
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setTabKeyNavigation(False)
        self.use = button("Insert into the document", "beam_take", "", "", self.take)
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
        facts = [snapshot.weights, f"{len(snapshot.ids):,} candidates examined"]
        self.note.setText("  ·  ".join([*facts, f"{pruned:,} pruned or dropped", snapshot.reason or "searching"]))
        self.use.setEnabled(bool(snapshot.best))

    def take(self) -> None:
        """Put the chosen text into the document, once the model has said what it thinks of each of its tokens."""
        row = self.table.currentRow()
        if self.found is None or self.asked is None or not 0 <= row < len(self.found.best):
            return
        tree, asked = self.found, self.asked
        text, method = tree.texts[row], f"beam search, {self.beams.value()} beams"
        ids = tuple(tree.ids[way(tree, tree.best[row])].tolist())

        def take(judged: Judged) -> None:
            made = replace(self.made(judged.step, method), run=asked[0].run)
            self.take_wanted.emit(asked[1], _segments(text, judged, made))

        self.ask("judge", Judge(asked[0], asked[1], ids), on_result=take)

    def _keep_in_sight(self, box: QRectF) -> None:
        """The node that the arrow keys went to; the pointer is in sight anyway."""
        if not self.tree.underMouse():
            middle = box.center().toPoint()
            self.room.ensureVisible(middle.x(), middle.y(), 96, 48)

    def _lay_out(self) -> None:
        self.room.setObjectName("beam_scroll")
        self.room.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.room.setWidgetResizable(True)
        self.room.setWidget(self.tree)
        split = splitter("", self.room, self.table, sizes=(340, 160))
        self.column.addWidget(split, 1)
        self.column.addWidget(self.use, 0, Qt.AlignmentFlag.AlignLeft)
        self.use.setEnabled(False)


def _segments(text: str, judged: Judged, made: Made) -> tuple[Segment, ...]:
    """The tokens of which the text is made; what a stop text left of one is typed."""
    texts, count, length = judged.texts, 0, 0
    while count < len(texts) and length + len(texts[count]) <= len(text):
        if not text.startswith(texts[count], length):
            return typed(text)
        length += len(texts[count])
        count += 1
    return (*written(texts[:count], chosen_part(judged.tokens, 0, count), made), *typed(text[length:]))


def token_line(text: str) -> str:
    """A text in one line."""
    return text.replace("\n", "⏎")
