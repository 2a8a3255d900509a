"""One run on the screen: curves in the middle, samples and attention beside them. Live or read back, it is the same panel."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QSplitter, QTabWidget, QVBoxLayout, QWidget

from genstudio.events import Frame, Notice, Series
from genstudio.families import get
from genstudio.snapshots.attention import Attention
from genstudio.snapshots.layers import LayerStatistics
from genstudio.snapshots.text import Text
from genstudio.ui.views.attention import AttentionView
from genstudio.ui.views.curves import CurveGroup, CurvesView
from genstudio.ui.views.layers import LayersPanel
from genstudio.ui.views.samples import SamplesView
from genstudio.ui.widgets import ElidedLabel, plain_label

_CHARTS = {chart.name: chart for chart in get("gpt").dashboard.charts}


class RunPanel(QWidget):
    """Shows the frames of one run. `prompted(prompt, probe)` when the person wants other texts watched; `failed(Failure)`."""

    prompted = Signal(str, str)
    failed = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("run_panel")
        self.loss = CurvesView("Loss", "nats per token", _CHARTS["loss"].lines)
        self.loss.setObjectName("chart_loss")
        self.small = {
            "learning_rate": CurvesView("Learning rate", "", _CHARTS["learning_rate"].lines),
            "gradient_norm": CurvesView("Gradient norm", "", _CHARTS["gradient_norm"].lines),
            "tokens_per_second": CurvesView("Tokens per second", "", _CHARTS["tokens_per_second"].lines),
        }
        for name, view in self.small.items():
            view.setObjectName(f"chart_{name}")
        self._group = CurveGroup([self.loss, *self.small.values()])
        self._charts = {"train_loss": self.loss, "val_loss": self.loss, **self.small}
        self.samples = SamplesView()
        self.attention = AttentionView()
        self.layers = LayersPanel()
        self.prompt = self._field("live_prompt", "The live sample is written after this", "ROMEO:")
        self.probe = self._field("live_probe", "The attention is shown for this text", "First Citizen: Speak, speak.")
        self.headline = ElidedLabel()
        self.headline.setObjectName("run_headline")
        self.headline.setAccessibleName("What is happening")
        self._waiting: dict[str, list[Series]] = {}
        self._flush = QTimer(self)
        self._flush.setSingleShot(True)
        self._flush.setInterval(200)
        self._flush.timeout.connect(self.flush)
        self._lay_out()
        for field in (self.prompt, self.probe):
            field.editingFinished.connect(self._prompted)
        for figure in (self.loss, *self.small.values(), self.attention, self.layers.view):
            figure.failed.connect(self.failed)
        self._sent = (self.prompt.text(), self.probe.text())

    def clear(self) -> None:
        """Forget the run that was shown."""
        self._waiting.clear()
        for view in {id(v): v for v in self._charts.values()}.values():
            view.clear()
        self.show_references({})
        self.samples.clear()
        self.attention.clear()
        self.layers.clear()
        self.headline.setText("")

    def show_frame(self, frame: Frame) -> None:
        """Everything in the frame to where it belongs; numbers a few times a second, not at every frame."""
        for name, series in frame.series.items():
            if name in self._charts:
                self._waiting.setdefault(name, []).append(series)
        if self._waiting and not self._flush.isActive():
            self._flush.start()
        for snapshot in frame.snapshots:
            if isinstance(snapshot, Text):
                self.samples.show_snapshot(snapshot)
            elif isinstance(snapshot, Attention):
                self.attention.show_snapshot(snapshot)
            elif isinstance(snapshot, LayerStatistics):
                self.layers.show_snapshot(snapshot)
        for notice in frame.notices:
            self._mark(notice)

    def flush(self) -> None:
        """Hand the numbers that wait to their charts."""
        self._flush.stop()
        for name, parts in self._waiting.items():
            steps, values = (np.concatenate([getattr(part, which) for part in parts]) for which in ("steps", "values"))
            self._charts[name].append(name, steps, values)
        self._waiting.clear()

    def show_references(self, lines: Mapping[str, float]) -> None:
        """Losses that need no neural network, in nats per token."""
        for line in _CHARTS["loss"].references:
            value = lines.get(line.name)
            self.loss.set_reference(line.name, value, "" if value is None else line.words.format(value))

    def _mark(self, notice: Notice) -> None:
        if notice.kind in ("saved", "best", "changed", "warning", "done"):
            self.loss.mark(notice.step, notice.kind, notice.text)

    def _prompted(self) -> None:
        texts = (self.prompt.text(), self.probe.text())
        if texts != self._sent:
            self._sent = texts
            self.prompted.emit(*texts)

    def _field(self, name: str, label: str, text: str) -> QLineEdit:
        field = QLineEdit(text)
        field.setObjectName(name)
        field.setAccessibleName(label)
        field.setToolTip(label)
        field.setMaxLength(400)
        return field

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        for view in self.small.values():
            row.addWidget(view, 1)
        below = QWidget()
        below.setLayout(row)
        charts = QSplitter(Qt.Orientation.Vertical)
        charts.setObjectName("charts_splitter")
        charts.addWidget(self.loss)
        charts.addWidget(below)
        charts.setStretchFactor(0, 7)
        charts.setStretchFactor(1, 3)
        charts.setSizes([700, 300])
        self.inside = QTabWidget()
        self.inside.setObjectName("inside_tabs")
        self.inside.setDocumentMode(True)
        self.inside.addTab(self._titled("Prompt", self.prompt, self.samples), "Samples")
        self.inside.addTab(self._titled("Probe", self.probe, self.attention), "Attention")
        self.inside.addTab(self.layers, "Layers")
        self.splitter = QSplitter(Qt.Orientation.Horizontal)
        self.splitter.setObjectName("run_splitter")
        self.splitter.setChildrenCollapsible(False)
        self.splitter.addWidget(charts)
        self.splitter.addWidget(self.inside)
        self.splitter.setStretchFactor(0, 3)
        self.splitter.setStretchFactor(1, 2)
        self.splitter.setSizes([560, 380])
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.headline)
        layout.addWidget(self.splitter, 1)

    def _titled(self, label: str, field: QLineEdit, view: QWidget) -> QWidget:
        words = plain_label(label, role="quiet")
        words.setBuddy(field)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(words)
        row.addWidget(field, 1)
        holder = QWidget()
        layout = QVBoxLayout(holder)
        layout.setContentsMargins(0, 8, 0, 0)
        layout.setSpacing(8)
        layout.addLayout(row)
        layout.addWidget(view, 1)
        return holder
