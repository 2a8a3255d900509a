"""What the model would say next: the most probable tokens before and after the sampler."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Signal
from PySide6.QtGui import QPainter

from genstudio.events import Array
from genstudio.sampling.choose import SamplingOptions, distribution, entropy, softmax
from genstudio.snapshots.text import NextTokens
from genstudio.ui import theme
from genstudio.ui.views.bars import Bar, BarChart
from genstudio.ui.views.view import NO_TEXT, Lines, SnapshotFigure, Table, most_probable, token_text


class NextTokensView(SnapshotFigure[NextTokens], BarChart):
    """Bars of the next tokens as they will be drawn, with a thin outline of what the model itself gave them.

    Ordered by the model's own opinion, so that the rows stay where they are while the sampler's sliders move.
    `chosen(id)` when a row is clicked, or chosen with the arrow keys and Enter.
    """

    chosen = Signal(int)
    top = 68.0
    waiting = NO_TEXT

    def __init__(self) -> None:
        super().__init__("Next token", "next_tokens")
        self.options = SamplingOptions()
        self.before: Array = np.empty(0)
        self.after: Array = np.empty(0)
        self._order: Array = np.empty(0, np.int64)
        self._stale = False

    def prepare(self, _snapshot: NextTokens) -> None:
        self._stale = True
        self.before = np.empty(0)

    def set_options(self, options: SamplingOptions) -> None:
        """Show at once what the sampler would do with these options; impossible ones change nothing."""
        if options != self.options and not any(options.problems()):
            self.options = options
            self._stale = True
            self._redraw()

    def entropy(self) -> float:
        """Entropy of the distribution after the sampler, in bits."""
        self._work_out()
        return float(entropy(self.after))

    def survivors(self) -> int:
        """How many tokens the sampler leaves possible."""
        self._work_out()
        return int(np.count_nonzero(self.after))

    def fitting(self) -> int:
        self._work_out()
        return super().fitting()

    def shown(self) -> Array:
        """Ids of the tokens that have a bar, the most probable first."""
        return self._order[: self.fitting()]

    def row(self, index: int) -> QRectF:
        self.rows = (42.0, 42.0) if self.snapshot is not None and self.snapshot.parts is not None else (20.0, 20.0)
        return super().row(index)

    def tail(self) -> tuple[float, float]:
        """The probability of all tokens that have no bar, before and after the sampler."""
        ids = self.shown()
        before, after = float(self.before[ids].sum()), float(self.after[ids].sum())
        return max(0.0, 1.0 - before), max(0.0, 1.0 - after)

    def table(self) -> Table:
        self._work_out()
        if self.snapshot is None:
            return (), ()
        pieces, before, after = self.snapshot.pieces, self.before, self.after
        rows = ((int(i), pieces[i], float(before[i]), float(after[i])) for i in np.argsort(-before))
        return ("id", "token", "before the sampler", "after the sampler"), rows

    def paint_figure(self, painter: QPainter, area: QRectF) -> None:
        self._work_out()
        self.empty = "The model's output is not finite" if self.snapshot else self.waiting
        super().paint_figure(painter, area)

    def notes(self) -> Sequence[str]:
        kept = self.before[self.before > 0]
        own = float(-(kept * np.log2(kept)).sum()) + 0.0
        before, after = self.tail()
        said = self.snapshot
        if said is not None and said.parts is not None:
            share = said.parts[2]
            second = f"below the bar: network (light blue, share {1 - share:.0%}), counts (green, {share:.0%})"
        else:
            second = f"outline: model, bar: after sampling settings  ·  other tokens: {before:.1%}, {after:.1%}"
        return (
            f"{self.survivors():,} of {len(self.after):,} tokens possible  ·  "
            f"entropy {own:.2f} bits, {self.entropy():.2f} after the sampler",
            second,
        )

    def card(self, mark: int) -> tuple[QPointF, Lines, str]:
        assert self.snapshot is not None
        token = int(self._order[mark])
        lines = [
            (None, "the model gives it", f"{self.before[token]:.4f}"),
            (None, "after the sampler", f"{self.after[token]:.4f}" if self.after[token] > 0 else "cut"),
            (None, "rank", f"{mark + 1}"),
        ]
        if self.snapshot.parts is not None:
            network, counts, share = self.snapshot.parts
            lines += [
                (None, "the network alone", f"{network[token]:.4f}"),
                (None, "the counts alone", f"{counts[token]:.4f}"),
                (None, "of the model's, from counts", f"{share * counts[token] / max(self.before[token], 1e-30):.0%}"),
            ]
        return self.row(mark).center(), lines, f"'{token_text(self.snapshot.pieces[token])}'  id {token}"

    def take(self, mark: int) -> None:
        if mark < self.fitting():
            self.chosen.emit(int(self._order[mark]))

    def _work_out(self) -> None:
        if self.snapshot is None:
            self.before = self.after = np.empty(0)
            self.bars = ()
        if not self._stale or self.snapshot is None:
            return
        self._stale, self.bars = False, ()
        try:
            self.after = distribution(self.snapshot.logits, self.options, self.snapshot.seen)
        except ValueError:
            self.before = self.after = np.empty(0)
            return
        if not len(self.before):
            self.before = softmax(self.snapshot.logits)
            self._order = most_probable(self.before, 200)
        pieces, chances = self.snapshot.pieces, zip(self._order, self.before[self._order], self.after[self._order], strict=True)
        self.bars = tuple(
            Bar(token_text(pieces[i]), ((float(after), "accent", f"{100 * after:.1f}%" if after > 0 else "cut"),
                                        *_parts(self.snapshot, int(i))),
                float(before) if self.snapshot.parts is None else None, faint=not after > 0)
            for i, before, after in chances
        )  # fmt: skip
        words = (f"{bar.name} {bar.parts[0][0]:.0%}" for bar in self.bars[:5])
        self.setAccessibleDescription(", ".join(words))


def _parts(shown: NextTokens, token: int) -> tuple[tuple[float, str, str], ...]:
    """Bars of what the network and the counts alone give to a token, where counts have a part in the model."""
    if shown.parts is None:
        return ()
    values = zip(shown.parts[:2], (theme.SKY, theme.GREEN), strict=True)
    return tuple((float(part[token]), color, f"{100 * part[token]:.1f}%") for part, color in values)
