"""One head of two models over the same text, and what differs."""

from __future__ import annotations

from typing import Any

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QPainter, QPen

from genstudio.events import Array
from genstudio.snapshots.attention import Attention
from genstudio.ui import theme
from genstudio.ui.views.attention import is_causal
from genstudio.ui.views.heat import Matrix, largest, paint_heat
from genstudio.ui.views.pointed import PointedFigure, moved
from genstudio.ui.views.view import Lines, Table, paint_empty, paint_title, token_text, write_quietly

_CAPTION = 20.0


class AttentionPairView(PointedFigure[tuple[int, int, int]]):
    """Three maps: A, B, and B - A with the signed colours where both read the same tokens; and where both have the same
    heads, how much each of them differs on average. Take a head there to see it. `head_chosen(layer, head)` from 0.

    A mark is the number of a map, and a row and a column of it.
    """

    head_chosen = Signal(int, int)

    empty = "Choose a second model to compare with"

    def __init__(self) -> None:
        super().__init__("Attention", "attention_pair")
        self.sides: dict[str, Attention] = {}
        self.layer = self.head = 0
        self._boxes: list[QRectF] = []

    def show_side(self, side: str, snapshot: Attention) -> None:
        """The attention of `a` or `b`."""
        self.sides = {**self.sides, side: snapshot}
        self.choose(self.layer, self.head)

    def clear(self) -> None:
        self.sides, self.hover = {}, None
        self.redraw()

    def shape(self) -> tuple[int, int]:
        """Layers and heads that both have."""
        found = [snapshot.weights.shape[:2] for snapshot in self.sides.values()]
        return (min(s[0] for s in found), min(s[1] for s in found)) if found else (1, 1)

    def choose(self, layer: int, head: int) -> None:
        """Show this layer and head, from 0."""
        layers, heads = self.shape()
        self.layer, self.head = min(max(layer, 0), layers - 1), min(max(head, 0), heads - 1)
        self.hover = None
        self.setAccessibleDescription(f"layer {self.layer + 1}, head {self.head + 1}. {self.note()}")
        self.redraw()

    def comparable(self) -> bool:
        """Whether both read the same tokens."""
        return len(self.sides) == 2 and self.sides["a"].tokens == self.sides["b"].tokens

    def difference(self) -> Array | None:
        """B - A of the head, (T, T) float32; None where the tokens differ."""
        if not self.comparable():
            return None
        return np.asarray(self._weights("b") - self._weights("a"))

    def note(self) -> str:
        """How much the two differ, in words."""
        difference = self.difference()
        if difference is None:
            return "different tokens, so no difference can be shown" if len(self.sides) == 2 else ""
        return f"largest |B - A| {np.abs(difference).max():.3f}"

    def matrices(self) -> list[tuple[str, Matrix]]:
        """What is shown, with its name."""
        shown = []
        for side, snapshot in sorted(self.sides.items()):
            weights = self._weights(side)
            shown.append((side.upper(), _matrix(snapshot, _hidden(weights, weights), "share")))
        difference = self.difference()
        if difference is not None:
            both = _hidden(difference, np.maximum(self._weights("a"), self._weights("b")))
            shown.append(("B - A", _matrix(self.sides["a"], both, "signed")))
        if (heads := self.by_head()) is not None:
            shown.append((_HEADS, Matrix(heads, kind="magnitude")))
        return shown

    def by_head(self) -> Array | None:
        """Mean |B - A| of every head (layers, heads) over what no mask forbids; None where they cannot be compared."""
        if not self.comparable():
            return None
        a, b = self.sides["a"].weights, self.sides["b"].weights
        if a.shape != b.shape:
            return None
        T = a.shape[-1]
        count = T * (T + 1) / 2 if is_causal(a) and is_causal(b) else T * T
        return np.asarray(np.abs(b - a).sum((-2, -1)) / count)

    def table(self) -> Table:
        difference = self.difference()
        if difference is None:
            return (), ()
        tokens, a, b = self.sides["a"].tokens, self._weights("a"), self._weights("b")
        size = range(len(tokens))
        return ("query", "query token", "key", "key token", "A", "B", "B - A"), (
            (i, tokens[i], j, tokens[j], float(a[i, j]), float(b[i, j]), float(difference[i, j]))
            for i in size
            for j in size
        )

    def paint_figure(self, painter: QPainter, area: QRectF) -> None:
        chosen = f"layer {self.layer + 1}, head {self.head + 1}  ·  {self.note()}" if self.sides else ""
        paint_title(painter, self.title, chosen, area)
        shown, look = self.matrices(), theme.current()
        if not shown:
            paint_empty(painter, area, self.empty)
        self._boxes = _places(area.adjusted(12, 34, -12, -10), len(shown))
        for box, (name, matrix) in zip(self._boxes, shown, strict=True):
            write_quietly(painter)
            limit = largest(matrix)
            span = {"signed": f"±{limit:.2g}", "share": "0 to 1", "magnitude": f"0 to {limit:.2g}"}[matrix.kind]
            caption = QRectF(box.left(), box.top() - _CAPTION, box.width() + 60, _CAPTION)
            painter.drawText(caption, _BOTTOM, f"{name}   {span}")
            paint_heat(painter, box, matrix)
            if name == _HEADS:
                painter.setPen(QPen(look.color("accent"), 2))
                painter.drawRect(_cell(box, matrix, self.layer, self.head))

    def paint_hover(self, painter: QPainter) -> None:
        if self.hover is not None:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(theme.current().color("text"), 1))
            for box, _, matrix in self._alike(self.hover):
                painter.drawRect(_cell(box, matrix, *self.hover[1:]))
        super().paint_hover(painter)

    def mark_at(self, point: QPointF) -> tuple[int, int, int] | None:
        for index, (box, (_, matrix)) in enumerate(zip(self._boxes, self.matrices(), strict=False)):
            if box.contains(point):
                rows, columns = matrix.values.shape
                row = int((point.y() - box.top()) / box.height() * rows)
                column = int((point.x() - box.left()) / box.width() * columns)
                return index, min(row, rows - 1), min(column, columns - 1)
        return None

    def beside(self, mark: tuple[int, int, int] | None, right: int, down: int) -> tuple[int, int, int] | None:
        """To the right of a map stands the next one."""
        shown = self.matrices()[: len(self._boxes)]
        if not shown or mark is None:
            return (0, 0, 0) if shown else None
        (index, row, column), sizes = mark, [matrix.values.shape for _, matrix in shown]
        if abs(right) == 1 and not 0 <= column + right < sizes[index][1] and 0 <= index + right < len(shown):
            index += right
            column = -1 if right > 0 else sizes[index][1]
        return index, moved(row, down, sizes[index][0]), moved(column, right, sizes[index][1])

    def card(self, mark: tuple[int, int, int]) -> tuple[QPointF, Lines, str]:
        place, row, column = mark
        name, matrix = self.matrices()[place]
        at = _cell(self._boxes[place], matrix, row, column).center()
        if name == _HEADS:
            lines = [(None, _HEADS, f"{matrix.values[row, column]:.5f}")]
            return at, lines, f"layer {row + 1}, head {column + 1}"
        values = [(other, float(part.values[row, column])) for _, other, part in self._alike(mark)]
        tokens = self.sides[min(self.sides)].tokens
        names = (token_text(tokens[i]) if i < len(tokens) else "" for i in (row, column))
        lines = [(None, other, "masked" if np.isnan(value) else f"{value:.3f}") for other, value in values]
        return at, lines, "'{}' attends to '{}'".format(*names)

    def take(self, mark: tuple[int, int, int]) -> None:
        if self.matrices()[mark[0]][0] == _HEADS:
            self.choose(*mark[1:])
            self.head_chosen.emit(self.layer, self.head)

    def _alike(self, mark: tuple[int, int, int]) -> list[tuple[QRectF, str, Matrix]]:
        """The maps that have this mark too: those of tokens, or that of heads."""
        shown = self.matrices()
        of_heads = shown[mark[0]][0] == _HEADS
        return [
            (box, name, matrix)
            for box, (name, matrix) in zip(self._boxes, shown, strict=False)
            if (name == _HEADS) == of_heads and max(mark[1:]) < len(matrix.values)
        ]

    def _weights(self, side: str) -> Array:
        return np.asarray(self.sides[side].weights[self.layer, self.head])


