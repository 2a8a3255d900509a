"""The sizes that a model grew through, on one slider: each fades into the next."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QSignalBlocker, QTimer
from PySide6.QtGui import QHideEvent

from genstudio.snapshots.samples import Pictures
from genstudio.tasks.grow import Fading, ShowFading
from genstudio.tasks.models import ModelRef
from genstudio.tasks.prompt import Prompt
from genstudio.tasks.replay import SavedSteps
from genstudio.ui.engine import Engine
from genstudio.ui.latent.weights import WeightsChoice
from genstudio.ui.layouts import hbox, named, vbox
from genstudio.ui.marked_slider import MarkedSlider
from genstudio.ui.playground.page import Page
from genstudio.ui.views.pictures import PicturesView
from genstudio.ui.widgets import button, icon_button, plain_label, tooltip

_EMPTY = "Start a training, or open a run, to see how its sizes fade into each other."
_SHOWN, _PER_SIZE, _PLAY_MS = 16, 40, 60
_TITLES = ("Smaller size", "Mixed", "Larger size")


class GrowPage(Page):
    """One slider from the smallest size to the full one: the size before, the next one, and between them what a fade-in makes of
    both, all of the same noise."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine, "grow_page", "Growth")
        self.found: Fading | None = None
        self.seed = 0
        self._live = False
        self.weights = WeightsChoice("grow_weights")
        self.play = button("Play", "grow_play", "play", "Grow from the smallest size to the full one")
        self.play.setCheckable(True)
        self.slider = named(MarkedSlider(), "grow_slider", "Size and fade-in")
        self.slider.setToolTip(tooltip("Each mark is a size, the smallest on the left. Between two, the larger one fades in"))
        self.other = icon_button("dice", "grow_other", "Start from other noise")
        self.trained = icon_button("resume", "grow_trained", "Back to the size and the fade-in that were trained last")
        self.words = plain_label(_EMPTY, role="quiet", wrap=True, name="grow_words")
        self.place = plain_label("", name="grow_place")
        self.place.setMinimumWidth(200)
        self.views = tuple(
            PicturesView(title, f"grow_{name}", dated=False)
            for title, name in zip(_TITLES, ("before", "mixed", "after"), strict=True)
        )
        top = hbox(self.weights, self.play, (self.slider, 1), self.place, self.trained, self.other)
        vbox(
            top, self.words, (hbox(*((view, 1) for view in self.views)), 1), into=self, margins=(0, 8, 0, 0), spacing=4
        )
        for view in self.views:
            view.empty = "Nothing here yet"
            view.failed.connect(self.failed)
        self._timer = QTimer(self)
        self._timer.setInterval(_PLAY_MS)
        self._timer.timeout.connect(self._tick)
        self.play.toggled.connect(self._playing)
        self.slider.valueChanged.connect(lambda _: self._make(self.slider.value() / _PER_SIZE))
        self.weights.changed.connect(lambda: self._make(None))
        self.other.clicked.connect(self._other)
        self.trained.clicked.connect(lambda: self._make(None))
        self.busy_changed()

    def set_run(self, path: str, live: bool) -> None:
        """The run whose model is used, and whether it trains now."""
        changed = path != (self._model.run if self._model is not None else "")
        if changed or live != self._live:
            self._live = live
            self.weights.begin(live)
        if changed:
            self.cancel("fading")
            self.play.setChecked(False)
            self.found = None
            self.words.setText(_EMPTY)
            self.place.setText("")
            for view, title in zip(self.views, _TITLES, strict=True):
                view.title = title
                view.clear()
        self.look_at(ModelRef(path) if path else None, ())
        self.busy_changed()

    def look(self, model: ModelRef, prompt: Prompt) -> None:
        self.ask("saved", SavedSteps(model.run), on_result=lambda saved: self.weights.show_saved(saved.marks, self._live))
        self._make(None if self.found is None else self.found.at)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.play.setChecked(False)

    def busy_changed(self) -> None:
        for each in (self.slider, self.play, self.other, self.trained):
            each.setEnabled(self.found is not None)

    def _make(self, at: float | None) -> None:
        if self._model is not None and self.isVisible():
            ref = replace(self._model, which=self.weights.currentData())
            self.ask("fading", ShowFading(ref, _SHOWN, self.seed, at), on_result=self._show)

    def _other(self) -> None:
        self.seed += 1
        self._make(None if self.found is None else self.found.at)

    def _show(self, found: Fading) -> None:
        self.found = found
        if not self.slider.isSliderDown() and not self.play.isChecked():
            with QSignalBlocker(self.slider):
                self.slider.setRange(0, _PER_SIZE * (len(found.sizes) - 1))
                self.slider.set_marks(tuple(range(0, self.slider.maximum() + 1, _PER_SIZE)))
                self.slider.setValue(round(found.at * _PER_SIZE))
        size, fade = found.sizes[found.stage], found.fade
        before = found.sizes[max(found.stage - 1, 0)]
        self.place.setText(f"{size} x {size}" + (f", faded in: {fade:.0%}" if fade < 1 else ""))
        titles = (f"{before} x {before}: {1 - fade:.0%}", "Mixed", f"{size} x {size}: {fade:.0%}")
        if not found.stage:
            titles = _TITLES[0], f"{size} x {size}", _TITLES[2]
        for view, title, pixels in zip(self.views, titles, (found.before, found.mixed, found.after), strict=True):
            view.title = title
            if view is self.views[1] or found.stage:
                view.show_snapshot(Pictures("grown", found.step, pixels.copy(), found.labels, found.classes))
            else:
                view.clear()  # there is nothing before the first size, so nothing is mixed
        self.words.setText(self._said(found))
        self.busy_changed()

    def _said(self, found: Fading) -> str:
        said = f"Weights of step {found.step:,}. "
        if found.at > found.reached + 1e-6:
            return said + "This size has not been trained yet: its layers still have their initial weights."
        if found.at < found.reached - 1e-6 and found.stage <= found.reached - 1:
            return said + (
                "The output layer of this size has not been trained since the next one took over, but the layers before it "
                "have: choose saved weights of that time to see it as it was."
            )
        return said + "The pictures on the left and on the right are mixed as their shares say."

    def _playing(self, on: bool) -> None:
        if not on:
            self._timer.stop()
            return
        if self.slider.value() == self.slider.maximum():
            self.slider.setValue(0)
        self._timer.start()

    def _tick(self) -> None:
        """One step on, once the last was shown."""
        if self.busy("fading"):
            return
        if self.slider.value() >= self.slider.maximum():
            self.play.setChecked(False)
            return
        self.slider.setValue(self.slider.value() + 1)
