"""One attention map, large: moved with the wheel and the mouse, in as much detail as there is room for."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QBrush, QColor, QFontMetricsF, QImage, QKeyEvent, QMouseEvent, QPainter, QPen, QWheelEvent

from genstudio.snapshots.attention import HeadMap
from genstudio.ui import theme
from genstudio.ui.layouts import single_shot
from genstudio.ui.views.maps import picture
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

_TOP, _EDGE, _TOKENS, _LEGEND, _ASK_MS = 34.0, 12.0, 72.0, 56.0, 60
_LEAST = 6


class HeadMapView(SnapshotFigure[HeadMap]):
    """Queries are rows, keys are columns. The wheel zooms, dragging moves, a click freezes the cell under the pointer.

    The arrow keys go from cell to cell, with Shift they move the view; + and - zoom, Enter freezes, Esc lets go.

    A map of a long text comes in patches; `wanted((row, end), (column, end))` asks for what is seen in more detail.
    `frozen_at(row, column)` says which cell was frozen, (-1, -1) for none.
    """

    wanted = Signal(object, object)
    frozen_at = Signal(int, int)

    def __init__(self) -> None:
        super().__init__("Attention map", "head_map")
        self.tokens: tuple[str, ...] = ()
        self.causal = False
        self.detail: HeadMap | None = None
        self.frozen: tuple[int, int] | None = None
        self._view = QRectF(0, 0, 1, 1)
        self._pictures: dict[int, tuple[HeadMap, QImage]] = {}
        self._hover: tuple[int, int] | None = None
        self._pointer = QPointF()
        self._dragged: QPointF | None = None
        self._moved = False
        self._margin, self._single = _TOKENS, 0.0
        self._ask_soon = single_shot(self, _ASK_MS)
        self._ask_soon.timeout.connect(self._ask_for_more)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def show_text(self, tokens: tuple[str, ...], causal: bool) -> None:
        """The tokens that the next maps are about; another text is shown as a whole."""
        if len(tokens) != len(self.tokens):
            self._view = QRectF(0, 0, len(tokens), len(tokens))
        if tokens != self.tokens:
            self.snapshot = self.detail = self.frozen = self._hover = None
        self.tokens, self.causal = tokens, causal
        metrics = QFontMetricsF(theme.mono(theme.SMALL))
        shown = [token_text(token) for token in set(tokens)]
        self._margin = min(_TOKENS, 6 + max((metrics.horizontalAdvance(text) for text in shown), default=0))
        self._single = metrics.height() if all(len(text) == 1 for text in shown) else 0.0

    def show_map(self, shown: HeadMap) -> None:
        """The whole map, or a part of the one that is shown, in more detail."""
        size = len(self.tokens)
        if shown.row == shown.column == 0 and max(shown.weights.shape) * shown.patch >= size:
            self.detail = None
            self.show_snapshot(shown)
            self._say()
            if shown.patch > 1:
                self._ask_soon.start()
        elif self.snapshot is not None and (shown.which, shown.looked) == (self.snapshot.which, self.snapshot.looked):
            self.detail = shown
            self._redraw()

    def clear(self) -> None:
        """Forget what was shown."""
        self.snapshot = self.detail = self.frozen = self._hover = None
        self._pictures.clear()
        self.redraw()

    def weight(self, row: int, column: int) -> tuple[float, int] | None:
        """The weight shown for a query and a key, and the side of the patch whose largest it is."""
        for found in (self.detail, self.snapshot):
            if found is None:
                continue
            r, c = (row - found.row) // found.patch, (column - found.column) // found.patch
            if 0 <= r < found.weights.shape[0] and 0 <= c < found.weights.shape[1]:
                return float(found.weights[r, c]), found.patch
        return None

    def describe(self, row: int, column: int) -> str:
        """A cell in words: "'h' attends to 'T': 0.431"."""
        value = self.weight(row, column)
        if value is None or not self.tokens:
            return ""
        pair = f"'{token_text(self.tokens[row])}' attends to '{token_text(self.tokens[column])}'"
        if self.causal and column > row:
            return f"{pair}: masked, exactly 0"
        return f"{pair}: {value[0]:.3f}" + (f", the largest of {value[1]} x {value[1]}" if value[1] > 1 else "")

    def table(self) -> Table:
        header, found = ("query", "query token", "key", "key token", "weight", "patch"), self.detail or self.snapshot
        if found is None:
            return header, ()
        p, tokens = found.patch, self.tokens
        places = (
            (found.row + r * p, found.column + c * p, float(found.weights[r, c]))
            for r in range(found.weights.shape[0])
            for c in range(found.weights.shape[1])
        )
        return header, ((row, tokens[row], column, tokens[column], value, p) for row, column, value in places)

    def reset_zoom(self) -> None:
        self._view = QRectF(0, 0, len(self.tokens), len(self.tokens))
        self.detail = None
        self._redraw()

    def box(self) -> QRectF:
        """Where the map is, in pixels."""
        across, down = self._margin + _EDGE, self._single or self._margin
        side = max(16.0, min(self.width() - across - _EDGE - _LEGEND, self.height() - _TOP - down - _EDGE))
        left = max(across, (self.width() - side - _LEGEND + across - _EDGE) / 2)
        return QRectF(round(left), round(_TOP + down), side, side)

    def move_to(self, left: float, top: float, size: float) -> None:
        """Show `size` x `size` tokens from this key and query on."""
        whole = len(self.tokens)
        size = min(max(size, min(_LEAST, whole)), whole)
        self._view = QRectF(min(max(left, 0), whole - size), min(max(top, 0), whole - size), size, size)
        self._hover = None
        self._redraw()
        self._ask_soon.start()

    def paint_figure(self, painter: QPainter, area: QRectF) -> None:
        look, found, box = theme.current(), self.snapshot, self.box()
        note = "" if found is None else f"step {found.step:,}" + (
            f"  ·  tokens that hold {100 * found.mass:.0f}% of each row" if found.mass < 1 else ""
        )  # fmt: skip
        paint_title(painter, self.title if found is None else found.title, note, area)
        if found is None or not self.tokens:
            paint_empty(painter, area, NO_TEXT)
            return
        painter.save()
        painter.setClipRect(box)
        painter.fillRect(box, look.color("raised"))
        if self.causal:
            painter.fillRect(box, QBrush(look.color("border"), Qt.BrushStyle.BDiagPattern))
        scale = box.width() / self._view.width()
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
        for slot, part in enumerate((found, self.detail)):
            if part is not None:
                self._paint_part(painter, slot, part, box, scale)
        painter.restore()
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(look.color("line"), 1))
        painter.drawRect(box)
        self._paint_tokens(painter, box, scale)
        self._paint_legend(painter, box)

    def paint_hover(self, painter: QPainter) -> None:
        at = self.frozen or self._hover
        if at is None or self.snapshot is None:
            return
        (row, column), box, look = at, self.box(), theme.current()
        scale = box.width() / self._view.width()
        cell = QRectF(
            box.left() + (column - self._view.left()) * scale, box.top() + (row - self._view.top()) * scale, scale, scale
        )
        if not box.intersects(cell):
            return
        painter.setPen(QPen(look.color("text", 0.6), 1))
        painter.drawLine(QPointF(box.left(), cell.center().y()), QPointF(cell.left(), cell.center().y()))
        painter.drawLine(QPointF(cell.center().x(), box.top()), QPointF(cell.center().x(), cell.top()))
        painter.setPen(QPen(look.color("accent" if self.frozen else "text"), 2 if self.frozen else 1))
        painter.drawRect(cell)
        lines: list[tuple[QColor | None, str, str]] = [
            (None, f"query {row + 1}, key {column + 1}", "click to release" if self.frozen else "click to freeze")
        ]
        bubble(painter, cell.center(), lines, QRectF(self.rect()), self.describe(row, column))

    def _paint_part(self, painter: QPainter, slot: int, part: HeadMap, box: QRectF, scale: float) -> None:
        known = self._pictures.get(slot)
        if known is None or known[0] is not part:
            known = part, picture(part.weights, self.causal, part.row, part.column, part.patch)
            self._pictures[slot] = known
        shape = part.weights.shape
        left, top = box.left() - self._view.left() * scale, box.top() - self._view.top() * scale
        target = QRectF(
            left + part.column * scale, top + part.row * scale,
            shape[1] * part.patch * scale, shape[0] * part.patch * scale,
        )  # fmt: skip
        seen = target.intersected(box)
        if seen.isEmpty():
            return
        across, down = shape[1] / target.width(), shape[0] / target.height()
        source = QRectF(
            (seen.left() - target.left()) * across, (seen.top() - target.top()) * down,
            seen.width() * across, seen.height() * down,
        )  # fmt: skip
        if slot:
            painter.fillRect(seen, theme.current().color("raised"))
        painter.drawImage(seen, known[1], source)

    def _paint_legend(self, painter: QPainter, box: QRectF) -> None:
        bar = QRectF(box.right() + 12, box.top(), 10, min(box.height(), 160))
        shades = np.linspace(1, 0, 128, dtype=np.float32) ** 2
        painter.drawImage(bar, picture(shades.astype(np.float16)[:, None], False))
        write_quietly(painter)
        for value in (1.0, 0.5, 0.1, 0.0):
            painter.drawText(QPointF(bar.right() + 5, bar.bottom() - value**0.5 * bar.height() + 4), f"{value:g}")

    def _paint_tokens(self, painter: QPainter, box: QRectF, scale: float) -> None:
        painter.setFont(theme.mono(theme.SMALL))
        painter.setPen(theme.current().color("quiet"))
        metrics = QFontMetricsF(painter.font())
        every = max(1, -int(-(metrics.height() - 3) // scale))
        left = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        for start, rows in ((self._view.top(), True), (self._view.left(), False)):
            first = -int(-start // every) * every
            for index in range(first, min(int(start + self._view.width()) + 1, len(self.tokens)), every):
                at = (index + 0.5 - start) * scale
                if not 0 <= at <= box.width():
                    continue
                text = metrics.elidedText(token_text(self.tokens[index]), Qt.TextElideMode.ElideRight, _TOKENS - 6)
                painter.save()
                if rows:
                    side = QRectF(box.left() - self._margin - 4, box.top() + at - 8, self._margin, 16)
                    painter.drawText(side, RIGHT, text)
                elif self._single:
                    over = QRectF(box.left() + at - 10, box.top() - self._single - 1, 20, self._single)
                    painter.drawText(over, Qt.AlignmentFlag.AlignCenter, text)
                else:
                    painter.translate(box.left() + at, box.top() - 4)
                    painter.rotate(-90)
                    painter.drawText(QRectF(0, -8, self._margin, 16), left, text)
                painter.restore()

    def _cell_at(self, point: QPointF) -> tuple[int, int] | None:
        box, last = self.box(), len(self.tokens) - 1
        if last < 0 or not box.contains(point):
            return None
        inside = (point - box.topLeft()) * (self._view.width() / box.width()) + self._view.topLeft()
        return min(int(inside.y()), last), min(int(inside.x()), last)

    def _ask_for_more(self) -> None:
        found, view = self.snapshot, self._view
        if found is None or found.patch == 1:
            return
        margin, whole = view.width() / 2, len(self.tokens)
        rows, columns = (
            (max(0, int(start - margin)), min(whole, int(start + view.width() + margin) + 1))
            for start in (view.top(), view.left())
        )
        if view.width() < whole:
            self.wanted.emit(rows, columns)

    def _say(self) -> None:
        at = self.frozen or self._hover
        self.setAccessibleDescription(self.describe(*at) if at else ("" if self.snapshot is None else self.snapshot.title))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._dragged, self._moved = event.position(), False

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._pointer = event.position()
        if self._dragged is not None and event.buttons() & Qt.MouseButton.LeftButton:
            by = event.position() - self._dragged
            if self._moved or by.manhattanLength() > 4:
                self._moved, self._dragged = True, event.position()
                scale = self._view.width() / self.box().width()
                self.move_to(self._view.left() - by.x() * scale, self._view.top() - by.y() * scale, self._view.width())
            return
        self._hover = self._cell_at(event.position())
        self._say()
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        found = self._cell_at(event.position())
        if event.button() == Qt.MouseButton.LeftButton and not self._moved:
            self.freeze(None if self.frozen is not None else found)
        self._dragged = None

    def _step(self, right: int, down: int) -> None:
        """The card goes to the cell beside it, and takes the view along where that ends."""
        view, last = self._view, len(self.tokens) - 1
        row, column = self.frozen or self._hover or (min(int(view.bottom()), last), min(int(view.right()), last))
        row, column = min(max(row + down, 0), last), min(max(column + right, 0), last)
        if not (view.left() <= column <= view.right() - 1 and view.top() <= row <= view.bottom() - 1):
            self.move_to(
                min(max(view.left(), column + 1 - view.width()), column),
                min(max(view.top(), row + 1 - view.height()), row),
                view.width(),
            )
        if self.frozen is not None:
            self.freeze((row, column))
        self._hover = (row, column)
        self._say()
        self.update()

    def freeze(self, at: tuple[int, int] | None) -> None:
        """Keep the card on this query and key; None lets go."""
        self.frozen = at
        self._say()
        self.update()
        self.frozen_at.emit(*(at or (-1, -1)))

    def wheelEvent(self, event: QWheelEvent) -> None:
        box = self.box()
        if not self.tokens or not box.contains(event.position()):
            super().wheelEvent(event)
            return
        size = self._view.width() * 0.8 ** (event.angleDelta().y() / 120)
        size = min(max(size, min(_LEAST, len(self.tokens))), len(self.tokens))
        share = (event.position() - box.topLeft()) / box.width()
        at = self._view.topLeft() + share * self._view.width()
        self.move_to(at.x() - share.x() * size, at.y() - share.y() * size, size)
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        view, step = self._view, max(1.0, self._view.width() / 8)
        moves = {
            Qt.Key.Key_Left: (-step, 0.0), Qt.Key.Key_Right: (step, 0.0), Qt.Key.Key_Up: (0.0, -step),
            Qt.Key.Key_Down: (0.0, step),
        }  # fmt: skip
        zooms = {Qt.Key.Key_Plus: 0.8, Qt.Key.Key_Equal: 0.8, Qt.Key.Key_Minus: 1.25}
        key = Qt.Key(event.key())
        if key in moves and event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self.move_to(view.left() + moves[key][0], view.top() + moves[key][1], view.width())
        elif key in moves and self.tokens:
            self._step(*(round(part / step) for part in moves[key]))
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.freeze(None if self.frozen is not None else self._hover)
        elif key in zooms:
            size = view.width() * zooms[key]
            self.move_to(view.center().x() - size / 2, view.center().y() - size / 2, size)
        elif key == Qt.Key.Key_Escape and self.frozen is not None:
            self.freeze(None)
        else:
            super().keyPressEvent(event)
