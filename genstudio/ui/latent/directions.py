"""Directions through the noise of a generator: the axes of a slice, and a slider along each of the principal ones."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QGridLayout, QWidget

from genstudio.events import Array
from genstudio.sampling import latent
from genstudio.tasks.latent import LatentSpace
from genstudio.ui.layouts import vbox
from genstudio.ui.widgets import LabeledSlider, tooltip

AXES = ("Principal 1, 2", "Principal 3, 4", "Dimensions 1, 2", "Random")
_SLIDERS = 8


def slice_axes(space: LatentSpace, chosen: int, seed: int) -> tuple[Array, tuple[str, str]]:
    """Two axes (2, d) of unit length at right angles, and their names, for a place in AXES; random ones where the space
    has no such."""
    size, found = space.size, space.directions
    first = 2 if chosen == 1 else 0
    if chosen == 2 and size >= 2:
        return np.eye(2, size, dtype=np.float32), ("z 1", "z 2")
    if chosen < 2 and len(found) >= first + 2:
        across = found[first]
        up = found[first + 1] - (found[first + 1] @ across) * across
        axes = np.stack([across, up / np.linalg.norm(up)]).astype(np.float32)
        return axes, (f"principal {first + 1}", f"principal {first + 2}")
    return latent.random_axes(size, seed), ("random 1", "random 2")


class Directions(QWidget):
    """Sliders along the principal directions of a space. `changed()` when one moves."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("explore_directions")
        self.sliders: list[LabeledSlider] = []
        self._space: LatentSpace | None = None
        self._grid = QGridLayout()
        self._grid.setContentsMargins(0, 8, 8, 0)
        self._grid.setHorizontalSpacing(16)
        self._grid.setVerticalSpacing(4)
        vbox(self._grid, None, into=self, spacing=None)

    def show_space(self, space: LatentSpace, *, fresh: bool = True) -> None:
        """A slider for each of the first directions of this space, all at zero; those there are stay if not `fresh`."""
        self._space = space
        if not fresh:
            return
        for slider in self.sliders:
            self._grid.removeWidget(slider)
            slider.deleteLater()
        self.sliders = []
        for index, share in enumerate(space.shares[:_SLIDERS].tolist()):
            slider = LabeledSlider(f"{index + 1}", -5.0, 5.0, 0.0, name=f"direction_{index + 1}")
            slider.setToolTip(tooltip(f"Principal direction {index + 1}: {share:.1%} of the variance in the first layer"))
            slider.slider.setAccessibleName(f"Principal direction {index + 1}")
            slider.changed.connect(lambda _: self.changed.emit())
            self._grid.addWidget(slider, index // 2, index % 2)
            self.sliders.append(slider)

    def reset(self) -> None:
        """All at zero."""
        for slider in self.sliders:
            slider.set_value(0.0)

    def shift(self) -> Array:
        """How far the sliders move the noise (d,)."""
        if self._space is None or not self.sliders:
            return np.zeros(1, np.float32)
        amounts = np.array([slider.value() for slider in self.sliders], np.float32)
        return amounts @ self._space.directions[: len(amounts)].astype(np.float32)
