"""Several continuations of the same text side by side."""

from __future__ import annotations

import math

from PySide6.QtWidgets import QFrame, QGridLayout, QSpinBox, QWidget

from genstudio.events import Snapshot
from genstudio.snapshots.text import Writing
from genstudio.tasks.models import ModelRef
from genstudio.tasks.prompt import Prompt
from genstudio.tasks.write import Generate
from genstudio.ui.engine import Engine
from genstudio.ui.layouts import hbox, named, paired, vbox
from genstudio.ui.playground.sampler import Sampling
from genstudio.ui.playground.work_page import WorkPage
from genstudio.ui.views.chart import value_text
from genstudio.ui.views.tinted import TintedText
from genstudio.ui.views.writing import Legend, segments_of
from genstudio.ui.widgets import ElidedLabel, button, plain_label

_MOST = 8


class _Card(QFrame):
    """One continuation."""

    def __init__(self, index: int) -> None:
        super().__init__()
        self.setProperty("panel", True)
        self.writing: Writing | None = None
        self.words = ElidedLabel()
        self.words.setObjectName(f"continuation_words_{index}")
        self.words.setProperty("quiet", True)
        self.text = TintedText(f"continuation_{index}", f"Continuation {index + 1}")
        self.text.setFrameShape(QFrame.Shape.NoFrame)
        self.take = button("Insert", f"take_{index}", "", f"Insert continuation {index + 1} into the document")
        vbox(hbox((self.words, 1), self.take, spacing=None), (self.text, 1), into=self, margins=(8, 4, 8, 8), spacing=4)


class ContinuationsPage(WorkPage):
    """N texts from seeds that follow each other; one click takes one into the document."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine, "page_continuations", "Continuations", "Write")
        self.count = named(QSpinBox(), "continuation_count", "How many continuations")
        self.count.setRange(2, _MOST)
        self.count.setValue(4)
        self.add_settings(paired(plain_label("Continuations"), self.count))
        self.note.setText("Several continuations from the cursor, one seed each.")
        self.cards = [_Card(index) for index in range(_MOST)]
        self._holder = QWidget()
        self._grid = QGridLayout(self._holder)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(8)
        for index, card in enumerate(self.cards):
            card.hide()
            card.take.clicked.connect(lambda _=False, index=index: self.take(index))
        self.column.addWidget(self._holder, 1)
        self.column.addWidget(Legend())

    def task(self, model: ModelRef, prompt: Prompt, sampling: Sampling) -> Generate:
        count = self.count.value()
        self._arrange(count)
        return Generate(model, prompt, sampling.length, sampling.options, sampling.seed, sampling.stop_texts, count)

    def show_result(self, snapshot: Snapshot) -> None:
        if not isinstance(snapshot, Writing) or snapshot.chosen is None:
            return
        index = int(snapshot.channel.rpartition(":")[2])
        card = self.cards[index]
        card.writing = snapshot
        logprobs = snapshot.chosen.logprobs
        card.text.show_tokens(snapshot.pieces, tuple(map(math.exp, logprobs.tolist())))
        assert self.asked is not None
        words = [f"seed {self.asked[2].seed + index}", f"{len(snapshot.pieces):,} tokens"]
        if len(logprobs):
            words.append(f"{value_text(float(-logprobs.mean() / math.log(2)))} bits per token")
        card.words.setText("  ·  ".join([*words, *([snapshot.reason] if snapshot.reason else [])]))
        card.take.setEnabled(bool(snapshot.pieces))
        self.note.setText(f"{self.model_title}, weights of step {snapshot.step:,}")

    def take(self, index: int) -> None:
        """Put one of them into the document."""
        writing = self.cards[index].writing
        if writing is None or self.asked is None:
            return
        made = self.made(writing.step, seed=self.asked[2].seed + index)
        self.take_wanted.emit(self.asked[1], segments_of(writing, made))

    def _arrange(self, count: int) -> None:
        """As near to square as the room allows."""
        columns = 1 if count == 1 else 2 if count <= 6 else 3
        for index, card in enumerate(self.cards):
            self._grid.removeWidget(card)
            card.writing = None
            card.text.show_tokens((), ())
            card.words.setText("")
            card.take.setEnabled(False)
            if index < count:
                self._grid.addWidget(card, index // columns, index % columns)
            card.setVisible(index < count)
