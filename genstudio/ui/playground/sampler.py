"""How the next token is chosen, and how much is written: the controls under the document."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QGridLayout, QHBoxLayout, QLineEdit, QWidget

from genstudio.sampling.choose import SamplingOptions
from genstudio.ui.layouts import vbox
from genstudio.ui.numbers import FloatEdit
from genstudio.ui.remember import State
from genstudio.ui.widgets import CollapsibleSection, LabeledSlider, plain_label

_SLIDERS = ("temperature", "top_k", "top_p", "min_p", "repetition", "length")
_SEEDS = 2**31


@dataclass(frozen=True, slots=True)
class Sampling:
    """How to choose, how many tokens to write, from which seed, and before which texts to stop."""

    options: SamplingOptions = field(default_factory=SamplingOptions)
    length: int = 300
    seed: int = 0
    stop_texts: tuple[str, ...] = ()


class Sampler(QWidget):
    """One line that says how tokens are chosen, and opens to sliders in two columns. `changed()` as soon as one moves."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("sampler")
        self.temperature = LabeledSlider("Temperature", 0.05, 5.0, 0.8, logarithmic=True, name="temperature")
        self.top_k = LabeledSlider("Top-k (0: all)", 0, 200, 0, whole=True, name="top_k")
        self.top_p = LabeledSlider("Top-p", 0.01, 1.0, 1.0, name="top_p")
        self.min_p = LabeledSlider("Min-p", 0.0, 1.0, 0.0, name="min_p")
        self.repetition = LabeledSlider("Repetition", 0.5, 2.0, 1.0, name="repetition_penalty")
        self.length = LabeledSlider("Length", 1, 5000, 300, logarithmic=True, whole=True, name="length")
        self.greedy = QCheckBox("Greedy")
        self.seed = FloatEdit(low=0, high=_SEEDS - 1, whole=True)
        self.fresh = QCheckBox("new each time")
        self.stop_text = QLineEdit()
        self.seed.set_value(0)
        self.fold = CollapsibleSection("Sampling", name="sampling_fold")
        self._name_things()
        self._lay_out()
        for name in _SLIDERS:
            getattr(self, name).changed.connect(self._moved)
        self.greedy.toggled.connect(self._moved)
        self.seed.changed.connect(self._moved)
        self.stop_text.textChanged.connect(self._moved)
        self._moved()

    def options(self) -> SamplingOptions:
        return SamplingOptions(
            temperature=self.temperature.value(),
            top_k=int(self.top_k.value()),
            top_p=self.top_p.value(),
            greedy=self.greedy.isChecked(),
            min_p=self.min_p.value(),
            repetition_penalty=self.repetition.value(),
        )

    def sampling(self) -> Sampling:
        value = self.seed.value()
        seed = int(value) if isinstance(value, (int, float)) else 0
        stop = self.stop_text.text().replace("\\n", "\n")
        return Sampling(self.options(), int(self.length.value()), seed, (stop,) if stop else ())

    def next_sampling(self) -> Sampling:
        """What the next writing uses: with another seed where that is asked for."""
        if self.fresh.isChecked():
            self._set_seed(random.randrange(_SEEDS))
        return self.sampling()

    def next_seed(self) -> None:
        """Another seed, so that the same beginning goes on in another way."""
        self._set_seed((self.sampling().seed + 1) % _SEEDS)

    def state(self) -> State:
        """What comes back at the next start."""
        return {
            **{name: getattr(self, name).value() for name in _SLIDERS},
            "greedy": self.greedy.isChecked(),
            "seed": self.sampling().seed,
            "fresh": self.fresh.isChecked(),
            "stop_text": self.stop_text.text(),
            "opened": self.fold.opened,
        }

    def restore(self, state: State) -> None:
        for name in _SLIDERS:
            value = state.get(name)
            if isinstance(value, (int, float)) and math.isfinite(value):
                getattr(self, name).set_value(value)
        self.greedy.setChecked(bool(state.get("greedy")))
        self.fresh.setChecked(bool(state.get("fresh")))
        self.stop_text.setText(str(state.get("stop_text") or ""))
        self.fold.set_opened(bool(state.get("opened")))
        if isinstance(state.get("seed"), int):
            self.seed.set_value(state["seed"])
        self._moved()

    def _set_seed(self, seed: int) -> None:
        self.seed.set_value(seed)
        self.fold.set_note(in_short(self.sampling()))

    def _moved(self, _value: object = None) -> None:
        for widget in (self.temperature, self.top_k, self.top_p, self.min_p):
            widget.setEnabled(not self.greedy.isChecked())
        self.fold.set_note(in_short(self.sampling()))
        self.changed.emit()

    def _name_things(self) -> None:
        for widget, name, label in (
            (self.greedy, "greedy", "Greedy: always the most probable token"),
            (self.seed, "sampling_seed", "Seed: the same seed gives the same text"),
            (self.fresh, "fresh_seed", "Use a new seed each time"),
            (self.stop_text, "stop_text", "Stop before this text; \\n is a newline"),
        ):
            widget.setObjectName(name)
            widget.setAccessibleName(label)
            widget.setToolTip(label)
        self.min_p.setToolTip("Keep tokens with at least this share of the top token's probability")
        self.repetition.setToolTip("Above 1, tokens already in the context become less probable")
        self.stop_text.setMaxLength(200)
        self.stop_text.setPlaceholderText("never")

    def _lay_out(self) -> None:
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(10)
        grid.setVerticalSpacing(2)
        for index, name in enumerate(_SLIDERS):
            slider = getattr(self, name)
            slider.set_label_width(84)
            slider.slider.setMinimumWidth(32)
            slider.editor.setFixedWidth(56)
            grid.addWidget(slider, index // 2, index % 2)
        left, right = QHBoxLayout(), QHBoxLayout()
        for row, widgets in (
            (left, (self.greedy, plain_label("Stop at"), self.stop_text)),
            (right, (plain_label("Seed"), self.seed, self.fresh)),
        ):
            row.setSpacing(8)
            for widget in widgets:
                row.addWidget(widget)
        self.seed.setFixedWidth(80)
        right.addStretch(1)
        grid.addLayout(left, 3, 0)
        grid.addLayout(right, 3, 1)
        for column in (0, 1):
            grid.setColumnStretch(column, 1)
        self.fold.set_content(grid)
        vbox(self.fold, into=self)


def in_short(sampling: Sampling) -> str:
    """A sampler in one line: what is not as it is by default, and always the temperature and the length."""
    options = sampling.options
    words = ["greedy" if options.greedy else f"T {options.temperature:.3g}"]
    if not options.greedy:
        words += [f"top-k {options.top_k}"] * bool(options.top_k)
        words += [f"top-p {options.top_p:.3g}"]
        words += [f"min-p {options.min_p:.3g}"] * bool(options.min_p)
    words += [f"repetition {options.repetition_penalty:.3g}"] * (options.repetition_penalty != 1)
    words += [f"{sampling.length:,} tokens", f"seed {sampling.seed}"]
    return "  ·  ".join(words)
