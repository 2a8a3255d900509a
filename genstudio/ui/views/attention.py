"""Attention of one text: every layer and head as a thumbnail, one of them large."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QBrush, QColor, QImage, QKeyEvent, QMouseEvent, QPainter, QPen

from genstudio.events import Array, Attention
from genstudio.ui import theme
from genstudio.ui.views.view import SnapshotFigure, bubble, token_text

_BAR = 10.0


class AttentionView(SnapshotFigure[Attention]):
    """Rows of thumbnails are layers, columns are heads; click one, or move with the arrow keys, to see it large.

    Enter or a double click gives the large one all the room. Colours follow the square root of the weight, so that
    small weights can be told apart; what the mask forbids is hatched, not dark. `head_chosen(layer, head)` from 0.
    """

    head_chosen = Signal(int, int)

    def __init__(self) -> None:
        super().__init__("Attention")
        self.setObjectName("attention")
        self.layer = self.head = 0
        self.causal = False
        self._alone = False
        self._small: tuple[int, Array] | None = None
        self._cells: dict[tuple[int, int], QRectF] = {}
        self._large = QRectF()
        self._hover: tuple[int, int] | None = None
        self._pointer = QPointF()
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def clear(self) -> None:
        """Forget what was shown."""
        self.snapshot = None
        self._hover = None
        self.redraw()

    def prepare(self, snapshot: Attention) -> None:
        layers, heads = snapshot.weights.shape[:2]
        self.layer, self.head = min(self.layer, layers - 1), min(self.head, heads - 1)
        self.causal = is_causal(snapshot.weights)
        self._small = None
        self._hover = None
        self.setAccessibleDescription(f"{layers} layers, {heads} heads, step {snapshot.step}")

    def choose(self, layer: int, head: int) -> None:
        """Show this layer and head large, counted from 0."""
        if self.snapshot is None:
            return
        layers, heads = self.snapshot.weights.shape[:2]
        self.layer, self.head = min(max(layer, 0), layers - 1), min(max(head, 0), heads - 1)
        self._hover = None
        self._redraw()
        self.head_chosen.emit(self.layer, self.head)

    def describe(self, row: int, column: int) -> str:
        """What is under the pointer, in words: "layer 2 head 3: 'h' looks at 'T' 0.43"."""
        if self.snapshot is None:
            return ""
        tokens, weight = self.snapshot.tokens, float(self.snapshot.weights[self.layer, self.head, row, column])
        pair = f"'{token_text(tokens[row])}' looks at '{token_text(tokens[column])}'"
        shown = "masked" if self._masked(row, column) else f"{weight:.2f}"
        return f"layer {self.layer + 1} head {self.head + 1}: {pair} {shown}"

    def table(self) -> tuple[Sequence[str], Iterable[Sequence[Any]]]:
        if self.snapshot is None:
            return (), ()
        tokens, weights = self.snapshot.tokens, self.snapshot.weights[self.layer, self.head]
        rows = (
            (i, tokens[i], j, tokens[j], float(weights[i, j])) for i in range(len(tokens)) for j in range(len(tokens))
        )
        return ("query", "query token", "key", "key token", "weight"), rows

    def paint_figure(self, painter: QPainter, area: QRectF) -> None:
        look = theme.current()
        self._cells.clear()
        painter.setFont(theme.font(theme.NORMAL, bold=True))
        metrics = painter.fontMetrics()
        baseline = area.top() + 8 + metrics.ascent()
        if self.snapshot is None:
            painter.setPen(look.color("text"))
            painter.drawText(QPointF(area.left() + 12, baseline), self.title)
            painter.setFont(theme.font(theme.SMALL))
            painter.setPen(look.color("quiet"))
            painter.drawText(area, Qt.AlignmentFlag.AlignCenter, "Appears when a model looks at a text")
            return
        chosen = f"layer {self.layer + 1}, head {self.head + 1}"
        painter.setPen(look.color("text"))
        painter.drawText(QPointF(area.left() + 12, baseline), f"Attention: {chosen}")
        left = area.left() + 12 + metrics.horizontalAdvance(f"Attention: {chosen}") + 8
        painter.setFont(theme.font(theme.SMALL, tabular=True))
        step = f"step {self.snapshot.step:,}"
        if left + painter.fontMetrics().horizontalAdvance(step) < area.right() - 32:
            painter.setPen(look.color("quiet"))
            painter.drawText(QPointF(left, baseline), step)
        inside = area.adjusted(12, baseline - area.top() + 14, -12, -10)
        small, large = self._divide(inside)
        if not self._alone:
            self._paint_overview(painter, small, self.snapshot)
        self._paint_large(painter, large, self.snapshot)

    def paint_hover(self, painter: QPainter) -> None:
        if self._hover is None or self.snapshot is None:
            return
        look, (row, column) = theme.current(), self._hover
        tokens = self.snapshot.tokens
        cell = self._large.width() / len(tokens)
        painter.setPen(QPen(look.color("text"), 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        at = QRectF(self._large.left() + column * cell, self._large.top() + row * cell, cell, cell)
        painter.drawRect(at)
        painter.setPen(QPen(look.color("text", 0.45), 1))
        painter.drawLine(QPointF(self._large.left(), at.center().y()), QPointF(at.left(), at.center().y()))
        painter.drawLine(QPointF(at.center().x(), self._large.top()), QPointF(at.center().x(), at.top()))
        weights = self.snapshot.weights[self.layer, self.head, row]
        value = "masked" if self._masked(row, column) else f"{float(weights[column]):.2f}"
        lines: list[tuple[QColor | None, str, str]] = [
            (None, f"'{token_text(tokens[row])}' looks at '{token_text(tokens[column])}'", value),
            (None, f"positions {row + 1} and {column + 1}; row sum", f"{float(weights.sum()):.2f}"),
        ]
        bubble(painter, self._pointer, lines, QRectF(self.rect()), f"layer {self.layer + 1} head {self.head + 1}")

    def _divide(self, area: QRectF) -> tuple[QRectF, QRectF]:
        if self._alone or self.snapshot is None:
            return QRectF(), area
        layers, heads = self.snapshot.weights.shape[:2]
        if area.width() > 1.25 * area.height():
            width = min(area.width() * 0.42, area.height() * heads / layers + 24)
            return QRectF(area.left(), area.top(), width, area.height()), area.adjusted(width + 20, 0, 0, 0)
        height = min(area.height() * 0.42, area.width() * layers / heads + 20)
        return QRectF(area.left(), area.top(), area.width(), height), area.adjusted(0, height + 14, 0, 0)

    def _paint_overview(self, painter: QPainter, area: QRectF, snapshot: Attention) -> None:
        look = theme.current()
        layers, heads = snapshot.weights.shape[:2]
        painter.setFont(theme.font(theme.SMALL, tabular=True))
        margin = 20.0
        side = max(6.0, min((area.width() - margin) / heads, (area.height() - margin) / layers) - 4)
        pitch = side + 4
        pixels = max(1, int(side * self.devicePixelRatioF()))
        if self._small is None or self._small[0] != pixels:
            self._small = pixels, thumbnails(snapshot.weights, pixels)
        for layer, shrunk in enumerate(self._small[1]):
            y = area.top() + margin + layer * pitch
            painter.setPen(look.color("quiet"))
            painter.drawText(
                QRectF(area.left(), y, margin - 6, side),
                Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter,
                str(layer + 1),
            )
            for head, weights in enumerate(shrunk):
                cell = QRectF(area.left() + margin + head * pitch, y, side, side)
                self._cells[layer, head] = cell
                if layer == 0:
                    painter.setPen(look.color("quiet"))
                    painter.drawText(
                        QRectF(cell.left() - 4, area.top(), side + 8, margin - 4),
                        Qt.AlignmentFlag.AlignCenter,
                        str(head + 1),
                    )
                self._paint_map(painter, cell, weights)
                chosen = (layer, head) == (self.layer, self.head)
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.setPen(QPen(look.color("accent" if chosen else "line"), 2 if chosen else 1))
                painter.drawRect(cell.adjusted(-1.5, -1.5, 1.5, 1.5) if chosen else cell)

    def _paint_large(self, painter: QPainter, area: QRectF, snapshot: Attention) -> None:
        tokens = [token_text(token) for token in snapshot.tokens]
        painter.setFont(theme.mono(theme.SMALL))
        metrics = painter.fontMetrics()
        short = [metrics.elidedText(token, Qt.TextElideMode.ElideRight, 64) for token in tokens]
        margin = 8.0 + max((metrics.horizontalAdvance(token) for token in short), default=0)
        single = all(len(token) == 1 for token in short)
        top = float(metrics.height()) if single else margin
        side = max(16.0, min(area.width() - margin - _BAR - 44, area.height() - top - 4))
        box = QRectF(area.left() + margin, area.top() + top, side, side)
        self._large = box
        self._paint_map(painter, box, snapshot.weights[self.layer, self.head])
        painter.setPen(QPen(theme.current().color("line"), 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(box)
        self._paint_tokens(painter, box, short, single, margin)
        self._paint_bar(painter, QRectF(box.right() + 12, box.top(), _BAR, min(side, 160)))

    def _paint_tokens(self, painter: QPainter, box: QRectF, tokens: list[str], single: bool, margin: float) -> None:
        painter.setFont(theme.mono(theme.SMALL))
        painter.setPen(theme.current().color("quiet"))
        metrics, cell = painter.fontMetrics(), box.width() / len(tokens)
        every = max(1, -int(-(metrics.height() - 3) // cell))
        for index in range(0, len(tokens), every):
            middle = (index + 0.5) * cell
            row = QRectF(box.left() - margin, box.top() + middle - 8, margin - 4, 16)
            painter.drawText(row, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, tokens[index])
            if single:
                column = QRectF(box.left() + middle - 10, box.top() - metrics.height() - 1, 20, metrics.height())
                painter.drawText(column, Qt.AlignmentFlag.AlignCenter, tokens[index])
                continue
            painter.save()
            painter.translate(box.left() + middle, box.top() - 4)
            painter.rotate(-90)
            painter.drawText(
                QRectF(0, -8, margin, 16), Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, tokens[index]
            )
            painter.restore()

    def _paint_bar(self, painter: QPainter, bar: QRectF) -> None:
        look = theme.current()
        painter.drawImage(bar, _image(theme.mapped(np.linspace(1, 0, 128)[:, None], 0, 1)))
        painter.setFont(theme.font(theme.SMALL, tabular=True))
        painter.setPen(look.color("quiet"))
        for value in (1.0, 0.5, 0.1, 0.0):
            y = bar.bottom() - value**0.5 * bar.height()
            painter.drawText(QPointF(bar.right() + 5, y + 4), f"{value:g}")

    def _paint_map(self, painter: QPainter, box: QRectF, weights: Array) -> None:
        look = theme.current()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
        if self.causal:
            painter.fillRect(box, look.color("raised"))
            painter.fillRect(box, QBrush(look.color("border"), Qt.BrushStyle.BDiagPattern))
        painter.drawImage(box, heatmap(weights, self.causal))

    def _masked(self, row: int, column: int) -> bool:
        return self.causal and column > row

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._pointer, before = event.position(), self._hover
        self._hover = None
        if self.snapshot is not None and self._large.contains(self._pointer):
            cell = self._large.width() / len(self.snapshot.tokens)
            last = len(self.snapshot.tokens) - 1
            row = min(int((self._pointer.y() - self._large.top()) / cell), last)
            column = min(int((self._pointer.x() - self._large.left()) / cell), last)
            self._hover = row, column
            self.setAccessibleDescription(self.describe(row, column))
        thumbnail = any(cell.contains(self._pointer) for cell in self._cells.values())
        self.setCursor(Qt.CursorShape.PointingHandCursor if thumbnail else Qt.CursorShape.ArrowCursor)
        if self._hover is not None or before is not None:
            self.update()

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._hover = None
        self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        found = next((key for key, cell in self._cells.items() if cell.contains(event.position())), None)
        if found is not None and event.button() == Qt.MouseButton.LeftButton:
            self.choose(*found)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if self._large.contains(event.position()):
            self._toggle_alone()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        moves = {Qt.Key.Key_Left: (0, -1), Qt.Key.Key_Right: (0, 1), Qt.Key.Key_Up: (-1, 0), Qt.Key.Key_Down: (1, 0)}
        move = moves.get(Qt.Key(event.key()))
        if move is not None:
            self.choose(self.layer + move[0], self.head + move[1])
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._toggle_alone()
        else:
            super().keyPressEvent(event)

    def reset_zoom(self) -> None:
        self._alone = False
        self._redraw()

    def _toggle_alone(self) -> None:
        self._alone = not self._alone
        self._hover = None
        self._redraw()


def is_causal(weights: Array) -> bool:
    """Whether every entry above the diagonals of weights (..., T, T) is exactly 0, for more than one token."""
    size = weights.shape[-1]
    return size > 1 and not any(weights[..., row, row + 1 :].any() for row in range(size - 1))


def thumbnails(weights: Array, side: int) -> Array:
    """Weights (L, H, T, T) shrunk to at most `side` x `side` each, so that the largest weight of a patch is what remains."""
    size = weights.shape[-1]
    step = -(-size // side)
    if step <= 1:
        return weights
    starts = np.arange(0, size, step)
    return np.asarray(np.maximum.reduceat(np.maximum.reduceat(weights, starts, axis=-2), starts, axis=-1))


def heatmap(weights: Array, causal: bool) -> QImage:
    """Weights (T, T) as an image, one pixel each; what a causal mask forbids is transparent."""
    pixels = np.empty((*weights.shape, 4), np.uint8)
    pixels[..., :3] = theme.mapped(np.sqrt(np.clip(weights, 0, 1)), 0, 1)
    pixels[..., 3] = 255
    if causal:
        pixels[np.triu(np.ones(weights.shape, bool), 1), 3] = 0
    return _image(pixels)


def _image(pixels: Array) -> QImage:
    height, width, depth = pixels.shape
    kind = QImage.Format.Format_RGBA8888 if depth == 4 else QImage.Format.Format_RGB888
    return QImage(np.ascontiguousarray(pixels).tobytes(), width, height, width * depth, kind).copy()
