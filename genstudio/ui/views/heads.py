"""All heads of a model over one text, as thumbnails in rows of layers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QImage, QKeyEvent, QMouseEvent, QPainter, QPen

from genstudio.inspection.ablation import NOTHING_ABLATED, Ablation
from genstudio.snapshots.attention import Heads
from genstudio.ui import theme
from genstudio.ui.views.maps import picture
from genstudio.ui.views.view import NO_TEXT, RIGHT, SnapshotFigure, Table, bubble, paint_empty, paint_title

_TOP, _SIDE, _EDGE, _GAP, _WORDS = 48.0, 26.0, 12.0, 4.0, 100.0
_SHORT = {
    "attends to the previous token": "previous", "often attends to the previous token": "often previous",
    "attends to the first token": "first", "often attends to the first token": "often first",
    "attends to itself": "itself",
    "often attends to itself": "often itself", "attends evenly": "even", "attends to few tokens": "few",
    "too short to classify": "", "switched off": "off", "mixed": "mixed",
}  # fmt: skip

Place = tuple[int, int]


class HeadsView(SnapshotFigure[Heads]):
    """Rows are layers, columns heads. A click or the arrow keys choose one: `head_chosen(layer, head)`, from 0.

    With `switching`, two more columns stand for the layer's MLP and the whole layer, and a click, K or the space bar
    switches what is chosen off and on: `switched(Switches)`.
    """

    head_chosen = Signal(int, int)
    switched = Signal(object)

    def __init__(self, name: str = "heads", switching: bool = False) -> None:
        super().__init__("Heads", name)
        self.layer = self.head = 0
        self.switches = NOTHING_ABLATED
        self._switching = switching
        self._pictures: dict[Place, QImage] = {}
        self._of = 0
        self._hover: Place | None = None
        self._pointer = QPointF()
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    @property
    def layers(self) -> int:
        return 0 if self.snapshot is None else self.snapshot.small.shape[0]

    @property
    def heads(self) -> int:
        return 0 if self.snapshot is None else self.snapshot.small.shape[1]

    def prepare(self, snapshot: Heads) -> None:
        if snapshot.looked != self._of:  # else only layers have been added
            self._pictures.clear()
            self._hover = None
        self._of = snapshot.looked
        columns = self.heads + 2 * self._switching
        self.layer, self.head = min(self.layer, self.layers - 1), min(self.head, columns - 1)
        self._say()

    def clear(self) -> None:
        self._hover = None
        super().clear()

    def set_switches(self, switches: Ablation) -> None:
        """Show these parts as switched off, without emitting `switched`."""
        self.switches = switches
        self.redraw()

    def choose(self, layer: int, head: int) -> None:
        """Choose this layer and head, counted from 0."""
        if self.snapshot is None:
            return
        columns = self.heads + 2 * self._switching
        self.layer, self.head = min(max(layer, 0), self.layers - 1), min(max(head, 0), columns - 1)
        self._say()
        self._redraw()
        if self.head < self.heads:
            self.head_chosen.emit(self.layer, self.head)

    def toggle(self, layer: int, column: int) -> None:
        """Switch a head, an MLP (the column after the heads) or a layer (the one after it) off or on."""
        now = self.switches
        if column < self.heads:
            self.switches = replace(now, heads=now.heads ^ {(layer, column)})
        elif column == self.heads:
            self.switches = replace(now, mlps=now.mlps ^ {layer})
        else:
            self.switches = replace(now, layers=now.layers ^ {layer})
        self._say()
        self._redraw()
        self.switched.emit(self.switches)

    def off(self, layer: int, column: int) -> bool:
        """Whether this cell is switched off, by itself or with its layer."""
        if layer in self.switches.layers:
            return True
        return layer in self.switches.mlps if column == self.heads else (layer, column) in self.switches.heads

    def words(self, layer: int, column: int) -> str:
        """What a cell is, in words: "layer 2 head 3: attends to the previous token"."""
        if self.snapshot is None:
            return ""
        name = ("MLP", "whole layer")[column - self.heads] if column >= self.heads else f"head {column + 1}"
        said = ""
        if column < self.heads:
            said = f": {self.snapshot.labels[layer][column] if layer < self.snapshot.read else 'not read yet'}"
        return f"layer {layer + 1} {name}{said}{', off' if self.off(layer, column) else ''}"

    def table(self) -> Table:
        header = ("layer", "head", "looks", "previous", "first", "itself", "entropy (nats)", "evenness")
        if self.snapshot is None:
            return header, ()
        found, heads = self.snapshot, range(self.heads)
        return header, (
            (layer + 1, head + 1, found.labels[layer][head], *map(float, found.descriptors[layer, head]))
            for layer in range(found.read)
            for head in heads
        )

    def cell(self, layer: int, column: int) -> QRectF:
        """Where a cell is, in pixels."""
        pitch_x, pitch_y = self._pitches()
        tall = max(4.0, min(pitch_x, pitch_y) - _GAP)
        words = self._labels(pitch_x, tall)
        wide = tall if words else max(4.0, min(pitch_x - _GAP, 2.5 * tall))
        left = _EDGE + _SIDE + min(column, self.heads) * (wide + _GAP + words)
        left += max(column - self.heads, 0) * (wide + _GAP)
        return QRectF(round(left), round(_TOP + layer * (tall + _GAP)), wide, tall)

    def _pitches(self) -> tuple[float, float]:
        columns, area = self.heads + 2 * self._switching, QRectF(self.rect())
        across = (area.width() - _SIDE - 2 * _EDGE + _GAP) / max(columns, 1)
        return across, (area.height() - _TOP - _EDGE + _GAP) / max(self.layers, 1)

    def _labels(self, pitch: float, side: float) -> float:
        """Room for the words beside each thumbnail, 0 where there is too little."""
        free = pitch - side - 2 * _GAP
        return min(free, _WORDS) if free >= 80 else 0.0

    def paint_figure(self, painter: QPainter, area: QRectF) -> None:
        look, found = theme.current(), self.snapshot
        paint_title(painter, self.title, "" if found is None else _note(found), area)
        if found is None:
            paint_empty(painter, area, NO_TEXT)
            return
        painter.setFont(theme.font(theme.SMALL, tabular=True))
        metrics, pitch = painter.fontMetrics(), self._pitches()[0]
        room = self._labels(pitch, self.cell(0, 0).height())
        for layer in range(self.layers):
            row = self.cell(layer, 0)
            painter.setPen(look.color("quiet"))
            right = RIGHT
            painter.drawText(QRectF(_EDGE - 4, row.top(), _SIDE - 2, row.height()), int(right), str(layer + 1))
            for column in range(self.heads + 2 * self._switching):
                cell = self.cell(layer, column)
                self._paint_cell(painter, layer, column, cell)
                painter.setPen(look.color("quiet"))
                if layer == 0:
                    name = str(column + 1) if column < self.heads else ("MLP", "all")[column - self.heads]
                    name = name if cell.width() >= 24 else name[0]
                    over = QRectF(cell.left() - 8, cell.top() - 17, cell.width() + 16, 15)
                    painter.drawText(over, Qt.AlignmentFlag.AlignCenter, name)
                if room and column < self.heads and layer < found.read:
                    words = _SHORT.get(found.labels[layer][column], found.labels[layer][column])
                    short = metrics.elidedText(words, Qt.TextElideMode.ElideRight, int(room - 6))
                    middle = cell.center().y() + metrics.ascent() / 2 - 1
                    painter.drawText(QPointF(cell.right() + 5, middle), short)

    def paint_hover(self, painter: QPainter) -> None:
        if self.snapshot is None or self._hover is None:
            return
        layer, column = self._hover
        lines: list[tuple[QColor | None, str, str]] = []
        found = self.snapshot.descriptors[layer, min(column, self.heads - 1)]
        if column < self.heads and layer < self.snapshot.read and np.isfinite(found).all():
            names = ("on the previous token", "on the first token", "on itself")
            lines = [(None, name, f"{100 * value:.0f}%") for name, value in zip(names, found[:3], strict=True)]
            lines.append((None, "entropy of a row", f"{found[3]:.2f} nats, {100 * found[4]:.0f}% of even"))
        bubble(painter, self._pointer, lines, QRectF(self.rect()), self.words(layer, column))

    def _paint_cell(self, painter: QPainter, layer: int, column: int, cell: QRectF) -> None:
        look, found = theme.current(), self.snapshot
        if found is None:
            return
        painter.fillRect(cell, look.color("raised"))
        off = self.off(layer, column)
        if column < self.heads and layer < found.read:
            if (layer, column) not in self._pictures:
                small = found.small[layer, column]
                self._pictures[layer, column] = picture(small, found.causal, patch=found.patch)
            painter.setOpacity(0.3 if off else 1.0)
            painter.drawImage(cell, self._pictures[layer, column])
            painter.setOpacity(1.0)
        elif column >= self.heads and cell.height() >= 12 and not off:
            painter.setPen(look.color("quiet"))
            painter.drawText(cell, Qt.AlignmentFlag.AlignCenter, "on")
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(look.color("line"), 1))
        painter.drawRect(cell)
        if off:
            painter.setPen(QPen(look.color("error"), 2))
            painter.drawLine(cell.topLeft() + QPointF(3, 3), cell.bottomRight() - QPointF(3, 3))
            painter.drawLine(cell.topRight() + QPointF(-3, 3), cell.bottomLeft() + QPointF(3, -3))
        if (layer, column) == (self.layer, self.head):
            painter.setPen(QPen(look.color("accent"), 2))
            painter.drawRect(cell.adjusted(-1.5, -1.5, 1.5, 1.5))

    def _at(self, point: QPointF) -> Place | None:
        columns = self.heads + 2 * self._switching
        cells = ((layer, column) for layer in range(self.layers) for column in range(columns))
        return next((place for place in cells if self.cell(*place).adjusted(-1, -1, 2, 2).contains(point)), None)

    def _say(self) -> None:
        self.setAccessibleDescription(self.words(self.layer, self.head))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._pointer, self._hover = event.position(), self._at(event.position())
        self.setCursor(Qt.CursorShape.PointingHandCursor if self._hover else Qt.CursorShape.ArrowCursor)
        self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        found = self._at(event.position())
        if event.button() == Qt.MouseButton.LeftButton and found is not None:
            self.choose(*found)
            if self._switching:
                self.toggle(*found)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        moves = {Qt.Key.Key_Left: (0, -1), Qt.Key.Key_Right: (0, 1), Qt.Key.Key_Up: (-1, 0), Qt.Key.Key_Down: (1, 0)}
        key = Qt.Key(event.key())
        if key in moves and self.snapshot is not None:
            self.choose(self.layer + moves[key][0], self.head + moves[key][1])
        elif key in (Qt.Key.Key_K, Qt.Key.Key_Space) and self._switching and self.snapshot is not None:
            self.toggle(self.layer, self.head)
        else:
            super().keyPressEvent(event)


def _note(found: Heads) -> str:
    layers = len(found.labels)
    reading = "" if found.read == layers else f"  ·  {found.read} of {layers} read"
    return f"rows are layers  ·  step {found.step:,}{reading}"


def height_of(layers: int) -> int:
    """Pixels that this many rows of thumbnails should have at least; very many become smaller."""
    return min(max(round(_TOP + _EDGE) + layers * 16, 128), 252)
