"""Where a GAN is looked at while it learns: the plane with its layers, or samples with real pictures beside them."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from genstudio.events import Snapshot
from genstudio.snapshots.samples import Pictures, Plane
from genstudio.tasks.closer import Shown
from genstudio.ui.datasets.parts import choice, row
from genstudio.ui.views.pictures import PicturesView
from genstudio.ui.views.plane import LAYERS, PlaneView
from genstudio.ui.widgets import tooltip

_NOTE = "same noise throughout"
_SAYS = {
    "field": "What the discriminator thinks of every place: blue looks real to it, orange looks fake",
    "mesh": "Where the generator puts an even grid of its noise: cells of equal probability, darker where it is dense",
    "real": "Points of the dataset",
    "fake": "Points that the generator makes of fixed noise",
    "arrows": "The way each fake is pushed by the generator's loss; the longest arrow is the strongest push",
}


class PlanePage(QWidget):
    """The plane, and a box for each of its layers. `picked(index)`: of the real points, then of the fakes.

    `fixed`: whether the fakes that are shown are made of the fixed noise, and not of that of a stage.
    """

    picked = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("plane_page")
        self.view = PlaneView()
        self.fixed = True
        self.layers: dict[str, QCheckBox] = {}
        for name, title in LAYERS.items():
            box = self.layers[name] = QCheckBox(title)
            box.setObjectName(f"layer_{name}")
            box.setAccessibleDescription(_SAYS[name])
            box.setToolTip(tooltip(_SAYS[name]))
            box.setChecked(True)
            box.toggled.connect(lambda on, name=name: self.view.set_layer(name, on))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(row(*self.layers.values(), None, spacing=12))
        layout.addWidget(self.view, 1)
        self.view.picked.connect(self.picked)

    def show_snapshot(self, snapshot: Plane) -> None:
        """Replace what is shown."""
        self.view.show_snapshot(snapshot)
        mesh = self.layers["mesh"]
        if mesh.isEnabled() != self.view.has_layer("mesh"):
            mesh.setEnabled(self.view.has_layer("mesh"))
            mesh.setToolTip(tooltip(_SAYS["mesh"] if mesh.isEnabled() else "Only for noise of two numbers"))

    def shown(self, index: int) -> Shown | None:
        """The fake of this number as it is shown."""
        found = self.view.snapshot
        if found is None or not 0 <= index < len(found.fake):
            return None
        score = None if found.scores is None else float(found.scores[len(found.real) + index])
        return Shown(found.step, found.fake[index].copy(), -1, score, self.fixed)

    def clear(self) -> None:
        """Show nothing."""
        self.view.clear()


class PicturesPage(QWidget):
    """Samples of fixed noise, and real pictures beside them. `picked(index)` of the samples."""

    picked = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("gan_pictures_page")
        self.samples = PicturesView("Samples", "gan_samples", _NOTE)
        self.real = PicturesView("Real", "gan_real", "from the dataset", dated=False)
        self.which = choice("gan_which", "Which generator's samples", "Averaged generator", "Raw generator")
        self.which.setToolTip(tooltip("The average of the generator's last weights, or the weights as they train"))
        self._newest: dict[str, Pictures] = {}
        self.pictures = QSplitter(Qt.Orientation.Horizontal)
        self.pictures.setObjectName("gan_pictures_splitter")
        self.pictures.setChildrenCollapsible(False)
        for view in (self.samples, self.real):
            self.pictures.addWidget(view)
        self.pictures.setSizes([600, 400])
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(row(self.which, None))
        layout.addWidget(self.pictures, 1)
        self.which.currentIndexChanged.connect(lambda _: self._show())
        self.samples.picked.connect(self.picked)

    def shown(self, index: int) -> Shown | None:
        """The sample of this number as it is shown."""
        found = self.samples.snapshot
        if found is None or not 0 <= index < len(found.pixels):
            return None
        label = -1 if found.labels is None else int(found.labels[index])
        score = None if found.scores is None else float(found.scores[index])
        return Shown(found.step, found.pixels[index].copy(), label, score, found.channel != "moment")

    @property
    def raw(self) -> bool:
        """Whether the samples are of the generator as it trains, not of its average."""
        return self.which.currentIndex() == 1

    def show_snapshot(self, snapshot: Pictures) -> None:
        """Keep the newest of each channel, and show the one that is chosen."""
        self._newest[snapshot.channel] = snapshot
        if snapshot.channel == "real":
            self.real.show_snapshot(snapshot)
        elif snapshot.channel == "moment":
            self.samples.note = "what this stage works on"
            self.samples.show_snapshot(snapshot)
        else:
            self._show()

    def clear(self) -> None:
        """Show nothing."""
        self._newest.clear()
        self.samples.clear()
        self.real.clear()

    def _show(self) -> None:
        found = self._newest.get("fixed_raw" if self.raw else "fixed")
        if found is not None and found is not self.samples.snapshot:
            self.samples.note = _NOTE
            self.samples.show_snapshot(found)


class LiveStage(QStackedWidget):
    """The plane or the pictures, as the data is. `picked(kind, index)`."""

    picked = Signal(str, int)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("gan_stage")
        self.plane, self.pictures = PlanePage(), PicturesPage()
        self.addWidget(self.plane)
        self.addWidget(self.pictures)
        self.plane.picked.connect(lambda index: self.picked.emit("points", index))
        self.pictures.picked.connect(lambda index: self.picked.emit("images", index))

    def set_kind(self, kind: str) -> None:
        """Show what belongs to data of this kind: points or images."""
        self.setCurrentWidget(self.pictures if kind == "images" else self.plane)

    def shown(self, index: int) -> Shown | None:
        """The sample of this number as it is shown."""
        return self.pictures.shown(index) if self.currentWidget() is self.pictures else self.plane.shown(index)

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Hand a snapshot to where it belongs; others are ignored."""
        if isinstance(snapshot, Plane):
            self.plane.show_snapshot(snapshot)
        elif isinstance(snapshot, Pictures):
            self.pictures.show_snapshot(snapshot)

    def clear(self) -> None:
        """Show nothing."""
        self.plane.clear()
        self.pictures.clear()
