"""A picture of which a part is given, completed several times while one watches; and one pixel of it looked at closely."""

from __future__ import annotations

import numpy as np
from PySide6.QtWidgets import QFileDialog, QWidget

from genstudio.events import Array, Frame
from genstudio.sampling.choose import SamplingOptions
from genstudio.snapshots.samples import Growing, Pictures
from genstudio.tasks.complete import Complete, Completions, InspectPixel, PixelReport
from genstudio.tasks.models import ModelRef
from genstudio.tasks.prompt import Prompt
from genstudio.ui.engine import Engine
from genstudio.ui.latent.own import PICTURE_FILES
from genstudio.ui.layouts import Flow, choice, hbox, splitter, vbox
from genstudio.ui.playground.page import Page
from genstudio.ui.views.pictures import PicturesView
from genstudio.ui.views.pixels import ColourBars, PixelsView
from genstudio.ui.widgets import LabeledSlider, button, icon_button, plain_label

_EMPTY = "Choose a run of an iGPT to give it a part of a picture and watch it draw the rest, pixel by pixel."
_COUNT = 9
_PARTS = ("Upper half", "Upper quarter", "Upper three quarters", "Nothing")
_KEEP = ("half", "quarter", "three-quarters", "nothing")
_TINTS = ("Picture", "Bits per pixel", "Uncertainty", "Attention")


