"""A step of a network by hand, as on a blackboard: one layer at a time, forward, then backward, then the update."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PySide6.QtCore import QSignalBlocker, Qt, QTimer
from PySide6.QtGui import QHideEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QSpinBox, QTableWidget, QTableWidgetItem, QWidget

from genstudio.errors import Failure
from genstudio.events import Array
from genstudio.nn.activations import ACTIVATIONS
from genstudio.nn.by_hand import (
    Backward,
    HandNetwork,
    backward,
    forward,
    losses,
    parameter,
    probabilities,
    targets_of,
)
from genstudio.snapshots.network import NetworkState
from genstudio.tasks.models import ModelRef
from genstudio.tasks.networks import NewNetwork, ReadNetwork
from genstudio.ui.asking import Asking
from genstudio.ui.basics.chain import ChainLabel
from genstudio.ui.basics.decision import DecisionView
from genstudio.ui.basics.network_figure import Mark, NetworkFigure
from genstudio.ui.basics.state import Worked, network_of
from genstudio.ui.engine import Engine
from genstudio.ui.explorers import ExplorerPage, SetUp
from genstudio.ui.layouts import choice, hbox, named, paired, splitter, vbox
from genstudio.ui.numbers import FloatEdit
from genstudio.ui.widgets import button, icon_button, plain_label

_MOST = 600
"""Parameters of the largest network that is computed by hand."""
_FIELD, _PLAY_MS, _ROWS = 40, 900, 160
_EXAMPLE, _ALL = "this example", "all examples"


class ByHandPage(ExplorerPage):
    """Walks a network through its own arithmetic. Weights, inputs and targets can be edited in the table; everything follows."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine, "by_hand_page", "By hand")
        self._asking = Asking(engine)
        self._source: SetUp | None = None
        self.state: NetworkState | None = None
        self.network: HandNetwork | None = None
        self.before: HandNetwork | None = None
        self.inputs: Array = np.zeros((0, 0))
        self.targets: Array = np.zeros((0, 0))
        self.example = self.stage = self.updates = 0
        self.back = button("Back", "by_hand_back", "", "One stage back", lambda: self.go(self.stage - 1))
        self.next = button("Next", "by_hand_next", "chevron-right", "Compute the next stage", self.advance)
        self.whole = button("Whole step", "by_hand_whole", "resume", "Compute the rest of this step and update", self.finish)
        self.play = button("Play", "by_hand_play", "play", "Go from stage to stage")
        self.play.setCheckable(True)
        self.reload = icon_button("refresh", "by_hand_reload", "Start again: the weights of the run, or of a new network")
        self.reload.clicked.connect(self.read)
        self.number = named(QSpinBox(), "by_hand_example", "Example, by its number")
        self.number.setRange(1, 1)
        self.over = choice("by_hand_over", "Whose slopes move the weights", _EXAMPLE, _ALL)
        self.rate = named(FloatEdit(low=1e-6, high=1000.0, logarithmic=True), "by_hand_rate", "Learning rate of the update")
        self.rate.set_value(0.5)
        self._rate = 0.5
        self.title = plain_label("", role="group", name="by_hand_title")
        self.formula = plain_label("", wrap=True, name="by_hand_formula")
        self.figure = NetworkFigure("Network", "by_hand_figure")
        self.figure.empty = "Choose a dataset: its network appears here."
        self.decision = DecisionView("Decision surface", "by_hand_decision")
        self.chain = ChainLabel("by_hand_chain")
        self.table = self._table()
        self._timer = QTimer(self)
        self._timer.setInterval(_PLAY_MS)
        self._lay_out()
        self._timer.timeout.connect(self.advance)
        self.play.toggled.connect(lambda on: self._timer.start() if on else self._timer.stop())
        self.number.valueChanged.connect(lambda number: self.choose(number - 1))
        self.over.currentIndexChanged.connect(lambda _: self._show())
        self.rate.changed.connect(lambda _: self._say())
        self.table.itemChanged.connect(self._edited)
        self.table.currentCellChanged.connect(self._row_chosen)
        self.figure.chosen.connect(self._mark_chosen)
        self.decision.chosen.connect(lambda index: self.number.setValue(index + 1))
        for figure in (self.figure, self.decision):
            figure.failed.connect(self.failed)
        self._enable()

    def show_set_up(self, now: SetUp) -> None:
        """Read the network of the run, or of what is set up, unless it is the one that is here."""
        key = replace(now, live=False, values={}, data="", seed=0) if now.run else now
        if key != self._source:
            self._source = key
            self.read()

    def read(self) -> None:
        """Begin with the weights as they are in the run, or as a new network has them."""
        now = self._source
        if now is None or not (now.run or (now.data and now.values)):
            return
        task = ReadNetwork(ModelRef(now.run, "live")) if now.run else NewNetwork(now.family, now.data, now.values, now.seed)
        self._asking.ask("network", task, on_end=self._ended, on_result=self.show_network)

    def show_network(self, state: NetworkState) -> None:
        """Walk through this network."""
        self.state, network = state, network_of(state)
        self.figure.selected = (len(state.sizes) - 1, 0, 0)
        if network.parameters > _MOST:
            self._refuse(f"{network.parameters:,} parameters are too many to compute by hand: at most {_MOST}.")
            return
        self.network = network
        self.inputs, self.targets = state.inputs.astype(np.float64), targets_of(state.labels, state.sizes[-1])
        self.updates = 0
        with QSignalBlocker(self.number):
            self.number.setRange(1, max(len(state.labels), 1))
            self.number.setValue(1)
        self.decision.setVisible(state.extent is not None)
        self.choose(0)

    def choose(self, index: int) -> None:
        """Another example, at its first stage."""
        self.example, self.before = index, None
        self.go(0)

    @property
    def step_size(self) -> float:
        """The rate as it was typed, the last good one while that is no number."""
        value = self.rate.value()
        if not isinstance(value, str) and not self.rate.problem():
            self._rate = float(value)
        return self._rate

    @property
    def last(self) -> int:
        """The number of the stage of the update; those before are the inputs, the layers, the loss, the layers back."""
        return 0 if self.network is None else 2 * len(self.network.weights) + 2

    def advance(self) -> None:
        """The next stage; after the update the next example."""
        if self.network is None:
            return
        if self.stage >= self.last:
            following = (self.example + 1) % len(self.inputs)
            with QSignalBlocker(self.number):
                self.number.setValue(following + 1)
            self.choose(following)
        else:
            self.go(self.stage + 1)

    def finish(self) -> None:
        """All stages up to the update; from there, those of the next example."""
        if self.network is not None:
            if self.stage >= self.last:
                self.advance()
            self.go(self.last)

    def go(self, stage: int) -> None:
        """Show a stage. Behind the update lies the network with its new weights; before it, that with the old ones."""
        if self.network is None:
            return
        stage = min(max(stage, 0), self.last)
        if stage == self.last and self.before is None:
            self.before, self.network = self.network, self.updated()
            self.updates += 1
        elif stage < self.last and self.before is not None:
            self.network, self.before = self.before, None
            self.updates -= 1
        self.stage = stage
        self._show()

    def slopes(self) -> Backward:
        """By which the weights are moved: those of the example, or of the mean over all."""
        network = self.before or self.network
        assert network is not None
        chosen = slice(None) if self.over.currentText() == _ALL else slice(self.example, self.example + 1)
        return backward(network, forward(network, self.inputs[chosen]), self.targets[chosen])

    def updated(self) -> HandNetwork:
        """The network after one step of gradient descent: w - rate dC/dw."""
        assert self.network is not None
        slopes, rate = self.slopes(), self.step_size
        weights = tuple(w - rate * s for w, s in zip(self.network.weights, slopes.weights, strict=True))
        return replace(
            self.network, weights=weights,
            biases=tuple(b - rate * s for b, s in zip(self.network.biases, slopes.biases, strict=True)),
        )  # fmt: skip

    def work(self) -> Worked:
        """The chosen example with every number, as it was before the update."""
        network = self.before or self.network
        assert network is not None
        return Worked.of(network, self.inputs[self.example], self.targets[self.example])

    def _show(self) -> None:
        if self.network is None or self.state is None:
            return
        work, layers = self.work(), len(self.network.weights)
        ahead = min(self.stage, layers)
        behind = None if self.stage <= layers + 1 else max(2 * layers + 1 - self.stage, 0)
        made = f", {self.updates:,} update{'s' * (self.updates > 1)}" if self.updates else ""
        note = f"example {self.example + 1:,} of {len(self.inputs):,}{made}"
        slopes = self.slopes()
        self.figure.show_worked(
            work, self.state.columns, self.state.classes, note, ahead=ahead, behind=behind, picture=self._picture(),
            slopes=slopes.weights,
        )  # fmt: skip
        self.chain.show_chain(work if behind is not None else None, self.figure.selected)
        if behind is None:
            self.chain.setText("The chain rule of the chosen weight appears on the way back.")
        self._fill(slopes)
        self._show_plane()
        self._say()
        self._enable()

    def _show_plane(self) -> None:
        state, network = self.state, self.network
        if state is None or network is None or state.extent is None:
            return
        x0, x1, y0, y1 = state.extent
        middles = (np.arange(_FIELD) + 0.5) / _FIELD
        x, y = np.meshgrid(x0 + (x1 - x0) * middles, y0 + (y1 - y0) * middles)
        places = np.tile(self.inputs.mean(0), (_FIELD * _FIELD, 1))
        places[:, 0] = (x.ravel() - state.mean[0]) / state.scale[0]
        places[:, 1] = (y.ravel() - state.mean[1]) / state.scale[1]
        sure = probabilities(forward(network, places).outputs).T.reshape(-1, _FIELD, _FIELD)
        points = self.inputs[:, :2] * state.scale[:2] + state.mean[:2]
        total = float(losses(network, forward(network, self.inputs), self.targets).mean())
        self.decision.selected = self.example
        self.decision.show_plane(
            points, self._labels(), state.held, sure, state.extent, state.classes, (state.columns[0], state.columns[1]),
            f"mean loss {total:.4f}" + (" after the update" if self.before is not None else ""),
        )  # fmt: skip

    def _labels(self) -> Array:
        """Classes as the targets say them now."""
        if self.targets.shape[1] == 1:
            return np.asarray(self.targets[:, 0] > 0.5).astype(np.int64)
        return np.asarray(self.targets.argmax(1))

    def _say(self) -> None:
        """The stage in words and as a formula."""
        if self.network is None:
            return
        layers, stage = len(self.network.weights), self.stage
        function = ACTIVATIONS[self.network.activation]
        squash = "softmax" if self.network.softmax else "σ"
        if not stage:
            title, words = "Inputs", "a⁰ = x, and the target y. Press Next to compute the first layer."
        elif stage <= layers:
            f = squash if stage == layers else function.short
            title = f"Forward, layer {stage}" + (" (outputs)" if stage == layers else "")
            words = f"z = W a + b with the answers a of the layer before, then a = {f}(z)"
        elif stage == layers + 1:
            title = "Loss"
            words = "C = Σ (a - y)²" if self.network.loss == "squared_error" else "C = -Σ y ln a" if self.network.softmax else (
                "C = -[y ln a + (1 - y) ln(1 - a)]")  # fmt: skip
        elif stage < self.last:
            layer = 2 * layers + 2 - stage
            title = f"Backward, layer {layer}"
            if layer < layers:
                words = f"δ = {function.short}'(z) · Wᵀδ of layer {layer + 1}; dC/dw = δ a of the layer before, dC/db = δ"
            elif self.network.loss == "squared_error":
                words = "δ = dC/dz = 2 (a - y) σ'(z); dC/dw = δ a of the layer before, dC/db = δ"
            else:
                words = "δ = dC/dz = a - y; dC/dw = δ a of the layer before, dC/db = δ"
        else:
            who = "this example" if self.over.currentText() == _EXAMPLE else f"all {len(self.inputs):,} examples, their mean"
            title = "Update"
            words = f"w ← w - {self.step_size:g} · dC/dw, with the slopes of {who}: see the last column of the table."
        self.title.setText(title)
        self.formula.setText(words)

    def _fill(self, slopes: Backward) -> None:
        """Inputs, targets and parameters in the table; slopes once the way back has reached their layer."""
        network, state = self.before or self.network, self.state
        assert network is not None and state is not None
        rows: list[tuple[tuple[str, int, int, int], str, float, str, str]] = []
        for column, name in enumerate(state.columns[: _ROWS if state.picture is None else 0]):
            rows.append((("input", 0, column, 0), name, float(self.inputs[self.example, column]), "", ""))
        for output, value in enumerate(self.targets[self.example].tolist()):
            rows.append((("target", 0, output, 0), f"target y{output + 1}", value, "", ""))
        layers = len(network.weights)
        for layer, weights in enumerate(network.weights):
            if layer == 0 and state.picture is not None:
                continue
            reached, after = self.stage >= 2 * layers + 1 - layer, self.network if self.before is not None else None
            for row, column in ((r, c) for r in range(weights.shape[0]) for c in (*range(weights.shape[1]), -1)):
                slope = slopes.biases[layer][row] if column < 0 else slopes.weights[layer][row, column]
                new = "" if after is None else f"{after.value(layer, row, column):.6f}"
                name, value = f"{parameter(row, column)}  layer {layer + 1}", network.value(layer, row, column)
                rows.append((("weight", layer, row, column), name, value, f"{slope:.6f}" if reached else "", new))
        with QSignalBlocker(self.table):
            if self.table.rowCount() != len(rows):
                self.table.setRowCount(len(rows))
            for at, (key, name, value, slope_words, new) in enumerate(rows):
                for column, words in enumerate((name, f"{value:.6f}", slope_words, new)):
                    item = self.table.item(at, column)
                    if item is None:
                        item = QTableWidgetItem()
                        self.table.setItem(at, column, item)
                        if column != 1:
                            item.setFlags(item.flags() & ~Qt.ItemFlag.ItemIsEditable)
                    if item.text() != words:
                        item.setText(words)
                    item.setData(Qt.ItemDataRole.UserRole, key)

    def _edited(self, item: QTableWidgetItem) -> None:
        """A number was typed: everything follows; what is no number is put back."""
        kind, layer, row, column = item.data(Qt.ItemDataRole.UserRole)
        try:
            value = float(item.text().strip().replace(",", "."))
        except ValueError:
            value = float("nan")
        if self.network is None or not np.isfinite(value) or abs(value) > 1e6:
            self.formula.setText(f"'{item.text()[:20]}' is not a number between -1,000,000 and 1,000,000.")
            with QSignalBlocker(self.table):
                self._fill(self.slopes())
            return
        if kind == "weight":
            if self.before is not None:
                self.updates -= 1
            self.network, self.before = (self.before or self.network).with_weight(layer, row, column, value), None
            self.stage = min(self.stage, self.last - 1)
        elif kind == "input":
            self.inputs[self.example, row] = value
        else:
            self.targets[self.example, row] = value
        self._show()

    def _row_chosen(self, row: int, _column: int, _was: int, _before: int) -> None:
        item = self.table.item(row, 0)
        if item is None:
            return
        kind, layer, neuron, column = item.data(Qt.ItemDataRole.UserRole)
        if kind == "weight":
            self.figure.select((layer + 1, neuron, column))
            if self.stage > len(self.work().network.weights) + 1:
                self.chain.show_chain(self.work(), self.figure.selected)

    def _mark_chosen(self, mark: Mark) -> None:
        """A weight was clicked in the drawing: its row is selected."""
        layer, neuron, source = mark
        for row in range(self.table.rowCount()):
            item = self.table.item(row, 0)
            if item is not None and tuple(item.data(Qt.ItemDataRole.UserRole)) == ("weight", layer - 1, neuron, source):
                self.table.setCurrentCell(row, 1)
                return
        self._show()

    def _picture(self) -> Array | None:
        state = self.state
        if state is None or state.picture is None:
            return None
        pixels = self.inputs[self.example] * state.scale + state.mean
        return np.asarray(np.clip(np.rint(pixels), 0, 255).astype(np.uint8).reshape(state.picture))

    def _refuse(self, words: str) -> None:
        self.network = self.before = None
        self.figure.empty = words
        self.figure.clear()
        self.chain.setText("")
        self.title.setText("")
        self.formula.setText(words)
        self.decision.clear()
        self.table.setRowCount(0)
        self._enable()

    def _ended(self, failure: Failure | None) -> None:
        if failure is not None:
            self._refuse(f"{failure.message} {failure.hint}".strip())

    def _enable(self) -> None:
        ready = self.network is not None
        for widget in (self.next, self.whole, self.play, self.number, self.over, self.rate):
            widget.setEnabled(ready)
        self.back.setEnabled(ready and self.stage > 0)
        self.next.setText("Next example" if ready and self.stage >= self.last else "Next")

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.play.setChecked(False)

    def _table(self) -> QTableWidget:
        table = named(QTableWidget(0, 4), "by_hand_table", "Inputs, targets and weights, with their slopes")
        table.setHorizontalHeaderLabels(["", "value", "slope", "updated"])
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(24)
        table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        table.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setTabKeyNavigation(False)
        return table

    def _lay_out(self) -> None:
        self.rate.setFixedWidth(80)
        top = hbox(
            self.next, self.back, self.whole, self.play, self.reload, None, paired(plain_label("Example"), self.number)
        )
        said = hbox(
            (vbox(self.title, self.formula, spacing=0), 1), paired(plain_label("Slopes of"), self.over),
            paired(plain_label("Rate"), self.rate),
        )  # fmt: skip
        left, right = QWidget(), QWidget()
        vbox((self.figure, 1), self.chain, into=left, spacing=4)
        numbers = splitter("by_hand_numbers", (self.decision, 2), (self.table, 3), sizes=(180, 220))
        vbox((numbers, 1), into=right)
        parts = splitter("by_hand_splitter", (left, 3), (right, 2), sizes=(490, 390), down=False)
        self.formula.setMinimumHeight(2 * self.formula.fontMetrics().lineSpacing())
        vbox(top, said, (parts, 1), into=self, margins=(0, 4, 0, 0), spacing=4)
