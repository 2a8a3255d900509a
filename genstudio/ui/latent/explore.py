"""Looking around in the noise of a generator: dragging in a slice, sliding along directions, and ways through it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from PySide6.QtCore import QSignalBlocker, Qt, QTimer
from PySide6.QtGui import QHideEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QComboBox, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from genstudio.events import Array, Frame
from genstudio.sampling import latent
from genstudio.tasks.latent import FindSpace, LatentSpace
from genstudio.tasks.models import ModelRef
from genstudio.tasks.prompt import Prompt
from genstudio.tasks.replay import SavedSteps
from genstudio.tasks.sample import Sample, Samples
from genstudio.tasks.task import Task
from genstudio.ui import theme
from genstudio.ui.engine import Engine
from genstudio.ui.latent.directions import AXES, Directions, slice_axes
from genstudio.ui.latent.own import OwnPicture
from genstudio.ui.latent.pad import LandingView, LatentPad, hues
from genstudio.ui.latent.paths import Ways
from genstudio.ui.latent.sample import SampleFigure
from genstudio.ui.latent.weights import WeightsChoice
from genstudio.ui.layouts import Tabs, choice, hbox
from genstudio.ui.parts import scrolled
from genstudio.ui.playground.page import Page, R
from genstudio.ui.views.chart import value_text
from genstudio.ui.widgets import EmptyState, icon_button, named_tabs, plain_label

_PICTURES, _POINTS = 9, 25
_EMPTY = "Train a model that generates samples, or open a run of one, to explore its latent space."
_LOW, _WIDE = 380, 720
"""Height below which the ways to explore stand beside what is seen instead of below it, and width that this takes, in pixels of
the usual text size."""
_SETTLED_MS, _LIVE_MS = 200, 1000


class ExplorePage(Page):
    """The latent explorer of one run. What is shown is what the chosen generator makes of `latent()`.

    Where `set_run` says which run it is, the weights are chosen here; else they are those that the Playground has chosen.
    """

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine, "explore_page", "Explore the noise")
        self.space: LatentSpace | None = None
        self.found: Samples | None = None
        self.base: Array = np.zeros(0, np.float32)
        self.axes: Array = np.zeros((2, 0), np.float32)
        self._seed = 0
        self._live = self._chooses = False
        self.model = WeightsChoice("explore_model")
        self.which = choice("explore_which", "Which weights or output of the model")
        self.label = choice("explore_class", "Class to generate")
        self.slice = choice("explore_axes", "Directions of the slice", *AXES)
        self.other = icon_button("dice", "explore_other", "Start from new noise")
        self.middle = icon_button("zoom-reset", "explore_middle", "Start in the middle, at zero")
        self.turn = icon_button("refresh", "explore_turn", "New random directions")
        for box, letters in ((self.which, 5), (self.label, 2), (self.slice, 10)):
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            box.setMinimumContentsLength(letters)
        self.pad, self.picture, self.landing = LatentPad(), SampleFigure(), LandingView()
        self.words = plain_label(role="quiet", name="explore_words", wrap=True)
        self.directions = Directions()
        self.ways, self.own = Ways(self), OwnPicture(self)
        self._settled, self._beat = QTimer(self), QTimer(self)
        self._settled.setSingleShot(True)
        self._settled.setInterval(_SETTLED_MS)
        self._beat.setInterval(_LIVE_MS)
        self._lay_out()
        self._connect()
        self.model.hide()

    def set_run(self, path: str, live: bool) -> None:
        """The run whose generator is looked at, and whether it trains now."""
        self._chooses = True
        self.model.show()
        changed = path != (self._model.run if self._model is not None else "")
        if changed:
            self._forget()
            self.model.begin(live)
        if live != self._live or changed:
            self._live = live
            self.look_at(ModelRef(path) if path else None, ())

    def look_at(self, model: ModelRef | None, prompt: Prompt) -> None:
        if not self._chooses and self._model is not None and (model is None or model.run != self._model.run):
            self._forget()
        self.empty.set_sentence(_EMPTY if model is None else "Reading the model…")
        super().look_at(model, prompt)

    def ask(
        self,
        kind: str,
        task: Task[R],
        on_frame: Callable[[Frame], None] | None = None,
        *,
        on_result: Callable[[R], None] | None = None,
    ) -> None:
        """As any page, but what is said of a run that is no longer looked at is dropped."""
        run = "" if self._model is None else self._model.run

        def show(found: R) -> None:
            if on_result is not None and self._model is not None and self._model.run == run:
                on_result(found)

        super().ask(kind, task, on_frame, on_result=show)

    def look(self, model: ModelRef, prompt: Prompt) -> None:
        if self._chooses:
            self.ask("saved", SavedSteps(model.run), on_result=lambda saved: self.model.show_saved(saved.marks, self._live))
        self.ask("space", FindSpace(self.reference(), self.variant), on_result=self._show_space)

    def reference(self) -> ModelRef:
        """The weights that are looked at."""
        assert self._model is not None
        return replace(self._model, which=self.model.currentData()) if self._chooses else self._model

    @property
    def variant(self) -> str:
        """What is sampled, by name; empty for the usual one."""
        return self.which.currentData() or ""

    @property
    def asked_class(self) -> int | None:
        """The class that is asked for, where the model knows classes."""
        return self.label.currentIndex() if self.space is not None and self.space.classes else None

    def latent(self) -> Array:
        """The noise (d,) that is looked at: where one began, moved in the slice and by the sliders."""
        assert self.space is not None
        moved = self.base + np.array(self.pad.at, np.float32) @ self.axes
        return self.inside(moved + self.directions.shift())

    def inside(self, latents: Array) -> Array:
        """The same within the bounds of uniform noise."""
        uniform = self.space is not None and self.space.kind == "uniform"
        return np.clip(latents, -1, 1).astype(np.float32) if uniform else np.asarray(latents, np.float32)

    def noise(self, count: int, seed: int) -> Array:
        """Latents (count, d) of the distribution that the generator learnt with."""
        assert self.space is not None
        random, shape = np.random.default_rng(seed), (count, self.space.size)
        drawn = random.uniform(-1, 1, shape) if self.space.kind == "uniform" else random.normal(size=shape)
        return drawn.astype(np.float32)

    def another(self) -> None:
        """Begin at other noise."""
        if self.space is not None:
            self._seed += 1
            self.begin(self.noise(1, self._seed)[0])

    def to_middle(self) -> None:
        if self.space is not None:
            self.begin(np.zeros(self.space.size, np.float32))

    def begin(self, base: Array) -> None:
        """Look around this latent (d,); where the slice is all there is, the dot goes there."""
        whole = len(base) == 2 and self.slice.currentIndex() == 2
        self.base = np.zeros_like(base) if whole else base
        self.pad.set_at(*(base.tolist() if whole else (0.0, 0.0)))
        self.directions.reset()
        self._moved()
        self._settled.start()

    def turn_axes(self) -> None:
        """Another random slice through the same place."""
        self._seed += 1
        self.slice.setCurrentText("Random")
        self._sliced()

    def make(self, kind: str, latents: Array, show: Callable[[Samples], None], label: int | None = None) -> None:
        """What the generator makes of latents (n, d), handed to `show`."""
        sampler = {} if self.space is None else self.space.sampler
        task = Sample(self.reference(), label=label, variant=self.variant, latents=latents, sampler=sampler)
        self.ask(kind, task, on_result=show)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._beat.start()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._beat.stop()

    def _moved(self) -> None:
        if self.space is not None and self._model is not None:
            self.make("one", self.latent()[None], self._show_one, self.asked_class)

    def _map(self) -> None:
        """The whole slice, once it has come to rest."""
        if self.space is None or self._model is None:
            return
        side = _PICTURES if self.space.extent is None else _POINTS
        middle = self.latent() - np.array(self.pad.at, np.float32) @ self.axes
        reach = self.space.reach * (1 - 1 / side)
        self.make("map", self.inside(latent.plane(middle, self.axes, reach, side)), self._show_map, self.asked_class)

    def _show_one(self, made: Samples) -> None:
        self.found = made
        length = float(np.linalg.norm(made.latents[0]))
        title = "" if made.labels is None else f"{made.classes[int(made.labels[0])]}, "
        if made.pixels is not None:
            self.picture.show_pixels(made.pixels[0], f"{title}step {made.step:,}")
            place = ""
        else:
            assert made.points is not None
            self.landing.show_one(made.points[0])
            place = f"It maps to {made.points[0, 0]:.3g}, {made.points[0, 1]:.3g}.  "
        judged = "" if made.scores is None else f", D {value_text(float(made.scores[0]))}"
        self.words.setText(f"{place}Length of z {value_text(length)}{judged}.")

    def _show_map(self, made: Samples) -> None:
        if made.pixels is not None:
            self.pad.show_map(made.pixels, None)
        elif made.points is not None and self.space is not None and self.space.extent is not None:
            colors = hues(round(len(made.points) ** 0.5))
            self.pad.show_map(None, colors)
            self.landing.show_grid(made.points, colors, self.space.extent)

    def _show_space(self, found: LatentSpace) -> None:
        before, self.space = self.space, found
        fresh = before is None or before.size != found.size
        if fresh or before is None or before.classes != found.classes:
            self.label.clear()
            self.label.addItems(list(found.classes))
        self.label.setVisible(bool(found.classes))
        if before is None or before.variants != found.variants:
            self.which.blockSignals(True)
            self.which.clear()
            for name in found.variants:
                self.which.addItem(name.capitalize(), name)
            self.which.blockSignals(False)
        self.which.setVisible(len(found.variants) > 1)
        self.right.setCurrentIndex(0 if found.extent is None else 1)
        if fresh:
            self.base = np.zeros(found.size, np.float32) if found.size <= 2 else self.noise(1, self._seed)[0]
            self.slice.setCurrentText(AXES[2] if found.size <= 2 else AXES[0])
            self.landing.clear()
        self.directions.show_space(found, fresh=fresh)
        self.ways.set_space(found)
        self.tools.setTabVisible(2, found.copies)
        self.stack.setCurrentIndex(1)
        self._sliced()

    def _slid(self) -> None:
        self._moved()
        self._settled.start()

    def _sliced(self) -> None:
        """Other directions of the slice."""
        if self.space is None:
            return
        self.axes, names = slice_axes(self.space, self.slice.currentIndex(), self._seed)
        self.pad.show_axes(names, self.space.reach)
        self._moved()
        self._settled.start()

    def _forget(self) -> None:
        """Show nothing of the run before."""
        for kind in ("space", "one", "map"):
            self.cancel(kind)
        self.space = self.found = None
        with QSignalBlocker(self.which):
            self.which.clear()
        self.ways.clear()
        self.own.clear()
        self.stack.setCurrentIndex(0)

    def _model_chosen(self) -> None:
        if self._model is not None and self.isVisible():
            self.ask("space", FindSpace(self.reference(), self.variant), on_result=self._show_space)

    def _follow(self) -> None:
        """The weights in training have changed."""
        if self._model is not None and self.reference().which == "live" and not self.busy("one"):
            self._moved()
            if not self.busy("map"):
                self._map()

    def _connect(self) -> None:
        for pressed, does in ((self.other, self.another), (self.middle, self.to_middle), (self.turn, self.turn_axes)):
            pressed.clicked.connect(does)
        self.directions.changed.connect(self._slid)
        self.pad.moved.connect(lambda _x, _y: self._moved())
        self._settled.timeout.connect(self._map)
        self._beat.timeout.connect(self._follow)
        self.slice.activated.connect(lambda _: self._sliced())
        self.label.activated.connect(lambda _: self._slid())
        self.model.changed.connect(self._model_chosen)
        self.which.currentIndexChanged.connect(lambda _: self._model_chosen())
        for figure in (self.pad, self.picture, self.landing, self.ways, self.own):
            figure.failed.connect(self.failed)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        flat = self.height() < theme.scaled(_LOW) and self.width() >= theme.scaled(_WIDE)
        if flat != (self.upright.orientation() == Qt.Orientation.Horizontal):
            self.upright.setOrientation(Qt.Orientation.Horizontal if flat else Qt.Orientation.Vertical)
            self.upright.setSizes([560, 300] if flat else [420, 140])

    def _lay_out(self) -> None:
        self.picture.setMinimumHeight(120)
        self.picture.setMaximumHeight(16_777_215)
        self.right = QStackedWidget()
        self.right.addWidget(self.picture)
        self.right.addWidget(self.landing)
        sides = QSplitter(Qt.Orientation.Horizontal)
        sides.setObjectName("explore_splitter")
        sides.setChildrenCollapsible(False)
        sides.addWidget(self.pad)
        sides.addWidget(self.right)
        sides.setSizes([300, 260])
        self.tools = Tabs()  # no higher than the page of it that is seen: the room belongs to the pad
        self.tools.setObjectName("explore_tools")
        named_tabs(self.tools, "Ways to explore")
        self.tools.addTab(scrolled(self.directions, "explore_sliders"), "Directions")
        self.tools.addTab(self.ways, "Paths")
        self.tools.addTab(self.own, "Your own")
        self.tools.setTabVisible(2, False)
        above, inside = QWidget(), QWidget()
        seen = QVBoxLayout(above)
        seen.setContentsMargins(0, 0, 0, 0)
        seen.setSpacing(4)
        seen.addWidget(sides, 1)
        beside = hbox(self.words, self.turn, self.other, self.middle, spacing=4)
        beside.setStretch(0, 1)
        seen.addLayout(beside)
        self.upright = upright = QSplitter(Qt.Orientation.Vertical)
        upright.setObjectName("explore_upright")
        upright.setChildrenCollapsible(False)
        upright.addWidget(above)
        upright.addWidget(self.tools)
        upright.setStretchFactor(0, 3)
        upright.setStretchFactor(1, 1)
        upright.setSizes([420, 140])
        layout = QVBoxLayout(inside)
        layout.setContentsMargins(0, 8, 0, 0)
        layout.setSpacing(8)
        layout.addLayout(hbox(self.model, self.which, self.label, self.slice, None))
        layout.addWidget(upright, 1)
        self.stack = QStackedWidget()
        self.empty = EmptyState("dice", _EMPTY, "", "explore_empty")
        self.stack.addWidget(self.empty)
        self.stack.addWidget(inside)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(self.stack)
