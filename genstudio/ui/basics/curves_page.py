"""Explorers of activation functions and of losses: curves, slopes, saturation."""

from __future__ import annotations

import numpy as np
from PySide6.QtWidgets import QCheckBox

from genstudio.nn.activations import ACTIVATIONS, LOSSES, sigmoid
from genstudio.ui import theme
from genstudio.ui.basics.curves import CurveFigure, Drawn
from genstudio.ui.engine import Engine
from genstudio.ui.explorers import ExplorerPage
from genstudio.ui.layouts import Flow, hbox, vbox
from genstudio.ui.numbers import FloatEdit
from genstudio.ui.widgets import plain_label

_FLAT = 0.05
_COLORS = dict(zip(ACTIVATIONS, theme.CYCLE, strict=False)) | {
    "squared_error": theme.VERMILION, "cross_entropy": theme.BLUE, "hinge": theme.GREEN,
}  # fmt: skip


class _CurvesPage(ExplorerPage):
    """Boxes that choose curves, a figure, and what is to be said of them at the handle."""

    def __init__(
        self, engine: Engine, name: str, title: str, figure: CurveFigure, names: dict[str, str], chosen: set[str]
    ) -> None:
        super().__init__(engine, f"{name}_page", title)
        self.figure = figure
        self.boxes: dict[str, QCheckBox] = {}
        for key, words in names.items():
            box = self.boxes[key] = QCheckBox(words)
            box.setObjectName(f"{name}_{key}")
            box.setAccessibleName(words)
            box.setChecked(key in chosen)
            box.toggled.connect(lambda _: self.show_all())
        self.at = FloatEdit(low=figure.low, high=figure.high)
        self.at.setObjectName(f"{name}_at")
        self.at.setAccessibleName(f"{figure.axis} at the handle")
        self.at.set_value(figure.handle)
        self.at.setFixedWidth(90)
        self.said = plain_label("", wrap=True, name=f"{name}_said")
        self.said.setMinimumHeight(5 * self.said.fontMetrics().lineSpacing())
        label = plain_label("z")
        label.setBuddy(self.at)
        boxes = Flow(*self.boxes.values(), spacing=12)
        vbox(hbox((boxes, 1), label, self.at), (self.figure, 1), self.said, into=self, margins=(0, 8, 0, 0))
        self.at.changed.connect(self._typed)
        self.figure.moved.connect(self._moved)
        self.figure.failed.connect(self.failed)

    def chosen(self) -> list[str]:
        return [key for key, box in self.boxes.items() if box.isChecked()]

    def show_all(self) -> None:
        """Draw the chosen curves, and say what they do."""
        raise NotImplementedError

    def _typed(self, value: object) -> None:
        if isinstance(value, int | float) and not self.at.problem():
            self.figure.set_x(float(value))

    def _moved(self, x: float) -> None:
        if self.at.value() != x:
            self.at.set_value(round(x, 4))
        self.show_all()


class ActivationsPage(_CurvesPage):
    """Activation functions with their slopes; where the chosen one is saturated is shaded."""

    def __init__(self, engine: Engine) -> None:
        figure = CurveFigure("Activation functions", "activations_figure", -6.0, 6.0, "z, the sum of a neuron")
        names = {key: one.title for key, one in ACTIVATIONS.items()}
        super().__init__(engine, "activations", "Activations", figure, names, {"sigmoid"})
        self.show_all()

    def show_all(self) -> None:
        chosen, curves = self.chosen(), list[Drawn]()
        for key in chosen:
            one = ACTIVATIONS[key]
            curves += [Drawn(one.title, _COLORS[key], False, one.value), Drawn(f"{one.title}'", _COLORS[key], True, one.slope)]
        bands = flat(chosen[0]) if len(chosen) == 1 else []
        note = "dashed: slope" + ("; shaded: slope below 5% of its largest" if bands else "")
        self.figure.show_curves(curves, (-1.6, 2.6), bands, note)
        x, lines = self.figure.handle, list[str]()
        for key in chosen:
            one = ACTIVATIONS[key]
            a, slope = float(one.value(np.array([x]))[0]), float(one.slope(np.array([x]))[0])
            lines.append(f"{one.formula}    {one.slope_formula}    at z = {x:.2f}: a = {a:.6f}, slope = {slope:.6f}. {one.says}")
        self.said.setText("\n".join(lines) or "Choose a function.")


class LossesPage(_CurvesPage):
    """Losses of a prediction whose right answer is class 1, over its sum z: both curves and their slopes on one axis."""

    def __init__(self, engine: Engine) -> None:
        figure = CurveFigure("Losses", "losses_figure", -6.0, 6.0, "z of the output; the right answer is y = 1, so left is wrong")
        names = {key: one.title for key, one in LOSSES.items()}
        super().__init__(engine, "losses", "Losses", figure, names, {"squared_error", "cross_entropy"})
        self.figure.set_x(-4.0)
        self.show_all()

    def show_all(self) -> None:
        chosen, curves = self.chosen(), list[Drawn]()
        for key in chosen:
            one = LOSSES[key]
            curves.append(Drawn(one.title, _COLORS[key], False, one.value))
            curves.append(Drawn(f"{one.title}, slope", _COLORS[key], True, one.slope))
        self.figure.show_curves(curves, (-1.4, 6.0), (), "solid: loss, dashed: slope dC/dz")
        x = self.figure.handle
        p = float(sigmoid(np.array([x]))[0])
        lines = [f"z = {x:.2f}: the network gives the right class a probability of {p:.4f}."]
        for key in chosen:
            one = LOSSES[key]
            value, slope = float(one.value(np.array([x]))[0]), float(one.slope(np.array([x]))[0])
            lines.append(f"{one.title}: {one.formula} = {value:.6f}, {one.slope_formula}; here {slope:.6f}. {one.says}")
        self.said.setText("\n".join(lines))


def flat(key: str) -> list[tuple[float, float]]:
    """Stretches of z in which the slope of an activation is below a twentieth of its largest."""
    z = np.linspace(-6, 6, 1201)
    slopes = np.abs(ACTIVATIONS[key].slope(z))
    low = slopes < _FLAT * slopes.max()
    edges = np.flatnonzero(np.diff(np.concatenate([[0], low.astype(int), [0]])))
    return [(float(z[a]), float(z[b - 1])) for a, b in zip(edges[::2], edges[1::2], strict=True)]
