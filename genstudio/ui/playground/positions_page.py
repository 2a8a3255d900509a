"""How a model tells positions apart: the code as a picture, and how like each other positions are."""

from __future__ import annotations

from genstudio.snapshots.layers import PositionCode
from genstudio.tasks.embedding import LookAtPositions
from genstudio.tasks.models import ModelRef
from genstudio.tasks.prompt import Prompt
from genstudio.ui.engine import Engine
from genstudio.ui.layouts import Choice, named, splitter, vbox
from genstudio.ui.playground.page import Page
from genstudio.ui.views.distance import DistanceView
from genstudio.ui.views.heat import Matrix, MatrixView
from genstudio.ui.widgets import plain_label

_SAYS = {
    "learned": "This model learned one vector for each of its {context:,} positions and adds it to the token's vector. "
    "Similar positions have a cosine near 1; before training they have no order.",
    "sinusoidal": "Sines and cosines of growing wavelength, 2π to 2π · {base:,.6g}, are added to the token's vector "
    "(Vaswani et al. 2017). The similarity of two positions depends only on their distance.",
    "rotary": "Rotary positions: instead of adding a vector, every layer rotates each pair of query and key values by "
    "an angle that grows with the position, with wavelengths from 2π to 2π · {base:,.6g} (Su et al. 2021). The "
    "picture shows the cosine of the angle. An attention score depends only on the distance; slow pairs separate "
    "distant tokens, fast pairs nearby ones.",
    "none": "This model has no position code. Without a look-ahead mask it would see a bag of tokens; with one, it can only "
    "count how many tokens it may attend to.",
}


class PositionsPage(Page):
    """The code of the first positions, or the similarity of each two; below, the similarity by distance."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine, "page_positions", "Positions")
        self.words = plain_label(name="positions_words", wrap=True)
        self.shown = named(Choice(), "positions_shown", "What the picture shows")
        self.shown.addItems(["Position encoding", "Similarity of positions"])
        self.picture = MatrixView("Position encoding", "positions_picture")
        self.distance = DistanceView()
        self.picture.empty = "This model has no position encoding"
        split = splitter("positions_splitter", self.picture, self.distance, sizes=(340, 220))
        vbox(self.words, self.shown, (split, 1), into=self)
        self._code: PositionCode | None = None
        for figure in (self.picture, self.distance):
            figure.failed.connect(self.failed)
        self.shown.currentIndexChanged.connect(lambda _: self._fill())

    def look(self, model: ModelRef, prompt: Prompt) -> None:
        self.ask("positions", LookAtPositions(model), on_result=self._show)

    def _show(self, code: PositionCode) -> None:
        self._code = code
        self.words.setText(_SAYS[code.kind].format(context=code.context, base=code.base))
        self.distance.show_snapshot(code)
        self._fill()

    def _fill(self) -> None:
        code = self._code
        if code is None:
            return
        pairs = self.shown.currentIndex() == 1
        values = code.similarity if pairs else code.table
        self.shown.setEnabled(bool(values.size))
        base = f"   base {code.base:,.6g}" if code.base else ""
        some = f"the first {len(values):,} of {code.context:,} positions" if len(values) < code.context else (
            f"{len(values):,} positions"
        )
        across = "" if pairs else f" × {values.shape[1]:,}"
        title = "Similarity" if pairs else {"rotary": "Cosines of the angles"}.get(code.kind, "Position encoding")
        note = f"{some}{across}{base}   step {code.step:,}" if values.size else ""
        self.picture.show_matrix(Matrix(values) if values.size else None, title, note)
