"""One head of two models over the same text, and what differs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPen

from genstudio.events import Array, Attention
from genstudio.ui import theme
from genstudio.ui.views.attention import is_causal
from genstudio.ui.views.bars import paint_title
from genstudio.ui.views.heat import Matrix, largest, paint_heat
from genstudio.ui.views.view import Figure, bubble, token_text

_CAPTION = 20.0


class AttentionPairView(Figure):
    """Three maps: A, B, and B - A with the signed colours where both read the same tokens."""

    def __init__(self) -> None:
        super().__init__("Attention")
        self.setObjectName("attention_pair")
        self.setMouseTracking(True)
        self.sides: dict[str, Attention] = {}
        self.layer = self.head = 0
        self._boxes: list[QRectF] = []
        self._hover: tuple[int, int, int] | None = None
        self._pointer = QPointF()

    def show_side(self, side: str, snapshot: Attention) -> None:
        """The attention of `a` or `b`."""
        self.sides = {**self.sides, side: snapshot}
        self.choose(self.layer, self.head)

    def clear(self) -> None:
        self.sides = {}
        self.redraw()

    def shape(self) -> tuple[int, int]:
        """Layers and heads that both have."""
        found = [snapshot.weights.shape[:2] for snapshot in self.sides.values()]
        return (min(s[0] for s in found), min(s[1] for s in found)) if found else (1, 1)

    def choose(self, layer: int, head: int) -> None:
        """Show this layer and head, from 0."""
        layers, heads = self.shape()
        self.layer, self.head, self._hover = min(layer, layers - 1), min(head, heads - 1), None
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
            return "different tokens: no difference can be shown" if len(self.sides) == 2 else ""
        return f"mean |B - A| {np.abs(difference).mean():.4f}, largest {np.abs(difference).max():.3f}"

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
        return shown

    def table(self) -> tuple[Sequence[str], Iterable[Sequence[Any]]]:
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
            painter.setFont(theme.font(theme.SMALL))
            painter.setPen(look.color("quiet"))
            middle = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(area.adjusted(12, 24, -12, -8), int(middle), "Choose a second model to compare with")
        self._boxes = _places(area.adjusted(12, 34, -12, -10), len(shown))
        for box, (name, matrix) in zip(self._boxes, shown, strict=True):
            painter.setFont(theme.font(theme.SMALL, tabular=True))
            painter.setPen(look.color("quiet"))
            limit = largest(matrix)
            span = f"{name}   ±{limit:.2g}" if matrix.kind == "signed" else f"{name}   0 to 1"
            painter.drawText(QRectF(box.left(), box.top() - _CAPTION, box.width(), _CAPTION), _BOTTOM, span)
            paint_heat(painter, box, matrix)

    def paint_hover(self, painter: QPainter) -> None:
        if self._hover is None:
            return
        _, row, column = self._hover
        painter.setBrush(Qt.BrushStyle.NoBrush)
        lines: list[tuple[QColor | None, str, str]] = []
        for box, (name, matrix) in zip(self._boxes, self.matrices(), strict=True):
            if row < len(matrix.values) and column < len(matrix.values):
                cell = box.width() / len(matrix.values)
                painter.setPen(QPen(theme.current().color("text"), 1))
                painter.drawRect(QRectF(box.left() + column * cell, box.top() + row * cell, cell, cell))
                value = float(matrix.values[row, column])
                lines.append((None, name, "masked" if np.isnan(value) else f"{value:.3f}"))
        tokens = self.sides["a" if "a" in self.sides else "b"].tokens
        if max(row, column) < len(tokens):
            title = f"'{token_text(tokens[row])}' looks at '{token_text(tokens[column])}'"
            bubble(painter, self._pointer, lines, QRectF(self.rect()), title)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._pointer, self._hover = event.position(), None
        for index, (box, (_, matrix)) in enumerate(zip(self._boxes, self.matrices(), strict=False)):
            if box.contains(self._pointer):
                inside = (self._pointer - box.topLeft()) * (len(matrix.values) / box.width())
                last = len(matrix.values) - 1
                self._hover = index, min(int(inside.y()), last), min(int(inside.x()), last)
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._hover = None
        self.update()

    def _weights(self, side: str) -> Array:
        return np.asarray(self.sides[side].weights[self.layer, self.head])


_BOTTOM = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter


def _hidden(values: Array, weights: Array) -> Array:
    """The values, NaN above the diagonal where the weights say that a mask forbids it."""
    if not is_causal(weights):
        return values
    return np.where(np.triu(np.ones(values.shape, bool), 1), np.nan, values)


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
                    area.left() + (index % columns) * (side + 16),
                    area.top() + _CAPTION + (index // columns) * (side + _CAPTION + 4),
                    side,
                    side,
                )
                for index in range(count)
            ]
    return best or [QRectF(area.left(), area.top() + _CAPTION, 16, 16) for _ in range(count)]
