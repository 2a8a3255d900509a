"""A batch of tokens: for every piece what the model is shown, and under it, shifted by one, what it must predict."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QMouseEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QAbstractScrollArea, QFrame

from genstudio.data.batches import TokenBatch
from genstudio.ui import theme
from genstudio.ui.views.view import bubble, token_text, write_quietly

MOST_ITEMS = 64
_TALL = 24.0
_TITLE = 26.0
_BETWEEN = 10.0
_LABEL = 64.0


@dataclass(frozen=True, slots=True)
class _Line:
    """Part of an item that fits on one line: positions `first` .. `first + len(x) - 1`, with the left edge of each."""

    item: int
    first: int
    top: float
    x: tuple[float, ...]
    right: float


class BatchView(QAbstractScrollArea):
    """`show_batch(TokenBatch)`. Point at a token: what the model sees there is tinted, what it must predict is framed."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("batch_view")
        self.setAccessibleName("What the model sees")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.verticalScrollBar().setObjectName("batch_scroll")
        self.verticalScrollBar().setAccessibleName("Scroll the batch")
        self.viewport().setMouseTracking(True)
        self.batch: TokenBatch | None = None
        self._rows: list[tuple[list[int], list[int]]] = []
        self._chosen: list[list[bool]] = []
        self._lines: list[_Line] = []
        self._pointed: tuple[int, int] | None = None
        self._pointer = QPointF()
        theme.changed.connect(self._recolour)

    def show_batch(self, batch: TokenBatch | None) -> None:
        """Replace what is shown; of a large batch the first MOST_ITEMS pieces."""
        self.batch = batch
        self._rows, self._chosen = [], []
        if batch is not None:
            T = batch.inputs.shape[-1]
            inputs, targets = batch.inputs.reshape(-1, T)[:MOST_ITEMS], batch.targets.reshape(-1, T)[:MOST_ITEMS]
            self._rows = list(zip(inputs.tolist(), targets.tolist(), strict=True))
            if batch.chosen is not None:
                self._chosen = batch.chosen.reshape(-1, T)[:MOST_ITEMS].tolist()
            first = "".join(batch.pieces[i] for i in self._rows[0][0][:80]) if self._rows else ""
            self.setAccessibleDescription(f"{batch.inputs.size // T} pieces of {T} tokens; the first begins: {first}")
        self._pointed = None
        self._lay_out()
        self.viewport().update()

    def pieces(self, item: int) -> tuple[list[str], list[str]]:
        """The texts of one piece: shown, and to be named."""
        batch = self.batch
        if batch is None:
            return [], []
        return [batch.pieces[i] for i in self._rows[item][0]], [batch.pieces[i] for i in self._rows[item][1]]

    def named(self, item: int, position: int) -> bool:
        """Whether the model must name the token of this position."""
        return not self._chosen or self._chosen[item][position]

    def position_at(self, at: QPointF) -> tuple[int, int] | None:
        """(piece, position) under a point of the viewport."""
        y = at.y() + self.verticalScrollBar().value()
        for line in self._lines:
            if line.top <= y < line.top + 2 * _TALL and line.x[0] <= at.x() < line.right:
                column = sum(1 for x in line.x if x <= at.x()) - 1
                return line.item, line.first + column
        return None

    def paintEvent(self, event: QPaintEvent) -> None:
        look, scroll = theme.current(), self.verticalScrollBar().value()
        with QPainter(self.viewport()) as painter:
            painter.fillRect(event.rect(), look.color("panel"))
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            for line in self._lines:
                top = line.top - scroll
                if top + 2 * _TALL + _BETWEEN >= event.rect().top() and top - _TITLE <= event.rect().bottom():
                    self._paint_line(painter, line, top)
            if self._pointed is not None:
                self._say(painter)

    def _paint_line(self, painter: QPainter, line: _Line, top: float) -> None:
        batch = self.batch
        assert batch is not None
        write_quietly(painter)
        if line.first == 0:
            painter.drawText(QPointF(12, top - 9), f"Piece {line.item + 1}")
        for row, word in enumerate(("input", "target")):
            painter.drawText(QRectF(12, top + row * _TALL, _LABEL - 12, _TALL - 2), Qt.AlignmentFlag.AlignVCenter, word)
        painter.setFont(theme.mono())
        inputs, targets = self._rows[line.item]
        for column, x in enumerate(line.x):
            position = line.first + column
            right = line.x[column + 1] if column + 1 < len(line.x) else line.right
            for row, ids in enumerate((inputs, targets)):
                box = QRectF(x, top + row * _TALL, right - x - 1, _TALL - 2)
                self._paint_token(painter, box, ids[position], line.item, position, row)

    def _paint_token(self, painter: QPainter, box: QRectF, id_: int, item: int, position: int, row: int) -> None:
        look, batch = theme.current(), self.batch
        assert batch is not None
        if row and not self.named(item, position):
            return
        pointed = self._pointed is not None and self._pointed[0] == item
        seen = pointed and self._pointed is not None and row == 0 and (position <= self._pointed[1] or not batch.causal)
        wanted = pointed and self._pointed is not None and row == 1 and position == self._pointed[1]
        painter.setPen(QPen(look.color("accent"), 2) if wanted else Qt.PenStyle.NoPen)
        painter.setBrush(look.color("accent", 0.35) if seen else token_color(id_, 0.16 if row else 0.26))
        painter.drawRoundedRect(box, 3, 3)
        painter.setPen(look.color("text"))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, token_text(batch.pieces[id_]))

    def _say(self, painter: QPainter) -> None:
        batch, pointed = self.batch, self._pointed
        if batch is None or pointed is None:
            return
        item, position = pointed
        sees, names = (ids[position] for ids in self._rows[item])
        span = f"positions 1 to {position + 1}" if batch.causal else "all positions, including the target"
        span = "all positions" if self._chosen else span
        wanted = f"{token_text(batch.pieces[names])}  id {names:,}" if self.named(item, position) else "nothing here"
        lines = [
            (None, "token", f"{token_text(batch.pieces[sees])}  id {sees:,}"),
            (None, "must predict", wanted),
            (None, "may attend to", span),
        ]
        area = QRectF(self.viewport().rect())
        bubble(painter, self._pointer, lines, area, f"Piece {item + 1}, position {position + 1}")

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._pointer = event.position()
        self._pointed = self.position_at(self._pointer)
        self.viewport().update()

    def leaveEvent(self, event: QEvent) -> None:
        self._pointed = None
        self.viewport().update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._lay_out()

    def sizeHint(self) -> QSize:
        return QSize(640, 400)

    def _lay_out(self) -> None:
        """Break every piece into lines that fit."""
        self._lines = []
        batch, metrics = self.batch, QFontMetricsF(theme.mono())
        y, right = 4.0, max(self.viewport().width() - 12.0, _LABEL + 60)
        widths = {i: metrics.horizontalAdvance(token_text(p)) + 9 for i, p in batch.pieces.items()} if batch else {}
        for item, (inputs, targets) in enumerate(self._rows):
            y += _TITLE
            x, first = _LABEL, 0
            edges: list[float] = []
            for position, (a, b) in enumerate(zip(inputs, targets, strict=True)):
                wide = max(widths[a], widths[b], 16.0)
                if edges and x + wide > right:
                    self._lines.append(_Line(item, first, y, tuple(edges), x))
                    y, x, first, edges = y + 2 * _TALL + 6, _LABEL, position, []
                edges.append(x)
                x += wide
            self._lines.append(_Line(item, first, y, tuple(edges), x))
            y += 2 * _TALL + _BETWEEN
        bar = self.verticalScrollBar()
        bar.setRange(0, max(0, int(y) - self.viewport().height()))
        bar.setPageStep(self.viewport().height())
        bar.setSingleStep(int(2 * _TALL))

    def _recolour(self, _theme: object) -> None:
        self.viewport().update()


def token_color(id_: int, share: float = 0.26) -> QColor:
    """The tint of a token: neighbours in the vocabulary differ, the same id is the same everywhere."""
    return theme.current().color(theme.CYCLE[id_ * 2654435761 % 2**32 % len(theme.CYCLE)], share)
