"""The way of a text through a model as a diagram: every stage a small picture of its numbers."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QKeyEvent, QMouseEvent, QPainter, QPainterPath, QPen, QResizeEvent

from genstudio.snapshots.layers import Anatomy, Stage
from genstudio.ui import theme
from genstudio.ui.views.heat import Kind, Matrix, paint_heat
from genstudio.ui.views.view import CENTRE, NO_TEXT, SnapshotFigure, Table, paint_empty

_WIDE, _HEAT, _HEAT_STACKED = 104.0, 54.0, 30.0
_HEAD, _FOOT = 19.0, 17.0
_GAP, _ROW_GAP, _STACK_GAP = 62.0, 14.0, 6.0
_PART_HEAD, _PART_PAD, _MARGIN = 26.0, 10.0, 12.0
_SIGNS = ("×", "+", "=")

ROLES = {
    "input": theme.SKY,
    "weight": "#8A919C",
    "stream": "#8A919C",
    "query": theme.BLUE,
    "key": theme.ORANGE,
    "value": theme.GREEN,
    "attention": theme.PURPLE,
    "mlp": theme.VERMILION,
    "output": theme.SKY,
}


def matrix_of(stage: Stage) -> Matrix:
    """The numbers of a stage with their names, to be shown."""
    kind: Kind = "share" if stage.kind == "share" else "magnitude" if stage.kind == "magnitude" else "signed"
    return Matrix(stage.values, stage.rows, stage.columns, kind)


@dataclass(frozen=True, slots=True)
class Tile:
    """Where a stage is drawn: its whole box and the box of its numbers."""

    index: int
    box: QRectF
    heat: QRectF


@dataclass(frozen=True, slots=True)
class Step:
    """Tiles above each other, and the box of the words on the way to them."""

    tiles: tuple[Tile, ...]
    gap: QRectF
    op: str
    first: bool


def lay_out(stages: Sequence[Stage], width: float, top: float) -> tuple[list[tuple[str, QRectF]], list[Step], float]:
    """Cards of the parts, steps in reading order, and the height of all: steps wrap where the width ends."""
    cards: list[tuple[str, QRectF]] = []
    steps: list[Step] = []
    left, right = _MARGIN + _PART_PAD, width - _MARGIN - _PART_PAD
    for part, members in itertools.groupby(range(len(stages)), key=lambda i: stages[i].part):
        start = top
        top += _PART_HEAD
        rows: list[list[list[int]]] = [[]]
        x = left
        for column in _stacks(stages, list(members)):
            lead = 0.0 if not rows[-1] and not stages[column[0]].op else _lead(stages[column[0]].op)
            if rows[-1] and x + lead + _WIDE > right:
                rows.append([])
                x = left
            rows[-1].append(column)
            x += lead + _WIDE
        for row in rows:
            high = max(_high(column) for column in row)
            x = left
            for place, column in enumerate(row):
                op = stages[column[0]].op
                lead = 0.0 if place == 0 and not op else _lead(op)
                gap = QRectF(x, top, lead, high)
                x += lead
                steps.append(Step(tuple(_tiles(column, x, top + (high - _high(column)) / 2)), gap, op, place == 0))
                x += _WIDE
            top += high + _ROW_GAP
        cards.append((part, QRectF(_MARGIN, start, width - 2 * _MARGIN, top - start - _ROW_GAP + _PART_PAD)))
        top += _PART_PAD
    return cards, steps, top + 2


def _lead(op: str) -> float:
    return 26.0 if op in _SIGNS else _GAP


def _stacks(stages: Sequence[Stage], members: list[int]) -> list[list[int]]:
    columns: list[list[int]] = []
    for index in members:
        if columns and stages[index].stack and stages[columns[-1][0]].stack == stages[index].stack:
            columns[-1].append(index)
        else:
            columns.append([index])
    return columns


def _one(column: Sequence[int]) -> float:
    return _HEAD + _FOOT + (_HEAT if len(column) == 1 else _HEAT_STACKED)


def _high(column: Sequence[int]) -> float:
    return len(column) * _one(column) + (len(column) - 1) * _STACK_GAP


def _tiles(column: Sequence[int], x: float, y: float) -> Iterable[Tile]:
    for index in column:
        box = QRectF(x, y, _WIDE, _one(column))
        yield Tile(index, box, QRectF(x + 8, y + _HEAD, _WIDE - 16, box.height() - _HEAD - _FOOT))
        y += box.height() + _STACK_GAP


def _part(box: QRectF, shape: tuple[int, ...], row: int | None, column: int | None) -> QRectF:
    """Where a cell, a row or a column of a matrix of this shape is in its picture, large enough to be seen."""
    high, wide = box.height() / shape[0], box.width() / shape[1]
    top = box.top() if row is None else box.top() + row * high
    left = box.left() if column is None else box.left() + column * wide
    return QRectF(
        left, top, box.width() if column is None else max(wide, 3.0), box.height() if row is None else max(high, 3.0)
    )


class AnatomyDiagram(SnapshotFigure[Anatomy]):
    """Stages from the tokens to the probabilities; click one, or step with the arrow keys. `stage_chosen(index)`.

    The chosen stage has a frame, and the stages it is made from a dashed one.
    """

    stage_chosen = Signal(int)

    def __init__(self) -> None:
        super().__init__("Anatomy", "anatomy_diagram")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.chosen = 0
        self._hover = -1
        self._lit: Mapping[str, tuple[int | None, int | None]] = {}
        self._laid: tuple[list[tuple[str, QRectF]], list[Step], float] = ([], [], 0.0)

    @property
    def stages(self) -> tuple[Stage, ...]:
        return self.snapshot.stages if self.snapshot is not None else ()

    def prepare(self, snapshot: Anatomy) -> None:
        self.chosen = min(self.chosen, len(snapshot.stages) - 1)
        self._hover = -1
        self._arrange()
        self._say()

    def choose(self, index: int) -> None:
        """Show this stage large."""
        if self.stages:
            self.chosen = min(max(index, 0), len(self.stages) - 1)
            self._say()
            self.redraw()
            self.stage_chosen.emit(self.chosen)

    def light(self, lit: Mapping[str, tuple[int | None, int | None]]) -> None:
        """Mark a cell, a row or a column of stages, by their keys: (row, column), None for a whole one."""
        if lit != self._lit:
            self._lit = lit
            self.redraw()

    def clear(self) -> None:
        """Forget what was shown."""
        self.snapshot = None
        self._laid = ([], [], 0.0)
        self.redraw()

    def tile(self, index: int) -> QRectF:
        """Where a stage is drawn."""
        return next((t.box for step in self._laid[1] for t in step.tiles if t.index == index), QRectF())

    def table(self) -> Table:
        columns = ("stage", "formula", "shape", "row", "column", "value")
        rows = (
            (stage.key, stage.formula, stage.shape, i + 1, j + 1, float(stage.values[i, j]))
            for stage in self.stages
            for i in range(stage.values.shape[0])
            for j in range(stage.values.shape[1])
        )
        return columns, rows

    def paint_figure(self, painter: QPainter, area: QRectF) -> None:
        look = theme.current()
        if not self.stages:
            paint_empty(painter, area, NO_TEXT)
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        cards, steps, _ = self._laid
        for title, card in cards:
            painter.setPen(QPen(look.color("line"), 1))
            painter.setBrush(look.color("window"))
            painter.drawRoundedRect(card, 8, 8)
            painter.setPen(look.color("text"))
            painter.setFont(theme.font(theme.SMALL, bold=True))
            head = QRectF(card.left() + 10, card.top(), card.width() - 20, _PART_HEAD)
            painter.drawText(head, Qt.AlignmentFlag.AlignVCenter, title)
        before: Step | None = None
        for step in steps:
            self._paint_way(painter, step, before)
            before = step
        for step in steps:
            for tile in step.tiles:
                self._paint_tile(painter, tile)

    def _paint_way(self, painter: QPainter, step: Step, before: Step | None) -> None:
        look = theme.current()
        gap = step.gap
        if not gap.width():
            return
        if step.op in _SIGNS:
            painter.setFont(theme.font(theme.HUGE))
            painter.setPen(look.color("text"))
            painter.drawText(gap, CENTRE, step.op)
            return
        painter.setPen(QPen(look.color("quiet", 0.7), 1.2))
        for start, end in self._lines(step, before):
            path = QPainterPath(start)
            middle = (start.x() + end.x()) / 2
            path.cubicTo(QPointF(middle, start.y()), QPointF(middle, end.y()), end)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawPath(path)
            painter.setBrush(look.color("quiet"))
            painter.drawPolygon([end, end + QPointF(-6, -3), end + QPointF(-6, 3)])
        painter.setFont(theme.font(11))
        metrics = QFontMetricsF(painter.font())
        words = painter.boundingRect(gap.adjusted(1, 0, -7, 0), int(CENTRE | Qt.TextFlag.TextWordWrap), step.op)
        words.moveCenter(QPointF(gap.center().x() - 2, gap.center().y() - words.height() / 2 - 3))
        if words.height() > 1.5 * metrics.height() or len(step.tiles) > 1:
            words.moveCenter(QPointF(gap.center().x() - 2, gap.center().y()))
        painter.fillRect(words.adjusted(-1, 0, 1, 0), look.color("window"))
        painter.setPen(look.color("text"))
        painter.drawText(words, int(CENTRE | Qt.TextFlag.TextWordWrap), step.op)

    def _lines(self, step: Step, before: Step | None) -> Iterable[tuple[QPointF, QPointF]]:
        """From the stages a step is made of, where they stand right before it; else from the side."""
        ends = [(tile, QPointF(tile.box.left() - 1, tile.box.center().y())) for tile in step.tiles]
        if before is None or step.first:
            return [(QPointF(step.gap.left(), end.y()), end) for _, end in ends[:1]] if step.op else []
        starts = {self.stages[t.index].key: QPointF(t.box.right(), t.box.center().y()) for t in before.tiles}
        lines = []
        for tile, end in ends:
            sources = [starts[key] for key in self.stages[tile.index].sources if key in starts]
            if not sources and len(before.tiles) == 1 and len(step.tiles) == 1:
                sources = list(starts.values())
            lines += [(start, end) for start in sources]
        return lines

    def _paint_tile(self, painter: QPainter, tile: Tile) -> None:
        look, stage, box = theme.current(), self.stages[tile.index], tile.box
        color = QColor(theme.visible(ROLES.get(stage.role, "#8A919C")))
        chosen = tile.index == self.chosen
        painter.setPen(QPen(look.color("line"), 1))
        painter.setBrush(look.color("accent_soft" if chosen else "raised" if tile.index == self._hover else "panel"))
        painter.drawRoundedRect(box, 6, 6)
        if chosen or stage.key in self.stages[self.chosen].sources:
            style = Qt.PenStyle.SolidLine if chosen else Qt.PenStyle.DashLine
            painter.setPen(QPen(look.color("accent"), 2, style))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(box, 6, 6)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(color)
        painter.drawEllipse(QPointF(box.left() + 12, box.top() + _HEAD / 2 + 1), 3.5, 3.5)
        painter.setFont(theme.font(theme.SMALL, bold=True))
        painter.setPen(look.color("text"))
        title = QFontMetricsF(painter.font()).elidedText(stage.title, Qt.TextElideMode.ElideRight, _WIDE - 24)
        painter.drawText(QRectF(box.left() + 20, box.top() + 1, _WIDE - 22, _HEAD), Qt.AlignmentFlag.AlignVCenter, title)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        paint_heat(painter, tile.heat, matrix_of(stage))
        if stage.key in self._lit:
            painter.setPen(QPen(look.color("accent"), 2))
            painter.setBrush(look.color("accent", 0.25))
            painter.drawRect(_part(tile.heat, stage.values.shape, *self._lit[stage.key]))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(look.color("quiet"))
        painter.setFont(theme.font(11, tabular=True))
        sizes = stage.shape.partition("= (")[2].rstrip(")").replace(", ", " × ")
        painter.drawText(QRectF(box.left(), box.bottom() - _FOOT, _WIDE, _FOOT - 1), CENTRE, sizes)

    def sizeHint(self) -> QSize:
        return QSize(640, 400)

    def minimumSizeHint(self) -> QSize:
        return QSize(280, 160)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._arrange()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        index = self._at(event.position())
        if event.button() == Qt.MouseButton.LeftButton and index >= 0:
            self.choose(index)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        index = self._at(event.position())
        if index != self._hover:
            self._hover = index
            self.setCursor(Qt.CursorShape.PointingHandCursor if index >= 0 else Qt.CursorShape.ArrowCursor)
            self.redraw()

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._hover = -1
        self.redraw()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        moves = {Qt.Key.Key_Left: -1, Qt.Key.Key_Up: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Down: 1}
        ends = {Qt.Key.Key_Home: 0, Qt.Key.Key_End: len(self.stages) - 1}
        key = Qt.Key(event.key())
        if key in moves:
            self.choose(self.chosen + moves[key])
        elif key in ends:
            self.choose(ends[key])
        else:
            super().keyPressEvent(event)

    def _at(self, at: QPointF) -> int:
        return next((t.index for step in self._laid[1] for t in step.tiles if t.box.contains(at)), -1)

    def _arrange(self) -> None:
        if self.stages:
            self._laid = lay_out(self.stages, max(self.width(), 280), 12.0)
            self.setMinimumHeight(int(self._laid[2]))

    def _say(self) -> None:
        stage = self.stages[self.chosen]
        self.setAccessibleDescription(
            f"Stage {self.chosen + 1} of {len(self.stages)}: {stage.title}, {stage.formula}, {stage.shape}. {stage.sentence}"
        )
