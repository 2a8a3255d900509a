"""The logit lens: what each depth of a model would say next, at each of the last tokens."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QKeyEvent, QMouseEvent, QPainter, QPen, QWheelEvent

from genstudio.events import Lens
from genstudio.ui import theme
from genstudio.ui.views.bars import paint_title
from genstudio.ui.views.view import SnapshotFigure, bubble, token_text

_TOP, _EDGE, _SIDE, _HEAD = 34.0, 12.0, 72.0, 40.0
_NARROW, _WIDE, _TALL = 26.0, 72.0, 64.0


class LensView(SnapshotFigure[Lens]):
    """Rows are depths, the deepest on top; columns are tokens. Each cell has its likeliest token and is coloured by how
    probable that is. A click or the arrow keys choose a cell: `cell_chosen(depth, position)`, from 0."""

    cell_chosen = Signal(int, int)

    def __init__(self) -> None:
        super().__init__("Logit lens")
        self.setObjectName("lens")
        self.level = self.place = 0
        self._first, self._cell = 0, _WIDE
        self._hover: tuple[int, int] | None = None
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def prepare(self, snapshot: Lens) -> None:
        depths, positions = snapshot.top.shape[:2]
        self.level, self.place, self._hover = depths - 1, positions - 1, None
        mono = QFontMetricsF(theme.mono(theme.SMALL))
        words = (*snapshot.tokens, *snapshot.names.values())
        longest = max((mono.horizontalAdvance(token_text(word)) for word in words), default=_WIDE)
        self._cell = min(max(longest + 8, _NARROW), 46.0)
        self._first = max(0, positions - self.fitting())

    def clear(self) -> None:
        """Forget what was shown."""
        self.snapshot = None
        self.redraw()

    def choose(self, depth: int, place: int) -> None:
        """Choose this cell."""
        if self.snapshot is None:
            return
        depths, positions = self.snapshot.top.shape[:2]
        self.level, self.place = min(max(depth, 0), depths - 1), min(max(place, 0), positions - 1)
        self._first = min(max(self._first, self.place - self.fitting() + 1), self.place)
        self.setAccessibleDescription(self.describe(self.level, self.place))
        self._redraw()
        self.cell_chosen.emit(self.level, self.place)

    def fitting(self) -> int:
        """How many positions there is room for beside each other."""
        return max(1, int((self.width() - _SIDE - 2 * _EDGE) // self._cell))

    def describe(self, depth: int, place: int) -> str:
        """A cell in words."""
        found = self.snapshot
        if found is None:
            return ""
        best = found.names[int(found.top[depth, place, 0])]
        said = f"'{token_text(best)}' {100 * found.chances[depth, place, 0]:.1f} %"
        rank = int(found.rank[depth, place])
        follows = "" if not rank else (
            f"; what follows is rank {rank:,} with {100 * found.chance[depth, place]:.2g} %"
        )  # fmt: skip
        return f"{name(depth)}, after '{token_text(found.tokens[place])}': {said}{follows}"

    def table(self) -> tuple[Sequence[str], Iterable[Sequence[Any]]]:
        header = ("layer", "position", "token", "place", "says", "probability", "rank of what follows", "its probability")
        found = self.snapshot
        if found is None:
            return header, ()
        depths, positions, count = found.top.shape
        return header, (
            (d, found.position + p, found.tokens[p], k + 1, found.names[int(found.top[d, p, k])],
             float(found.chances[d, p, k]), int(found.rank[d, p]), float(found.chance[d, p]))
            for d in range(depths) for p in range(positions) for k in range(count)
        )  # fmt: skip

    def cell(self, depth: int, place: int) -> QRectF:
        """Where a cell is, in pixels; positions before the first in sight are left of the figure."""
        if self.snapshot is None:
            return QRectF()
        depths, positions = self.snapshot.top.shape[:2]
        tall = min(_TALL, (self.height() - _TOP - _HEAD - _EDGE) / depths)
        shown = min(self.fitting(), positions)
        wide = min(_WIDE, (self.width() - _SIDE - 2 * _EDGE) / shown)
        left = _EDGE + _SIDE + (place - self._first) * wide
        return QRectF(left, _TOP + _HEAD - 8 + (depths - 1 - depth) * tall, wide, tall)

    def paint_figure(self, painter: QPainter, area: QRectF) -> None:
        look, found = theme.current(), self.snapshot
        note = "" if found is None else f"columns are tokens, rows depths  ·  step {found.step:,}"
        paint_title(painter, self.title, note, area)
        if found is None:
            painter.setFont(theme.font(theme.SMALL))
            painter.setPen(look.color("quiet"))
            painter.drawText(area, Qt.AlignmentFlag.AlignCenter, "Appears when a model has read the text")
            return
        depths, positions = found.top.shape[:2]
        shown = range(self._first, min(self._first + self.fitting(), positions))
        mono = QFontMetricsF(theme.mono(theme.SMALL))
        for depth in range(depths):
            row = self.cell(depth, self._first)
            painter.setFont(theme.font(theme.SMALL))
            painter.setPen(look.color("quiet"))
            right = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            if row.height() >= 12 or depth in (0, depths - 1) or depth % 4 == 0:
                painter.drawText(QRectF(_EDGE - 4, row.top(), _SIDE - 4, row.height()), right, name(depth))
            painter.setFont(theme.mono(theme.SMALL))
            for place in shown:
                cell = self.cell(depth, place)
                chance = float(found.chances[depth, place, 0])
                ground = theme.mapped(found.chances[depth, place, :1], 0.0, 1.0)[0]
                painter.fillRect(cell.adjusted(0.5, 0.5, -0.5, -0.5), QColor(*(int(part) for part in ground)))
                if cell.height() >= 12:
                    painter.setPen(QColor("#1C2128" if chance > 0.62 else "#FFFFFF"))
                    text = token_text(found.names[int(found.top[depth, place, 0])])
                    text = mono.elidedText(text, Qt.TextElideMode.ElideRight, cell.width() - 4)
                    painter.drawText(cell, Qt.AlignmentFlag.AlignCenter, text)
        painter.setFont(theme.mono(theme.SMALL))
        painter.setPen(look.color("text"))
        for place in shown:
            over = self.cell(depths - 1, place)
            text = mono.elidedText(token_text(found.tokens[place]), Qt.TextElideMode.ElideRight, over.width() - 2)
            painter.drawText(QRectF(over.left(), over.top() - 20, over.width(), 18), Qt.AlignmentFlag.AlignCenter, text)
        if self.place in shown:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(look.color("accent"), 3))
            painter.drawRect(self.cell(self.level, self.place))

    def paint_hover(self, painter: QPainter) -> None:
        if self._hover is None or self.snapshot is None:
            return
        depth, place = self._hover
        found = self.snapshot
        lines: list[tuple[QColor | None, str, str]] = [
            (None, f"'{token_text(found.names[int(i)])}'", f"{100 * c:.1f} %")
            for i, c in zip(found.top[depth, place, :5], found.chances[depth, place, :5], strict=True)
        ]
        if rank := int(found.rank[depth, place]):
            lines.append((None, f"what follows: rank {rank:,}", f"{100 * found.chance[depth, place]:.2g} %"))
        title = f"{name(depth)}, after '{token_text(found.tokens[place])}'"
        bubble(painter, self.cell(depth, place).center(), lines, QRectF(self.rect()), title)

    def _at(self, point: QPointF) -> tuple[int, int] | None:
        if self.snapshot is None:
            return None
        depths, positions = self.snapshot.top.shape[:2]
        first = self.cell(0, self._first)
        place = self._first + int((point.x() - first.left()) // first.width())
        depth = int((first.bottom() - point.y()) // first.height())
        inside = self._first <= place < min(self._first + self.fitting(), positions) and 0 <= depth < depths
        return (depth, place) if inside else None

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._hover = self._at(event.position())
        self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        found = self._at(event.position())
        if event.button() == Qt.MouseButton.LeftButton and found is not None:
            self.choose(*found)

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._hover = None
        self.update()

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.snapshot is not None:
            last = max(0, self.snapshot.top.shape[1] - self.fitting())
            self._first = min(max(self._first + (-2 if event.angleDelta().y() > 0 else 2), 0), last)
            self._hover = None
            self._redraw()
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        moves = {Qt.Key.Key_Left: (0, -1), Qt.Key.Key_Right: (0, 1), Qt.Key.Key_Up: (1, 0), Qt.Key.Key_Down: (-1, 0)}
        key = Qt.Key(event.key())
        if key in moves:
            self.choose(self.level + moves[key][0], self.place + moves[key][1])
        else:
            super().keyPressEvent(event)


def name(depth: int) -> str:
    """What a depth is called."""
    return f"layer {depth}" if depth else "embedding"
