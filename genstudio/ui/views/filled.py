"""Gaps in a text and what fits into them, as a table of words while a model trains, and as bars for one gap."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QFontMetricsF, QPainter

from genstudio.snapshots.filled import Filled, Gap
from genstudio.ui import theme
from genstudio.ui.views.bars import Bar, BarChart
from genstudio.ui.views.view import SnapshotFigure, Table, paint_empty, paint_title, token_text, write_quietly

_TOP, _EDGE, _LINE, _PAD, _CHOICES = 40.0, 12.0, 26.0, 4.0, 5


class GapBars(BarChart):
    """The most probable tokens of one gap. `chosen(id)` when a row is clicked, or chosen with the arrow keys and Enter."""

    chosen = Signal(int)
    empty = "There is no gap in the text yet"

    def __init__(self) -> None:
        super().__init__("Candidates", "gap_bars")
        self._ids: tuple[int, ...] = ()

    def show_gap(self, shown: Filled | None, index: int) -> None:
        """Show the gap of this number; nothing where there is none."""
        self.hover = None
        if shown is None or not 0 <= index < len(shown.gaps):
            self.bars, self._ids, self.note = (), (), ""
        else:
            gap = shown.gaps[index]
            pairs = zip(gap.pieces, gap.probabilities.tolist(), strict=True)
            self.bars = tuple(Bar(token_text(piece), ((share, theme.BLUE, f"{share:.1%}"),)) for piece, share in pairs)
            self._ids, self.note = tuple(gap.ids.tolist()), f"gap {index + 1} of {len(shown.gaps)}"
        self.setAccessibleDescription(", ".join(f"{bar.name} {bar.parts[0][2]}" for bar in self.bars[:5]))
        self.redraw()

    def table(self) -> Table:
        rows = zip(self._ids, self.bars, strict=True)
        return ("id", "token", "probability"), ((index, bar.name, bar.parts[0][0]) for index, bar in rows)

    def take(self, mark: int) -> None:
        if mark < len(self._ids):
            self.chosen.emit(self._ids[mark])


class FilledView(SnapshotFigure[Filled]):
    """The text with its gaps filled in, darker the surer the model is, and under it the choices for each gap."""

    def __init__(self, title: str = "Gaps", name: str = "filled") -> None:
        super().__init__(title, name)

    def prepare(self, snapshot: Filled) -> None:
        self.setAccessibleDescription("; ".join(
            f"gap {number}: " + ", ".join(f"{token_text(p)} {c:.0%}" for p, c in list(_choices(gap))[:3])
            for number, gap in enumerate(snapshot.gaps, 1)
        ))  # fmt: skip

    def table(self) -> Table:
        gaps = () if self.snapshot is None else self.snapshot.gaps
        rows = ((n, piece, share) for n, gap in enumerate(gaps, 1) for piece, share in _choices(gap))
        return ("gap", "token", "probability"), rows

    def paint_figure(self, painter: QPainter, area: QRectF) -> None:
        shown = self.snapshot
        paint_title(painter, self.title, "" if shown is None else f"step {shown.step:,}", area)
        if shown is None:
            paint_empty(painter, area, "Waiting for the first evaluation")
            return
        y = self._paint_text(painter, shown, area)
        if not shown.gaps:
            paint_empty(painter, area, "Write [MASK] in the text above")
        for number, gap in enumerate(shown.gaps, 1):
            if y + _LINE > area.bottom():
                return
            write_quietly(painter)
            painter.drawText(QRectF(_EDGE, y, 44, _LINE), Qt.AlignmentFlag.AlignVCenter, f"gap {number}")
            x = area.left() + _EDGE + 48
            for piece, share in _choices(gap):
                x = self._paint_choice(painter, piece, share, x, y, area.right() - _EDGE)
            y += _LINE

    def _paint_text(self, painter: QPainter, shown: Filled, area: QRectF) -> float:
        """Returns where the text ends."""
        metrics, best = QFontMetricsF(theme.mono()), {gap.position: gap for gap in shown.gaps}
        x, y = area.left() + _EDGE, area.top() + _TOP
        for place, piece in enumerate(shown.best):
            if place == 0:
                continue  # [CLS]
            text = token_text(piece)
            width = metrics.horizontalAdvance(text) + 2 * (_PAD if place in best else 1)
            if x + width > area.right() - _EDGE:
                x, y = area.left() + _EDGE, y + _LINE
            if place in best:
                sure = float(best[place].probabilities[0])
                tint = theme.current().color(theme.visible(theme.BLUE), 0.15 + 0.6 * sure)
                painter.fillRect(QRectF(x, y + 2, width, _LINE - 5), tint)
            painter.setFont(theme.mono())
            painter.setPen(theme.current().color("text"))
            painter.drawText(QRectF(x, y, width, _LINE), Qt.AlignmentFlag.AlignCenter, text)
            x += width
        return y + _LINE + 10

    def _paint_choice(self, painter: QPainter, piece: str, share: float, x: float, y: float, right: float) -> float:
        """Returns where the next one begins."""
        words = f"{token_text(piece)} {share:.0%}"
        painter.setFont(theme.mono())
        width = QFontMetricsF(painter.font()).horizontalAdvance(words) + 2 * _PAD
        if x + width > right:
            return right
        painter.fillRect(QRectF(x, y + 2, width, _LINE - 5), theme.current().color(theme.visible(theme.BLUE), 0.08 + 0.6 * share))
        painter.setPen(theme.current().color("text"))
        painter.drawText(QRectF(x, y, width, _LINE), Qt.AlignmentFlag.AlignCenter, words)
        return x + width + 4


def _choices(gap: Gap) -> list[tuple[str, float]]:
    return list(zip(gap.pieces[:_CHOICES], gap.probabilities[:_CHOICES].tolist(), strict=True))
