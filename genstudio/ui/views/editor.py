"""A text editor that shows under its text what the tokens are. Only what is seen is painted, however long the text."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from PySide6.QtCore import QEvent, QLineF, QMimeData, QPoint, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QFontInfo,
    QFontMetricsF,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPolygonF,
    QTextBlock,
    QTextCursor,
    QTextLayout,
    QTextLine,
    QTextOption,
)
from PySide6.QtWidgets import QPlainTextEdit

from genstudio.events import Array
from genstudio.ui import theme
from genstudio.ui.layouts import single_shot
from genstudio.ui.views.soft_breaks import LONGEST, is_soft, plain

_HOVER_MS = 300
_OTHER = re.compile("[^ -~¡-ɏ]")
"""Letters that a font of one width may not have, so that another font draws them."""
_WIDE = re.compile("[\U00010000-\U0010ffff]")
"""Letters of two units."""


@dataclass(frozen=True, slots=True)
class Span:
    """Text from `start` to `stop`, in UTF-16 units: on a `ground` or none, underlined in waves if `wavy`, framed if
    `framed`."""

    start: int
    stop: int
    ground: QColor | None = None
    wavy: bool = False
    framed: bool = False


class Marked(Protocol):
    """What is known of a text."""

    def spans(self, start: int, stop: int) -> Iterable[Span]:
        """What to paint between two positions, in UTF-16 units."""

    def boundaries(self, start: int, stop: int) -> Iterable[int]:
        """Where tokens begin between two positions."""

    def unseen(self) -> int:
        """The position before which nothing is seen by the model; 0 where it sees everything."""


class Editor(QPlainTextEdit):
    """Undo and redo are its owner's. `hovered(unit)`: the pointer rests on a character, or (-1) has left it;
    `pointed(unit)`: one was clicked; `pasted(text)`: more was pasted or dropped than can be laid out in one part."""

    hovered = Signal(int)
    pointed = Signal(int)
    pasted = Signal(str)
    undo_wanted = Signal()
    redo_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.marked: Marked | None = None
        self._under = -1
        self._resting = single_shot(self, _HOVER_MS)
        self._resting.timeout.connect(lambda: self.hovered.emit(self._under))
        self.setUndoRedoEnabled(False)
        self.setTabChangesFocus(True)
        self.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self.setFont(theme.mono(theme.NORMAL + 1))
        self.viewport().setMouseTracking(True)
        theme.changed.connect(self._recolour)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Undo):
            self.undo_wanted.emit()
        elif event.matches(QKeySequence.StandardKey.Redo) or _is_redo(event):
            self.redo_wanted.emit()
        else:
            self._cross(event)
            super().keyPressEvent(event)

    def createMimeDataFromSelection(self) -> QMimeData:
        """What is copied is the text, without the breaks that are not in it."""
        cursor, data = self.textCursor(), QMimeData()
        data.setText(plain(self.document(), cursor.selectionStart(), cursor.selectionEnd())[0])
        return data

    def insertFromMimeData(self, source: QMimeData) -> None:
        if source.hasText() and len(source.text()) > LONGEST:
            self.pasted.emit(source.text())
        else:
            super().insertFromMimeData(source)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        menu = self.createStandardContextMenu(event.pos())
        for action in menu.actions():
            name = action.objectName()
            if name in ("edit-undo", "edit-redo"):
                action.setEnabled(True)
                action.triggered.disconnect()
                action.triggered.connect((self.undo_wanted if name == "edit-undo" else self.redo_wanted).emit)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(event.globalPos())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        self._point(self.unit_at(event.position().toPoint()) if not event.buttons() else -1)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        if event.button() == Qt.MouseButton.LeftButton and not self.textCursor().hasSelection():
            self.pointed.emit(self.unit_at(event.position().toPoint()))

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._point(-1)

    def unit_at(self, point: QPoint) -> int:
        """The character under a point of the viewport, in UTF-16 units; -1 where there is none."""
        cursor = self.cursorForPosition(point)
        place = self.cursorRect(cursor)
        unit = cursor.position() - (point.x() < place.left())
        box = self.box_of(unit)
        return unit if box.contains(QPointF(point)) else -1

    def box_of(self, unit: int) -> QRectF:
        """Where the character at this position is, in the viewport; empty where there is none."""
        block = self.document().findBlock(unit)
        if not block.isValid() or unit < 0:
            return QRectF()
        inside = unit - block.position()
        line = block.layout().lineForTextPosition(inside)
        if not line.isValid():
            return QRectF()
        left, right = _x(line, inside), _x(line, inside + 1)
        if right <= left:
            right = left + self.fontMetrics().averageCharWidth()
        top = self.blockBoundingGeometry(block).translated(self.contentOffset()).top()
        return QRectF(left, top + line.y(), right - left, line.height())

    def update_from(self, unit: int) -> None:
        """Paint again the paragraph of the character at this position, and what is below it."""
        block, view = self.document().findBlock(unit), self.viewport()
        top = self.blockBoundingGeometry(block).translated(self.contentOffset()).top() if block.isValid() else 0.0
        view.update(0, max(int(top), 0), view.width(), view.height())

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.marked is not None:
            with QPainter(self.viewport()) as painter:
                for block, top in self._blocks(event.rect().top(), event.rect().bottom()):
                    self._paint_block(painter, self.marked, block, top, event.rect().top(), event.rect().bottom())
        super().paintEvent(event)
        if self.marked is not None and (unseen := self.marked.unseen()):
            with QPainter(self.viewport()) as painter:
                self._veil(painter, unseen, event.rect().top(), event.rect().bottom())

    def _veil(self, painter: QPainter, stop: int, high: float, low: float) -> None:
        """Dim the text before a position."""
        veil = theme.current().color("panel", 0.6)
        for block, top in self._blocks(high, low):
            for line in _lines(block.layout(), high - top, low - top):
                first = block.position() + line.textStart()
                if first >= stop:
                    return
                end = min(stop, first + line.textLength()) - block.position()
                left, right = _x(line, line.textStart()), _x(line, end)
                painter.fillRect(QRectF(left, top + line.y(), right - left, line.height()), veil)

    def _cross(self, event: QKeyEvent) -> None:
        """A break that is not in the text is passed together with the letter behind it."""
        key, cursor = event.key(), self.textCursor()
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        selects = shift and key in (Qt.Key.Key_Left, Qt.Key.Key_Right)
        if cursor.hasSelection() and not selects:
            return
        mode = QTextCursor.MoveMode.KeepAnchor if selects else QTextCursor.MoveMode.MoveAnchor
        if key in (Qt.Key.Key_Backspace, Qt.Key.Key_Left) and cursor.atBlockStart() and is_soft(cursor.block()):
            cursor.movePosition(QTextCursor.MoveOperation.PreviousCharacter, mode)
        elif key in (Qt.Key.Key_Delete, Qt.Key.Key_Right) and cursor.atBlockEnd() and is_soft(cursor.block().next()):
            cursor.movePosition(QTextCursor.MoveOperation.NextCharacter, mode)
        else:
            return
        self.setTextCursor(cursor)

    def _recolour(self, _theme: object) -> None:
        self.viewport().update()

    def _point(self, unit: int) -> None:
        if unit != self._under:
            self._under = unit
            self._resting.start()

    def _blocks(self, high: float, low: float) -> Iterator[tuple[QTextBlock, float]]:
        """The paragraphs that are seen between two heights, with where each begins."""
        block = self.firstVisibleBlock()
        while block.isValid():
            box = self.blockBoundingGeometry(block).translated(self.contentOffset())
            if box.top() > low:
                return
            if block.isVisible() and box.bottom() >= high:
                yield block, box.top()
            block = block.next()

    def _paint_block(
        self, painter: QPainter, marked: Marked, block: QTextBlock, top: float, high: float, low: float
    ) -> None:
        layout = block.layout()
        begin = block.position()
        lines = list(_lines(layout, high - top, low - top))
        if not lines:
            return
        start = begin + lines[0].textStart()
        stop = begin + lines[-1].textStart() + lines[-1].textLength() + 1
        look = theme.current()
        spans = list(marked.spans(start, stop))
        tick = QPen(look.color("quiet", 0.55), 1)
        places, text = sorted(marked.boundaries(start, stop)), block.text()
        width = self._letter_width() if text.isprintable() and not _WIDE.search(text) else 0.0
        for line in lines:
            first, last = begin + line.textStart(), begin + line.textStart() + line.textLength()
            for span in spans:
                if span.start <= last and span.stop > first:
                    self._paint_span(painter, line, begin, span, first, last, top)
            painter.setPen(tick)
            bottom = top + line.y() + line.height()
            inside = np.array(places[bisect_right(places, first) : bisect_left(places, last)], np.int64) - begin
            across = np.rint(across_line(line, text, inside, width)) + 0.5
            painter.drawLines([QLineF(x, bottom - 3, x, bottom - 0.5) for x in across.tolist()])

    def _letter_width(self) -> float:
        """What most letters have, or 0 where each has its own."""
        return QFontMetricsF(self.font()).horizontalAdvance("x") if QFontInfo(self.font()).fixedPitch() else 0.0

    def _paint_span(
        self, painter: QPainter, line: QTextLine, begin: int, span: Span, first: int, last: int, top: float
    ) -> None:
        left = _x(line, max(span.start, first) - begin)
        right = _x(line, min(span.stop, last) - begin)
        if span.stop > last and span.start <= last and right - left < 4:
            right = left + 6  # a line end has no width of its own
        box = QRectF(left, top + line.y(), right - left, line.height())
        if span.ground is not None:
            painter.fillRect(box, span.ground)
        if span.wavy:
            painter.setPen(QPen(theme.current().color("error"), 1.2))
            painter.drawPolyline(_wave(box))
        if span.framed:
            painter.setPen(QPen(theme.current().color("accent"), 1.5))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(box.adjusted(0.5, 0.5, -0.5, -0.5))


def _lines(layout: QTextLayout, top: float, bottom: float) -> Iterator[QTextLine]:
    """The lines of a paragraph between two heights."""
    low, high = 0, layout.lineCount()
    while low < high:
        middle = (low + high) // 2
        line = layout.lineAt(middle)
        low, high = (middle + 1, high) if line.y() + line.height() < top else (low, middle)
    for index in range(low, layout.lineCount()):
        line = layout.lineAt(index)
        if line.y() > bottom:
            return
        yield line


def _x(line: QTextLine, position: int) -> float:
    found: Any = line.cursorToX(position)
    return float(found[0])


def across_line(line: QTextLine, text: str, places: Array, width: float) -> Array:
    """Where these places (n,) of a paragraph's text, in units and in order, are in a line of it, in pixels.

    The layout takes microseconds to say where one is, and a window shows thousands. Where letters are `width` wide, it is
    asked only for both ends and for letters that may be of another width; the rest is between. A `width` of 0: it is asked for
    every place.
    """
    if width and len(places) > 1:
        first, last = int(places[0]), int(places[-1])
        others = (edge for found in _OTHER.finditer(text, first, last) for edge in found.span())
        known = np.array([first, *others, last])
        at = np.array([_x(line, place) for place in known.tolist()])
        drift = at - known * width
        if np.abs(drift[1::2] - drift[::2]).max() < 0.5:
            return np.interp(places, known, at)
    return np.array([_x(line, place) for place in places.tolist()])


def _wave(box: QRectF) -> QPolygonF:
    points, x, up = [], box.left(), True
    while x <= box.right():
        points.append(QPointF(x, box.bottom() - (3.0 if up else 0.8)))
        x, up = x + 2, not up
    return QPolygonF(points)


def _is_redo(event: QKeyEvent) -> bool:
    """Both keys that people know for it, whatever the desktop prefers."""
    both = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    return (event.key() == Qt.Key.Key_Z and event.modifiers() == both) or (
        event.key() == Qt.Key.Key_Y and event.modifiers() == Qt.KeyboardModifier.ControlModifier
    )
