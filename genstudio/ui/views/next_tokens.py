"""What the model would say next: the likeliest tokens before and after the sampler."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QPainter, QPen

from genstudio.events import Array
from genstudio.sampling.choose import SamplingOptions, distribution, entropy, softmax
from genstudio.snapshots.text import NextTokens
from genstudio.ui import theme
from genstudio.ui.views.pointed import PointedFigure, moved
from genstudio.ui.views.view import Lines, SnapshotFigure, token_text

_ROW = 20.0


class NextTokensView(SnapshotFigure[NextTokens], PointedFigure[int]):
    """Bars of the next tokens as they will be drawn, with a thin outline of what the model itself gave them.

    Ordered by the model's own opinion, so that the rows stay where they are while the sampler's sliders move.
    `chosen(id)` when a row is clicked, or chosen with the arrow keys and Enter.
    """

    chosen = Signal(int)

    def __init__(self) -> None:
        super().__init__("Next token")
        self.setObjectName("next_tokens")
        self.options = SamplingOptions()
        self.before: Array = np.empty(0)
        self.after: Array = np.empty(0)
        self._order: Array = np.empty(0, np.int64)
        self._stale = False
        self._top = 0.0

    def prepare(self, _snapshot: NextTokens) -> None:
        self._stale = True
        self.before = np.empty(0)

    def clear(self) -> None:
        """Forget what was shown."""
        self.snapshot = self.hover = None
        self.redraw()

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

    def shown(self) -> Array:
        """Ids of the tokens that have a bar, the likeliest first."""
        self._work_out()
        return (
            self._order[: max(0, int((self.height() - 8 - self._top) / _ROW))] if len(self.after) else self._order[:0]
        )

    def tail(self) -> tuple[float, float]:
        """The probability of all tokens that have no bar, before and after the sampler."""
        ids = self.shown()
        before, after = float(self.before[ids].sum()), float(self.after[ids].sum())
        return max(0.0, 1.0 - before), max(0.0, 1.0 - after)

    def table(self) -> tuple[Sequence[str], Iterable[Sequence[Any]]]:
        self._work_out()
        if self.snapshot is None:
            return (), ()
        pieces, before, after = self.snapshot.pieces, self.before, self.after
        rows = ((int(i), pieces[i], float(before[i]), float(after[i])) for i in np.argsort(-before))
        return ("id", "token", "before the sampler", "after the sampler"), rows

    def paint_figure(self, painter: QPainter, area: QRectF) -> None:
        look = theme.current()
        self._work_out()
        painter.setFont(theme.font(theme.NORMAL, bold=True))
        metrics = painter.fontMetrics()
        baseline = area.top() + 8 + metrics.ascent()
        painter.setPen(look.color("text"))
        painter.drawText(QPointF(area.left() + 12, baseline), self.title)
        if not len(self.after):
            painter.setFont(theme.font(theme.SMALL))
            painter.setPen(look.color("quiet"))
            words = (
                "Appears when a model reads the prompt"
                if self.snapshot is None
                else "The model's numbers are not finite"
            )
            painter.drawText(area, Qt.AlignmentFlag.AlignCenter, words)
            return
        painter.setFont(theme.font(theme.SMALL, tabular=True))
        painter.setPen(look.color("quiet"))
        self._top = baseline + 46
        for line, words in enumerate(self.summary()):
            painter.drawText(QPointF(area.left() + 12, baseline + 18 * (line + 1)), words)
        self._paint_rows(painter, area)

    def summary(self) -> tuple[str, str]:
        """What is said over the bars."""
        kept = self.before[self.before > 0]
        own = float(-(kept * np.log2(kept)).sum()) + 0.0
        before, after = self.tail()
        return (
            f"{self.survivors():,} of {len(self.after):,} tokens possible  ·  "
            f"entropy {own:.2f} bits, {self.entropy():.2f} after the sampler",
            f"outline: model, bar: after sampling settings  ·  other tokens: {before:.1%}, {after:.1%}",
        )

    def paint_hover(self, painter: QPainter) -> None:
        if self.hover is not None and self.hover < len(self.shown()):
            row = QRectF(6, self._top + self.hover * _ROW, self.width() - 12, _ROW)
            painter.fillRect(row, theme.current().color("accent", 0.14))
            super().paint_hover(painter)

    def mark_at(self, point: QPointF) -> int | None:
        row = int((point.y() - self._top) // _ROW)
        return row if 0 <= row < len(self.shown()) else None

    def beside(self, mark: int | None, right: int, down: int) -> int | None:
        count = len(self.shown())
        return None if not count else 0 if mark is None else moved(mark, down, count)

    def card(self, mark: int) -> tuple[QPointF, Lines, str]:
        assert self.snapshot is not None
        token = int(self._order[mark])
        lines = [
            (None, "the model gives it", f"{self.before[token]:.4f}"),
            (None, "after the sampler", f"{self.after[token]:.4f}" if self.after[token] > 0 else "cut"),
            (None, "rank", f"{mark + 1}"),
        ]
        at = QPointF(0.4 * self.width(), self._top + (mark + 0.5) * _ROW)
        return at, lines, f"'{token_text(self.snapshot.pieces[token])}'  id {token}"

    def take(self, mark: int) -> None:
        if mark < len(self.shown()):
            self.chosen.emit(int(self._order[mark]))

    def _paint_rows(self, painter: QPainter, area: QRectF) -> None:
        if self.snapshot is None:
            return
        look = theme.current()
        shown = self._order[: max(0, int((area.bottom() - 8 - self._top) / _ROW))]
        if not len(shown):
            return
        painter.setFont(theme.mono())
        mono = painter.fontMetrics()
        words = [mono.elidedText(token_text(self.snapshot.pieces[i]), Qt.TextElideMode.ElideRight, 96) for i in shown]
        left = area.left() + 20 + max(mono.horizontalAdvance(word) for word in words)
        right = area.right() - 60
        largest = max(float(self.before[shown].max()), float(self.after[shown].max()), 1e-12)
        figures = theme.font(theme.SMALL, tabular=True)
        for row, (token, word) in enumerate(zip(shown.tolist(), words, strict=True)):
            y, kept = self._top + row * _ROW, self.after[token] > 0
            painter.setFont(theme.mono())
            painter.setPen(look.color("text" if kept else "disabled"))
            painter.drawText(
                QPointF(left - 8 - mono.horizontalAdvance(word), y + _ROW / 2 + mono.ascent() / 2 - 1), word
            )
            room = right - left
            if kept:
                bar = QRectF(left, y + 4, max(1.0, room * float(self.after[token]) / largest), _ROW - 8)
                painter.fillRect(bar, look.color("accent"))
            outline = QRectF(left, round(y) + 3.5, max(1.0, room * float(self.before[token]) / largest), _ROW - 7)
            painter.setPen(QPen(look.color("text" if kept else "disabled", 0.7), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(outline)
            painter.setFont(figures)
            painter.setPen(look.color("text" if kept else "disabled"))
            words_right = f"{100 * self.after[token]:.1f} %" if kept else "cut"
            box = QRectF(right, y, area.right() - right - 8, _ROW)
            painter.drawText(box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, words_right)

    def _work_out(self) -> None:
        if not self._stale or self.snapshot is None:
            if self.snapshot is None:
                self.before = self.after = np.empty(0)
            return
        self._stale = False
        try:
            self.after = distribution(self.snapshot.logits, self.options, self.snapshot.seen)
        except ValueError:
            self.before = self.after = np.empty(0)
            return
        if not len(self.before):
            self.before = softmax(self.snapshot.logits)
            most = min(len(self.before), 200)
            top = np.argpartition(-self.before, most - 1)[:most]
            self._order = top[np.lexsort((top, -self.before[top]))]
        words = (f"{token_text(self.snapshot.pieces[i])} {self.after[i]:.0%}" for i in self._order[:5])
        self.setAccessibleDescription(", ".join(words))
