"""Points: every one of them, or how dense they lie."""

from __future__ import annotations

from PySide6.QtWidgets import QVBoxLayout, QWidget

from genstudio.data.preview import PointLook
from genstudio.data.shelf import DatasetInfo
from genstudio.ui import theme
from genstudio.ui.layouts import choice, hbox
from genstudio.ui.views.scatter import ScatterView
from genstudio.ui.widgets import plain_label


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
            f"mean ({look.mean[0]:.2f}, {look.mean[1]:.2f})",
            f"spread ({look.spread[0]:.2f}, {look.spread[1]:.2f})",
        ]
        if look.centres is not None:
            circle = f", circles at 2 sigma = {2 * look.sigma:.3g}" if look.sigma else ""
            parts.append(f"{len(look.centres)} known centres (crosses{circle})")
        self.said.setText("   ·   ".join(parts))
