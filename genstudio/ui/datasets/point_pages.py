"""Points: every one of them, or how dense they lie."""

from __future__ import annotations

import numpy as np
from PySide6.QtWidgets import QVBoxLayout, QWidget

from genstudio.data.preview import PointLook, RowLook
from genstudio.data.shelf import DatasetInfo
from genstudio.ui import theme
from genstudio.ui.basics.decision import DecisionView
from genstudio.ui.layouts import choice, hbox, vbox
from genstudio.ui.views.scatter import ScatterView
from genstudio.ui.widgets import plain_label

_MOST = 5_000
"""Points that are drawn with their classes."""


class PointsPage(QWidget):
    """The plane, as dots or as density, with what is known of the distribution."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("points_page")
        self.scatter = ScatterView()
        self.mode = choice("points_mode", "How to draw the points", "All points", "Density")
        self.said = plain_label(role="quiet", wrap=True, name="points_said")
        self.said.setFont(theme.font(theme.SMALL, tabular=True))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 10, 0, 0)
        layout.setSpacing(8)
        head = hbox(self.mode, self.said)
        head.setStretch(1, 1)
        layout.addLayout(head)
        layout.addWidget(self.scatter, 1)
        self.mode.currentIndexChanged.connect(lambda i: self.scatter.set_mode("density" if i else "points"))

    def go_to(self, index: int) -> None:
        """Mark this point, and say where it is."""
        self.mode.setCurrentIndex(0)
        self.scatter.mark(index)

    def show_look(self, _info: DatasetInfo, look: PointLook) -> None:
        self.scatter.show_points(look.points, look.centres, look.sigma)
        parts = [
            f"mean ({look.mean[0]:z.2f}, {look.mean[1]:z.2f})",
            f"spread ({look.spread[0]:.2f}, {look.spread[1]:.2f})",
        ]
        if look.centres is not None:
            circle = f", circles at 2 sigma = {2 * look.sigma:.3g}" if look.sigma else ""
            parts.append(f"{len(look.centres)} known centres (crosses{circle})")
        self.said.setText("   ·   ".join(parts))


class ClassesPage(QWidget):
    """The first two columns of rows as points, coloured by their classes."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("classes_page")
        self.plane = DecisionView("Points with their classes", "classes_plane")
        vbox((self.plane, 1), into=self, margins=(0, 10, 0, 0))

    def show_look(self, _info: DatasetInfo, look: RowLook) -> None:
        self.plane.clear()
        if look.points is None or look.labels is None:
            self.plane.empty = "Rows of one column have no plane."
            return
        known = np.flatnonzero(look.labels >= 0)[:_MOST]
        points = look.points[known].astype(np.float64)
        if not len(points):
            return
        low, high = points.min(0), points.max(0)
        edge = 0.08 * np.where(high > low, high - low, 1.0)
        (x0, y0), (x1, y1) = (low - edge).tolist(), (high + edge).tolist()
        note = f"the first {_MOST:,}" if len(known) == _MOST else ""
        self.plane.show_plane(
            points, look.labels[known], np.zeros(len(known), bool), None, (x0, x1, y0, y1), look.classes, look.axes, note
        )
