"""The Playground: choose a model, write with it, and see what it thinks of saying next."""

from __future__ import annotations

import random
from typing import Any

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QPushButton,
    QSplitter,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from genstudio.errors import Failure
from genstudio.events import Answer, Attention, Frame, NextTokens, Writing
from genstudio.sampling.choose import SamplingOptions
from genstudio.tasks.models import ModelRef
from genstudio.tasks.write import Generate, InspectAttention, NextTokensOf
from genstudio.ui import theme
from genstudio.ui.engine import Engine
from genstudio.ui.numbers import FloatEdit
from genstudio.ui.views.attention import AttentionView
from genstudio.ui.views.next_tokens import NextTokensView
from genstudio.ui.views.writing import DocumentView
from genstudio.ui.widgets import ElidedLabel, LabeledSlider, plain_label, primary_button


class PlaygroundTab(QWidget):
    """Writes with the live model or any checkpoint. `failed(Failure)`."""

    failed = Signal(object)

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self.setObjectName("playground_tab")
        self._engine = engine
        self._jobs: dict[str, str] = {}
        self._again: set[str] = set()
        self._live = ""
        self._steps: dict[str, tuple[int, ...]] = {}
        self.model = QComboBox()
        self.checkpoint = QComboBox()
        self.status = ElidedLabel()
        self.document = DocumentView()
        self.next_tokens = NextTokensView()
        self.attention = AttentionView()
        self.temperature = LabeledSlider("Temperature", 0.05, 5.0, 0.8, logarithmic=True, name="temperature")
        self.top_k = LabeledSlider("Top-k (0: all)", 0, 100, 0, whole=True, name="top_k")
        self.top_p = LabeledSlider("Top-p", 0.01, 1.0, 1.0, name="top_p")
        self.length = LabeledSlider("Length", 1, 5000, 300, logarithmic=True, whole=True, name="length")
        self.greedy = QCheckBox("Greedy: always the likeliest")
        self.seed = FloatEdit(low=0, high=2**31 - 1, whole=True)
        self.fresh = QCheckBox("new seed each time")
        self.generate = primary_button("Generate", "generate", "play")
        self.stop = QPushButton("Stop")
        self.clear = QPushButton("Clear continuation")
        self._delay = QTimer(self)
        self._delay.setSingleShot(True)
        self._delay.setInterval(120)
        self._follow = QTimer(self)
        self._follow.setInterval(2000)
        self._name_things()
        self._lay_out()
        self._connect()
        self._enable()
        self._options_changed()

    def options(self) -> SamplingOptions:
        return SamplingOptions(
            temperature=self.temperature.value(),
            top_k=int(self.top_k.value()),
            top_p=self.top_p.value(),
            greedy=self.greedy.isChecked(),
        )

    def reference(self) -> ModelRef | None:
        """The model chosen, or None when there is none yet."""
        run = self.model.currentData()
        which = self.checkpoint.currentData()
        return ModelRef(run, which if which is not None else "last") if run else None

    def show_runs(self, runs: tuple[Any, ...]) -> None:
        """Every run that has something to write with, the newest first; keeps the choice."""
        chosen = self.model.currentData()
        usable = [run for run in runs if run.usable and (run.checkpoints or str(run.folder) == self._live)]
        self._steps = {str(run.folder): run.checkpoints for run in usable}
        self.model.blockSignals(True)
        self.model.clear()
        for run in sorted(usable, key=lambda r: r.created, reverse=True):
            live = "in training: " if str(run.folder) == self._live else ""
            self.model.addItem(f"{live}{run.name}  ·  {run.created[:16].replace('T', ' ')}", str(run.folder))
        self.model.setCurrentIndex(max(self.model.findData(chosen), 0) if usable else -1)
        self.model.blockSignals(False)
        self._fill_checkpoints(keep=self.model.currentData() == chosen)
        if self.model.currentData() != chosen:
            self._look()
        self._enable()

    def set_live(self, run: str) -> None:
        """The run that is in training now (empty: none); it becomes the choice when nothing else is."""
        if run != self._live:
            self._live = run
            self._fill_checkpoints(keep=True)

    def choose(self, run: str) -> None:
        index = self.model.findData(run)
        if index >= 0:
            self.model.setCurrentIndex(index)

    def start_writing(self) -> None:
        """Write after the prompt with the chosen model; a writing that runs is stopped first."""
        ref = self.reference()
        if ref is None:
            return
        self.stop_writing()
        if self.fresh.isChecked():
            self.seed.set_value(random.randrange(2**31))
        self.document.begin_writing()
        task = Generate(ref, self.document.prompt(), int(self.length.value()), self.options(), int(self.seed.value()))
        self._start("write", task)

    def stop_writing(self) -> None:
        if "write" in self._jobs:
            self._engine.stop(self._jobs.pop("write"))
        self._enable()

    def _start(self, kind: str, task: Any) -> None:
        """One job of a kind at a time; asked again while one runs, it is asked once more when that ends."""
        if kind in self._jobs:
            self._again.add(kind)
            return
        name = self._engine.start(task, self._on_frame, lambda failure: self._on_end(kind, failure))
        self._jobs[kind] = name
        self._enable()

    def _on_end(self, kind: str, failure: Failure | None) -> None:
        if self._jobs.get(kind) not in self._engine.running:
            self._jobs.pop(kind, None)
        if failure is not None:
            self.failed.emit(failure)
        if kind in self._again:
            self._again.discard(kind)
            self._look()
        self._enable()

    def _on_frame(self, frame: Frame) -> None:
        for snapshot in frame.snapshots:
            if isinstance(snapshot, Writing) and "write" in self._jobs:
                self.document.show_writing(snapshot)
                self.status.setText(
                    f"{len(snapshot.pieces):,} tokens with the weights of step {snapshot.step:,}"
                    + (f": {snapshot.reason}" if snapshot.reason else "")
                )
            elif isinstance(snapshot, NextTokens):
                self.document.set_unknown(snapshot.unknown)
                self.next_tokens.show_snapshot(snapshot)
                parts = [f"weights of step {snapshot.step:,}", f"{len(snapshot.prompt_pieces)} tokens of prompt"]
                if snapshot.unknown:
                    parts.append(f"{len(snapshot.unknown)} characters not in the vocabulary")
                self.status.setText("   ·   ".join(parts))
            elif isinstance(snapshot, Attention):
                self.attention.show_snapshot(snapshot)
            elif isinstance(snapshot, Answer) and snapshot.channel == "unknown":
                self.document.set_unknown(snapshot.value)

    def _look(self) -> None:
        """Ask what comes next, and for the attention when it is looked at."""
        ref = self.reference()
        if ref is None or not self.isVisible():
            return
        self._start("next", NextTokensOf(ref, self.document.prompt()))
        if self.attention.isVisible():
            self._start("attention", InspectAttention(ref, self.document.prompt()))

    def _follow_live(self) -> None:
        ref = self.reference()
        if ref is not None and ref.which == "live" and ref.run == self._live and "write" not in self._jobs:
            self._look()

    def _options_changed(self) -> None:
        self.next_tokens.set_options(self.options())
        for widget in (self.temperature, self.top_k, self.top_p):
            widget.setEnabled(not self.greedy.isChecked())

    def _fill_checkpoints(self, keep: bool) -> None:
        chosen = self.checkpoint.currentData() if keep else None
        run = self.model.currentData()
        self.checkpoint.blockSignals(True)
        self.checkpoint.clear()
        if run and run == self._live:
            self.checkpoint.addItem("live, as it trains", "live")
        steps = self._steps.get(run or "", ())
        if steps:
            self.checkpoint.addItem("newest checkpoint", "last")
            self.checkpoint.addItem("best checkpoint", "best")
        for step in reversed(steps):
            self.checkpoint.addItem(f"step {step:,}", step)
        self.checkpoint.setCurrentIndex(max(self.checkpoint.findData(chosen), 0) if self.checkpoint.count() else -1)
        self.checkpoint.blockSignals(False)
        if self.checkpoint.currentData() != chosen:
            self._look()

    def _model_changed(self) -> None:
        self._fill_checkpoints(keep=False)
        self._look()

    def _enable(self) -> None:
        ready = self.reference() is not None
        self.generate.setEnabled(ready)
        self.stop.setEnabled("write" in self._jobs)
        if not ready:
            self.status.setText("There is no trained model yet: train one in the Transformer tab; a minute is enough.")

    def state(self) -> dict[str, Any]:
        """What comes back at the next start."""
        return {
            "prompt": self.document.prompt(),
            "temperature": self.temperature.value(),
            "top_k": self.top_k.value(),
            "top_p": self.top_p.value(),
            "length": self.length.value(),
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
        if state.get("prompt"):
            self.document.set_prompt(str(state["prompt"]))
        self._options_changed()

    def _connect(self) -> None:
        self.model.currentIndexChanged.connect(self._model_changed)
        self.checkpoint.currentIndexChanged.connect(self._look)
        self.document.prompt_changed.connect(lambda *_: self._delay.start())
        self._delay.timeout.connect(self._look)
        self._follow.timeout.connect(self._follow_live)
        self.generate.clicked.connect(self.start_writing)
        self.stop.clicked.connect(self.stop_writing)
        self.clear.clicked.connect(self.document.clear_writing)
        self.greedy.toggled.connect(lambda _: self._options_changed())
        for slider in (self.temperature, self.top_k, self.top_p):
            slider.changed.connect(lambda _: self._options_changed())
        self.side.currentChanged.connect(lambda _: self._look())

    def showEvent(self, event: Any) -> None:
        super().showEvent(event)
        self._follow.start()
        self._delay.start()

    def hideEvent(self, event: Any) -> None:
        super().hideEvent(event)
        self._follow.stop()

    def _name_things(self) -> None:
        for widget, name, label in (
            (self.model, "model_choice", "Model"),
            (self.checkpoint, "checkpoint_choice", "Checkpoint"),
            (self.status, "playground_status", "What is happening"),
            (self.greedy, "greedy", "Greedy"),
            (self.seed, "sampling_seed", "Seed"),
            (self.fresh, "fresh_seed", "New seed each time"),
            (self.stop, "stop_writing", "Stop"),
            (self.clear, "clear_writing", "Clear continuation"),
        ):
            widget.setObjectName(name)
            widget.setAccessibleName(label)
        for box, width in ((self.model, 28), (self.checkpoint, 14)):
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            box.setMinimumContentsLength(width)
        theme.set_icon(self.stop, "stop")
        self.seed.set_value(0)

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.setSpacing(8)
        top.addWidget(plain_label("Model", role="quiet"))
        top.addWidget(self.model, 2)
        top.addWidget(self.checkpoint, 1)
        actions = QHBoxLayout()
        actions.setSpacing(8)
        for widget in (self.generate, self.stop, self.clear):
            actions.addWidget(widget)
        actions.addWidget(self.status, 1)
        left = QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 8, 0)
        column.setSpacing(8)
        column.addLayout(top)
        column.addWidget(self.document, 1)
        column.addLayout(actions)
        self.side = QTabWidget()
        self.side.setObjectName("playground_side")
        self.side.setDocumentMode(True)
        self.side.addTab(self._sampler(), "Next token")
        self.side.addTab(self.attention, "Attention")
        self.splitter = QSplitter(Qt.Orientation.Horizontal)
        self.splitter.setObjectName("playground_splitter")
        self.splitter.setChildrenCollapsible(False)
        self.splitter.addWidget(left)
        self.splitter.addWidget(self.side)
        self.splitter.setStretchFactor(0, 3)
        self.splitter.setStretchFactor(1, 2)
        self.splitter.setSizes([760, 480])
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 12, 12, 12)
        layout.addWidget(self.splitter)

    def _sampler(self) -> QWidget:
        holder = QWidget()
        column = QVBoxLayout(holder)
        column.setContentsMargins(8, 8, 0, 0)
        column.setSpacing(8)
        for slider in (self.temperature, self.top_k, self.top_p, self.length):
            slider.set_label_width(96)
            column.addWidget(slider)
        column.addWidget(self.greedy)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(plain_label("Seed"))
        row.addWidget(self.seed)
        row.addWidget(self.fresh)
        row.addStretch(1)
        column.addLayout(row)
        column.addWidget(plain_label("What comes next", role="heading"))
        column.addWidget(self.next_tokens, 1)
        return holder
