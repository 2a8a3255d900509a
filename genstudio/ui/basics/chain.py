"""The chain rule of one weight, written out as the product of its factors with their numbers."""

from __future__ import annotations

import math

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent

from genstudio.nn.by_hand import Factor, chain, parameter
from genstudio.ui import theme
from genstudio.ui.basics.network_figure import Mark
from genstudio.ui.basics.state import Worked
from genstudio.ui.glossary import TermLabel


class ChainLabel(TermLabel):
    """`show_chain(worked, mark)` writes dC/dw of the marked weight, or dC/db of the marked neuron's bias."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setAccessibleName("Chain rule of the chosen weight")
        self.setWordWrap(True)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setFont(theme.mono(theme.SMALL))
        self._fit()
        self.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.factors: tuple[Factor, ...] = ()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Three lines, so that nothing moves while it changes; more where the width breaks them."""
        self.setMinimumHeight(max(3 * self.fontMetrics().lineSpacing() + 2, self.heightForWidth(self.width())))

    @property
    def slope(self) -> float:
        """The product of the factors."""
        return math.prod(factor.value for factor in self.factors)

    def show_chain(self, work: Worked | None, mark: Mark | None) -> None:
        """The factors of this example's loss by the marked weight; nothing where none is marked."""
        if work is None or mark is None or not 0 < mark[0] < len(work.network.sizes):
            self.factors = ()
            self.setText("Click a weight or a neuron: its chain rule is written out here.")
            return
        layer, neuron, source = mark
        self.factors = chain(work.network, work.passed, work.targets, work.back, layer - 1, neuron, source)
        signs = " · ".join(factor.sign for factor in self.factors)
        words = "  ·  ".join(f"[{factor.formula}]" for factor in self.factors)
        values = " · ".join(f"{factor.value:.6f}" for factor in self.factors)
        self.setText(f"layer {layer}: dC/d{parameter(neuron, source)} = {signs}\n= {words}\n= {values} = {self.slope:.6f}")
        self._fit()

