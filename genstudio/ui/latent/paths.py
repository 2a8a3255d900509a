"""Many samples at once of the latent explorer: ways between kept ones, loops, arithmetic, classes, noise cut off."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Protocol

import numpy as np
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QVBoxLayout, QWidget

from genstudio.errors import DataError, Failure
from genstudio.events import Array, Frame
from genstudio.sampling import latent
from genstudio.snapshots.samples import Pictures, Plane
from genstudio.tasks.film import ExportShown
from genstudio.tasks.latent import LatentSpace
from genstudio.tasks.sample import Samples
from genstudio.tasks.task import Task
from genstudio.ui.latent.pad import LandingView
from genstudio.ui.layouts import choice, hbox
from genstudio.ui.parts import export_menu
from genstudio.ui.views.pictures import PicturesView
from genstudio.ui.widgets import LabeledSlider, button, plain_label, tooltip

TOOLS = (
    "A to B along the sphere",
    "A to B straight",
    "Loop A, B, C along the sphere",
    "Circle in the slice",
    "A - B + C",
    "Every class",
    "Samples, truncated",
)
_NEEDS = {0: "AB", 1: "AB", 2: "ABC", 4: "ABC"}


class Explorer(Protocol):
    """What the ways need of the page."""

    space: LatentSpace | None
    axes: Array
    landing: LandingView

    @property
    def asked_class(self) -> int | None:
        """The class that is asked for."""

    def latent(self) -> Array:
        """The noise that is looked at."""

    def inside(self, latents: Array) -> Array:
        """Within the bounds of the noise."""

    def noise(self, count: int, seed: int) -> Array:
        """Latents to begin at."""

    def make(self, kind: str, latents: Array, show: Callable[[Samples], None], label: int | None = None) -> None:
        """What the generator makes of them."""

    def ask(self, kind: str, task: Task[object], on_frame: Callable[[Frame], None]) -> None:
        """Start a task."""


class Ways(QWidget):
    """Keeps up to three latents, A, B and C, and shows what lies on the way that is chosen. `failed(Failure)`."""

    failed = Signal(object)

    def __init__(self, page: Explorer) -> None:
        super().__init__()
        self.setObjectName("explore_ways")
        self._page = page
        self.kept: dict[str, Array] = {}
        self.made: Samples | None = None
        self.captions: tuple[str, ...] = ()
        self.tool = choice("way_tool", "What to generate", *TOOLS)
        self.tool.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.tool.setMinimumContentsLength(16)
        self.count = LabeledSlider("Steps", 2, 60, 16, whole=True, name="way_steps")
        self.limit = LabeledSlider("Truncate at", 0.1, 3.0, 1.0, name="way_limit")
        self.keep = {
            name: button(
                name, f"keep_{name.lower()}", "", f"Keep the current sample as {name}", partial(self.keep_as, name)
            )
            for name in "ABC"
        }
        self.go = button("Make", "way_make", "play", "Generate these samples", self.run)
        self.export = button("Export", "way_export", "save", "Export as an animation or a contact sheet")
        self.says = plain_label(role="quiet", wrap=True, name="way_says")
        self.view = PicturesView("Position on the path", "way_pictures", dated=False)
        self.view.empty = "The samples appear here"
        self.view.failed.connect(self.failed)
        self.view.setMinimumHeight(72)
        self._lay_out()
        self.tool.currentIndexChanged.connect(lambda _: self._enable())
        self.limit.changed.connect(lambda _: self.run())
        self._enable()

    def set_space(self, space: LatentSpace) -> None:
        """The noise that the ways go through; what was kept of another size is forgotten."""
        if any(len(found) != space.size for found in self.kept.values()):
            self.clear()
        self.view.setVisible(space.extent is None)
        self._enable()

    def clear(self) -> None:
        """Forget what was kept and made."""
        self.kept.clear()
        self.made, self.captions = None, ()
        self.view.clear()
        self._enable()

    def keep_as(self, name: str) -> None:
        """Keep the noise that is looked at."""
        if self._page.space is not None:
            self.kept[name] = self._page.latent().copy()
            self._enable()

    def latents(self) -> tuple[Array, tuple[str, ...]]:
        """The latents (n, d) of the chosen tool, with a caption for each. Raises DataError."""
        page, chosen, count = self._page, self.tool.currentIndex(), int(self.count.value())
        assert page.space is not None
        anchors = np.stack([self.kept[name] for name in _NEEDS[chosen]]) if chosen in _NEEDS else np.zeros((0, 0))
        numbered = tuple(f"{number} of {count}" for number in range(1, count + 1))
        if chosen in (0, 1):
            return latent.between(anchors, count, spherical=chosen == 0), numbered
        if chosen == 2:
            return latent.between(anchors, count, spherical=True, closed=True), numbered
        if chosen == 3:
            return latent.circle(page.latent(), page.axes, page.space.reach / 2, count), numbered
        if chosen == 4:
            return np.stack([*anchors, latent.arithmetic(*anchors)]), ("A", "B", "C", "A - B + C")
        if chosen == 5:
            return np.repeat(page.latent()[None], len(page.space.classes), 0), page.space.classes
        cut = latent.truncated(page.noise(count, 0), self.limit.value(), page.space.kind)
        return cut, tuple(f"truncated at {self.limit.value():g}" for _ in range(count))

    def run(self) -> None:
        """Make what is chosen, where all that it needs is kept."""
        if self._page.space is None or not self.go.isEnabled():
            return
        try:
            latents, captions = self.latents()
        except DataError as error:
            self.failed.emit(Failure.of(error))
            return
        label = None if self.tool.currentIndex() == 5 else self._page.asked_class
        self._page.make("way", self._page.inside(latents), lambda made: self._show(made, captions), label)

    def write(self, out: str) -> None:
        """Export what was made, as the suffix says: pictures one by one, or how a point goes its way in the plane."""
        if self.made is not None:
            shown = tuple(zip(self._pictures(self.made), self.captions, strict=True))
            self._page.ask(
                "export", ExportShown(shown, out, 12.0, 256 if self.made.points is None else 480), self._wrote
            )

    def _pictures(self, made: Samples) -> list[Pictures | Plane]:
        if made.pixels is not None:
            return [Pictures("way", 0, made.pixels[i : i + 1].copy()) for i in range(len(made.pixels))]
        assert made.points is not None and self._page.space is not None and self._page.space.extent is not None
        extent, grid, none = self._page.space.extent, self._page.landing.grid(), np.zeros((0, 2), np.float32)
        return [
            Plane("way", 0, none, made.points[: i + 1].copy(), extent, mesh=grid) for i in range(len(made.points))
        ]

    def _wrote(self, frame: Frame) -> None:
        if frame.progress is not None:
            self.says.setText(frame.progress.text)
            self.says.show()

    def _show(self, made: Samples, captions: tuple[str, ...]) -> None:
        self.made, self.captions = made, captions
        if made.pixels is not None:
            self.view.note = f"{self.tool.currentText()}, step {made.step:,}"
            self.view.show_snapshot(Pictures("way", made.step, made.pixels, None, (), made.scores))
        elif made.points is not None:
            self._page.landing.show_way(made.points)
        self._enable()

    def _enable(self) -> None:
        chosen, space = self.tool.currentIndex(), self._page.space
        missing = [name for name in _NEEDS.get(chosen, "") if name not in self.kept]
        unknown = chosen == 5 and (space is None or not space.classes)
        self.says.setVisible(bool(missing) or unknown)
        self.go.setEnabled(space is not None and not missing and not unknown)
        self.count.setVisible(chosen not in (4, 5))
        self.limit.setVisible(chosen == 6)
        self.export.setEnabled(self.made is not None)
        for name, keep in self.keep.items():
            keep.setText(f"{name} ✓" if name in self.kept else name)
        if missing:
            self.says.setText(f"Find a sample you like and keep it as {' and as '.join(missing)}.")
        else:
            self.says.setText("This model is not conditional, so it has no classes." if unknown and space is not None else "")

    def _lay_out(self) -> None:
        self.export.setMenu(export_menu(self, "way_export", lambda: "way", self.write))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 8, 0, 0)
        layout.setSpacing(4)
        for name, keep in self.keep.items():
            keep.setToolTip(tooltip(f"Keep the current sample as {name}"))
        self.keep["C"].setMinimumWidth(44)
        layout.addLayout(hbox(plain_label("Keep as", role="quiet"), *self.keep.values(), None, self.go, self.export))
        layout.addLayout(hbox(self.tool, self.count, self.limit))
        layout.addWidget(self.says)
        layout.addWidget(self.view, 1)
        layout.addStretch(0)
