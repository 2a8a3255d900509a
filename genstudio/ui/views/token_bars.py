"""Two distributions of the next token beside each other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QPainter

from genstudio.events import Array
from genstudio.tasks.compare import Paired
from genstudio.ui import theme
from genstudio.ui.views.bars import Bar, BarChart
from genstudio.ui.views.view import Lines, SnapshotFigure, Table, most_probable, token_text

COLORS = (theme.BLUE, theme.ORANGE)


class PairedBars(BarChart):
    """The tokens that are most probable in either of two distributions: the first as an outline, the second filled."""

    def __init__(self, title: str, name: str, first: str = "before", second: str = "after") -> None:
        super().__init__(title, name)
        self.names = first, second
        self.pieces: tuple[str, ...] = ()
        self.before: Array = np.empty(0)
        self.after: Array = np.empty(0)

    def show_pair(self, pieces: tuple[str, ...], before: Array, after: Array, note: str = "") -> None:
        """Probabilities (V,) of every token, whose `pieces` are V."""
        self.pieces, self.before, self.after, self.note, self.hover = pieces, before, after, note, None
        self.bars = tuple(
            Bar(token_text(pieces[i]), ((now, theme.ORANGE, f"{100 * was:.1f} → {100 * now:.1f}%"),), was)
            for i in most_probable(np.maximum(before, after), 50).tolist()
            for was, now in ((float(before[i]), float(after[i])),)
        )
        self.setAccessibleDescription(", ".join(f"{bar.name} {bar.parts[0][2]}" for bar in self.bars[:5]))
        self.redraw()

    def table(self) -> Table:
        pieces, before, after = self.pieces, self.before, self.after
        every = np.argsort(-np.maximum(before, after), kind="stable")
        header = ("id", "token", *self.names)
        return header, ((int(i), pieces[i], float(before[i]), float(after[i])) for i in every)


class TwoBarsView(SnapshotFigure[Paired], BarChart):
    """Two bars for each token, A above B; where a vocabulary lacks the token, that is said in the place of its bar."""

    top, rows = 56.0, (30.0, 30.0)
    empty = "Choose a second model to compare with"

    def __init__(self) -> None:
        super().__init__("Next token", "two_bars")

    def prepare(self, snapshot: Paired) -> None:
        self.hover = None
        self.bars = tuple(
            Bar(token_text(piece), tuple((v, c, _percent(v)) for c, v in zip(COLORS, pair, strict=True)))
            for piece, *pair in zip(snapshot.pieces, snapshot.a.tolist(), snapshot.b.tolist(), strict=True)
        )
        self.setAccessibleDescription(self.summary())

    def summary(self) -> str:
        """The numbers of both distributions, in words."""
        if self.snapshot is None:
            return ""
        said = self.snapshot
        words = (
            f"entropy A {said.entropy_a:.2f}, B {said.entropy_b:.2f} bits  ·  Jensen-Shannon {said.divergence:.3f} bits"
        )
        return words if said.shared else f"{words}  ·  different tokens: compared by their text"

    def notes(self) -> Sequence[str]:
        return (self.summary(),)

    def table(self) -> Table:
        if self.snapshot is None:
            return (), ()
        said = self.snapshot
        return ("token", "A", "B", "B - A"), zip(
            said.pieces, said.a.tolist(), said.b.tolist(), (said.b - said.a).tolist(), strict=True
        )

    def paint_figure(self, painter: QPainter, area: QRectF) -> None:
        super().paint_figure(painter, area)
        self._paint_legend(painter, area)

    def card(self, mark: int) -> tuple[QPointF, Lines, str]:
        assert self.snapshot is not None
        values = float(self.snapshot.a[mark]), float(self.snapshot.b[mark])
        lines: list[tuple[QColor | None, str, str]] = [
            (QColor(theme.visible(color)), name, "no such token" if np.isnan(value) else f"{value:.5f}")
            for color, name, value in zip(COLORS, "AB", values, strict=True)
        ]
        if not np.isnan(values).any():
            lines.append((None, "B - A", f"{values[1] - values[0]:+.5f}"))
        return self.row(mark).center(), lines, f"'{token_text(self.snapshot.pieces[mark])}'"

    def _paint_legend(self, painter: QPainter, area: QRectF) -> None:
        painter.setFont(theme.font(theme.SMALL))
        x = area.right() - 40
        for color, name in ((COLORS[1], "B"), (COLORS[0], "A")):
            x -= painter.fontMetrics().horizontalAdvance(name)
            painter.setPen(theme.current().color("quiet"))
            painter.drawText(QPointF(x, 21), name)
            painter.fillRect(QRectF(x - 16, 11, 10, 10), QColor(theme.visible(color)))
            x -= 28


def _percent(value: float) -> str:
    return "not in its vocabulary" if np.isnan(value) else f"{100 * value:.2f}%"
