"""The first batch of a training with the settings as they stand now."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from genstudio.data.batches import TokenBatch
from genstudio.ui.datasets.parts import row
from genstudio.ui.views.batch import MOST_ITEMS, BatchView
from genstudio.ui.widgets import button, plain_label


class BatchPage(QWidget):
    """`wanted()` when it is seen or asked to work the batch out again."""

    wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("batch_page")
        self.view = BatchView()
        self.said = plain_label(role="quiet", wrap=True, name="batch_said")
        self.again = button("Again", "batch_again", "refresh", "Work out the first batch again", self.wanted.emit)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 10, 0, 0)
        layout.setSpacing(8)
        head = row(self.said, self.again)
        head.setStretch(0, 1)
        layout.addLayout(head)
        layout.addWidget(self.view, 1)

    def clear(self, words: str = "") -> None:
        self.view.show_batch(None)
        self.said.setText(words)

    def show_batch(self, batch: TokenBatch) -> None:
        accumulation, rows, T = batch.inputs.shape
        more = f", the first {MOST_ITEMS} shown" if accumulation * rows > MOST_ITEMS else ""
        times = f" in {accumulation} parts" if accumulation > 1 else ""
        mask = "each position sees itself and what is left of it" if batch.causal else "every position sees all others"
        self.said.setText(
            f"Step 1 with the settings of the Transformer tab: {accumulation * rows} pieces of {T} tokens{times}{more}; "
            f"{mask}. The lower row is the upper one moved by one: what is to be named."
        )
        self.view.show_batch(batch)
