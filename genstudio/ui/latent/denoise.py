"""How noise becomes samples: stage by stage both ways, several ways from the same noise, and what a perfect network would do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QHideEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QLineEdit,
    QSlider,
    QStackedWidget,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from genstudio.config import Values
from genstudio.errors import Failure
from genstudio.events import Array, Frame, Snapshot
from genstudio.families.dashboard import LAYERS, Pane
from genstudio.sampling.diffusion import SAMPLERS, Flow, Sampler, cosine_schedule, gaussian_moments, linear_schedule
from genstudio.snapshots.samples import Pictures, Plane
from genstudio.tasks.denoise import NoiseAndBack, NoiseWalk, SampledWays, SampleWays, WalkFromNoise, WalkToNoise
from genstudio.tasks.film import ExportShown
from genstudio.tasks.illustrate import Blended, BlendPictures, Text
from genstudio.tasks.latent import FindWays, SamplingWays
from genstudio.tasks.models import ModelRef
from genstudio.tasks.prompt import Prompt
from genstudio.tasks.replay import SavedSteps
from genstudio.ui import layouts, theme
from genstudio.ui.engine import Engine
from genstudio.ui.latent.own import PICTURE_FILES
from genstudio.ui.latent.weights import WeightsChoice
from genstudio.ui.layouts import choice, hbox, named, single_shot, splitter, vbox
from genstudio.ui.parts import export_menu
from genstudio.ui.playground.page import Page
from genstudio.ui.views.bars import NamedBars
from genstudio.ui.views.pictures import PicturesView
from genstudio.ui.views.plane import PlaneView
from genstudio.ui.widgets import EmptyState, LabeledSlider, button, icon_button, named_tabs, plain_label, tooltip

_EMPTY = "Train a diffusion model, or open a run of one, to see how noise becomes samples."
_POINTS, _PICTURES, _BESIDE, _OWN = 400, 16, 12, 4
_PLAY_MS = 90
_NAMES = {"ddim": "DDIM", "heun": "Heun", "ddpm": "DDPM"}
_COUNTS, _GUIDANCES = (2, 5, 10, 25, 100), (0.0, 1.0, 2.0, 4.0, 8.0)
_FROM, _TO, _OWN_PICTURE = range(3)
_STEPWISE, _PERFECT, _BETWEEN = 0, 2, 3
_TYPED_MS = 500
_CAPTION = 14
"""Characters of a caption in the list of those that can be asked for."""
_LAYERS = {**LAYERS, "arrows": ("Arrows", "From each noisy point to the clean one that is predicted for it")}
_DEVIATION, _STEPS = 0.5, (5, 10, 20, 50)
_NARROW = 132
"""Pixels of a figure: five stand side by side in the smallest window."""
_KNOWN = (linear_schedule(1000), cosine_schedule(1000), Flow())


class MadeView(QStackedWidget):
    """Points under their title, or pictures, whichever come."""

    def __init__(self, title: str, name: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self.pictures = PicturesView(title, f"{name}_pictures", dated=False)
        self.pictures.empty = "Nothing here yet"
        self.plane = PlaneView(Pane((name,), title, layers=_LAYERS, made="point", push="way"))
        self.plane.setObjectName(f"{name}_plane")
        self.addWidget(self.pictures)
        self.caption = plain_label(title, role="quiet", name=f"{name}_caption")
        points = QWidget()
        vbox(self.caption, (self.plane, 1), into=points, margins=(0, 0, 0, 0), spacing=4)
        self.addWidget(points)
        for figure in (self.pictures, self.plane):
            figure.setMinimumWidth(_NARROW)

    def show_made(
        self, made: Array, title: str, extent: tuple[float, float, float, float] | None, labels: Array | None = None,
        classes: tuple[str, ...] = (), arrows: Array | None = None,
    ) -> None:  # fmt: skip
        """Points (n, 2) with arrows (n, 2), or pictures (n, h, w, c)."""
        self.setCurrentIndex(0 if extent is None else 1)
        self.pictures.title = self.plane.title = title
        for figure in (self.pictures, self.plane):
            figure.setAccessibleName(title)
        self.caption.setText(title)
        if extent is None:
            self.pictures.show_snapshot(Pictures("made", 0, made.copy(), labels, classes))
        else:
            none = np.zeros((0, 2), np.float32)
            self.plane.show_snapshot(Plane("made", 0, none, made.copy(), extent, arrows=arrows), live=False)

    def clear(self) -> None:
        """Show nothing, and no axes either: what comes next may be pictures."""
        self.setCurrentIndex(0)
        self.pictures.clear()
        self.plane.clear()


class DenoisePage(Page):
    """The way from noise to samples of one run. Everything is made of noise that depends on a seed alone."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine, "denoise_page", "Noise to samples")
        self.model: SamplingWays | None = None
        self.walk: NoiseWalk | None = None
        self.seed = 0
        self._path = ""
        self._live = self._chooses = self._halted = False
        self._made_by: ModelRef | None = None
        self.weights = WeightsChoice("denoise_weights")
        self.weights.hide()
        self.sampler = choice("denoise_sampler", "How noise becomes samples", *(_NAMES[name] for name in SAMPLERS))
        self.steps = LabeledSlider("Steps", 1, 200, 50, logarithmic=True, whole=True, name="denoise_steps")
        self.guidance = LabeledSlider("Guidance", 0, 10, 1, name="denoise_guidance")
        self.label = choice("denoise_class", "Class to generate")
        self.text = named(QLineEdit(), "denoise_text", "What the pictures should show")
        self.text.setPlaceholderText("Type what the pictures should show")
        self.text.setClearButtonEnabled(True)
        self.text.setMinimumWidth(theme.scaled(260))
        self.prior = named(QCheckBox("Prior"), "denoise_prior", "Use the prior")
        self.prior.setToolTip(tooltip("Turn the vector of the text into one of a picture before the decoder reads it"))
        self._typed = single_shot(self, _TYPED_MS)
        self.ends: list[str | int] = [0, 1]
        self.first = button("First picture…", "denoise_first", "open", "The picture to begin with", lambda: self._take_end(0))
        self.second = button("Second picture…", "denoise_second", "open", "The picture to end with", lambda: self._take_end(1))
        self.pair = button("Another pair", "denoise_pair", "refresh", "Two other held-out pictures", self._other_pair)
        self.blend = PicturesView("Between two pictures", "denoise_blend", dated=False, order="row")
        self.blend.empty = "Nothing here yet"
        self.other = icon_button("dice", "denoise_other", "Start from other noise")
        self.stop = button("Stop", "denoise_stop", "stop", "Stop sampling")
        self.says = plain_label(role="quiet", name="denoise_says")
        self.way = choice("denoise_way", "Which way", "From noise to samples", "From real samples to noise",
            "Your own picture, there and back")
        self.play = button("Play", "denoise_play", "play", "Move through the stages")
        self.export = button("Export", "denoise_export", "save", "Export the stages as an animation or a contact sheet")
        self.slider = named(QSlider(Qt.Orientation.Horizontal), "denoise_stage", "Stage")
        self.share = LabeledSlider("Noise", 0.05, 1.0, 0.5, name="denoise_share")
        self.open = button("Open a picture…", "denoise_open", "open", "Add noise to a picture of your own, and remove it again")
        self.stage = plain_label(role="quiet", name="denoise_level")
        self.stage.setMinimumWidth(250)
        self.views = tuple(MadeView(title, f"denoise_{name}") for title, name in (
            ("Noisy", "noisy"), ("Predicted noise", "noise"), ("Predicted clean", "clean")))
        self.compared = choice("denoise_compared", "What is compared", "Samplers", "Numbers of steps", "Guidance")
        self.columns = tuple(MadeView("", f"denoise_column_{number}") for number in range(1, 6))
        self.schedule = choice("denoise_schedule", "Noise of the perfect network", "As in this run", *(
            known.words.capitalize() for known in _KNOWN))
        self.perfect = NamedBars(
            "Spread with a perfect network", "denoise_perfect", "spread", lambda value: f"{value:.3f}"
        )
        self.perfect.rows = (15.0, 24.0)  # all of them are seen in the smallest window
        self._timer = QTimer(self)
        self._timer.setInterval(_PLAY_MS)
        self._lay_out()
        self._connect()
        self._enable()

    def set_run(self, path: str, live: bool) -> None:
        """The run whose model is looked at, and whether it trains now. Which of its weights is chosen here."""
        self._chooses = True
        self.weights.show()
        changed = path != (self._model.run if self._model is not None else "")
        if changed:
            self.weights.begin(live)
        if live != self._live or changed:
            self._live = live
            self.look_at(ModelRef(path) if path else None, ())

    def look_at(self, model: ModelRef | None, prompt: Prompt) -> None:
        if model is None or self._model is None or model.run != self._model.run:
            self._forget()
        self.empty.set_sentence(_EMPTY if model is None else "Reading the model…")
        super().look_at(model, prompt)

    def look(self, model: ModelRef, prompt: Prompt) -> None:
        if self._chooses:
            self.ask("saved", SavedSteps(model.run), on_result=lambda saved: self.weights.show_saved(saved.marks, self._live))
        if self.model is None:
            self.ask("ways", FindWays(self.reference()), on_result=self._show_model)
        elif self._made_by != self.reference():
            self.make()

    def reference(self) -> ModelRef:
        """The weights that are looked at: where the page is part of a training those chosen here, else those that the Playground
        has chosen."""
        assert self._model is not None
        return replace(self._model, which=self.weights.currentData()) if self._chooses else self._model

    def settings(self) -> Values:
        """Of the sampler, as they are chosen."""
        return {
            "sampler": SAMPLERS[self.sampler.currentIndex()], "steps": int(self.steps.value()),
            "guidance": self.guidance.value(),
        }  # fmt: skip

    def make(self) -> None:
        """Walk, or sample in all ways, as chosen."""
        if self._model is None or self.model is None or not self.isVisible():
            return
        self._halted, self._made_by = False, self.reference()
        if self.tools.currentIndex() == _STEPWISE:
            self._make_walk(self.reference())
        elif self.tools.currentIndex() == _BETWEEN:
            between = BlendPictures(self.reference(), self.ends[0], self.ends[1], seed=self.seed, sampler=self.settings())
            self.ask("blend", between, self._progress, on_result=self._show_blend)
        elif self.tools.currentIndex() != _PERFECT:
            ways = self.ways()
            task = SampleWays(self.reference(), self._count(_BESIDE), self.seed, self._label(), ways=ways, text=self.wanted())
            self.ask("sampled", task, self._progress, on_result=lambda made: self._show_ways(made, ways))

    def wanted(self) -> Text | None:
        """What the pictures should show, where something is typed; with or without the prior, where there is one."""
        if self.model is None or not self.model.texts or not self.text.text().strip():
            return None
        return Text(self.text.text(), self.prior.isChecked() if self.model.prior else None)

    def explained(self, kind: str, failure: Failure) -> bool:
        """A text that cannot be read, and data that are gone, are said above the pictures."""
        if failure.expected and (kind == "blend" or (kind in ("walk", "sampled") and self.wanted() is not None)):
            self.says.setText(f"{failure.message} {failure.hint}")
            return True
        return False

    def ways(self) -> tuple[Values, ...]:
        """What stands side by side: the chosen settings with one of them changed."""
        now, which = self.settings(), self.compared.currentIndex()
        if which == 0:
            return tuple({**now, "sampler": name} for name in SAMPLERS)
        if which == 1:
            return tuple({**now, "steps": count} for count in _COUNTS)
        return tuple({**now, "guidance": strength} for strength in _GUIDANCES)

    def show_file(self, path: str) -> None:
        """Add noise to the picture in this file, and remove it again."""
        self._path = path
        self.make()

    def write(self, out: str) -> None:
        """Export the noisy samples of every stage, as the suffix says."""
        if self.walk is not None:
            task = ExportShown(tuple(stages(self.walk)), out, 1000 / _PLAY_MS, 480)
            self.ask("export", task, lambda frame: self.says.setText(frame.progress.text if frame.progress else ""))

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._timer.stop()

    def busy_changed(self) -> None:
        self._enable()

    def _make_walk(self, model: ModelRef) -> None:
        asked: Any = {"seed": self.seed, "label": self._label(), "sampler": self.settings()}
        way = self.way.currentIndex()
        if way == _FROM:
            task: Any = WalkFromNoise(model, self._of_each(), **asked, text=self.wanted())
        elif way == _TO:
            task = WalkToNoise(model, self._count(), **asked)
        elif self._path:
            task = NoiseAndBack(model, _OWN, path=self._path, share=self.share.value(), **asked)
        else:
            return
        self.ask("walk", task, self._progress, on_result=self._show_walk)

    def _count(self, pictures: int = _PICTURES) -> int:
        return pictures if self.model is None or self.model.extent is None else _POINTS

    def _of_each(self) -> int:
        """How many are walked with: as many of each class where all are asked for, so that they stand in columns, with names."""
        classes = len(self.model.classes) if self.model is not None and self._label() is None else 0
        return self._count(classes * round(_PICTURES / classes) if 0 < classes <= _PICTURES else _PICTURES)

    def _label(self) -> int | None:
        """The class that is asked for; None where they take turns."""
        return None if self.label.currentIndex() < 1 else self.label.currentIndex() - 1

    def _progress(self, frame: Frame) -> None:
        if frame.progress is not None and not self._halted:  # a frame of a task that was stopped may still be under way
            self.says.setText(f"{frame.progress.text} {frame.progress.done or 0:.0%}")

    def _show_model(self, found: SamplingWays) -> None:
        self.model = found
        for box in (self.sampler, self.label):
            box.blockSignals(True)
        self.sampler.setCurrentIndex(SAMPLERS.index(found.sampler.sampler))
        self.steps.set_value(found.sampler.steps)
        self.guidance.set_value(found.sampler.guidance)
        self.label.clear()
        self.label.addItems(["Every caption" if found.texts else "Every class", *found.classes])
        self.label.setAccessibleName("Caption to generate" if found.texts else "Class to generate")
        self.prior.setChecked(found.prior_used)
        policy = QComboBox.SizeAdjustPolicy
        self.label.setMinimumContentsLength(_CAPTION if found.texts else 0)  # captions are long, and all of them fit in one row
        self.label.setSizeAdjustPolicy(
            policy.AdjustToMinimumContentsLengthWithIcon if found.texts else policy.AdjustToContents
        )
        for box in (self.sampler, self.label):
            box.blockSignals(False)
        self.label.setVisible(bool(found.classes))
        self.guidance.setVisible(bool(found.classes))
        self.text.setVisible(found.texts)
        self.prior.setVisible(found.prior)
        self.tools.setTabVisible(_BETWEEN, found.prior)
        self.views[1].setVisible(found.extent is None)
        _set_shown(self.way, _OWN_PICTURE, found.extent is None)
        _set_shown(self.compared, 2, bool(found.classes))
        self.stack.setCurrentIndex(1)
        self.make()

    def _show_walk(self, walk: NoiseWalk) -> None:
        self.walk = walk
        self.says.setText(f"Weights of step {walk.step:,}")
        self.slider.blockSignals(True)
        self.slider.setRange(0, len(walk.levels) - 1)
        self.slider.setValue(0 if self.way.currentIndex() != _FROM else len(walk.levels) - 1)
        self.slider.blockSignals(False)
        self._show_stage()

    def _show_stage(self) -> None:
        walk, at = self.walk, self.slider.value()
        if walk is None or at >= len(walk.levels):
            return
        noise = float(walk.levels[at])
        words = "adding noise" if at < walk.turn else "removing noise"
        self.stage.setText(f"Stage {at} of {len(walk.levels) - 1}, {words}: {noise:.0%} noise")
        self.slider.setAccessibleDescription(self.stage.text())
        away = walk.clean[at] - walk.noisy[at] if walk.extent is not None else None
        arrows = away if away is not None and away.any() else None  # without noise nothing moves
        for view, made, title in zip(
            self.views, (walk.noisy, walk.noise, walk.clean), ("Noisy", "Predicted noise", "Predicted clean"), strict=True
        ):
            pushes = arrows if made is walk.noisy else None
            view.show_made(made[at], title, walk.extent, walk.labels, walk.classes, pushes)

    def _show_blend(self, found: Blended) -> None:
        self.says.setText(
            f"The same noise throughout. The vectors of the two pictures have cosine {found.cosine:.2f}. Weights of step "
            f"{found.step:,}"
        )
        names = ("first", *(f"{share:.0%}" for share in found.shares), "second")
        pixels = np.concatenate([found.first[None], found.pixels, found.second[None]])
        self.blend.show_snapshot(Pictures("blend", found.step, pixels, np.arange(len(names)), names))

    def _take_end(self, which: int) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Open a picture", "", PICTURE_FILES)
        if path:
            self.ends[which] = path
            self.make()

    def _other_pair(self) -> None:
        numbers = [end for end in self.ends if isinstance(end, int)]
        after = max(numbers, default=-1) + 1
        self.ends = [after, after + 1]
        self.make()

    def _show_ways(self, made: SampledWays, ways: tuple[Values, ...]) -> None:
        self.says.setText(f"The same noise in every column. Weights of step {made.step:,}")
        for column in self.columns[len(ways) :]:
            column.hide()
        for column, samples, way, seconds in zip(self.columns, made.samples, ways, made.seconds, strict=False):
            which = self.compared.currentIndex()
            title = (_NAMES[way["sampler"]], f"{way['steps']} steps", f"Guidance {way['guidance']:g}")[which]
            column.show_made(samples, f"{title}, {seconds:.1f} s", made.extent, made.labels, made.classes)
            column.show()

    def _show_perfect(self) -> None:
        """Bars of how wide the samples of a Gaussian are with the exact prediction of its noise."""
        which = self.schedule.currentIndex()
        if which == 0 and self.model is None:
            return
        levels = self.model.levels if which == 0 and self.model is not None else _KNOWN[which - 1]
        values, names = [], []
        for name in SAMPLERS:
            for count in _STEPS:
                found = gaussian_moments(levels.levels(count), Sampler(name, count), 0.0, _DEVIATION)
                values.append(found[1] / _DEVIATION)
                names.append(f"{_NAMES[name]}, {count} steps")
        self.perfect.show_bars(zip(names, values, strict=True), f"{levels.words}, 1 is right")

    def _forget(self) -> None:
        for kind in ("saved", "ways", "walk", "sampled"):
            self.cancel(kind)
        self.model = self.walk = None
        self._path = ""
        for view in (*self.views, *self.columns):
            view.clear()
        self.says.setText("")
        self.stage.setText("")
        self.stack.setCurrentIndex(0)

    def _enable(self) -> None:
        working = any(self.busy(kind) for kind in ("walk", "sampled", "blend"))
        self.stop.setEnabled(working)
        own = self.way.currentIndex() == _OWN_PICTURE
        self.open.setVisible(own)
        self.share.setVisible(own)
        self.play.setEnabled(self.walk is not None)
        self.export.setEnabled(self.walk is not None)
        self.slider.setEnabled(self.walk is not None)

    def _halt(self) -> None:
        self._halted = True
        for kind in ("walk", "sampled", "blend"):
            self.cancel(kind)
        self.says.setText("Stopped")

    def _another(self) -> None:
        self.seed += 1
        self.make()

    def _chosen(self) -> None:
        """Another way through the stages, or another comparison."""
        if self.tools.currentIndex() == _PERFECT:
            self._show_perfect()
        if self.way.currentIndex() == _OWN_PICTURE and not self._path:
            self.walk = None
            for view in self.views:
                view.clear()
            self.stage.setText("Open a picture: noise is added to it, and removed again in four different ways.")
        self._enable()
        self.make()

    def _run_on(self) -> None:
        """Play from here, or from the beginning."""
        if self._timer.isActive():
            self._timer.stop()
            return
        if self.slider.value() == self.slider.maximum():
            self.slider.setValue(0)
        self._timer.start()

    def _move_on(self) -> None:
        self.slider.setValue(self.slider.value() + 1)
        if self.slider.value() == self.slider.maximum():
            self._timer.stop()

    def _choose_file(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Open a picture", "", PICTURE_FILES)
        if path:
            self.show_file(path)

    def _connect(self) -> None:
        self.slider.valueChanged.connect(lambda _: self._show_stage())
        self._timer.timeout.connect(self._move_on)
        for pressed, does in (
            (self.play, self._run_on), (self.other, self._another), (self.stop, self._halt), (self.open, self._choose_file),
        ):  # fmt: skip
            pressed.clicked.connect(does)
        for box in (self.way, self.compared):
            box.currentIndexChanged.connect(lambda _: self._chosen())
        self.tools.currentChanged.connect(lambda _: self._chosen())
        self.schedule.currentIndexChanged.connect(lambda _: self._show_perfect())
        self.weights.changed.connect(self.make)
        for box in (self.sampler, self.label):
            box.currentIndexChanged.connect(lambda _: self.make())
        self.text.textChanged.connect(lambda _: self._typed.start())
        self._typed.timeout.connect(self.make)
        self.prior.clicked.connect(lambda _: self.make())
        self.blend.failed.connect(self.failed)
        for slider in (self.steps, self.guidance, self.share):
            slider.changed.connect(lambda _: self.make())
        for view in (*self.views, *self.columns):
            view.pictures.failed.connect(self.failed)
            view.plane.failed.connect(self.failed)
        self.perfect.failed.connect(self.failed)

    def _lay_out(self) -> None:
        for box in (self.sampler, self.label, self.way, self.compared):
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.export.setMenu(export_menu(self, "denoise_export", lambda: "noise", self.write))
        self.tools = QTabWidget()
        self.tools.setObjectName("denoise_tools")
        named_tabs(self.tools, "Ways to look at denoising")
        self.tools.setDocumentMode(True)
        for title, rows in self._tools().items():
            widget = QWidget()
            vbox(*rows, into=widget, margins=(0, 8, 0, 0))
            self.tools.addTab(widget, title)
        self.tools.setTabVisible(_BETWEEN, False)
        inside = QWidget()
        layout = QVBoxLayout(inside)
        layout.setContentsMargins(0, 4, 0, 0)
        for slider in (self.steps, self.guidance):
            slider.setFixedWidth(theme.scaled(280))
        layout.addLayout(hbox((self.text, 1), self.prior))
        layout.addWidget(
            layouts.Flow(
                self.weights, self.sampler, self.steps, self.guidance, self.label, self.other, self.stop, self.says
            )
        )
        layout.addWidget(self.tools, 1)
        self.stack = QStackedWidget()
        self.empty = EmptyState("dice", _EMPTY, "", "denoise_empty")
        self.stack.addWidget(self.empty)
        self.stack.addWidget(inside)
        vbox((self.stack, 1), into=self, margins=(0, 0, 0, 0))

    def _tools(self) -> dict[str, tuple[Any, ...]]:
        """The rows of each way to look at denoising, by its title."""
        return {
            "Step by step": (
                hbox(self.open, self.share, None), (splitter("denoise_splitter", *self.views, down=False), 1),
                hbox(self.way, self.play, (self.slider, 1), self.stage, self.export),
            ),
            "Side by side": (hbox(self.compared, None), (splitter("denoise_columns", *self.columns, down=False), 1)),
            "A perfect network": (
                plain_label(
                    "Nothing is learned here: the data are one Gaussian, so the best prediction of the noise is known exactly. "
                    "Bars show the spread of the samples relative to that of the data (1 is right). Few DDIM steps shrink it, "
                    "whatever the network; Heun's method, with two evaluations per step, hardly does.",
                    role="quiet", wrap=True, name="denoise_lesson",
                ),
                hbox(plain_label("Noise", role="quiet"), self.schedule, None), (self.perfect, 1),
            ),
            "Between two pictures": (
                plain_label(
                    "Each picture is generated from a vector between those of the two pictures, "
                    "with the same noise.", role="quiet", wrap=True,
                ),
                hbox(self.first, self.second, self.pair, None), (self.blend, 1),
            ),
        }  # fmt: skip


def stages(walk: NoiseWalk) -> Iterator[tuple[Snapshot, str]]:
    """What is shown at each stage of a walk, with how much noise there is."""
    none = np.zeros((0, 2), np.float32)
    for at in range(len(walk.levels)):
        made = walk.noisy[at].copy()
        shown: Snapshot = (
            Pictures("walk", at, made) if walk.extent is None else Plane("walk", at, none, made, walk.extent)
        )
        yield shown, f"{walk.levels[at]:.0%} noise"


def _set_shown(box: QComboBox, index: int, shown: bool) -> None:
    """Offer a choice or not; one that is gone is no longer chosen."""
    view: Any = box.view()
    view.setRowHidden(index, not shown)
    box.model().item(index).setEnabled(shown)  # type: ignore[attr-defined]
    if not shown and box.currentIndex() == index:
        box.setCurrentIndex(0)
