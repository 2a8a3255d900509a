"""Which weights of a run are looked at."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QComboBox

from genstudio.ui.layouts import Choice, named


class WeightsChoice(Choice):
    """The weights in training, the newest saved ones, or those of a saved step. `changed` when others are looked at."""

    changed = Signal()

    def __init__(self, name: str) -> None:
        super().__init__()
        named(self, name, "Which weights")
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(9)
        self.addItem("Newest saved", "last")
        self.currentIndexChanged.connect(lambda _: self.changed.emit())

    def begin(self, live: bool) -> None:
        """Another run: look at the weights in training, or at the newest saved ones."""
        with QSignalBlocker(self):
            self.clear()
            self.addItem(*(("In training", "live") if live else ("Newest saved", "last")))

    def show_saved(self, steps: Iterable[int], live: bool) -> None:
        """Offer the saved steps of the run; what is looked at stays where it is."""
        chosen = self.currentData()
        with QSignalBlocker(self):
            self.clear()
            if live:
                self.addItem("In training", "live")
            self.addItem("Newest saved", "last")
            for step in sorted(steps, reverse=True):
                self.addItem(f"step {step:,}", step)
            self.setCurrentIndex(max(self.findData(chosen), 0))
        if self.currentData() != chosen:
            self.changed.emit()
