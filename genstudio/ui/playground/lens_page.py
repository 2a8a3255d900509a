"""What each layer would say: the logit lens."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QVBoxLayout

from genstudio.events import Frame, Lens
from genstudio.tasks.lens import LookThroughLens
from genstudio.tasks.models import ModelRef
from genstudio.tasks.prompt import Prompt
from genstudio.ui.engine import Engine
from genstudio.ui.playground.page import Page
from genstudio.ui.views.lens import LensView, name
from genstudio.ui.views.named_bars import NamedBars
from genstudio.ui.views.view import token_text
from genstudio.ui.widgets import plain_label

_SAID = (
    "The last norm and the output layer applied at every depth (nostalgebraist 2020): what the model would say if it "
    "stopped there. Early layers were never trained to be read that way."
)


class LensPage(Page):
    """The grid, and the ten likeliest tokens of the chosen cell."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine, "page_lens", "Logit lens")
        self.view = LensView()
        self.top = NamedBars("The likeliest here", "lens_top")
        self.summary = plain_label(wrap=True, name="lens_said")
        caveat = plain_label(_SAID, role="quiet", wrap=True, name="lens_caveat")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(self.view, 5)
        layout.addWidget(self.summary)
        layout.addWidget(self.top, 4)
        layout.addWidget(caveat)
        for view in (self.view, self.top):
            view.failed.connect(self.failed)
        self.view.cell_chosen.connect(self._chosen)

    def sizeHint(self) -> QSize:
        return QSize(480, 560)

    def look(self, model: ModelRef, prompt: Prompt) -> None:
        self.ask("lens", LookThroughLens(model, prompt), self._show)

    def _show(self, frame: Frame) -> None:
        for found in frame.snapshots:
            if isinstance(found, Lens):
                self.view.show_snapshot(found)
                self._chosen(self.view.level, self.view.place)

    def _chosen(self, depth: int, place: int) -> None:
        found = self.view.snapshot
        if found is None:
            return
        bars = [
            (token_text(found.names[int(i)]), float(chance))
            for i, chance in zip(found.top[depth, place], found.chances[depth, place], strict=True)
        ]
        self.top.show_bars(bars, f"{name(depth)}, after '{token_text(found.tokens[place])}'")
        rank, count = int(found.rank[depth, place]), len(found.rank)
        if rank:
            ranks = " ".join(f"{int(r):,}" for r in found.rank[:, place])
            follows = token_text(found.tokens[place + 1])
            chance = 100 * float(found.chance[depth, place])
            self.summary.setText(
                f"'{follows}' really follows: rank {rank:,} here, probability {chance:.2g} %. "
                f"Its rank through the {count} depths: {ranks}"
            )
        else:
            self.summary.setText("Nothing follows the last token yet.")
