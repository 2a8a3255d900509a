"""A picture whose patches are covered, dropped or moved by hand: where the model looks, and how its answer moves."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QWidget

from genstudio.errors import Failure
from genstudio.events import Array
from genstudio.snapshots.patches import PatchAttention
from genstudio.snapshots.samples import Pictures
from genstudio.tasks.models import ModelRef
from genstudio.tasks.patches import LookAtPatches, LookedAtPatches
from genstudio.tasks.prompt import Prompt
from genstudio.ui import theme
from genstudio.ui.engine import Engine
from genstudio.ui.latent.own import PICTURE_FILES
from genstudio.ui.layouts import Flow, choice, splitter, vbox
from genstudio.ui.playground.page import Page
from genstudio.ui.views.bars import Bar, BarChart
from genstudio.ui.views.chart import percent
from genstudio.ui.views.patches import PatchPage
from genstudio.ui.views.pictures import PicturesView
from genstudio.ui.views.view import Table
from genstudio.ui.widgets import button, plain_label

_COVER, _DROP, _SWAP = range(3)
_HIDDEN = -1


class AnswerBars(BarChart):
    """The probability of each class now, with an outline of what it was for the whole picture."""

    rows = 18.0, 26.0
    empty = "Appears with the first picture"

    def __init__(self) -> None:
        super().__init__("Class", "patch_answer")

    def show_answer(self, found: LookedAtPatches | None) -> None:
        """The most probable classes, now or before, first."""
        self.bars, self.note = (), ""
        if found is not None and found.classes:
            now, before = found.changed.probabilities, found.whole.probabilities
            assert now is not None and before is not None
            order = np.argsort(-np.maximum(now, before), kind="stable").tolist()
            true = found.whole.label
            self.bars = tuple(
                Bar(f"{found.classes[i]}{' ✓' if i == true else ''}",
                    ((float(now[i]), theme.GREEN if i == true else theme.BLUE, percent(float(now[i]))),), float(before[i]))
                for i in order
            )  # fmt: skip
            self.note = "outline: the whole picture"
        self.setAccessibleDescription(", ".join(f"{bar.name} {bar.parts[0][2]}" for bar in self.bars[:10]))
        self.redraw()

    def table(self) -> Table:
        return ("class", "now", "whole picture"), ((bar.name, bar.parts[0][0], bar.outline) for bar in self.bars)


class PatchesPage(Page):
    """One picture with its attention, and beside it the answer; a click on a patch covers, drops or moves it."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine, "page_patches", "Patches")
        self.found: LookedAtPatches | None = None
        self._order: list[int] = []
        self._dropped: set[int] = set()
        self._first = -1
        self._path, self._number, self._run = "", 0, ""
        self._sample: Array | None = None
        self._draws = np.random.default_rng(0)
        self.another = button("Next picture", "patches_next", "refresh", "Another held-out picture", self._next)
        self.open = button("Open a picture…", "patches_open", "open", "A picture of your own", self._choose)
        self.tool = choice("patches_tool", "What a click on a patch does", "Click covers a patch", "Click drops a patch",
                           "Two clicks swap patches")  # fmt: skip
        self.half = button("Cover half", "patches_half", "", "Cover half of the patches, drawn at random", self._cover_half)
        self.shuffle = button("Shuffle", "patches_shuffle", "dice", "Put the patches into a random order", self._shuffle)
        self.reset = button("Reset", "patches_reset", "undo", "The whole picture again", self._reset)
        self.view = PatchPage("Attention", "patches_attention")
        self.bars = AnswerBars()
        self.filled = PicturesView("Filled in", "patches_filled", dated=False)
        self.outcome = plain_label(wrap=True, name="patches_said")
        side = QWidget()
        vbox((self.bars, 1), (self.filled, 1), self.outcome, into=side, spacing=6)
        tools = Flow(self.another, self.open, self.tool, self.half, self.shuffle, self.reset)
        vbox(tools, (splitter("patches_splitter", (self.view, 3), (side, 2), down=False, sizes=(560, 360)), 1), into=self,
             spacing=6)  # fmt: skip
        self.view.view.taken.connect(lambda _, patch: self._take(patch))
        self.tool.currentIndexChanged.connect(lambda _: self._say_first(-1))
        for figure in (self.view.view, self.bars, self.filled):
            figure.failed.connect(self.failed)
        self.bars.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._show_sides()

    def look(self, model: ModelRef, prompt: Prompt) -> None:
        if model.run != self._run:
            self._run, self._sample, self._path, self.found = model.run, None, "", None
            self._forget()
            self._show_sides()
        old, known = self.found, self._sample is not None
        task = LookAtPatches(
            model, self._path, self._number, self._sample, old.whole.label if old is not None and known else -1,
            old.title if old is not None and known else "", tuple(self._order), tuple(sorted(self._dropped)),
        )  # fmt: skip
        self.ask("look", task, on_result=self._show)

    def explained(self, kind: str, failure: Failure) -> bool:
        """A file that is no picture, and a picture without a patch to read, are said here."""
        if failure.expected:
            self.outcome.setText(f"{failure.message} {failure.hint}")
        return failure.expected

    def _show(self, found: LookedAtPatches) -> None:
        self.found, self._sample = found, found.sample
        if not self._order:
            rows, columns = (side // found.patch for side in found.sample.shape[:2])
            self._order = list(range(rows * columns))
        self.view.show_snapshot(PatchAttention("patches", found.step, (found.changed,), found.patch, found.classes))
        self.bars.show_answer(found)
        if found.fills:
            shown = found.sample if found.changed.filled is None else found.changed.filled
            pixels = np.stack([found.sample, shown])
            self.filled.show_snapshot(Pictures("filled", found.step, pixels, np.array([0, 1]), ("original", "filled in")))
        self._show_sides()
        self.outcome.setText(self._said(found))

    def _said(self, found: LookedAtPatches) -> str:
        def named(shares: Array | None) -> str:
            assert shares is not None
            best = int(shares.argmax())
            return f"{found.classes[best]} {percent(float(shares[best]))}"

        words = f"{found.title}, {found.weights}. "
        if found.classes:
            words += f"Whole picture: {named(found.whole.probabilities)}; now: {named(found.changed.probabilities)}."
        elif found.fills and found.changed.filled is not None:
            off = np.abs(found.changed.filled.astype(np.float32) - found.sample).mean() / 255
            words += f"Mean error of the pixels {percent(float(off))}, where black against white is 100%."
        return words

    def _show_sides(self) -> None:
        found = self.found
        self.bars.setVisible(found is None or bool(found.classes))
        self.filled.setVisible(found is not None and found.fills)
        for each in (self.half, self.shuffle, self.reset):
            each.setEnabled(found is not None)
        self.tool.setEnabled(found is not None)

    def _take(self, patch: int) -> None:
        """A click on a patch, or Enter."""
        if self.found is None:
            return
        tool = self.tool.currentIndex()
        if tool == _COVER:
            self._dropped.discard(patch)
            self._order[patch] = self._free(patch) if self._order[patch] == _HIDDEN else _HIDDEN
        elif tool == _DROP:
            self._dropped ^= {patch}
        elif self._first < 0:
            self._say_first(patch)
            return
        else:
            order, first = self._order, self._first
            order[first], order[patch] = order[patch], order[first]
            self._first = -1
        self._look()

    def _free(self, patch: int) -> int:
        """The patch that belongs to a place; where it stands elsewhere, one that stands nowhere."""
        missing = sorted(set(range(len(self._order))) - set(self._order))
        return patch if patch in missing else missing[0]

    def _say_first(self, patch: int) -> None:
        self._first = patch
        if patch >= 0:
            self.outcome.setText("Click the patch that it is swapped with.")

    def _cover_half(self) -> None:
        count = len(self._order)
        self._reset_only()
        for patch in self._draws.permutation(count)[: count // 2].tolist():
            self._order[patch] = _HIDDEN
        self._look()

    def _shuffle(self) -> None:
        count = len(self._order)
        self._reset_only()
        self._order = self._draws.permutation(count).tolist()
        self._look()

    def _reset(self) -> None:
        self._reset_only()
        self._look()

    def _reset_only(self) -> None:
        self._order, self._dropped, self._first = list(range(len(self._order))), set(), -1

    def _forget(self) -> None:
        self._order, self._dropped, self._first = [], set(), -1

    def _next(self) -> None:
        self._number += bool(self.found is not None and not self._path)
        self._path, self._sample = "", None
        self._forget()
        self._look()

    def _choose(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Open a picture", "", PICTURE_FILES)
        if path:
            self.show_file(path)

    def show_file(self, path: str) -> None:
        """Look at the picture in this file."""
        self._path, self._sample = path, None
        self._forget()
        self._look()