_HEADS = "mean |B - A|"
_BOTTOM = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter


def _hidden(values: Array, weights: Array) -> Array:
    """The values, NaN above the diagonal where the weights say that a mask forbids it."""
    if not is_causal(weights):
        return values
    return np.where(np.triu(np.ones(values.shape, bool), 1), np.nan, values)


def _cell(box: QRectF, matrix: Matrix, row: int, column: int) -> QRectF:
    rows, columns = matrix.values.shape
    wide, high = box.width() / columns, box.height() / rows
    return QRectF(box.left() + column * wide, box.top() + row * high, wide, high)


def _matrix(snapshot: Attention, values: Array, kind: Any) -> Matrix:
    return Matrix(values, snapshot.tokens, snapshot.tokens, kind)


def _places(area: QRectF, count: int) -> list[QRectF]:
    """Squares for some maps with a caption above each: in a row or in two, whichever makes them larger."""
    best: list[QRectF] = []
    for columns in range(1, count + 1):
        rows = -(-count // columns)
        side = min((area.width() - 16 * (columns - 1)) / columns, area.height() / rows - _CAPTION - 4)
        if side > (best[0].width() if best else 0):
            best = [
                QRectF(
                    area.left() + (index % columns) * (area.width() + 16) / columns,
                    area.top() + _CAPTION + (index // columns) * (side + _CAPTION + 4),
                    side,
                    side,
                )
                for index in range(count)
            ]
    return best or [QRectF(area.left(), area.top() + _CAPTION, 16, 16) for _ in range(count)]