class CompletePage(Page):
    """What is given, the completions, and the one that is chosen: its pixels tinted, and what the model knew of one of them."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine, "complete_page", "Complete")
        self.found: Completions | None = None
        self.report: PixelReport | None = None
        self.seed, self.place, self.chosen = 0, 0, 0
        self._path = ""
        self._shown_by: ModelRef | None = None
        self.held = button("Another held-out picture", "complete_held", "refresh", "Complete the next picture that was held out "
            "of the training", self._next_held)  # fmt: skip
        self.open = button("Open a picture…", "complete_open", "open", "Complete a picture of your own", self._choose)
        self.draw = button("Draw", "complete_draw", "pencil", "Draw the pixels that are given. Left button: draw, right button: "
            "erase", self._toggle_drawing)  # fmt: skip
        self.draw.setCheckable(True)
        self.keep = choice("complete_keep", "What is given of the picture", *_PARTS)
        self.ink = LabeledSlider("Ink", 0, 1, 1, whole=True, name="complete_ink")
        self.temperature = LabeledSlider("Temperature", 0.0, 3.0, 1.0, name="complete_temperature")
        self.top_k = LabeledSlider("Top-k (0: all)", 0, 64, 0, whole=True, name="complete_top_k")
        self.top_p = LabeledSlider("Top-p", 0.01, 1.0, 1.0, name="complete_top_p")
        self.other = icon_button("dice", "complete_other", "Complete it in other ways: another seed")
        self.tinted = choice("complete_tint", "What tints the chosen picture", *_TINTS)
        self.heads = choice("complete_head", "Which attention", "Mean of all heads")
        self.words = plain_label(_EMPTY, role="quiet", wrap=True, name="complete_words")
        self.given = PixelsView("Given", "complete_given", "Nothing here yet")
        self.made = PicturesView("Completions", "complete_made", dated=False, score="bits per pixel")
        self.made.empty = "Nothing here yet"
        self.one = PixelsView("Chosen completion", "complete_one", "Click a completion")
        self.bars = ColourBars("complete_colours")
        self._lay_out()
        for slider in (self.temperature, self.top_k, self.top_p):
            slider.changed.connect(lambda _: self._again())
        self.ink.changed.connect(lambda _: self._take_ink())
        self.keep.currentIndexChanged.connect(lambda _: self._again())
        self.other.clicked.connect(self._other)
        self.made.picked.connect(self._pick)
        self.one.picked.connect(self._inspect)
        self.given.stroked.connect(self._again)
        self.tinted.currentIndexChanged.connect(lambda _: self._tint())
        self.heads.currentIndexChanged.connect(lambda _: self._tint())
        for figure in (self.given, self.made, self.one, self.bars):
            figure.failed.connect(self.failed)
        self.busy_changed()

    def _lay_out(self) -> None:
        for slider in (self.temperature, self.top_k, self.top_p, self.ink):
            slider.slider.setMinimumWidth(48)
            slider.editor.setFixedWidth(56)
            slider.setMaximumWidth(260)
        self.ink.hide()
        first = Flow(self.held, self.open, self.draw, self.keep, self.ink, self.other, spacing=8)
        second = Flow(self.temperature, self.top_k, self.top_p, spacing=12)
        right, side = QWidget(), QWidget()
        for figure in (self.one, self.bars):
            figure.setMinimumHeight(80)  # both have to fit below each other in the lowest window
        vbox(hbox(self.tinted, self.heads, None), (self.one, 3), (self.bars, 2), into=right, spacing=4)
        vbox((self.given, 1), into=side)
        parts = splitter("complete_parts", side, self.made, right, sizes=(260, 420, 380), down=False)
        vbox(first, second, self.words, (parts, 1), into=self, margins=(0, 8, 0, 0), spacing=4)

    def set_run(self, path: str, live: bool) -> None:
        """The run whose model is used, and whether it trains now."""
        self.look_at(ModelRef(path, "live" if live else "last") if path else None, ())

    def look_at(self, model: ModelRef | None, prompt: Prompt) -> None:
        if model is None or self._model is None or model.run != self._model.run:
            self.cancel("complete")
            self.cancel("pixel")
            self.found, self.report, self._shown_by, self._path = None, None, None, ""
            self.place, self.chosen = 0, 0
            self.draw.setChecked(False)
            self.ink.hide()
            self.words.setText(_EMPTY)
            for figure in (self.given, self.made, self.one):
                figure.clear()
            self.bars.show_nothing()
        super().look_at(model, prompt)
        self.busy_changed()

    def look(self, model: ModelRef, prompt: Prompt) -> None:
        """What is shown, by other weights than before. Those of a running training move on; a person asks for them again."""
        if self._shown_by != model:
            self._again()

    def show_file(self, path: str) -> None:
        """Complete the picture in this file."""
        self._stop_drawing()
        self._path = path
        self._again()

    def busy_changed(self) -> None:
        there = self._model is not None
        for each in (self.open, self.held, self.keep, self.other, self.temperature, self.top_k, self.top_p):
            each.setEnabled(there)
        self.draw.setEnabled(there and self.found is not None)
        self.keep.setEnabled(there and not self.draw.isChecked())
        self.tinted.setEnabled(self.found is not None)
        self.heads.setVisible(self.tinted.currentIndex() == _TINTS.index("Attention"))

    @property
    def options(self) -> SamplingOptions:
        """How colours are chosen."""
        return SamplingOptions(
            temperature=self.temperature.value(), top_k=int(self.top_k.value()), top_p=self.top_p.value()
        )

    def _again(self) -> None:
        """The same part completed by the weights as they are now."""
        model = self._model
        if model is None:
            return
        self._shown_by = model
        drawing = self.draw.isChecked() and self.given.pixels is not None
        task = Complete(
            model, self._path, self.place, _KEEP[self.keep.currentIndex()], _COUNT, self.seed, self.options,
            self.given.pixels.copy() if drawing and self.given.pixels is not None else None,
            self.given.covered.copy() if drawing else None,
        )  # fmt: skip
        self.ask("complete", task, self._growing, on_result=self._show)

    def _growing(self, frame: Frame) -> None:
        if self.found is None and frame.progress is not None:
            self.words.setText(f"{frame.progress.text}…")
        for snapshot in frame.snapshots:
            if isinstance(snapshot, Growing):
                self.made.show_snapshot(snapshot)

    def _show(self, found: Completions) -> None:
        self.found = found
        whole = found.bits.mean((1, 2))
        self.made.show_snapshot(Pictures("own", found.step, found.pixels.copy(), None, (), whole.astype(np.float32)))
        if not self.draw.isChecked():
            held = f"held-out picture {found.index + 1:,}" if found.index >= 0 else "picture of your own" if self._path else ""
            self.given.show_picture(found.given, found.keep, held)
        self._pick(min(self.chosen, len(found.pixels) - 1))
        self.made.choose(self.chosen)
        made = ~found.keep
        numbers = []
        if found.keep.any():
            numbers.append(f"given pixels: {found.bits[0][found.keep].mean():.2f} bits each")
        if made.any():
            numbers.append(f"generated ones: {found.bits[:, made].mean():.2f}")
        self.words.setText(
            f"{', '.join(numbers).capitalize()}. Pixels are generated in reading order, so what is given below or to the right "
            f"of a pixel cannot influence it. Weights of step {found.step:,}."
        )
        self.busy_changed()

    def _pick(self, index: int) -> None:
        if self.found is None:
            return
        self.chosen = index
        self.one.show_picture(self.found.pixels[index], self.found.keep, f"completion {index + 1}")
        if self.one.marked < 0:
            first = np.flatnonzero(~self.found.keep.reshape(-1))
            self.one.mark(int(first[0]) if len(first) else 0)
        self._tint()
        self._inspect(self.one.marked)

    def _inspect(self, pixel: int) -> None:
        if self.found is not None and self._model is not None:
            self.ask("pixel", InspectPixel(self._model, pixel, self.found.pixels[self.chosen]), on_result=self._explain)

    def _explain(self, report: PixelReport) -> None:
        self.report = report
        layers, heads = report.attention.shape[:2]
        if self.heads.count() != 1 + layers * heads:
            self.heads.blockSignals(True)
            while self.heads.count() > 1:
                self.heads.removeItem(1)
            self.heads.addItems([f"Layer {at // heads + 1}, head {at % heads + 1}" for at in range(layers * heads)])
            self.heads.blockSignals(False)
        value = float(report.probabilities[report.chosen])
        note = f"outlined: the one there, {100 * value:.1f}%"
        self.bars.show_colours(report.palette, report.probabilities, report.chosen, note)
        self._tint()

    def _tint(self) -> None:
        which, report = _TINTS[self.tinted.currentIndex()], self.report
        self.heads.setVisible(which == "Attention")
        if self.found is None:
            return
        if which == "Picture" or report is None:
            self.one.tint(None, 1.0)
        elif which == "Attention":
            flat = report.attention.reshape(-1, *report.attention.shape[2:])
            at = self.heads.currentIndex()
            shown: Array = flat.mean(0) if at <= 0 else flat[at - 1]
            self.one.tint(shown, float(np.nanmax(shown)) if not np.isnan(shown).all() else 1.0, "attention")
        else:
            bits = which == "Bits per pixel"
            self.one.tint(report.bits if bits else report.entropy, float(np.log2(len(report.palette))),
                "bits" if bits else "entropy in bits")  # fmt: skip

    def _next_held(self) -> None:
        self._stop_drawing()
        if not self._path and self.found is not None:
            self.place += 1
        self._path = ""
        self._again()

    def _other(self) -> None:
        self.seed += 1
        self._again()

    def _toggle_drawing(self) -> None:
        if not self.draw.isChecked() or self.found is None:
            self._stop_drawing()
            self._again()
            return
        palette = self.found.palette
        self._path = ""
        background = np.broadcast_to(palette[0], self.found.given.shape)
        self.ink.set_high(len(palette) - 1)
        self.ink.set_value(len(palette) - 1)
        self.ink.show()
        self.given.note = "draw here: only what you draw is given"
        self.given.begin_drawing(background)
        self._take_ink()
        self.busy_changed()

    def _stop_drawing(self) -> None:
        self.draw.setChecked(False)
        self.given.drawing = False
        self.ink.hide()
        self.busy_changed()

    def _take_ink(self) -> None:
        if self.found is not None:
            self.given.ink = self.found.palette[min(int(self.ink.value()), len(self.found.palette) - 1)]

    def _choose(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Open a picture", "", PICTURE_FILES)
        if path:
            self.show_file(path)


