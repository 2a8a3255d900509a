"""The logit lens: what each depth of a model would say next, at each token."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFontMetricsF,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPen,
    QResizeEvent,
    QShowEvent,
    QWheelEvent,
)

from genstudio.snapshots.attention import Lens
from genstudio.ui import theme
from genstudio.ui.views.chart import percent
from genstudio.ui.views.view import (
    NO_TEXT,
    RIGHT,
    SnapshotFigure,
    Table,
    bubble,
    paint_empty,
    paint_title,
    token_text,
    write_quietly,
)

_TOP, _EDGE, _SIDE, _HEAD = 34.0, 12.0, 72.0, 40.0
_NARROW, _WIDE, _TALL = 26.0, 72.0, 64.0


@dataclass(frozen=True, slots=True, eq=False)
class Cell:
    """What one depth would say after one token: (token, probability) from the most probable on; the rank of what really
    follows and its probability, 0 and NaN at the end."""

    likely: tuple[tuple[str, float], ...]
    rank: int
    chance: float


class LensView(SnapshotFigure[Lens]):
    """Rows are depths, the deepest on top; columns are tokens. Each cell has its most probable token and is coloured by how
    probable that is. A click or the arrow keys choose a cell: `cell_chosen(depth, position)`, from 0.

    The wheel, the keys and `move_to` reach every token; `moved()` says that others are in sight. A long text comes in
    parts: `wanted(end)` asks for the one before that place.
    """

    cell_chosen = Signal(int, int)
    moved = Signal()
    wanted = Signal(int)

    def __init__(self) -> None:
        super().__init__("Logit lens", "lens")
        self.level = self.place = self.first = 0
        self._parts: list[Lens] = []
        self._cell = _WIDE
        self._asked = -1
        self._hover: tuple[int, int] | None = None
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    @property
    def shape(self) -> tuple[int, int]:
        """How many depths and positions there are."""
        return (0, 0) if self.snapshot is None else (len(self.snapshot.top), len(self.snapshot.tokens))

    def prepare(self, snapshot: Lens) -> None:
        self._asked = -1
        if self._parts and snapshot.looked == self._parts[0].looked:
            self._parts = [*(part for part in self._parts if part.first != snapshot.first), snapshot]
            self.moved.emit()
            self._ask_part()
            return
        before, self._parts = self._parts[:1], [snapshot]
        if any(part.tokens == snapshot.tokens and len(part.top) == len(snapshot.top) for part in before):
            self._ask_part()  # the weights moved on: what is in sight stays there
            return
        depths, positions = self.shape
        self.level, self.place, self._hover = depths - 1, positions - 1, None
        mono = QFontMetricsF(theme.mono(theme.SMALL))
        words = (*snapshot.tokens, *snapshot.names.values())
        longest = max((mono.horizontalAdvance(token_text(word)) for word in words), default=_WIDE)
        self._cell = min(max(longest + 8, _NARROW), 46.0)
        self.first = max(0, positions - self.fitting())
        self.moved.emit()

    def clear(self) -> None:
        self._parts = []
        super().clear()

    def at(self, depth: int, place: int) -> Cell | None:
        """What is known of a cell; None while its part has not come."""
        return _known(self._parts, depth, place)

    def choose(self, depth: int, place: int) -> None:
        """Choose this cell, and bring it into sight."""
        if self.snapshot is None:
            return
        depths, positions = self.shape
        self.level, self.place = min(max(depth, 0), depths - 1), min(max(place, 0), positions - 1)
        self.move_to(min(max(self.first, self.place - self.fitting() + 1), self.place))
        self.setAccessibleDescription(self.describe(self.level, self.place))
        self.cell_chosen.emit(self.level, self.place)

    def move_to(self, first: int) -> None:
        """Show the tokens from this one on."""
        self.first = min(max(first, 0), max(0, self.shape[1] - self.fitting()))
        self._hover = None
        self._redraw()
        self.moved.emit()
        self._ask_part()

    def fitting(self) -> int:
        """How many positions there is room for beside each other."""
        return max(1, int((self.width() - _SIDE - 2 * _EDGE) // self._cell))

    def describe(self, depth: int, place: int) -> str:
        """A cell in words."""
        found, cell = self.snapshot, self.at(depth, place)
        if found is None or cell is None:
            return ""
        word, chance = cell.likely[0]
        what = "what stands there" if found.here else "what follows"
        follows = f"; {what} is rank {cell.rank:,} with {percent(cell.chance)}" if cell.rank else ""
        at = f"{where(found)} '{token_text(found.tokens[place])}'"
        return f"{name(depth)}, {at}: '{token_text(word)}' {percent(chance)}{follows}"

    def table(self) -> Table:
        """The numbers of what was asked for so far."""
        header = ("layer", "position", "token", "place", "says", "probability", "rank of what follows", "its probability")
        found, (depths, positions) = self.snapshot, self.shape
        if found is None:
            return header, ()
        parts = self._parts
        every = ((d, p, _known(parts, d, p)) for d in range(depths) for p in range(positions))
        places = ((d, p, cell) for d, p, cell in every if cell is not None)
        return header, (
            (d, p, found.tokens[p], k, word, chance, cell.rank, cell.chance)
            for d, p, cell in places
            for k, (word, chance) in enumerate(cell.likely, 1)
        )

    def cell(self, depth: int, place: int) -> QRectF:
        """Where a cell is, in pixels; positions before the first in sight are left of the figure."""
        if self.snapshot is None:
            return QRectF()
        depths, positions = self.shape
        tall = min(_TALL, (self.height() - _TOP - _HEAD - _EDGE) / depths)
        shown = min(self.fitting(), positions)
        wide = min(_WIDE, (self.width() - _SIDE - 2 * _EDGE) / shown)
        left = _EDGE + _SIDE + (place - self.first) * wide
        return QRectF(left, _TOP + _HEAD - 8 + (depths - 1 - depth) * tall, wide, tall)

    def note(self) -> str:
        """Which tokens are in sight."""
        if self.snapshot is None:
            return ""
        positions = self.shape[1]
        last = min(self.first + self.fitting(), positions)
        some = f"tokens {self.first + 1:,} to {last:,} of {positions:,}" if last - self.first < positions else (
            f"{positions:,} tokens"
        )  # fmt: skip
        return f"{some}  ·  step {self.snapshot.step:,}"

    def paint_figure(self, painter: QPainter, area: QRectF) -> None:
        look, found = theme.current(), self.snapshot
        paint_title(painter, self.title, self.note(), area)
        if found is None:
            paint_empty(painter, area, NO_TEXT)
            return
        depths, positions = self.shape
        shown = range(self.first, min(self.first + self.fitting(), positions))
        for depth in range(depths):
            row = self.cell(depth, self.first)
            write_quietly(painter)
            if row.height() >= 12 or depth in (0, depths - 1) or depth % 4 == 0:
                painter.drawText(QRectF(_EDGE - 4, row.top(), _SIDE - 4, row.height()), RIGHT, name(depth))
            painter.setFont(theme.mono(theme.SMALL))
            for place in shown:
                self._paint_cell(painter, depth, place)
        painter.setFont(theme.mono(theme.SMALL))
        painter.setPen(look.color("text"))
        mono = QFontMetricsF(painter.font())
        for place in shown:
            over = self.cell(depths - 1, place)
            text = mono.elidedText(token_text(found.tokens[place]), Qt.TextElideMode.ElideRight, over.width() - 2)
            painter.drawText(QRectF(over.left(), over.top() - 20, over.width(), 18), Qt.AlignmentFlag.AlignCenter, text)
        if self.place in shown:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(look.color("accent"), 3))
            painter.drawRect(self.cell(self.level, self.place))

    def _paint_cell(self, painter: QPainter, depth: int, place: int) -> None:
        box, known = self.cell(depth, place), self.at(depth, place)
        inside = box.adjusted(0.5, 0.5, -0.5, -0.5)
        if known is None:
            painter.fillRect(inside, theme.current().color("raised"))
            return
        word, chance = known.likely[0]
        ground = theme.mapped(np.array([chance]), 0.0, 1.0)[0]
        painter.fillRect(inside, QColor(*(int(part) for part in ground)))
        if box.height() >= 12:
            painter.setPen(QColor("#1C2128" if chance > 0.62 else "#FFFFFF"))
            metrics = QFontMetricsF(painter.font())
            text = metrics.elidedText(token_text(word), Qt.TextElideMode.ElideRight, box.width() - 4)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)

    def paint_hover(self, painter: QPainter) -> None:
        if self._hover is None or self.snapshot is None or (known := self.at(*self._hover)) is None:
            return
        depth, place = self._hover
        lines: list[tuple[QColor | None, str, str]] = [
            (None, f"'{token_text(word)}'", percent(chance)) for word, chance in known.likely[:5]
        ]
        if known.rank:
            what = "what stands there" if self.snapshot.here else "what follows"
            lines.append((None, f"{what}: rank {known.rank:,}", percent(known.chance)))
        title = f"{name(depth)}, {where(self.snapshot)} '{token_text(self.snapshot.tokens[place])}'"
        bubble(painter, self.cell(depth, place).center(), lines, QRectF(self.rect()), title)

    def _ask_part(self) -> None:
        """Ask for the part of the last token in sight that is not known."""
        last = min(self.first + self.fitting(), self.shape[1])
        end = next((place + 1 for place in reversed(range(self.first, last)) if self.at(0, place) is None), -1)
        if end > 0 and end != self._asked and self.isVisible():
            self._asked = end
            self.wanted.emit(end)

    def _at(self, point: QPointF) -> tuple[int, int] | None:
        if self.snapshot is None:
            return None
        depths, positions = self.shape
        first = self.cell(0, self.first)
        place = self.first + int((point.x() - first.left()) // first.width())
        depth = int((first.bottom() - point.y()) // first.height())
        inside = self.first <= place < min(self.first + self.fitting(), positions) and 0 <= depth < depths
        return (depth, place) if inside else None

    def resizeEvent(self, event: QResizeEvent) -> None:
        at_end = self.first + max(1, int((event.oldSize().width() - _SIDE - 2 * _EDGE) // self._cell)) >= self.shape[1]
        super().resizeEvent(event)
        if self.snapshot is not None:
            self.move_to(self.shape[1] if at_end else self.first)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._ask_part()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._hover = self._at(event.position())
        self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        found = self._at(event.position())
        if event.button() == Qt.MouseButton.LeftButton and found is not None:
            self.choose(*found)

    def wheelEvent(self, event: QWheelEvent) -> None:
        turned = event.angleDelta().y() or event.angleDelta().x()
        self.move_to(self.first + (-2 if turned > 0 else 2))
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        moves = {Qt.Key.Key_Left: (0, -1), Qt.Key.Key_Right: (0, 1), Qt.Key.Key_Up: (1, 0), Qt.Key.Key_Down: (-1, 0)}
        page, last = self.fitting(), self.shape[1]
        leaps = {Qt.Key.Key_PageUp: -page, Qt.Key.Key_PageDown: page, Qt.Key.Key_Home: -last, Qt.Key.Key_End: last}
        key = Qt.Key(event.key())
        if key in moves or key in leaps:
            up, along = moves.get(key, (0, leaps.get(key, 0)))
            self.choose(self.level + up, self.place + along)
        else:
            super().keyPressEvent(event)


def _known(parts: Sequence[Lens], depth: int, place: int) -> Cell | None:
    for part in parts:
        here = place - part.first
        if 0 <= here < part.top.shape[1]:
            names = (part.names[int(i)] for i in part.top[depth, here])
            chances = part.chances[depth, here].tolist()
            return Cell(tuple(zip(names, chances, strict=True)), int(part.rank[depth, here]), float(part.chance[depth, here]))
    return None


def where(found: Lens) -> str:
    """Whether a place says what is there or what comes after it."""
    return "at" if found.here else "after"


def name(depth: int) -> str:
    """What a depth is called."""
    return f"layer {depth}" if depth else "embedding"
