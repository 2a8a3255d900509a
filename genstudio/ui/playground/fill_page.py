"""Fill the gap: what a masked language model puts into each gap of the text, and what it looks at for that."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox

from genstudio.events import Array
from genstudio.snapshots.attention import HeadMap
from genstudio.snapshots.filled import Filled
from genstudio.tasks.fill import Fill, ReplaceTokens
from genstudio.tasks.inside import LookAtMap, Which
from genstudio.tasks.models import ModelRef
from genstudio.tasks.prompt import Prompt
from genstudio.ui.engine import Engine
from genstudio.ui.layouts import Choice, hbox, named, vbox
from genstudio.ui.playground.page import Page
from genstudio.ui.views.filled import GapBars
from genstudio.ui.views.token_strip import TokenStrip
from genstudio.ui.views.view import token_text
from genstudio.ui.widgets import ElidedLabel, button, plain_label

_SAID = (
    "Write [MASK] in the text, or double-click a token here to mask it. Click a bar to put that token into the gap. The colour "
    "of a token is how much attention the gap pays to it, on both sides."
)


class FillPage(Page):
    """The tokens of the text, and the most probable ones for the chosen gap. `text_wanted(str)`: the document with a token
    masked, or put in."""

    text_wanted = Signal(str)

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine, "page_fill", "Fill the gap")
        self.note = named(ElidedLabel(), "fill_note", "Model and weights used")
        self.strip = TokenStrip("Tokens", "fill_tokens", "attention")
        self.strip.setMinimumHeight(112)
        self.bars = GapBars()
        self.gap, self.how = named(Choice(), "fill_gap", "Gap"), named(Choice(), "fill_attention", "Attention")
        self.how.addItems(["mean", "rollout"])
        for box in (self.gap, self.how):
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.mask_token = button("Mask", "fill_mask", does=self._mask_current, says="Mask the chosen token")
        self.best = button("Fill all", "fill_best", does=self._fill_all, says="Put the most probable token into every gap")
        self._looked: tuple[ModelRef, Prompt] | None = None
        self._found: Filled | None = None
        vbox(
            plain_label(_SAID, role="quiet", wrap=True), self.note, (self.strip, 2),
            hbox(plain_label("Gap"), self.gap, plain_label("Attention"), self.how, None, self.mask_token, self.best),
            (self.bars, 3), into=self, spacing=6,
        )  # fmt: skip
        self.strip.picked.connect(self._picked)
        self.strip.twice.connect(self._mask)
        self.bars.chosen.connect(self._put)
        self.gap.activated.connect(lambda _: self._show_gap())
        self.how.activated.connect(lambda _: self._ask_attention())
        for view in (self.strip, self.bars):
            view.failed.connect(self.failed)

    def look(self, model: ModelRef, prompt: Prompt) -> None:
        self.ask("fill", Fill(model, prompt), on_result=lambda found: self._show(model, prompt, found))

    def position(self) -> int | None:
        """The position of the gap that is chosen; None where there is none."""
        index = self.gap.currentIndex()
        return self._found.gaps[index].position if self._found is not None and 0 <= index < len(self._found.gaps) else None

    def _show(self, model: ModelRef, prompt: Prompt, found: Filled) -> None:
        self._looked, self._found = (model, prompt), found
        chosen = max(self.gap.currentIndex(), 0)
        self.gap.clear()
        self.gap.addItems([f"{number}: {token_text(gap.pieces[0])}" for number, gap in enumerate(found.gaps, 1)])
        self.gap.setCurrentIndex(min(chosen, len(found.gaps) - 1))
        count = len(found.gaps)
        self.note.setText(f"{found.weights}  ·  {len(found.tokens):,} tokens, {count:,} gap{'s' * (count != 1)}")
        self.gap.setEnabled(count > 1)
        self.best.setEnabled(count > 0)
        self.strip.show_tokens(found.tokens)
        self._show_gap()

    def _show_gap(self) -> None:
        place = self.position()
        self.bars.show_gap(self._found, self.gap.currentIndex() if place is not None else -1)
        self.strip.mark(place)
        self._ask_attention()

    def _ask_attention(self) -> None:
        if self._looked is None or self.position() is None:
            return
        model, prompt = self._looked
        which = Which(rollout=self.how.currentIndex() == 1)
        self.ask("attention", LookAtMap(model, prompt, which), on_result=self._show_attention)

    def _show_attention(self, found: HeadMap) -> None:
        place, shown = self.position(), self._found
        if place is None or shown is None or found.patch != 1 or found.weights.shape[1] != len(shown.tokens):
            return
        row: Array = found.weights[place].astype(np.float64)
        words = [f"{share:.1%} of the attention of this gap" for share in row.tolist()]
        self.strip.show_tokens(shown.tokens, row / max(float(row.max()), 1e-9), words, found.title)
        self.strip.mark(place)

    def _picked(self, index: int) -> None:
        if self._found is None:
            return
        places = [gap.position for gap in self._found.gaps]
        if index in places:
            self.gap.setCurrentIndex(places.index(index))
            self._show_gap()

    def _mask_current(self) -> None:
        if self.strip.current is not None:
            self._mask(self.strip.current)

    def _mask(self, index: int) -> None:
        if self._found is not None and index and self._found.ids[index] != self._found.mask:
            self._replace((index, self._found.mask))

    def _put(self, token: int) -> None:
        if (place := self.position()) is not None:
            self._replace((place, token))

    def _fill_all(self) -> None:
        if self._found is not None:
            self._replace(*((gap.position, int(gap.ids[0])) for gap in self._found.gaps))

    def _replace(self, *places: tuple[int, int]) -> None:
        if self._looked is not None and places:
            self.ask("replace", ReplaceTokens(*self._looked, places), on_result=self.text_wanted.emit)
