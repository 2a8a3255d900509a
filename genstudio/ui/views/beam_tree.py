"""The tree of a beam search: every token that was looked at, what was pruned, and the best ways through it."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetricsF, QPainter, QPainterPath, QPen

from genstudio.events import Array
from genstudio.snapshots.text import BeamTree
from genstudio.ui import theme
from genstudio.ui.views.chart import value_text
from genstudio.ui.views.pointed import PointedFigure
from genstudio.ui.views.view import RIGHT, Lines, SnapshotFigure, Table, paint_empty, paint_title, token_text

_NARROWEST, _WIDEST, _BESIDE = 88.0, 144.0, 54.0
"""Widths of a column, and what its probability and the line to the next one take of it."""
_ROW, _HIGHEST_ROW, _TOP, _LEFT = 22.0, 36.0, 52.0, 14.0
_MOST = 4000


class BeamTreeView(SnapshotFigure[BeamTree], PointedFigure[int]):
    """A column for each token of the text; in each, what was kept stands above what was pruned, the best score first.

    The arrow keys walk the tree: right to the best that follows, left to what it follows on. `rested(box)`: where the
    node is whose card is shown.
    """

    rested = Signal(QRectF)

    def __init__(self) -> None:
        super().__init__("Beam search", "beam_tree")
        self.places: Array = np.empty((0, 2))
        self.marked: frozenset[int] = frozenset()
        self._column = _NARROWEST

    def prepare(self, snapshot: BeamTree) -> None:
        self.places = layout(snapshot)
        self.marked = frozenset(way(snapshot, snapshot.best[0])) if snapshot.best else frozenset()
        self.hover = None if self.hover is None or self.hover >= len(self.places) else self.hover
        metrics = QFontMetricsF(theme.mono(theme.SMALL))
        longest = max((metrics.horizontalAdvance(_words(snapshot, i)) for i in range(min(len(self.places), _MOST))), default=0.0)
        self._column = min(max(longest + _BESIDE, _NARROWEST), _WIDEST)
        self.setMinimumSize(self.minimumSizeHint())
        states = {name: int((snapshot.states == i).sum()) for i, name in enumerate(BeamTree.STATES)}
        self.setAccessibleDescription(", ".join(f"{count} {name}" for name, count in states.items()))

    def mark(self, index: int) -> None:
        """Draw the way to the best text of this index in the accent colour."""
        if self.snapshot is not None and 0 <= index < len(self.snapshot.best):
            self.marked = frozenset(way(self.snapshot, self.snapshot.best[index]))
            self._redraw()

    def table(self) -> Table:
        if self.snapshot is None:
            return (), ()
        s = self.snapshot
        header = ("node", "parent", "depth", "id", "token", "log-probability", "score", "state")
        rows = (
            (i, int(s.parents[i]), int(s.depths[i]), int(s.ids[i]), s.pieces[i], float(s.logprobs[i]),
             float(s.scores[i]), BeamTree.STATES[int(s.states[i])])
            for i in range(len(s.ids))
        )  # fmt: skip
        return header, rows

    def minimumSizeHint(self) -> QSize:
        if not len(self.places):
            return QSize(200, 160)
        x, y = self.places.max(axis=0)
        return QSize(round(_LEFT + (x + 1) * self._column + 12), round(_TOP + (y + 1) * _ROW + 12))

    def paint_figure(self, painter: QPainter, area: QRectF) -> None:
        look = theme.current()
        paint_title(painter, self.title, "", area)
        painter.setFont(theme.font(theme.SMALL))
        if self.snapshot is None or not len(self.places):
            paint_empty(painter, area, "Press Search: every candidate appears here")
            return
        x = area.left() + 12
        for words, role in (("best", "accent"), ("kept", "text"), ("pruned or dropped", "quiet")):
            painter.setPen(look.color(role))
            painter.drawText(QPointF(x, area.top() + 38), f"● {words}")
            x += painter.fontMetrics().horizontalAdvance(f"● {words}") + 16
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        last_first = sorted(range(min(len(self.places), _MOST)), key=lambda index: index in self.marked)
        for index in last_first:
            self._paint_node(painter, self.snapshot, index, area)

    def paint_hover(self, painter: QPainter) -> None:
        if self.hover is not None:
            box = self._box(self.hover, QRectF(self.rect())).adjusted(-5, 1, -11, -1)
            painter.setPen(QPen(theme.current().color("accent"), 1.5))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(box, 4, 4)
        super().paint_hover(painter)

    def card(self, mark: int) -> tuple[QPointF, Lines, str]:
        assert self.snapshot is not None
        s, i = self.snapshot, mark
        lines = [
            (None, "probability", f"{np.exp(s.logprobs[i]):.4f}"),
            (None, "log-probability", f"{value_text(float(s.logprobs[i]))} nats"),
            (None, "score of the path", value_text(float(s.scores[i]))),
            (None, "state", BeamTree.STATES[int(s.states[i])]),
        ]
        title = f"'{token_text(s.pieces[i])}'  id {int(s.ids[i]):,}"
        return self._box(i, QRectF(self.rect())).center(), lines, title

    def mark_at(self, point: QPointF) -> int | None:
        place = int((point.x() - _LEFT) // self._column), int((point.y() - _TOP) // self._row(self.height()))
        hits = np.flatnonzero((self.places[:_MOST] == place).all(axis=1))
        return int(hits[0]) if len(hits) else None

    def beside(self, mark: int | None, right: int, down: int) -> int | None:
        places = self.places[:_MOST]
        if self.snapshot is None or not len(places):
            return None
        if mark is None:
            return int(np.lexsort((places[:, 1], places[:, 0]))[0])
        parents, (column, row) = self.snapshot.parents[:_MOST], places[mark]
        if right == -1 and 0 <= parents[mark] < len(places):
            return int(parents[mark])
        near = np.flatnonzero(parents == mark) if right == 1 else np.empty(0, np.int64)
        if not len(near):
            near = np.flatnonzero(places[:, 0] == np.clip(column + right, 0, places[:, 0].max()))
        wanted = 0 if right == 1 else row + down
        return int(near[np.abs(places[near, 1] - wanted).argmin()])

    def rest_on(self, mark: int | None) -> None:
        super().rest_on(mark)
        if mark is not None:
            self.rested.emit(self._box(mark, QRectF(self.rect())))

    def _box(self, index: int, area: QRectF) -> QRectF:
        x, y = self.places[index]
        row = self._row(area.height())
        return QRectF(area.left() + _LEFT + x * self._column, area.top() + _TOP + y * row, self._column, row)

    def _row(self, height: float) -> float:
        """How high a row is in a picture of this height: rows use the room that there is."""
        rows = int(self.places[:, 1].max()) + 1 if len(self.places) else 1
        return min(max((height - _TOP - 12) / rows, _ROW), _HIGHEST_ROW)

    def _paint_node(self, painter: QPainter, tree: BeamTree, index: int, area: QRectF) -> None:
        look = theme.current()
        box = self._box(index, area)
        state = BeamTree.STATES[int(tree.states[index])]
        role = "accent" if index in self.marked else "text" if state in ("kept", "finished") else "quiet"
        line = {"text": "quiet", "quiet": "border"}.get(role, role)
        painter.setPen(QPen(look.color(line), 2 if index in self.marked else 1))
        parent = int(tree.parents[index])
        if 0 <= parent < _MOST:
            above = self._box(parent, area)
            path = QPainterPath(QPointF(above.right() - 14, above.center().y()))
            bend = (above.right() - 14 + box.left() - 3) / 2
            end = QPointF(box.left() - 3, box.center().y())
            path.cubicTo(QPointF(bend, above.center().y()), QPointF(bend, end.y()), end)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawPath(path)
        painter.setFont(theme.mono(theme.SMALL))
        painter.setPen(look.color(role))
        room = int(self._column - _BESIDE)
        shown = painter.fontMetrics().elidedText(_words(tree, index), Qt.TextElideMode.ElideRight, room)
        painter.drawText(QPointF(box.left(), box.center().y() + 4), shown)
        painter.setFont(theme.font(theme.SMALL - 2, tabular=True))
        painter.drawText(
            QRectF(box.left() + 24, box.top(), self._column - 40, box.height()),
            RIGHT,
            f"{np.exp(tree.logprobs[index]):.2f}",
        )


def _words(tree: BeamTree, index: int) -> str:
    """What is written at a node."""
    return token_text(tree.pieces[index]) + (" ■" if BeamTree.STATES[int(tree.states[index])] == "finished" else "")


def way(tree: BeamTree, node: int) -> list[int]:
    """The nodes from the first token to this one."""
    found = []
    while node >= 0:
        found.append(node)
        node = int(tree.parents[node])
    return found[::-1]


def layout(tree: BeamTree) -> Array:
    """Column and row of each node (n, 2) int64: a column for each depth; from the top what was kept, then what was not,
    the best score first."""
    gone = np.isin(tree.states, [BeamTree.STATES.index("pruned")]) * 2 + np.isin(
        tree.states, [BeamTree.STATES.index("dropped")]
    )
    order = np.lexsort((np.arange(len(tree.ids)), -tree.scores, gone, tree.depths))
    depths = tree.depths[order].astype(np.int64)
    first = np.searchsorted(depths, depths)
    places = np.empty((len(order), 2), np.int64)
    places[order] = np.stack([depths - 1, np.arange(len(order)) - first], axis=1)
    return places
