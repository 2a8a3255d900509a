"""A network while it trains: its decision surface, and the way of one example through it with every number."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QSpinBox, QWidget

from genstudio.events import Array
from genstudio.families.dashboard import Pane
from genstudio.nn.by_hand import HandNetwork
from genstudio.snapshots.network import NetworkState
from genstudio.ui.basics.chain import ChainLabel
from genstudio.ui.basics.decision import DecisionView
from genstudio.ui.basics.network_figure import NetworkFigure
from genstudio.ui.basics.state import Worked, network_of, worked
from genstudio.ui.layouts import hbox, named, splitter, vbox
from genstudio.ui.widgets import plain_label

_MOST_LAYERS = 7
"""Layers, the inputs among them, beyond which a drawing has no room for its numbers."""


class NetworkPage(QWidget):
    """Shows `NetworkState`. The example under the pointer, else the chosen one, goes through the network."""

    picked = Signal(int)

    def __init__(self, pane: Pane) -> None:
        super().__init__()
        self.setObjectName("network_page")
        self.pane = pane
        self.state: NetworkState | None = None
        self.network: HandNetwork | None = None
        self.example, self.hovered = 0, -1
        self.decision = DecisionView()
        self.figure = NetworkFigure("One example through the network")
        self.chain = ChainLabel("network_chain")
        self.number = named(QSpinBox(), "network_example", "Example, by its number")
        self.number.setRange(1, 1)
        self.said = plain_label(role="quiet", name="network_said")
        label = plain_label("Example", role="quiet")
        label.setBuddy(self.number)
        below = QWidget()
        vbox(hbox(label, self.number, (self.said, 1)), self.chain, into=below, spacing=4)
        right = QWidget()
        vbox((self.figure, 1), below, into=right, spacing=4)
        self.parts = splitter("network_splitter", (self.decision, 2), (right, 3), sizes=(300, 400), down=False)
        vbox((self.parts, 1), into=self)
        self.decision.pointed.connect(self._pointed)
        self.decision.placed.connect(self._placed)
        self.decision.chosen.connect(lambda index: self.number.setValue(index + 1))
        self.figure.chosen.connect(lambda _: self._show())
        self.number.valueChanged.connect(self._numbered)

    def show_snapshot(self, snapshot: NetworkState) -> None:
        """Replace what is shown; the chosen example and weight stay."""
        changed = self.state is None or self.state.sizes != snapshot.sizes or len(self.state.labels) != len(snapshot.labels)
        self.state, self.network = snapshot, network_of(snapshot)
        if changed:
            self.example, self.figure.selected = 0, (len(snapshot.sizes) - 1, 0, 0)
            self.number.setRange(1, max(len(snapshot.labels), 1))
            self.number.setValue(1)
        self.decision.setVisible(snapshot.extent is not None)
        if snapshot.extent is not None:
            places = (snapshot.inputs * snapshot.scale + snapshot.mean)[:, :2]
            note = f"step {snapshot.step:,}"
            if len(snapshot.columns) > 2:
                note += f"; the other {len(snapshot.columns) - 2} columns at their mean"
            self.decision.show_plane(
                places, snapshot.labels, snapshot.held, snapshot.field, snapshot.extent, snapshot.classes,
                (snapshot.columns[0], snapshot.columns[1]), note, live=True,
            )  # fmt: skip
            self.decision.selected = self.example
        self._show(live=True)

    def clear(self) -> None:
        """Show nothing."""
        self.state = self.network = None
        self.decision.clear()
        self.figure.clear()
        self.chain.clear()
        self.said.setText("")

    def work(self) -> Worked | None:
        """The example that is shown, with every number."""
        if self.state is None or self.network is None or not len(self.state.labels):
            return None
        index = self.hovered if 0 <= self.hovered < len(self.state.labels) else self.example
        return worked(self.state, self.network, index)

    def _show(self, live: bool = False) -> None:
        work, state = self.work(), self.state
        if work is None or state is None:
            return
        index = self.hovered if self.hovered >= 0 else self.example
        self._draw(work, f"step {state.step:,}, example {index + 1:,}", live)
        kept = "held out" if state.held[index] else "training"
        self.said.setText(f"class {state.classes[int(state.labels[index])]}, {kept}; loss {work.loss:.4f}")

    def _draw(self, work: Worked, note: str, live: bool = False) -> None:
        state = self.state
        assert state is not None
        if len(state.sizes) > _MOST_LAYERS:
            self.figure.empty = f"{len(state.sizes) - 1} layers are too many to draw: see Layer by layer."
            self.figure.clear()
            self.chain.clear()
            return
        self.figure.show_worked(work, state.columns, state.classes, note, picture=self._picture(work.inputs[0]), live=live)
        self.chain.show_chain(work, self.figure.selected)

    def _picture(self, inputs: Array) -> Array | None:
        if self.state is None or self.state.picture is None:
            return None
        pixels = inputs * self.state.scale + self.state.mean
        return np.asarray(np.clip(np.rint(pixels), 0, 255).astype(np.uint8).reshape(self.state.picture))

    def _numbered(self, number: int) -> None:
        self.example = number - 1
        self.decision.select(self.example)
        self._show()

    def _pointed(self, index: int) -> None:
        self.hovered = index
        self._show()

    def _placed(self, x: float, y: float) -> None:
        """The pointer is where no point is: what would be said of that place, the other columns at their mean."""
        state, network = self.state, self.network
        if state is None or network is None or not len(state.labels):
            return
        inputs = state.inputs.mean(0).astype(np.float64)
        inputs[:2] = (np.array([x, y]) - state.mean[:2]) / state.scale[:2]
        targets = worked(state, network, self.example).targets[0]
        work = Worked.of(network, inputs, targets)
        self._draw(work, f"step {state.step:,}, at ({x:.3g}, {y:.3g})")
        self.said.setText("A place without a point; its target is that of the chosen example.")

