"""Figures made of marks that the pointer rests on, and that the arrow keys walk."""

from __future__ import annotations

from typing import Generic, TypeVar

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt
from PySide6.QtGui import QFocusEvent, QKeyEvent, QMouseEvent, QPainter

from genstudio.ui.views.view import Figure, Lines, bubble

M = TypeVar("M")

_FAR = 10**9
_WAYS = {
    Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, -1), Qt.Key.Key_Down: (0, 1),
    Qt.Key.Key_Home: (-_FAR, 0), Qt.Key.Key_End: (_FAR, 0),
}  # fmt: skip


class PointedFigure(Figure, Generic[M]):
    """A figure of cells, bars or points. The pointer or the arrow keys rest on one of them, `hover`; its card is shown,
    and said to those who do not see it.

    Sub-classes say `mark_at`, `beside` and `card`; and `take`, where a click, Enter or the space bar does something.
    """

    def __init__(self, title: str, name: str = "") -> None:
        super().__init__(title, name)
        self.hover: M | None = None
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def mark_at(self, point: QPointF) -> M | None:
        """The mark under a point of this widget."""
        raise NotImplementedError

    def beside(self, mark: M | None, right: int, down: int) -> M | None:
        """The mark so many steps away, or the last one on that way; from None, the mark where a walk begins."""
        raise NotImplementedError

    def card(self, mark: M) -> tuple[QPointF, Lines, str]:
        """What is known of a mark: the point that the card stands beside, its lines, its title."""
        raise NotImplementedError

    def take(self, mark: M) -> None:
        """The mark was clicked, or chosen with Enter or the space bar."""

    def clear(self) -> None:
        self.hover = None
        super().clear()

    def rest_on(self, mark: M | None) -> None:
        """Show the card of this mark, or of none."""
        if mark != self.hover:
            self.hover = mark
            if mark is not None:
                _, lines, title = self.card(mark)
                said = ", ".join(f"{name} {value}".strip() for _, name, value in lines)
                self.setAccessibleDescription(f"{title}: {said}" if title else said)
            self.update()

    def paint_hover(self, painter: QPainter) -> None:
        if self.hover is not None:
            at, lines, title = self.card(self.hover)
            seen = QRectF(self.visibleRegion().boundingRect())
            bubble(painter, at, lines, seen if seen.isValid() else QRectF(self.rect()), title)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self.rest_on(self.mark_at(event.position()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self.mouseMoveEvent(event)
        if event.button() == Qt.MouseButton.LeftButton and self.hover is not None:
            self.take(self.hover)

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self.rest_on(None)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.rest_on(None)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if key in _WAYS:
            self.draw_now()  # where the marks lie is known once they are painted
            self.rest_on(self.beside(self.hover, *_WAYS[key]))
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space) and self.hover is not None:
            self.take(self.hover)
        elif key == Qt.Key.Key_Escape and self.hover is not None:
            self.rest_on(None)
        else:
            super().keyPressEvent(event)


def moved(at: int, by: int, count: int) -> int:
    """An index so many steps on, kept within `count`."""
    return min(max(at + by, 0), count - 1)
