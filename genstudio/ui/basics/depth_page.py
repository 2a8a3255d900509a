"""An explorer of depth: what becomes of signals and slopes in a deep network before its first step."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QTimer

from genstudio.inspection.depth import by_layer
from genstudio.nn.activations import ACTIVATIONS
from genstudio.nn.by_hand import HandNetwork
from genstudio.nn.initial import CONSEQUENCES, KINDS, SAME, Initialisation, deviation_of
from genstudio.ui.basics.depth_view import DepthView
from genstudio.ui.engine import Engine
from genstudio.ui.explorers import ExplorerPage
from genstudio.ui.layouts import Flow, choice, paired, single_shot, vbox
from genstudio.ui.widgets import LabeledSlider, button, plain_label

_EXAMPLES, _INPUTS = 64, 16
_TITLES = {"zeros": "Zeros", "same": "All the same", "small": "Small", "xavier": "Xavier", "he": "He", "large": "Too large"}


def deep(layers: int, width: int, activation: str, kind: Initialisation, seed: int) -> HandNetwork:
    """A network of so many hidden layers as it begins: weights of a kind, biases 0, one output."""
    rng = np.random.default_rng(seed)
    sizes = (_INPUTS, *[width] * layers, 1)
    weights = []
    for inputs, outputs in zip(sizes[:-1], sizes[1:], strict=True):  # noqa: RUF007 - both names say what they are
        drawn = rng.normal(size=(outputs, inputs)) * deviation_of(kind, inputs, outputs)
        weights.append(np.full((outputs, inputs), SAME) if kind == "same" else drawn)
    return HandNetwork(activation, "cross_entropy", tuple(weights), tuple(np.zeros(size) for size in sizes[1:]))


class DepthPage(ExplorerPage):
    """Choose how deep, which activation and which start: signals go forward, slopes come back."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine, "depth_page", "Depth")
        self.layers = LabeledSlider("Hidden layers", 1, 40, 12, whole=True, name="depth_layers")
        self.neurons = LabeledSlider("Neurons per layer", 2, 128, 32, whole=True, name="depth_width")
        self.activation = choice("depth_activation", "Activation", *(one.title for one in ACTIVATIONS.values()))
        self.kind = choice("depth_kind", "Initial weights", *_TITLES.values())
        self.kind.setCurrentIndex(KINDS.index("xavier"))
        self.seed = 0
        self.other = button("Other weights", "depth_other", "dice", "Draw other random weights", self._other)
        self.view = DepthView("Signals and slopes, layer by layer", "depth_figure")
        self.said = plain_label("", wrap=True, name="depth_said")
        self.said.setMinimumHeight(2 * self.said.fontMetrics().lineSpacing())
        row = Flow(
            paired(plain_label("Activation"), self.activation), paired(plain_label("Initial weights"), self.kind), self.other
        )
        vbox(row, self.layers, self.neurons, (self.view, 1), self.said, into=self, margins=(0, 8, 0, 0))
        self._soon: QTimer = single_shot(self, 30)  # a slider that is dragged asks for many
        self._soon.timeout.connect(self.show_depth)
        for slider in (self.layers, self.neurons):
            slider.changed.connect(lambda _: self._soon.start())
        for box in (self.activation, self.kind):
            box.currentIndexChanged.connect(lambda _: self.show_depth())
        self.view.failed.connect(self.failed)
        self.show_depth()

    def show_depth(self) -> None:
        """Compute the network that is set, and show it."""
        activation = tuple(ACTIVATIONS)[self.activation.currentIndex()]
        kind = KINDS[self.kind.currentIndex()]
        network = deep(int(self.layers.value()), int(self.neurons.value()), activation, kind, self.seed)
        rng = np.random.default_rng(self.seed + 1)
        inputs, targets = rng.normal(size=(_EXAMPLES, _INPUTS)), rng.integers(0, 2, (_EXAMPLES, 1)).astype(float)
        with np.errstate(over="ignore", invalid="ignore"):
            self.view.show_snapshot(by_layer(network, inputs, targets))
        self.said.setText(f"{CONSEQUENCES[kind]} Here: {self.view.verdict()}.")

    def _other(self) -> None:
        self.seed += 1
        self.show_depth()
