"""How the next token is chosen, and how much is written: the controls under the document."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QGridLayout, QHBoxLayout, QWidget

from genstudio.sampling.choose import SamplingOptions
from genstudio.ui.numbers import FloatEdit
from genstudio.ui.widgets import LabeledSlider, plain_label


@dataclass(frozen=True, slots=True)
class Sampling:
    """How to choose, how many tokens to write, and from which seed."""

    options: SamplingOptions = field(default_factory=SamplingOptions)
    length: int = 300
    seed: int = 0


class Sampler(QWidget):
    """Sliders in two columns. `changed()` as soon as one moves."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("sampler")
        self.temperature = LabeledSlider("Temperature", 0.05, 5.0, 0.8, logarithmic=True, name="temperature")
        self.top_k = LabeledSlider("Top-k (0: all)", 0, 100, 0, whole=True, name="top_k")
        self.top_p = LabeledSlider("Top-p", 0.01, 1.0, 1.0, name="top_p")
        self.length = LabeledSlider("Length", 1, 5000, 300, logarithmic=True, whole=True, name="length")
        self.greedy = QCheckBox("Greedy")
        self.seed = FloatEdit(low=0, high=2**31 - 1, whole=True)
        self.fresh = QCheckBox("new each time")
        self.seed.set_value(0)
        self._name_things()
        self._lay_out()
        for slider in (self.temperature, self.top_k, self.top_p, self.length):
            slider.changed.connect(self._moved)
        self.greedy.toggled.connect(self._moved)
        self.seed.changed.connect(self._moved)
        self._moved()

    def options(self) -> SamplingOptions:
        return SamplingOptions(
            temperature=self.temperature.value(),
            top_k=int(self.top_k.value()),
            top_p=self.top_p.value(),
            greedy=self.greedy.isChecked(),
        )

    def sampling(self) -> Sampling:
        return Sampling(self.options(), int(self.length.value()), int(self.seed.value() or 0))

    def next_sampling(self) -> Sampling:
        """What the next writing uses: with another seed where that is asked for."""
        if self.fresh.isChecked():
            self.seed.set_value(random.randrange(2**31))
        return self.sampling()

    def state(self) -> dict[str, Any]:
        """What comes back at the next start."""
        sliders = {name: getattr(self, name).value() for name in ("temperature", "top_k", "top_p", "length")}
        return {
            **sliders,
            "greedy": self.greedy.isChecked(),
            "seed": self.seed.value(),
            "fresh": self.fresh.isChecked(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        for name in ("temperature", "top_k", "top_p", "length"):
            if isinstance(state.get(name), (int, float)):
                getattr(self, name).set_value(state[name])
        self.greedy.setChecked(bool(state.get("greedy")))
        self.fresh.setChecked(bool(state.get("fresh")))
        if isinstance(state.get("seed"), int):
            self.seed.set_value(state["seed"])
        self._moved()

    def _moved(self, _value: object = None) -> None:
        for widget in (self.temperature, self.top_k, self.top_p):
            widget.setEnabled(not self.greedy.isChecked())
        self.changed.emit()

    def _name_things(self) -> None:
        for widget, name, label in (
            (self.greedy, "greedy", "Greedy: always the likeliest"),
            (self.seed, "sampling_seed", "Seed"),
            (self.fresh, "fresh_seed", "New seed each time"),
        ):
            widget.setObjectName(name)
            widget.setAccessibleName(label)
            widget.setToolTip(label)

    def _lay_out(self) -> None:
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(4)
        for index, slider in enumerate((self.temperature, self.top_k, self.top_p, self.length)):
            slider.set_label_width(84)
            grid.addWidget(slider, index // 2, index % 2)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(plain_label("Seed"))
        row.addWidget(self.seed)
        row.addWidget(self.fresh)
        row.addStretch(1)
        grid.addWidget(self.greedy, 2, 0)
        grid.addLayout(row, 2, 1)
        for column in (0, 1):
            grid.setColumnStretch(column, 1)
