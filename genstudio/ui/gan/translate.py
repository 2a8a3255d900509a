"""A picture of one's own turned into one of the other set and back, with what got lost on the way."""

from __future__ import annotations

import numpy as np
from PySide6.QtWidgets import QComboBox, QFileDialog, QWidget

from genstudio.snapshots.samples import Pictures
from genstudio.tasks.models import ModelRef
from genstudio.tasks.prompt import Prompt
from genstudio.tasks.translate_pictures import PicturesThereAndBack, TranslateHeldOut, TranslatePicture
from genstudio.ui.engine import Engine
from genstudio.ui.latent.own import PICTURE_FILES
from genstudio.ui.layouts import choice, hbox, vbox
from genstudio.ui.playground.page import Page
from genstudio.ui.views.chart import value_text
from genstudio.ui.views.pictures import PicturesView
from genstudio.ui.widgets import button, plain_label

_EMPTY = "Choose a run of a CycleGAN to turn pictures of one set into those of the other and back."
_HELD, _WIDEST = 36, 360
_TITLES = ("Original", "Translated", "And back", "Cycle error, twice as strong")


class TranslatePage(Page):
    """Four grids of the same pictures: as they were, translated, what came back, and where that differs."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine, "translate_pictures_page", "Translate pictures")
        self.found: PicturesThereAndBack | None = None
        self._path = ""
        self._shown_by: ModelRef | None = None
        self.open = button("Open a picture…", "translate_open", "open", "Translate a picture of your own", self._choose)
        self.held = button("Held-out pictures", "translate_held", "refresh", "Translate pictures that were held out of the "
            "training", self._show_held)
        self.way = choice("translate_way", "Which way", "A → B → A", "B → A → B")
        self.way.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.way.setMaximumWidth(_WIDEST)  # names of folders can be long
        self.words = plain_label(_EMPTY, role="quiet", wrap=True, name="translate_words")
        names = ("original", "made", "back", "error")
        self.views = tuple(
            PicturesView(title, f"translate_{name}", dated=False) for title, name in zip(_TITLES, names, strict=True)
        )
        grid = QWidget()
        upper, lower = hbox(*((view, 1) for view in self.views[:2])), hbox(*((view, 1) for view in self.views[2:]))
        vbox((upper, 1), (lower, 1), into=grid, spacing=8)
        vbox(hbox(self.open, self.held, self.way, None), self.words, (grid, 1), into=self, margins=(0, 8, 0, 0), spacing=4)
        for view in self.views:
            view.empty = "Nothing here yet"
            view.failed.connect(self.failed)
        self.way.currentIndexChanged.connect(lambda _: self._again())
        self.busy_changed()

    def set_run(self, path: str, live: bool) -> None:
        """The run whose model is used, and whether it trains now."""
        self.look_at(ModelRef(path, "live" if live else "last") if path else None, ())

    def look_at(self, model: ModelRef | None, prompt: Prompt) -> None:
        if model is None or self._model is None or model.run != self._model.run:
            self.cancel("translate")
            self.found, self._shown_by, self._path = None, None, ""
            self.words.setText(_EMPTY)
            self._name_ways(("A", "B"))
            for view, title in zip(self.views, _TITLES, strict=True):
                view.title = title
                view.clear()
        super().look_at(model, prompt)
        self.busy_changed()

    def look(self, model: ModelRef, prompt: Prompt) -> None:
        """What is shown, by other weights than before. Those of a running training move on; a person asks for them again."""
        if self._shown_by != model:
            self._again()

    def show_file(self, path: str) -> None:
        """Translate the picture in this file."""
        self._path = path
        self._again()

    def busy_changed(self) -> None:
        for each in (self.open, self.held):
            each.setEnabled(self._model is not None)

    def _show_held(self) -> None:
        self._path = ""
        self._again()

    def _again(self) -> None:
        """The same picture the way that is chosen, by the weights as they are now; without one, held-out pictures."""
        model = self._model
        if model is None:
            return
        self._shown_by = model
        if self._path:
            self.ask("translate", TranslatePicture(model, self._path, self._towards), on_result=self._show)
        else:
            self.ask("translate", TranslateHeldOut(model, self._towards, _HELD), on_result=self._show)

    @property
    def _towards(self) -> str:
        return "BA"[self.way.currentIndex()]

    def _show(self, found: PicturesThereAndBack) -> None:
        self.found = found
        there, here = found.sides[found.towards], found.sides[1 - found.towards]
        lost = np.minimum(np.abs(found.back.astype(np.int16) - found.originals) * 2, 255).astype(np.uint8)
        titles = (f"Original: {here}", f"As {there}", f"Back as {here}", _TITLES[3])
        for view, title, pixels in zip(self.views, titles, (found.originals, found.made, found.back, lost), strict=True):
            view.title = title
            view.show_snapshot(Pictures("own", found.step, pixels.copy()))
        self._name_ways(found.sides)
        numbers = [f"Cycle error {value_text(float(found.errors.mean()))}"]
        if found.partners is not None:
            off = np.abs(found.made.astype(np.float32) - found.partners).mean() / 255
            numbers.append(f"error to the true partner {value_text(float(off))}")
        mean = ", means over the pictures" if len(found.originals) > 1 else ""
        self.words.setText(
            f"{', '.join(numbers)}{mean} (0: identical, 1: black against white). Weights of step {found.step:,}."
        )

    def _name_ways(self, sides: tuple[str, str]) -> None:
        """Both ways by the names of the sets."""
        for index, (here, there) in enumerate((sides, sides[::-1])):
            self.way.setItemText(index, f"{here} → {there} → {here}")

    def _choose(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Open a picture", "", PICTURE_FILES)
        if path:
            self.show_file(path)
