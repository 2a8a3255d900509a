"""Two sentences, one over the other, and between them lines as strong as the attention of the lower to the upper one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetricsF, QMouseEvent, QPainter, QPainterPath, QPen

from genstudio.events import Array
from genstudio.ui import theme
from genstudio.ui.views.pointed import PointedFigure, moved
from genstudio.ui.views.view import CENTRE, Lines, Table, paint_empty, paint_title, token_text, write_quietly

SOURCE, TARGET = 0, 1
SIDES = ("source", "target")
_TOP, _EDGE, _NAMES, _BOX, _PAD, _GAP = 46.0, 12.0, 58.0, 26.0, 6.0, 5.0
_FAINTEST = 0.04
_SAID = 6
Word = tuple[int, int]
"""A side, SOURCE or TARGET, and the number of a token there."""


class TranslationLinesView(PointedFigure[Word]):
    """The source above, the translation below. The word under the pointer shows its lines alone; a click keeps it so.

    `chosen(side, token)` when a word is kept, (0, -1) when none is any more.
    """

    chosen = Signal(int, int)

    def __init__(self) -> None:
        super().__init__("What each target token attends to", "translation_lines")
        self.source: tuple[str, ...] = ()
        self.target: tuple[str, ...] = ()
        self.weights: Array = np.empty((0, 0))
        self.kept: Word | None = None
        self.note, self.empty = "", "Waiting for a translation"

    def show_weights(self, source: tuple[str, ...], target: tuple[str, ...], weights: Array, note: str = "") -> None:
        """Show these sentences and weights (T, S), row = target token; of no size where there is no attention."""
        if (source, target) != (self.source, self.target):
            self.kept = self.hover = None
        self.source, self.target, self.weights, self.note = source, target, weights, note
        self.setMinimumWidth(round(2 * _EDGE + _NAMES + max(self._width(side) for side in (SOURCE, TARGET))))
        self._say()
        self.redraw()

    def clear(self) -> None:
        self.source, self.target, self.weights, self.kept = (), (), np.empty((0, 0)), None
        super().clear()

    def strengths(self, word: Word) -> Array:
        """The weights between a word and all of the other side: (S,) of a target token, (T,) of a source token."""
        side, place = word
        return np.asarray(self.weights[place] if side == TARGET else self.weights[:, place])

    def describe(self, word: Word) -> str:
        """A word and what it looks at, or what looks at it, the most first."""
        side, place = word
        verb = "looks at" if side == TARGET else "is looked at by"
        others = self.pieces(1 - side)
        strengths = self.strengths(word)
        order = np.argsort(-strengths, kind="stable")[:_SAID]
        said = ", ".join(f"'{token_text(others[i])}' {strengths[i]:.2f}" for i in order.tolist())
        return f"'{token_text(self.pieces(side)[place])}' {verb} {said}"

    def pieces(self, side: int) -> tuple[str, ...]:
        return self.source if side == SOURCE else self.target

    def table(self) -> Table:
        header = ("target", "target token", "source", "source token", "weight")
        weights, source, target = self.weights, self.source, self.target
        rows = ((t, target[t], s, source[s], float(weights[t, s])) for t in range(len(weights)) for s in range(len(source)))
        return header, rows

    def minimumSizeHint(self) -> QSize:
        return QSize(200, 180)

    def boxes(self, side: int) -> list[QRectF]:
        """Where the tokens of a side are."""
        y = _TOP if side == SOURCE else max(self.height() - 16 - _BOX, _TOP + 3 * _BOX)
        y = min(y, _TOP + 320)  # further apart, lines are no easier to follow
        x, found = _EDGE + _NAMES, []
        for wide in self._widths(side):
            found.append(QRectF(x, y, wide, _BOX))
            x += wide + _GAP
        return found

    def paint_figure(self, painter: QPainter, area: QRectF) -> None:
        paint_title(painter, self.title, self.note, area)
        if not self.source:
            paint_empty(painter, area, self.empty)
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        boxes = self.boxes(SOURCE), self.boxes(TARGET)
        alone = self._alone()
        self._paint_lines(painter, *boxes, alone)
        for side, name in enumerate(SIDES):
            write_quietly(painter)
            at = QRectF(_EDGE, boxes[side][0].top(), _NAMES - 6, _BOX) if boxes[side] else QRectF()
            painter.drawText(at, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, name)
            self._paint_words(painter, side, boxes[side], alone)

    def mark_at(self, point: QPointF) -> Word | None:
        for side in (SOURCE, TARGET):
            for place, box in enumerate(self.boxes(side)):
                if box.adjusted(-2, -2, 2, 2).contains(point):
                    return side, place
        return None

    def beside(self, mark: Word | None, right: int, down: int) -> Word | None:
        if not self.source or not self.target:
            return None
        if mark is None:
            return TARGET, 0
        side, place = mark
        if down:
            other = TARGET if down > 0 else SOURCE
            return other, min(place, len(self.pieces(other)) - 1)
        return side, moved(place, right, len(self.pieces(side)))

    def take(self, mark: Word) -> None:
        self.kept = None if self.kept == mark else mark
        self._say()
        self._redraw()
        self.chosen.emit(*(self.kept or (0, -1)))

    def rest_on(self, mark: Word | None) -> None:
        before = self.hover
        super().rest_on(mark)
        if mark != before:
            self._say()
            self._redraw()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        if self.kept is not None and self.hover is None:
            self.take(self.kept)

    def card(self, mark: Word) -> tuple[QPointF, Lines, str]:
        side, place = mark
        box = self.boxes(side)[place]
        at = QPointF(box.right(), box.bottom() + 24 if side == SOURCE else box.top() - 40)
        piece = f"'{token_text(self.pieces(side)[place])}'"
        if not self.weights.size:
            return at, [(None, "this model has no attention", "")], piece
        strengths, others = self.strengths(mark), self.pieces(1 - side)
        order = np.argsort(-strengths, kind="stable")[:_SAID].tolist()
        lines: Lines = [(None, f"'{token_text(others[i])}'  {i + 1}", f"{strengths[i]:.3f}") for i in order]
        return at, lines, f"{piece} looks at" if side == TARGET else f"{piece} is looked at by"

    def _alone(self) -> Word | None:
        return self.hover if self.hover is not None else self.kept

    def _say(self) -> None:
        alone = self._alone()
        if not self.weights.size:
            self.setAccessibleDescription("this model has no attention" if self.source else "")
        elif alone is not None:
            self.setAccessibleDescription(self.describe(alone))
        else:
            self.setAccessibleDescription(f"{len(self.target)} target tokens over {len(self.source)} source tokens")

    def _widths(self, side: int) -> Sequence[float]:
        metrics = QFontMetricsF(theme.mono())
        return [metrics.horizontalAdvance(token_text(piece)) + 2 * _PAD for piece in self.pieces(side)]

    def _width(self, side: int) -> float:
        widths = self._widths(side)
        return sum(widths) + _GAP * max(len(widths) - 1, 0)

    def _paint_lines(self, painter: QPainter, upper: list[QRectF], lower: list[QRectF], alone: Word | None) -> None:
        if not self.weights.size:
            write_quietly(painter)
            room = QRectF(_EDGE, _TOP + _BOX, self.width() - 2 * _EDGE, 2 * _BOX)
            words = "No attention: all that the decoder knows of the source is the encoder's last state."
            painter.drawText(room, CENTRE | Qt.TextFlag.TextWordWrap, words)
            return
        color = theme.visible(theme.BLUE)
        for target, below in enumerate(lower):
            for source, above in enumerate(upper):
                weight = float(self.weights[target, source])
                if weight < _FAINTEST or (alone is not None and alone not in ((TARGET, target), (SOURCE, source))):
                    continue
                strength = min(1.0, weight if alone is None else 0.15 + weight)
                painter.setPen(QPen(theme.current().color(color, strength), 1.0 + 2.5 * weight))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                start, end = QPointF(below.center().x(), below.top() - 1), QPointF(above.center().x(), above.bottom() + 1)
                path, bend = QPainterPath(start), (start.y() - end.y()) * 0.4
                path.cubicTo(start - QPointF(0, bend), end + QPointF(0, bend), end)
                painter.drawPath(path)

    def _paint_words(self, painter: QPainter, side: int, boxes: list[QRectF], alone: Word | None) -> None:
        look = theme.current()
        strengths = self.strengths(alone) if alone is not None and alone[0] != side and self.weights.size else None
        for place, (piece, box) in enumerate(zip(self.pieces(side), boxes, strict=True)):
            painter.setPen(QPen(look.color("accent" if (side, place) == self.kept else "border"), 1.5))
            painter.setBrush(look.color("accent_soft" if (side, place) == alone else "raised"))
            painter.drawRoundedRect(box, 4, 4)
            if strengths is not None and strengths[place] >= _FAINTEST:
                painter.setBrush(look.color(theme.visible(theme.BLUE), 0.1 + 0.5 * min(1.0, float(strengths[place]))))
                painter.drawRoundedRect(box, 4, 4)
            painter.setFont(theme.mono())
            painter.setPen(look.color("text"))
            painter.drawText(box, CENTRE, token_text(piece))
            if strengths is not None and strengths[place] >= _FAINTEST:
                write_quietly(painter)
                over = box.translated(0, -_BOX + 5 if side == SOURCE else _BOX - 5)
                painter.drawText(over.adjusted(-10, 0, 10, 0), CENTRE, f"{float(strengths[place]):.2f}")
