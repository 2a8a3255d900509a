"""Attention within a text, or of one text over another: every layer and head as a thumbnail, one of them large."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QBrush, QColor, QFontMetricsF, QKeyEvent, QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QGraphicsItem, QGraphicsPathItem, QGraphicsRectItem

from genstudio.events import Array
from genstudio.snapshots.attention import Attention
from genstudio.ui import theme
from genstudio.ui.views.scene import Painted, SceneFigure
from genstudio.ui.views.view import LEFT, NO_TEXT, RIGHT, SnapshotFigure, Table, token_text, write_quietly

_BAR, _MARGIN, _GAP = 10.0, 20, 4


class AttentionView(SnapshotFigure[Attention], SceneFigure):
    """Rows of thumbnails are layers, columns are heads; click one, or move with the arrow keys, to see it large. In a map,
    rows are the tokens that look, columns those that are looked at.

    Enter or a double click gives the large one all the room. Colours follow the square root of the weight, so that
    small weights can be told apart; what the mask forbids is hatched, not dark. `head_chosen(layer, head)` from 0.
    """

    head_chosen = Signal(int, int)
    waiting = NO_TEXT

    def __init__(self, title: str = "Attention", name: str = "attention") -> None:
        super().__init__(title, name)
        self.layer = self.head = 0
        self.causal = False
        self._alone = False
        self._average = ""
        self._small: tuple[Attention, int, float] | None = None
        self._shown: tuple[Attention, int, int] | None = None
        self._cells: dict[tuple[int, int], QRectF] = {}
        self._large = QRectF()
        self._hover: tuple[int, int] | None = None
        self._pointer = QPointF()
        self._short: tuple[list[str], list[str]] = ([], [])
        self._margin = 0.0
        self._build()

    def clear(self) -> None:
        self._hover = None
        super().clear()

    def prepare(self, snapshot: Attention) -> None:
        layers, heads = snapshot.weights.shape[:2]
        self.layer, self.head = min(self.layer, layers - 1), min(self.head, heads - 1)
        self.causal = not snapshot.queries and is_causal(snapshot.weights)
        self._hover = None
        self._say(snapshot)

    def show_average(self, snapshot: Attention, words: str) -> None:
        """Weights (1, 1, T, S) that are a mean, said in words: of which layers and heads."""
        self._average = words
        self.show_snapshot(snapshot)

    def show_heads(self, snapshot: Attention) -> None:
        """The weights of every layer and head, after an average."""
        self._average = ""
        self.show_snapshot(snapshot)

    @property
    def _which(self) -> str:
        return self._average or f"layer {self.layer + 1} head {self.head + 1}"

    def choose(self, layer: int, head: int) -> None:
        """Show this layer and head large, counted from 0."""
        if self.snapshot is None:
            return
        layers, heads = self.snapshot.weights.shape[:2]
        self.layer, self.head = min(max(layer, 0), layers - 1), min(max(head, 0), heads - 1)
        self._hover = None
        self._say(self.snapshot)
        self._redraw()
        self.head_chosen.emit(self.layer, self.head)

    def describe(self, row: int, column: int) -> str:
        """What is under the pointer, in words: "layer 2 head 3: 'h' attends to 'T' 0.43"."""
        if self.snapshot is None:
            return ""
        weight = float(self.snapshot.weights[self.layer, self.head, row, column])
        shown = "masked" if self._masked(row, column) else f"{weight:.2f}"
        return f"{self._which}: {self._pair(self.snapshot, row, column)} {shown}"

    def table(self) -> Table:
        if self.snapshot is None:
            return (), ()
        queries, keys = looking(self.snapshot), self.snapshot.tokens
        weights = self.snapshot.weights[self.layer, self.head]
        rows = ((i, q, j, k, float(weights[i, j])) for i, q in enumerate(queries) for j, k in enumerate(keys))
        return ("query", "query token", "key", "key token", "weight"), rows

    def draw(self) -> None:
        self._cells.clear()
        self._large = QRectF()
        if self.snapshot is not None:
            small, large = self._divide(self.room().adjusted(9, 38, -9, -7))
            if not (self._alone or self._average):
                self._lay_thumbnails(small, self.snapshot)
            self._lay_large(large, self.snapshot)
        for item in (self._thumbnails, self._chosen):
            item.setVisible(bool(self._cells))
        for item in (self._map, self._bar):
            item.setVisible(self.snapshot is not None)
        maps = QPainterPath()
        for box in (*self._cells.values(), self._large):
            maps.addRect(box)
        for path in (self._ground, self._hatch, self._frames):
            path.setPath(maps)
        for path in (self._ground, self._hatch):
            path.setVisible(self.causal)
        self._words.paint_into(self.room())
        self._point()

    def recolour(self) -> None:
        look = theme.current()
        for path in (self._ground, self._hatch):
            path.setPen(QPen(Qt.PenStyle.NoPen))
        self._ground.setBrush(look.color("raised"))
        self._hatch.setBrush(QBrush(look.color("border"), Qt.BrushStyle.BDiagPattern))
        self._frames.setPen(QPen(look.color("line"), 1))
        self._chosen.setPen(QPen(look.color("accent"), 2))
        self._cell.setPen(QPen(look.color("text"), 1))
        self._guides.setPen(QPen(look.color("text", 0.45), 1))

    def hovering(self) -> Sequence[QGraphicsItem]:
        return [self.bubble, self._cell, self._guides]

    def _build(self) -> None:
        self._thumbnails, self._map, self._bar = (
            pg.ImageItem(axisOrder="row-major", levels=(0, 1), lut=theme.VIRIDIS, autoDownsample=False)
            for _ in range(3)
        )
        self._bar.setImage(np.linspace(1, 0, 128)[:, None], levels=(0, 1))
        self._ground, self._hatch, self._frames, self._guides = (QGraphicsPathItem() for _ in range(4))
        self._chosen, self._cell = QGraphicsRectItem(), QGraphicsRectItem()
        self._words = Painted(self._paint_words)
        maps = (self._ground, self._hatch, self._thumbnails, self._map, self._bar)
        for z, item in enumerate((*maps, self._frames, self._chosen, self._words, self._guides, self._cell)):
            item.setZValue(z)
            self.scene.addItem(item)
        self.recolour()
        self.scene.sigMouseMoved.connect(self._pointed)
        self.scene.sigMouseClicked.connect(self._clicked)

    def _say(self, snapshot: Attention) -> None:
        layers, heads = snapshot.weights.shape[:2]
        of = "" if self._average else f" of {layers} layers and {heads} heads"
        self.setAccessibleDescription(f"{self._which}{of}, step {snapshot.step}")

    def _point(self) -> None:
        """Show what is said of the cell under the pointer."""
        for item in self.hovering():
            item.setVisible(self._hover is not None)
        if self._hover is None or self.snapshot is None:
            return
        (row, column), large = self._hover, self._large
        wide, tall = self._cell_size(self.snapshot)
        at = QRectF(large.left() + column * wide, large.top() + row * tall, wide, tall)
        self._cell.setRect(at)
        lines = QPainterPath(QPointF(large.left(), at.center().y()))
        lines.lineTo(at.left(), at.center().y())
        lines.moveTo(at.center().x(), large.top())
        lines.lineTo(at.center().x(), at.top())
        self._guides.setPath(lines)
        weights = self.snapshot.weights[self.layer, self.head, row]
        value = "masked" if self._masked(row, column) else f"{float(weights[column]):.2f}"
        said: list[tuple[QColor | None, str, str]] = [
            (None, self._pair(self.snapshot, row, column), value),
            (None, f"positions {row + 1} and {column + 1}; row sum", f"{float(weights.sum()):.2f}"),
        ]
        self.bubble.say(self._pointer, said, self._which)

    def _divide(self, area: QRectF) -> tuple[QRectF, QRectF]:
        if self._alone or self._average or self.snapshot is None:
            return QRectF(), area
        layers, heads = self.snapshot.weights.shape[:2]
        width = min(area.width() * 0.42, area.height() * heads / layers + 24)
        height = min(area.height() * 0.42, area.width() * layers / heads + 20)
        across = QRectF(area.left(), area.top(), width, area.height()), area.adjusted(width + 20, 0, 0, 0)
        down = QRectF(area.left(), area.top(), area.width(), height), area.adjusted(0, height + 14, 0, 0)
        queries, keys = self.snapshot.weights.shape[2:]
        if queries != keys:
            return max(across, down, key=lambda pair: min(pair[1].width() / keys, pair[1].height() / queries))
        return across if area.width() > 1.25 * area.height() else down

    def _lay_thumbnails(self, area: QRectF, snapshot: Attention) -> None:
        layers, heads = snapshot.weights.shape[:2]
        side = max(6, int(min((area.width() - _MARGIN) / heads, (area.height() - _MARGIN) / layers)) - _GAP)
        pitch, ratio = side + _GAP, self.devicePixelRatioF()
        left, top = round(area.left() + _MARGIN), round(area.top() + _MARGIN)
        for layer in range(layers):
            for head in range(heads):
                self._cells[layer, head] = QRectF(left + head * pitch, top + layer * pitch, side, side)
        known = (snapshot, side, ratio)
        if self._small != known:
            self._small = known
            small = thumbnails(snapshot.weights, max(1, int(side * ratio)))
            self._thumbnails.setImage(composed(shades(small, self.causal), side, _GAP, ratio), levels=(0, 1))
        self._thumbnails.setRect(QRectF(left, top, heads * pitch - _GAP, layers * pitch - _GAP))
        self._chosen.setRect(self._cells[self.layer, self.head].adjusted(-1.5, -1.5, 1.5, 1.5))

    def _lay_large(self, area: QRectF, snapshot: Attention) -> None:
        metrics = QFontMetricsF(theme.mono(theme.SMALL))

        def short(tokens: Sequence[str]) -> list[str]:
            return [metrics.elidedText(token_text(token), Qt.TextElideMode.ElideRight, 64) for token in tokens]

        self._short = rows, columns = short(looking(snapshot)), short(snapshot.tokens)
        self._margin, above = (
            8.0 + max((metrics.horizontalAdvance(token) for token in some), default=0) for some in (rows, columns)
        )
        top = metrics.height() if _single(columns) else above
        room = area.width() - self._margin - _BAR - 44, area.height() - top - 4
        cell = max(min(room[0] / max(len(columns), 1), room[1] / max(len(rows), 1)), 0.0)
        width, side = max(16.0, cell * len(columns)), max(16.0, cell * len(rows))
        self._large = QRectF(area.left() + self._margin, area.top() + top, width, side)
        known = (snapshot, self.layer, self.head)
        if self._shown != known:
            self._shown = known
            self._map.setImage(shades(snapshot.weights[self.layer, self.head], self.causal), levels=(0, 1))
        self._map.setRect(self._large)
        self._bar.setRect(QRectF(self._large.right() + 12, self._large.top(), _BAR, min(side, 160)))

    def _cell_size(self, snapshot: Attention) -> tuple[float, float]:
        queries, keys = snapshot.weights.shape[2:]
        return self._large.width() / keys, self._large.height() / queries

    def _pair(self, snapshot: Attention, row: int, column: int) -> str:
        return f"'{token_text(looking(snapshot)[row])}' attends to '{token_text(snapshot.tokens[column])}'"

    def _paint_words(self, painter: QPainter) -> None:
        look, room = theme.current(), self.room()
        painter.setFont(theme.font(theme.NORMAL, bold=True))
        metrics = painter.fontMetrics()
        baseline = 5 + metrics.ascent()
        painter.setPen(look.color("text"))
        chosen = f": {self._which}" if self.snapshot is not None else ""
        painter.drawText(QPointF(9, baseline), f"{self.title}{chosen}")
        left = 17 + metrics.horizontalAdvance(f"{self.title}{chosen}")
        write_quietly(painter)
        if self.snapshot is None:
            middle = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(room.adjusted(12, 24, -12, -8), int(middle), self.waiting)
            return
        step = f"step {self.snapshot.step:,}" + ("  ·  rows attend to columns" if self.snapshot.queries else "")
        if left + painter.fontMetrics().horizontalAdvance(step) < room.right() - 29:
            painter.drawText(QPointF(left, baseline), step)
        for (layer, head), cell in self._cells.items():
            if head == 0:
                side = QRectF(cell.left() - _MARGIN, cell.top(), _MARGIN - 6, cell.height())
                painter.drawText(side, RIGHT, str(layer + 1))
            if layer == 0:
                over = QRectF(cell.left() - _GAP, cell.top() - _MARGIN, cell.width() + 2 * _GAP, _MARGIN - 4)
                painter.drawText(over, Qt.AlignmentFlag.AlignCenter, str(head + 1))
        bar = self._bar.mapRectToParent(self._bar.boundingRect())
        for value in (1.0, 0.5, 0.1, 0.0):
            painter.drawText(QPointF(bar.right() + 5, bar.bottom() - value**0.5 * bar.height() + 4), f"{value:g}")
        painter.setFont(theme.mono(theme.SMALL))
        painter.setPen(theme.current().color("quiet"))
        self._paint_tokens(painter, self._large, *self._short)

    def _paint_tokens(self, painter: QPainter, box: QRectF, rows: list[str], columns: list[str]) -> None:
        metrics, single = painter.fontMetrics(), _single(columns)
        for index, middle in _labelled(len(rows), box.height(), metrics.height() - 3):
            row = QRectF(box.left() - self._margin, box.top() + middle - 8, self._margin - 4, 16)
            painter.drawText(row, RIGHT, rows[index])
        for index, middle in _labelled(len(columns), box.width(), metrics.height() - 3):
            if single:
                column = QRectF(box.left() + middle - 10, box.top() - metrics.height() - 1, 20, metrics.height())
                painter.drawText(column, Qt.AlignmentFlag.AlignCenter, columns[index])
                continue
            painter.save()
            painter.translate(box.left() + middle, box.top() - 4)
            painter.rotate(-90)
            painter.drawText(QRectF(0, -8, 80, 16), LEFT, columns[index])
            painter.restore()

    def _masked(self, row: int, column: int) -> bool:
        return self.causal and column > row

    def _pointed(self, at: QPointF) -> None:
        self._pointer, self._hover = at, None
        if self.snapshot is not None and self._large.contains(at):
            inside, (wide, tall) = at - self._large.topLeft(), self._cell_size(self.snapshot)
            queries, keys = self.snapshot.weights.shape[2:]
            self._hover = min(int(inside.y() / tall), queries - 1), min(int(inside.x() / wide), keys - 1)
            self.setAccessibleDescription(self.describe(*self._hover))
        thumbnail = any(cell.contains(at) for cell in self._cells.values())
        self.view.setCursor(Qt.CursorShape.PointingHandCursor if thumbnail else Qt.CursorShape.ArrowCursor)
        self._point()

    def _clicked(self, event: Any) -> None:
        at = event.scenePos()
        found = next((key for key, cell in self._cells.items() if cell.contains(at)), None)
        if event.button() == Qt.MouseButton.LeftButton and found is not None:
            self.choose(*found)
        elif event.double() and self._large.contains(at):
            self._toggle_alone()

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._hover = None
        self._point()

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


def looking(snapshot: Attention) -> tuple[str, ...]:
    """The pieces that look, one for each row."""
    return snapshot.queries or snapshot.tokens


def _single(tokens: Sequence[str]) -> bool:
    return all(len(token) == 1 for token in tokens)


def _labelled(count: int, length: float, height: float) -> Iterator[tuple[int, float]]:
    """Which of `count` cells along `length` pixels have room for a label of this height, each with its middle."""
    cell = length / max(count, 1)
    return ((index, (index + 0.5) * cell) for index in range(0, count, max(1, -int(-height // cell))))


def is_causal(weights: Array) -> bool:
    """Whether every entry above the diagonals of weights (..., T, T) is exactly 0, for more than one token."""
    size = weights.shape[-1]
    return weights.shape[-2] == size > 1 and not any(weights[..., row, row + 1 :].any() for row in range(size - 1))


def thumbnails(weights: Array, side: int) -> Array:
    """Weights (L, H, Q, K) shrunk to at most `side` x `side` each, so that the largest weight of a patch is what remains."""
    for axis in (-2, -1):
        size = weights.shape[axis]
        if size > side:
            weights = np.maximum.reduceat(weights, np.arange(0, size, -(-size // side)), axis=axis)
    return weights


def shades(weights: Array, causal: bool) -> Array:
    """Weights (..., Q, K) as what is shown of them: their square roots in [0, 1], NaN for what a causal mask forbids."""
    shown = np.sqrt(np.clip(weights, 0, 1))
    if causal:
        shown[..., np.triu(np.ones(weights.shape[-2:], bool), 1)] = np.nan
    return np.asarray(shown)


def composed(maps: Array, side: int, gap: int, ratio: float) -> Array:
    """Maps (L, H, Q, K) side by side as one picture, each a square of `side` units with a gap between, `ratio` pixels per
    unit."""
    layers, heads, *sizes = maps.shape
    pixels = [round((n * (side + gap) - gap) * ratio) for n in (layers, heads)]
    at = [(np.arange(count) + 0.5) / ratio for count in pixels]
    which = [(position // (side + gap)).astype(int) for position in at]
    inside = [position % (side + gap) for position in at]
    row, column = (
        np.minimum(part * size // side, size - 1).astype(int) for part, size in zip(inside, sizes, strict=True)
    )
    picture = maps[which[0][:, None], which[1][None], row[:, None], column[None]]
    picture[inside[0] >= side] = np.nan
    picture[:, inside[1] >= side] = np.nan
    return np.asarray(picture)
