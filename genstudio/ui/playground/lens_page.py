"""What each layer would say: the logit lens."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, QSize, Qt
from PySide6.QtWidgets import QScrollBar, QVBoxLayout

from genstudio.snapshots.attention import Lens
from genstudio.tasks.lens import LookThroughLens
from genstudio.tasks.models import ModelRef
from genstudio.tasks.prompt import Prompt
from genstudio.ui.engine import Engine
from genstudio.ui.layouts import named
from genstudio.ui.playground.page import Page
from genstudio.ui.views.bars import NamedBars
from genstudio.ui.views.chart import percent
from genstudio.ui.views.lens import LensView, name, where
from genstudio.ui.views.view import token_text
from genstudio.ui.widgets import plain_label

_ENCODER = (
    "What the decoder would write if the encoder ended after each layer: it reads the final norm of the vectors there "
    "(DecoderLens, Langedijk et al. 2024). It was never trained to read early layers."
)
_SAID = (
    "The final norm and output layer applied after each layer (nostalgebraist 2020): the prediction if the model "
    "stopped there. Early layers were never trained to be read this way."
)


class LensPage(Page):
    """The grid, and the ten most probable tokens of the chosen cell."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine, "page_lens", "Logit lens")
        self.view = LensView()
        self.top = NamedBars("Top predictions here", "lens_top")
        self.summary = plain_label(wrap=True, name="lens_said")
        self._looked_at: tuple[ModelRef, Prompt] | None = None
        self.caveat = plain_label(_SAID, role="quiet", wrap=True, name="lens_caveat")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        self.bar = named(QScrollBar(Qt.Orientation.Horizontal), "lens_bar", "Which tokens of the text are visible")
        layout.addWidget(self.view, 5)
        layout.addWidget(self.bar)
        layout.addWidget(self.summary)
        layout.addWidget(self.top, 4)
        layout.addWidget(self.caveat)
        for view in (self.view, self.top):
            view.failed.connect(self.failed)
        self.view.cell_chosen.connect(self._chosen)
        self.view.moved.connect(self._moved)
        self.view.wanted.connect(self._ask_part)
        self.bar.valueChanged.connect(self.view.move_to)

    def sizeHint(self) -> QSize:
        return QSize(480, 560)

    def look(self, model: ModelRef, prompt: Prompt) -> None:
        self._looked_at = model, prompt
        self.ask("lens", LookThroughLens(model, prompt), on_result=self._show)

    def _ask_part(self, end: int) -> None:
        found = self.view.snapshot
        if self._looked_at is not None and found is not None:
            self.ask("part", LookThroughLens(*self._looked_at, end=end, looked=found.looked), on_result=self._show)

    def _show(self, found: Lens) -> None:
        self.caveat.setText(_ENCODER if found.of_encoder else _SAID)
        self.view.show_snapshot(found)
        self._chosen(self.view.level, self.view.place)

    def _moved(self) -> None:
        fitting, positions = self.view.fitting(), self.view.shape[1]
        with QSignalBlocker(self.bar):
            self.bar.setRange(0, max(0, positions - fitting))
            self.bar.setPageStep(fitting)
            self.bar.setValue(self.view.first)
            self.bar.setVisible(positions > fitting)

    def _chosen(self, depth: int, place: int) -> None:
        found, cell = self.view.snapshot, self.view.at(depth, place)
        if found is None or cell is None:
            self.top.show_bars((), "")
            self.summary.setText("" if found is None else "Loading this part of the text.")
            return
        bars = ((token_text(word), chance) for word, chance in cell.likely)
        self.top.show_bars(bars, f"{name(depth)}, {where(found)} '{token_text(found.tokens[place])}'")
        if not cell.rank:
            none = "This is a gap" if found.here else "This is the last token"
            self.summary.setText(f"{none}, so there is nothing to compare with.")
            return
        depths = [self.view.at(level, place) for level in range(self.view.shape[0])]
        ranks = " ".join(f"{each.rank:,}" for each in depths if each is not None)
        fact = f"'{token_text(found.tokens[place if found.here else place + 1])}' actually "
        fact += "stands here, and the model can see it" if found.here else "follows"
        self.summary.setText(
            f"{fact}: rank {cell.rank:,} here, probability "
            f"{percent(cell.chance)}. Its rank at the {len(depths)} depths: {ranks}"
        )
