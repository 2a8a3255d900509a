"""Pictures of one moment side by side, as large as there is room for all: samples that evolve, real ones beside them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QFontMetricsF,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPen,
)

from genstudio.events import Array
from genstudio.snapshots.samples import Pictures
from genstudio.ui import theme
from genstudio.ui.views.chart import value_text
from genstudio.ui.views.picture_grid import enlarged, packed
from genstudio.ui.views.view import NO_DATA, SnapshotFigure, Table, bubble, paint_empty, paint_title, write_quietly

_HEAD, _SMALLEST = 32, 16
_GAP = 2
_EDGE, _WORDS, _READ = 12, 96, 2.5
"""Pixels around the pictures, and those that the names of rows take from them; what the pictures leave, they get as well.
Columns have names that are at most so many times as wide as they are."""


@dataclass(frozen=True)
class _Grid:
    """The row and column of each picture, what their names stand above or before, the side of a cell in pixels, and where the
    first one begins."""

    places: list[tuple[int, int]]
    kind: str
    cell: int
    origin: QPointF

    @property
    def columns(self) -> int:
        return 1 + max(column for _, column in self.places)

    def below(self, index: int, rows: int) -> int:
        """The picture so many rows further down, or the last one of that row; the same one where there is no such row."""
        row, column = self.places[index]
        there = [at for at, (one, _) in enumerate(self.places) if one == row + rows]
        return there[min(column, len(there) - 1)] if there else index


class PicturesView(SnapshotFigure[Pictures]):
    """Shows `Pictures`. Click, Enter or Space: `picked(index)`; arrows, Home and End choose.

    Pictures that come class by class stand in rows with the name of the class before them; where the classes take turns,
    each has a column. `dated`: whether the step is told. `order`: "" as above; "classes" where there are more pictures of some
    classes than of others, and each begins a row; "row" where all stand side by side, with their names.
    """

    picked = Signal(int)
    live_share = 0.03
    empty = NO_DATA

    def __init__(
        self, title: str, name: str, note: str = "", *, dated: bool = True, score: str = "D",
        order: Literal["", "classes", "row"] = "",
    ) -> None:  # fmt: skip
        super().__init__(title, name)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.note, self._dated, self._score, self._order = note, dated, score, order
        self._current = -1
        self._hover: QPointF | None = None

    def show_snapshot(self, snapshot: Pictures) -> None:
        """Replace what is shown; the picture that is marked stays marked."""
        self.snapshot = snapshot
        if self._current >= len(snapshot.pixels):
            self._current = -1
        self.setAccessibleDescription(f"{len(snapshot.pixels)} pictures of step {snapshot.step:,}")
        self.redraw(live=True)

    def clear(self) -> None:
        """Show nothing."""
        self.snapshot, self._current = None, -1
        self.redraw()

    @property
    def current(self) -> int:
        """Index of the picture that is marked, or -1."""
        return self._current

    def choose(self, index: int) -> None:
        """Mark a picture."""
        if self.snapshot is not None and 0 <= index < len(self.snapshot.pixels):
            self._current = index
            self.setAccessibleDescription(self.describe(index))
            self.redraw()

    def describe(self, index: int) -> str:
        """Number, class and score of a picture."""
        shown = self.snapshot
        if shown is None or not 0 <= index < len(shown.pixels):
            return ""
        parts = [f"sample {index + 1}"]
        if label := self.label(index):
            parts.append(label)
        if shown.scores is not None:
            parts.append(f"{self._score} {value_text(float(shown.scores[index]))}")
        return ", ".join(parts)

    def label(self, index: int) -> str:
        """The name of a picture's class, if it has one."""
        shown = self.snapshot
        if shown is None or shown.labels is None or shown.labels[index] < 0:
            return ""
        label = int(shown.labels[index])
        return shown.classes[label] if label < len(shown.classes) else str(label)

    def index_at(self, at: QPointF) -> int:
        """Index of the picture under a place of the figure, or -1."""
        if self.snapshot is None:
            return -1
        grid = self._grid(QRectF(self.rect()))
        pitch = grid.cell + _GAP
        place = int((at.y() - grid.origin.y()) // pitch), int((at.x() - grid.origin.x()) // pitch)
        return grid.places.index(place) if place in grid.places else -1

    def table(self) -> Table:
        count = 0 if self.snapshot is None else len(self.snapshot.pixels)
        scores = None if self.snapshot is None else self.snapshot.scores
        rows = ((i + 1, self.label(i), "" if scores is None else float(scores[i])) for i in range(count))
        return ("sample", "class", "score"), rows

    def paint_figure(self, painter: QPainter, area: QRectF) -> None:
        shown, look = self.snapshot, theme.current()
        step = f"step {shown.step:,}" if shown is not None and self._dated else ""
        paint_title(painter, self.title, ", ".join(part for part in (self.note, step) if part), area)
        if shown is None or not len(shown.pixels):
            paint_empty(painter, area, self.empty)
            return
        grid = self._grid(area)
        ratio = painter.device().devicePixelRatioF()
        painter.drawImage(grid.origin, sheet(shown.pixels, grid.places, grid.cell, ratio, look.color("panel")))
        self._words(painter, grid)
        if self._current >= 0:
            self._mark(painter, grid)

    def paint_hover(self, painter: QPainter) -> None:
        found = self.index_at(self._hover) if self._hover is not None else -1
        if self._hover is not None and found >= 0:
            lines = [(None, part, "") for part in self.describe(found).split(", ")]
            bubble(painter, self._hover, lines, QRectF(self.rect()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._hover = event.position()
        self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        found = self.index_at(event.position())
        if event.button() == Qt.MouseButton.LeftButton and found >= 0:
            self._pick(found)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        if self._current < 0:
            self.choose(0)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if self.snapshot is None or not len(self.snapshot.pixels):
            super().keyPressEvent(event)
            return
        last = len(self.snapshot.pixels) - 1
        moves = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Home: -last, Qt.Key.Key_End: last}
        if key in moves:
            self.choose(min(max(self._current + moves[key], 0), last))
        elif key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self.choose(self._grid(QRectF(self.rect())).below(max(self._current, 0), -1 if key == Qt.Key.Key_Up else 1))
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space) and self._current >= 0:
            self._pick(self._current)
        else:
            super().keyPressEvent(event)

    def _pick(self, index: int) -> None:
        self.choose(index)
        self.picked.emit(index)

    def _arrangement(self, area: QRectF) -> tuple[int, str]:
        """That of the pictures, but no columns for names, such as captions, of which little would be read above one."""
        assert self.snapshot is not None
        if self._order == "row":
            return len(self.snapshot.pixels), "columns"
        columns, kind = self.snapshot.arrangement
        if kind == "columns":
            metrics = QFontMetricsF(theme.font(theme.SMALL))
            longest = max(metrics.horizontalAdvance(self.label(place)) for place in range(columns))
            if longest > _READ * (area.width() - 2 * _EDGE) / columns:
                return 0, ""
        return columns, kind

    def _grid(self, area: QRectF) -> _Grid:
        """Where the pictures stand."""
        shown = self.snapshot
        assert shown is not None
        if self._order == "classes" and shown.labels is not None and len(np.unique(shown.labels)) > 1:
            counts = [len(list(same)) for _, same in groupby(shown.labels.tolist())]
            starts = np.cumsum([0, *counts[:-1]]).tolist()
            fitted = self._fitted(area, "rows", counts, range(1, max(counts) + 1), {self.label(at) for at in starts})
            if fitted.cell >= _SMALLEST:
                return fitted
        count = len(shown.pixels)
        columns, kind = self._arrangement(area)
        names = {self.label(at) for at in range(0, count, columns)} if kind == "rows" else set()
        return self._fitted(area, kind, [count], (columns,) if columns else range(1, count + 1), names)

    def _fitted(self, area: QRectF, kind: str, counts: list[int], widths: Iterable[int], names: set[str]) -> _Grid:
        """Groups of so many pictures, each from a row of its own on, in as many columns of these as make them largest."""
        left, head, further = float(_EDGE), float(_HEAD), 0.0
        if kind == "rows":
            metrics = QFontMetricsF(theme.font(theme.SMALL))
            longest = max(metrics.horizontalAdvance(name) for name in names) + 1
            further = max(longest - _WORDS, 0.0)
            left += longest - further + 8
        elif kind == "columns":
            head += 14
        room = area.adjusted(left, head, -_EDGE, -_EDGE)

        def high(n: int) -> int:
            return sum(-(-count // n) for count in counts)

        columns = min(widths, key=lambda n: -min(room.width() / n, room.height() / high(n)))
        rows = high(columns)
        cell = max(int(min((room.width() + _GAP) / columns, (room.height() + _GAP) / rows)) - _GAP, 4)
        spare = max(room.width() - (columns * (cell + _GAP) - _GAP), 0)
        x = room.left() + (min(spare, further) if kind == "rows" else spare // 2)
        y = room.top() + max((room.height() - (rows * (cell + _GAP) - _GAP)) // 2, 0)
        places, first = list[tuple[int, int]](), 0
        for count in counts:
            places += [(first + index // columns, index % columns) for index in range(count)]
            first += -(-count // columns)
        return _Grid(places, kind, cell, QPointF(x, y))

    def _words(self, painter: QPainter, grid: _Grid) -> None:
        if not grid.kind:
            return
        write_quietly(painter)
        metrics, pitch = painter.fontMetrics(), grid.cell + _GAP
        across, said = grid.kind == "columns", ""
        for index, (row, column) in enumerate(grid.places):
            label = self.label(index)
            if (row if across else column) or (not across and label == said):
                continue
            said = label
            wide = grid.cell if across else int(grid.origin.x()) - _EDGE - 8
            word = metrics.elidedText(label, Qt.TextElideMode.ElideRight, wide)
            middle = (column if across else row) * pitch + grid.cell / 2
            half = metrics.horizontalAdvance(word) / 2
            at = QPointF(middle - half, -5) if across else QPointF(-8 - 2 * half, middle + metrics.ascent() / 2 - 1)
            painter.drawText(grid.origin + at, word)

    def _mark(self, painter: QPainter, grid: _Grid) -> None:
        (row, column), cell = grid.places[self._current], grid.cell
        at = QRectF(grid.origin.x() + column * (cell + _GAP), grid.origin.y() + row * (cell + _GAP), cell, cell)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme.current().color("accent"), 2.5))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(at.adjusted(-1.5, -1.5, 1.5, 1.5), 3, 3)


def sheet(pixels: Array, places: Sequence[tuple[int, int]], cell: int, ratio: float, background: QColor) -> QImage:
    """Pictures (n, h, w, c) as one, at these rows and columns, each as large as fits in a square of `cell` pixels."""
    side, gap = round(cell * ratio), round(_GAP * ratio)
    rows, columns = (1 + max(each) for each in zip(*places, strict=True))
    pitch = side + gap
    canvas = np.full((rows * pitch, columns * pitch), background.rgb(), np.uint32)
    tiles = enlarged(packed(pixels), side)
    top, left = (side - tiles.shape[1]) // 2, (side - tiles.shape[2]) // 2
    for (row, column), tile in zip(places, tiles, strict=True):
        y, x = row * pitch + top, column * pitch + left
        canvas[y : y + tile.shape[0], x : x + tile.shape[1]] = tile
    image = QImage(canvas.data, canvas.shape[1], canvas.shape[0], canvas.strides[0], QImage.Format.Format_RGB32).copy()
    image.setDevicePixelRatio(ratio)
    return image
